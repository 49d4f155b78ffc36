"""mnist_functional: three valid convolutions, written with the functional API.

Source: lecture notes on CNNs (week 11), after Deep Learning with Python, section 8.1.

    28x28x1 -> conv 3x3 x32 -> 26x26x32 -> pool 2 -> 13x13x32
            -> conv 3x3 x64 -> 11x11x64 -> pool 2 -> 5x5x64
            -> conv 3x3 x64 -> 3x3x64 -> flatten 576 -> dense 64 -> dense 10, softmax

Without padding a 3x3 kernel fits 28 - 3 + 1 = 26 times along a side: each convolution takes two pixels off,
each pool halves and drops the odd row.

Parameters (kernel height x kernel width x input channels x filters + filters; one bias a filter):

    conv1          3 x 3 x  1 x 32 + 32  =    320
    conv2          3 x 3 x 32 x 64 + 64  = 18,496
    conv3          3 x 3 x 64 x 64 + 64  = 36,928
    dense          576 x 64 + 64         = 36,928
    probabilities  64 x 10 + 10          =    650
    total                                  93,322
"""

import keras
from keras import layers

from zoo.checks import Shape, check_request
from zoo.weights import Weights, load_weights


def build(*, input_shape: Shape = (28, 28, 1), classes: int = 10, weights: Weights = None) -> keras.Model:
    """Build mnist_functional.

    Args:
        input_shape: (height, width, channels) of raw 0-255 images; 18x18 pixels or more.
        classes: Number of classes, 2 or more.
        weights: `None` (random), or the path of a saved model or weights file of this network.

    Returns:
        A model from (batch, height, width, channels) to (batch, classes) probabilities.

    Raises:
        ValueError: For a shape or number of classes the network cannot take.
    """
    check_request("mnist_functional", input_shape, classes, smallest=18)

    image = keras.Input(input_shape, name="image")
    x = layers.Rescaling(1 / 255, name="scale")(image)

    # Convolutions
    x = layers.Conv2D(32, 3, activation="relu", name="conv1")(x)
    x = layers.MaxPooling2D(2, name="pool1")(x)
    x = layers.Conv2D(64, 3, activation="relu", name="conv2")(x)
    x = layers.MaxPooling2D(2, name="pool2")(x)
    x = layers.Conv2D(64, 3, activation="relu", name="conv3")(x)

    # Classifier
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(64, activation="relu", name="dense")(x)
    probabilities = layers.Dense(classes, activation="softmax", name="probabilities")(x)

    model = keras.Model(image, probabilities, name="mnist_functional")
    return load_weights(model, weights)
