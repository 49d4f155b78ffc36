"""mobilenet: thirteen pairs of a depthwise and a pointwise convolution, made for telephones.

Source: the Korean book on deep learning by Hanbit Media (2025, "Learning deep learning by making it alone"), section
3-1; MobileNet: Howard et al., arXiv:1704.04861. A 3x3 convolution filters and mixes at once; here each channel is
filtered by itself (depthwise), then all are mixed at each pixel (pointwise, 1x1), with an eighth of the work.

    224x224x3 -> pixels from -1 to 1
              -> stem:    conv 3x3 x32, stride 2          -> 112x112
              -> block1:  x64                             -> 112x112
              -> block2:  x128, stride 2, block3:  x128   -> 56x56
              -> block4:  x256, stride 2, block5:  x256   -> 28x28
              -> block6:  x512, stride 2, block7 .. block11: x512   -> 14x14
              -> block12: x1,024, stride 2, block13: x1,024         -> 7x7
              -> average 1x1x1,024 -> dropout 0.001 -> conv 1x1 x1,000 -> flat -> softmax

After each convolution come BatchNormalization, which takes the place of a bias, and ReLU6. The classifier is a 1x1
convolution on the one pixel that the average leaves: a dense layer by another name. keras.applications has the same
network.

Parameters (depthwise: kernel height x kernel width x channels; pointwise: input channels x filters; BatchNormalization
4 x channels):

    stem                3 x 3 x 3 x 32 + 4 x 32     =       992
    block1                                          =     2,720
    block2, block3                                  =    28,096
    block4, block5                                  =   105,344
    block6 .. block11                               = 1,490,688
    block12, block13                                = 1,601,024
    head                1,024 x 1,000 + 1,000       = 1,025,000
    total                                             4,253,864
"""

import keras
from keras import layers

from zoo.checks import Shape, check_request
from zoo.pretrained.base import MINUS_ONE_TO_ONE
from zoo.weights import Weights, load_weights

# Filters and stride of each pair.
BLOCKS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *((512, 1),) * 5, (1024, 2), (1024, 1))


def build(
    *, input_shape: Shape = (224, 224, 3), classes: int = 1000, weights: Weights = None, dropout: float = 0.001
) -> keras.Model:
    """Build mobilenet.

    Args:
        input_shape: (height, width, 3) of raw 0-255 RGB images; 32x32 pixels or more.
        classes: Number of classes, 2 or more.
        weights: `None` (random), or the path of a saved model or weights file of this network.
        dropout: Share of the 1,024 averages dropped in training, 0 to 1.

    Returns:
        A model from (batch, height, width, 3) to (batch, classes) probabilities.

    Raises:
        ValueError: For a shape or number of classes the network cannot take.
    """
    check_request("mobilenet", input_shape, classes, smallest=32, channels=3)
    image = keras.Input(input_shape, name="image")
    x = MINUS_ONE_TO_ONE(image)

    # Stem, then pairs of depthwise and pointwise convolutions.
    x = layers.Conv2D(32, 3, strides=2, padding="same", use_bias=False, name="stem_conv")(x)
    x = _activated(x, "stem")
    for number, (filters, stride) in enumerate(BLOCKS, start=1):
        x = _block(x, f"block{number}", filters=filters, stride=stride)

    # Classifier
    x = layers.GlobalAveragePooling2D(keepdims=True, name="head_average")(x)
    x = layers.Dropout(dropout, name="head_dropout")(x)
    x = layers.Conv2D(classes, 1, name="head_conv")(x)
    x = layers.Flatten(name="head_flatten")(x)
    probabilities = layers.Activation("softmax", name="head_probabilities")(x)

    model = keras.Model(image, probabilities, name="mobilenet")
    return load_weights(model, weights)


def _block(x: keras.KerasTensor, name: str, *, filters: int, stride: int) -> keras.KerasTensor:
    """Filter each channel by itself, then mix all at each pixel."""
    padding = "same"
    if stride == 2:
        # At an even size this is what "same" does; at an odd one the pad stays below and right.
        x, padding = layers.ZeroPadding2D(((0, 1), (0, 1)), name=f"{name}_pad")(x), "valid"
    x = layers.DepthwiseConv2D(3, strides=stride, padding=padding, use_bias=False, name=f"{name}_depthwise_conv")(x)
    x = _activated(x, f"{name}_depthwise")
    x = layers.Conv2D(filters, 1, use_bias=False, name=f"{name}_pointwise_conv")(x)
    return _activated(x, f"{name}_pointwise")


def _activated(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    x = layers.BatchNormalization(epsilon=1e-3, name=f"{name}_bn")(x)
    return layers.ReLU(6.0, name=f"{name}_relu")(x)
