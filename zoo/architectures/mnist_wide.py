"""mnist_wide: the network "drawn as a picture", with ten million parameters in one dense layer.

Source: lecture notes on CNNs (week 11), second network. Its code says 32 filters in the second convolution, its
printed table and total say 64; the table is right. Its convolutions have no activation, and neither have these.

    28x28x1 -> conv 3x3 x32 -> 28x28x32 -> pool 2 -> 14x14x32
            -> conv 3x3 x64 -> 14x14x64 -> pool 2 -> 7x7x64
            -> flatten 3,136 -> dense 3,136 -> dense 128 -> dense 10, softmax

Parameters (kernel height x kernel width x input channels x filters + filters; inputs x units + units):

    conv1          3 x 3 x  1 x 32 + 32   =        320
    conv2          3 x 3 x 32 x 64 + 64   =     18,496
    dense1         3,136 x 3,136 + 3,136  =  9,837,632
    dense2         3,136 x 128 + 128      =    401,536
    probabilities  128 x 10 + 10          =      1,290
    total                                   10,259,274
"""

import keras
from keras import layers

from zoo.checks import Shape, check_request
from zoo.weights import Weights, load_weights


def build(*, input_shape: Shape = (28, 28, 1), classes: int = 10, weights: Weights = None) -> keras.Model:
    """Build mnist_wide.

    Args:
        input_shape: (height, width, channels) of raw 0-255 images; 4x4 pixels or more.
        classes: Number of classes, 2 or more.
        weights: `None` (random), or the path of a saved model or weights file of this network.

    Returns:
        A model from (batch, height, width, channels) to (batch, classes) probabilities.

    Raises:
        ValueError: For a shape or number of classes the network cannot take.
    """
    check_request("mnist_wide", input_shape, classes, smallest=4)

    image = keras.Input(input_shape, name="image")
    x = layers.Rescaling(1 / 255, name="scale")(image)

    # Convolutions, linear as in the source: the only non-linearity here is the pool.
    x = layers.Conv2D(32, 3, padding="same", name="conv1")(x)
    x = layers.MaxPooling2D(2, name="pool1")(x)
    x = layers.Conv2D(64, 3, padding="same", name="conv2")(x)
    x = layers.MaxPooling2D(2, name="pool2")(x)

    # Classifier: 96% of the parameters sit in dense1.
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(3136, activation="relu", name="dense1")(x)
    x = layers.Dense(128, activation="relu", name="dense2")(x)
    probabilities = layers.Dense(classes, activation="softmax", name="probabilities")(x)

    model = keras.Model(image, probabilities, name="mnist_wide")
    return load_weights(model, weights)
