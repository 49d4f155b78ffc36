"""xception_feature_extract: Xception's convolutions, frozen, under a new head.

Source: Deep Learning with Python, 3rd ed. (2025), chapter 8; Xception: Chollet, arXiv:1610.02357. Where VGG16 convolves
all channels with one another at every pixel, Xception first filters each channel by itself and then mixes them with a
1x1 convolution: a separable convolution, with a ninth of the work.

    180x180x3 -> pixels from -1 to 1
              -> block1: conv 3x3 x32, stride 2 -> conv 3x3 x64    -> 87x87
              -> block2: 2 separable x128 -> pool                  -> 44x44
              -> block3: 2 separable x256 -> pool                  -> 22x22
              -> block4: 2 separable x728 -> pool                  -> 11x11
              -> block5 .. block12: 3 separable x728 each          -> 11x11
              -> block13: separable x728, x1,024 -> pool           -> 6x6
              -> block14: separable x1,536, x2,048                 -> 6x6
              -> average 2,048 -> dense 256 (linear) -> dropout 0.25 -> dense 1, sigmoid

What goes into block 2 to 13 is added to what comes out of it; where the shape changes, through a 1x1 convolution of
stride 2. BatchNormalization follows every convolution.

Parameters (separable: kernel height x kernel width x input channels + input channels x filters; BatchNormalization 4 x
channels; inputs x units + units):

    block1                                  =      19,680
    block2 .. block4                        =   1,093,944
    block5 .. block12  8 x 1,618,344        =  12,946,752
    block13, block14                        =   6,801,104   base 20,861,480, frozen
    head    2,048 x 256 + 256 + 256 + 1     =     524,801   trainable
    total                                      21,386,281
"""

import keras
from keras import layers

from zoo.checks import Shape, check_request
from zoo.pretrained.bases import XCEPTION
from zoo.transfer import probabilities_layer
from zoo.weights import Weights, load_weights


def build(
    *,
    input_shape: Shape = (180, 180, 3),
    classes: int = 2,
    weights: Weights = "imagenet",
    activation: str | None = None,
    dropout: float = 0.25,
) -> keras.Model:
    """Build xception_feature_extract: the base is frozen, the head is trainable.

    Args:
        input_shape: (height, width, 3) of raw 0-255 RGB images; 71x71 pixels or more.
        classes: Number of classes. Two give one sigmoid unit (the probability of class 1), more a softmax.
        weights: `"imagenet"`, `None` (random), or a path: weights of Xception's base in Keras's `notop.h5` layout, or a
            saved model or weights file of the whole network.
        activation: Of the 256 hidden units; the book has none with augmentation, and `"relu"` without.
        dropout: Share of the hidden units dropped in training, 0 to 1.

    Returns:
        A model from (batch, height, width, 3) to (batch, 1) or (batch, classes) probabilities.

    Raises:
        ValueError: For a shape or number of classes the network cannot take.
        zoo.weights.WeightsMissing: When no source has the pretrained weights.
        zoo.weights.WeightsCorrupt: When a weights file fails its check.
    """
    model = with_head(
        "xception_feature_extract", input_shape=input_shape, classes=classes, weights=weights,
        activation=activation, dropout=dropout,
    )  # fmt: skip
    for layer in model.layers:
        layer.trainable = layer.name.startswith("head_")
    return model


def with_head(
    name: str, *, input_shape: Shape, classes: int, weights: Weights, activation: str | None, dropout: float
) -> keras.Model:
    """The base under average, dense 256, dropout and the probabilities: what the two Xception pages share."""
    check_request(name, input_shape, classes, smallest=XCEPTION.smallest, channels=3)
    image = keras.Input(input_shape, name="image")
    x = XCEPTION.features(image)

    x = layers.GlobalAveragePooling2D(name="head_average")(x)
    x = layers.Dense(256, activation=activation, name="head_dense")(x)
    x = layers.Dropout(dropout, name="head_dropout")(x)
    probabilities = probabilities_layer(classes, name="head_probabilities")(x)
    model = keras.Model(image, probabilities, name=name)
    return load_weights(model, weights, XCEPTION)
