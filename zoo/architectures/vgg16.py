"""vgg16: thirteen convolutions of 3x3 and three dense layers, whole.

Source: the Korean book on deep learning by Hanbit Media (2025, "Learning deep learning by making it alone"), section
2-1; VGG16: Simonyan and Zisserman, arXiv:1409.1556. Two convolutions of 3x3 see as much as one of 5x5, with fewer
parameters and one more activation between them.

    224x224x3 -> RGB to BGR, minus the ImageNet mean
              -> block1: 2 conv x64  -> pool -> 112x112    -> block4: 3 conv x512 -> pool -> 14x14
              -> block2: 2 conv x128 -> pool -> 56x56      -> block5: 3 conv x512 -> pool -> 7x7
              -> block3: 3 conv x256 -> pool -> 28x28
              -> flatten 25,088 -> dense 4,096 -> dense 4,096 -> dense 1,000, softmax

The convolutions are those of vgg16_feature_extract and vgg16_finetune, which put a small head on them.

Parameters (kernel height x kernel width x input channels x filters + filters; inputs x units + units):

    block1   1,792 +    36,928                      =       38,720
    block2  73,856 +   147,584                      =      221,440
    block3  295,168 + 2 x 590,080                   =    1,475,328
    block4  1,180,160 + 2 x 2,359,808               =    5,899,776
    block5  3 x 2,359,808                           =    7,079,424
    head_dense1         25,088 x 4,096 + 4,096      =  102,764,544
    head_dense2          4,096 x 4,096 + 4,096      =   16,781,312
    head_probabilities   4,096 x 1,000 + 1,000      =    4,097,000
    total                                              138,357,544
"""

import keras
from keras import layers

from zoo.checks import Shape, check_request
from zoo.pretrained.bases import VGG16
from zoo.weights import Weights, load_weights


def build(*, input_shape: Shape = (224, 224, 3), classes: int = 1000, weights: Weights = None) -> keras.Model:
    """Build vgg16.

    Args:
        input_shape: (height, width, 3) of raw 0-255 RGB images; 32x32 pixels or more.
        classes: Number of classes, 2 or more.
        weights: `None` (random), `"imagenet"` (the convolutions; the dense layers are new), or a path: VGG16 base
            weights in Keras's `notop.h5` layout, or a saved model or weights file of the whole network.

    Returns:
        A model from (batch, height, width, 3) to (batch, classes) probabilities, all trainable.

    Raises:
        ValueError: For a shape or number of classes the network cannot take.
        zoo.weights.WeightsMissing: When no source has the pretrained weights.
        zoo.weights.WeightsCorrupt: When a weights file fails its check.
    """
    check_request("vgg16", input_shape, classes, smallest=VGG16.smallest, channels=3)
    image = keras.Input(input_shape, name="image")
    x = convolutions(image)

    # Classifier: where 89 of 100 parameters are.
    x = layers.Flatten(name="head_flatten")(x)
    x = layers.Dense(4096, activation="relu", name="head_dense1")(x)
    x = layers.Dense(4096, activation="relu", name="head_dense2")(x)
    probabilities = layers.Dense(classes, activation="softmax", name="head_probabilities")(x)

    model = keras.Model(image, probabilities, name="vgg16")
    return load_weights(model, weights, VGG16)


def convolutions(image: keras.KerasTensor) -> keras.KerasTensor:
    """The thirteen convolutions: from (batch, height, width, 3) raw RGB pixels to (batch, rows, columns, 512)."""
    x = VGG16.pixels(image)

    # Block 1
    x = _conv(x, 64, "block1_conv1")
    x = _conv(x, 64, "block1_conv2")
    x = layers.MaxPooling2D(2, name="block1_pool")(x)

    # Block 2
    x = _conv(x, 128, "block2_conv1")
    x = _conv(x, 128, "block2_conv2")
    x = layers.MaxPooling2D(2, name="block2_pool")(x)

    # Block 3
    x = _conv(x, 256, "block3_conv1")
    x = _conv(x, 256, "block3_conv2")
    x = _conv(x, 256, "block3_conv3")
    x = layers.MaxPooling2D(2, name="block3_pool")(x)

    # Block 4
    x = _conv(x, 512, "block4_conv1")
    x = _conv(x, 512, "block4_conv2")
    x = _conv(x, 512, "block4_conv3")
    x = layers.MaxPooling2D(2, name="block4_pool")(x)

    # Block 5
    x = _conv(x, 512, "block5_conv1")
    x = _conv(x, 512, "block5_conv2")
    x = _conv(x, 512, "block5_conv3")
    return layers.MaxPooling2D(2, name="block5_pool")(x)


def _conv(x: keras.KerasTensor, filters: int, name: str) -> keras.KerasTensor:
    return layers.Conv2D(filters, 3, padding="same", activation="relu", name=name)(x)
