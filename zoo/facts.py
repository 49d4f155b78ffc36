"""Facts about architectures, and the table of those that come with the zoo. Reading it loads no Keras."""

from __future__ import annotations

from dataclasses import dataclass

from zoo.pretrained.bases import EFFICIENTNET_LITE0, VGG16, XCEPTION


@dataclass(frozen=True)
class Info:
    """Facts about one architecture, at its default input shape and number of classes.

    Attributes:
        name: Registry name; also the file name of its page.
        source: Where the architecture was published.
        use: What it is for, in one line.
        input_shape: (height, width, channels) of the raw 0-255 image.
        classes: Number of classes it tells apart.
        parameters: Weights and biases, trainable or not.
        macs: Multiply-accumulate operations in one forward pass of one image.
        dataset: The TFDS name of the data set its recipe uses by default.
        weights_licence: Licence of the pretrained weights; "none" where the net starts from scratch.
        base: Name of the pretrained base it is built on, see `zoo.pretrained.bases`; empty where it has none.
    """

    name: str
    source: str
    use: str
    input_shape: tuple[int, int, int] | None = None
    classes: int | None = None
    parameters: int | None = None
    macs: int | None = None
    dataset: str | None = None
    weights_licence: str = "none"
    base: str = ""


_TABLE = (
    Info(
        name="fashion_cnn",
        source="Hon Gong Machine Learning + Deep Learning (Hanbit Media), section 8-2",
        use="A small CNN for grey 28x28 images: the first one to train",
        input_shape=(28, 28, 1),
        classes=10,
        parameters=333_526,
        macs=4_153_064,
        dataset="fashion_mnist",
    ),
    Info(
        name="mnist_functional",
        source="Lecture notes on CNNs after Deep Learning with Python, section 8.1",
        use="Three valid convolutions written with the functional API",
        input_shape=(28, 28, 1),
        classes=10,
        parameters=93_322,
        macs=2_794_240,
        dataset="mnist",
    ),
    Info(
        name="mnist_wide",
        source="Lecture notes on CNNs, 'the network drawn as a picture'",
        use="Shows where parameters go: ten million, nearly all in one dense layer",
        input_shape=(28, 28, 1),
        classes=10,
        parameters=10_259_274,
        macs=14_075_648,
        dataset="mnist",
    ),
    Info(
        name="keras_mat_lenet",
        source="3-Minute Deep Learning with Keras (Keras-mat), chapter 4",
        use="Two convolutions and one hidden layer, for grey digits or colour photos",
        input_shape=(32, 32, 3),
        classes=10,
        parameters=1_626_442,
        macs=16_835_200,
        dataset="cifar10",
    ),
    Info(
        name="dogs_vs_cats_aug",
        source="Deep Learning with Python, 2nd ed., section 8.2",
        use="A five-convolution net for few photos, trained from scratch with augmentation",
        input_shape=(180, 180, 3),
        classes=2,
        parameters=991_041,
        macs=415_288_960,
        dataset="cats_vs_dogs",
    ),
    Info(
        name="vgg16_feature_extract",
        source="Deep Learning with Python, 2nd ed., section 8.3.1; VGG16: arXiv:1409.1556",
        use="A frozen VGG16 base under a new head: strong results from few photos",
        input_shape=(180, 180, 3),
        classes=2,
        parameters=17_992_001,
        macs=9_742_404_864,
        dataset="cats_vs_dogs",
        weights_licence=VGG16.licence,
        base=VGG16.name,
    ),
    Info(
        name="vgg16_finetune",
        source="Deep Learning with Python, 2nd ed., section 8.3.2; VGG16: arXiv:1409.1556",
        use="The same net with block 5 thawed, to be trained at a low rate",
        input_shape=(180, 180, 3),
        classes=2,
        parameters=17_992_001,
        macs=9_742_404_864,
        dataset="cats_vs_dogs",
        weights_licence=VGG16.licence,
        base=VGG16.name,
    ),
    Info(
        name="xception_feature_extract",
        source="Deep Learning with Python, 3rd ed., chapter 8; Xception: arXiv:1610.02357",
        use="A frozen Xception base under a new head, with a third of the work of VGG16",
        input_shape=(180, 180, 3),
        classes=2,
        parameters=21_386_281,
        macs=2_859_805_104,
        dataset="cats_vs_dogs",
        weights_licence=XCEPTION.licence,
        base=XCEPTION.name,
    ),
    Info(
        name="xception_finetune",
        source="Deep Learning with Python, 3rd ed., chapter 8; Xception: arXiv:1610.02357",
        use="The same net with its base thawed, to be trained at a low rate",
        input_shape=(180, 180, 3),
        classes=2,
        parameters=21_386_281,
        macs=2_859_805_104,
        dataset="cats_vs_dogs",
        weights_licence=XCEPTION.licence,
        base=XCEPTION.name,
    ),
    Info(
        name="dogs_vs_cats_gap",
        source="Deep Learning with Python, 3rd ed., chapter 8",
        use="Five convolutions and a global average, trained from scratch with augmentation",
        input_shape=(180, 180, 3),
        classes=2,
        parameters=1_569_089,
        macs=444_178_304,
        dataset="cats_vs_dogs",
    ),
    Info(
        name="transfer",
        source="Deep Learning with Python, 2nd ed., section 8.3, with any base",
        use="Any pretrained base under a new head: keras.applications, KerasHub, or a network of your own",
        input_shape=(224, 224, 3),
        classes=2,
        parameters=3_414_305,
        macs=383_908_832,
        dataset="cats_vs_dogs",
        weights_licence=f"its base's: {EFFICIENTNET_LITE0.licence} with {EFFICIENTNET_LITE0.name}",
        base=EFFICIENTNET_LITE0.name,
    ),
    Info(
        name="efficientnet_lite0",
        source="EfficientNet-Lite (Google, 2020) after EfficientNet: arXiv:1905.11946",
        use="Small and good: names 1,000 things as it comes, or learns your classes from few photos",
        input_shape=(224, 224, 3),
        classes=1000,
        parameters=4_694_024,
        macs=385_187_552,
        dataset="imagenet2012",
        weights_licence=EFFICIENTNET_LITE0.licence,
        base=EFFICIENTNET_LITE0.name,
    ),
)
BUILTIN: dict[str, Info] = {info.name: info for info in _TABLE}
