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


_BOOK = "Learning deep learning by making it alone (Hanbit Media, 2025, in Korean), section"

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
    Info(
        name="lenet5",
        source=f"{_BOOK} 1-3; LeNet-5: LeCun et al. (1998)",
        use="The first convolutional network: sigmoids and average pools, with dials to change both",
        input_shape=(28, 28, 1),
        classes=10,
        parameters=61_706,
        macs=416_520,
        dataset="fashion_mnist",
    ),
    Info(
        name="alexnet",
        source=f"{_BOOK} 2-1; AlexNet: Krizhevsky et al. (2012)",
        use="Large kernels, large dense layers: what won ImageNet's contest of 2012",
        input_shape=(227, 227, 3),
        classes=1000,
        parameters=62_378_344,
        macs=1_135_256_096,
        dataset="imagenet2012",
    ),
    Info(
        name="vgg16",
        source=f"{_BOOK} 2-1; VGG16: arXiv:1409.1556",
        use="Thirteen convolutions of 3x3, shown one by one, and three dense layers",
        input_shape=(224, 224, 3),
        classes=1000,
        parameters=138_357_544,
        macs=15_470_264_320,
        dataset="imagenet2012",
        weights_licence=VGG16.licence,
        base=VGG16.name,
    ),
    Info(
        name="resnet50",
        source=f"{_BOOK} 2-3; ResNet: arXiv:1512.03385",
        use="Blocks that add to what they were given; with more of them, ResNet-101 and 152",
        input_shape=(224, 224, 3),
        classes=1000,
        parameters=25_636_712,
        macs=3_857_973_248,
        dataset="imagenet2012",
    ),
    Info(
        name="densenet121",
        source=f"{_BOOK} 3-1; DenseNet: arXiv:1608.06993",
        use="Layers that see all that earlier ones found, side by side",
        input_shape=(224, 224, 3),
        classes=1000,
        parameters=8_062_504,
        macs=2_834_161_664,
        dataset="imagenet2012",
    ),
    Info(
        name="mobilenet",
        source=f"{_BOOK} 3-1; MobileNet: arXiv:1704.04861",
        use="Depthwise and pointwise convolutions: an eighth of the work",
        input_shape=(224, 224, 3),
        classes=1000,
        parameters=4_253_864,
        macs=568_740_352,
        dataset="imagenet2012",
    ),
    Info(
        name="efficientnet_b0",
        source=f"{_BOOK} 3-2; EfficientNet: arXiv:1905.11946",
        use="Inverted bottlenecks with squeeze-and-excite, as a search found them",
        input_shape=(224, 224, 3),
        classes=1000,
        parameters=5_330_571,
        macs=385_814_752,
        dataset="imagenet2012",
    ),
)
BUILTIN: dict[str, Info] = {info.name: info for info in _TABLE}
