"""densenet121: four dense blocks, in which every layer sees what all layers before it found.

Source: the Korean book on deep learning by Hanbit Media (2025, "Learning deep learning by making it alone"), section
3-1; DenseNet: Huang, Liu, van der Maaten and Weinberger, arXiv:1608.06993. Where ResNet adds, DenseNet puts side by
side: each layer appends 32 channels to those it was given.

    224x224x3 -> shares of 255, minus ImageNet's mean, by its deviation
              -> stem:   pad 3 -> conv 7x7 x64, stride 2 -> 112x112 -> pad 1 -> pool 3, stride 2 -> 56x56
              -> block1:  6 layers,  64 to   256 channels -> 56x56 -> transition1: halved to 128 -> 28x28
              -> block2: 12 layers, 128 to   512 channels -> 28x28 -> transition2: halved to 256 -> 14x14
              -> block3: 24 layers, 256 to 1,024 channels -> 14x14 -> transition3: halved to 512 -> 7x7
              -> block4: 16 layers, 512 to 1,024 channels -> 7x7
              -> average 1,024 -> dense 1,000, softmax

A layer narrows all channels to 128 (1x1) and grows 32 new ones from them (3x3), each time behind BatchNormalization and
a ReLU; convolutions have no bias. A transition halves the channels (1x1) and the size (average pool).
keras.applications has the same network with an epsilon of 1.001e-5 where the book and this page have 1e-5.

Parameters (kernel height x kernel width x input channels x filters; BatchNormalization 4 x channels):

    stem         7 x 7 x 3 x 64 + 4 x 64  =     9,664
    block1       6 layers                 =   338,304
    transition1  256 x 128 + 4 x 256      =    33,792
    block2       12 layers                =   930,048
    transition2  512 x 256 + 4 x 512      =   133,120
    block3       24 layers                = 2,873,856
    transition3  1,024 x 512 + 4 x 1,024  =   528,384
    block4       16 layers                = 2,186,240
    top          4 x 1,024                =     4,096
    head         1,024 x 1,000 + 1,000    = 1,025,000
    total                                   8,062,504
"""

import keras
from keras import layers

from zoo.checks import Shape, check_request
from zoo.pretrained.applications import STANDARDIZED
from zoo.weights import Weights, load_weights

GROWTH = 32


def build(*, input_shape: Shape = (224, 224, 3), classes: int = 1000, weights: Weights = None) -> keras.Model:
    """Build densenet121.

    Args:
        input_shape: (height, width, 3) of raw 0-255 RGB images; 32x32 pixels or more.
        classes: Number of classes, 2 or more.
        weights: `None` (random), or the path of a saved model or weights file of this network.

    Returns:
        A model from (batch, height, width, 3) to (batch, classes) probabilities.

    Raises:
        ValueError: For a shape or number of classes the network cannot take.
    """
    check_request("densenet121", input_shape, classes, smallest=32, channels=3)
    image = keras.Input(input_shape, name="image")
    x = STANDARDIZED(image)

    # Stem
    x = layers.ZeroPadding2D(3, name="stem_pad")(x)
    x = layers.Conv2D(64, 7, strides=2, use_bias=False, name="stem_conv")(x)
    x = _activated(x, "stem")
    x = layers.ZeroPadding2D(1, name="stem_pool_pad")(x)
    x = layers.MaxPooling2D(3, strides=2, name="stem_pool")(x)

    # Dense blocks, with a transition between one and the next.
    x = _dense_block(x, "block1", num_layers=6)
    x = _transition(x, "transition1")
    x = _dense_block(x, "block2", num_layers=12)
    x = _transition(x, "transition2")
    x = _dense_block(x, "block3", num_layers=24)
    x = _transition(x, "transition3")
    x = _dense_block(x, "block4", num_layers=16)
    x = _activated(x, "top")

    # Classifier
    x = layers.GlobalAveragePooling2D(name="head_average")(x)
    probabilities = layers.Dense(classes, activation="softmax", name="head_probabilities")(x)

    model = keras.Model(image, probabilities, name="densenet121")
    return load_weights(model, weights)


def _dense_block(x: keras.KerasTensor, name: str, *, num_layers: int) -> keras.KerasTensor:
    """Layers that each append what they found to what they were given."""
    for number in range(1, num_layers + 1):
        layer = f"{name}_layer{number}"
        new = _activated(x, f"{layer}_narrow")
        new = layers.Conv2D(4 * GROWTH, 1, use_bias=False, name=f"{layer}_narrow_conv")(new)
        new = _activated(new, f"{layer}_grow")
        new = layers.Conv2D(GROWTH, 3, padding="same", use_bias=False, name=f"{layer}_grow_conv")(new)
        x = layers.Concatenate(name=f"{layer}_concat")([x, new])
    return x


def _transition(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """Half the channels, half the height and width."""
    x = _activated(x, name)
    x = layers.Conv2D(x.shape[-1] // 2, 1, use_bias=False, name=f"{name}_conv")(x)
    return layers.AveragePooling2D(2, name=f"{name}_pool")(x)


def _activated(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    x = layers.BatchNormalization(epsilon=1e-5, name=f"{name}_bn")(x)
    return layers.ReLU(name=f"{name}_relu")(x)
