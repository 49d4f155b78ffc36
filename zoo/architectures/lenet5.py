"""lenet5: the first of them all: two convolutions and three dense layers, with sigmoids and average pools.

Source: the Korean book on deep learning by Hanbit Media (2025, "Learning deep learning by making it alone"), section
1-3; LeNet-5: LeCun, Bottou, Bengio and Haffner (1998), Gradient-Based Learning Applied to Document Recognition.

    28x28x1 -> conv 5x5 x6, same -> 28x28x6   -> average pool 2 -> 14x14x6
            -> conv 5x5 x16      -> 10x10x16  -> average pool 2 -> 5x5x16
            -> flatten 400 -> dense 120 -> dense 84 -> dense 10, softmax

Its two dials are the lesson: `activation="relu"` lets gradients through where a sigmoid is flat, and `pool="max"` keeps
the strongest answer of four in place of their mean. Neither changes a single count.

Parameters (kernel height x kernel width x input channels x filters + filters; inputs x units + units):

    conv1          5 x 5 x 1 x  6 +  6  =    156
    conv2          5 x 5 x 6 x 16 + 16  =  2,416
    dense1         400 x 120 + 120      = 48,120
    dense2         120 x  84 +  84      = 10,164
    probabilities   84 x  10 +  10      =    850
    total                                 61,706
"""

import keras
from keras import layers

from zoo.checks import Shape, check_request
from zoo.weights import Weights, load_weights

POOLS = {"average": layers.AveragePooling2D, "max": layers.MaxPooling2D}


def build(
    *,
    input_shape: Shape = (28, 28, 1),
    classes: int = 10,
    weights: Weights = None,
    activation: str = "sigmoid",
    pool: str = "average",
) -> keras.Model:
    """Build lenet5.

    Args:
        input_shape: (height, width, channels) of raw 0-255 images; 12x12 pixels or more.
        classes: Number of classes, 2 or more.
        weights: `None` (random), or the path of a saved model or weights file of this network.
        activation: Of the convolutions and hidden layers, such as `"sigmoid"` or `"relu"`.
        pool: `"average"` or `"max"`.

    Returns:
        A model from (batch, height, width, channels) to (batch, classes) probabilities.

    Raises:
        ValueError: For a shape, number of classes or kind of pool the network cannot take.
    """
    check_request("lenet5", input_shape, classes, smallest=12)
    if pool not in POOLS:
        raise ValueError(f"The 'pool' parameter of lenet5 must be one of {', '.join(POOLS)}. Got {pool!r} instead.")
    pooling = POOLS[pool]

    image = keras.Input(input_shape, name="image")
    x = layers.Rescaling(1 / 255, name="scale")(image)

    # Convolutions: the second has no padding and loses two pixels on each side.
    x = layers.Conv2D(6, 5, padding="same", activation=activation, name="conv1")(x)
    x = pooling(2, name="pool1")(x)
    x = layers.Conv2D(16, 5, activation=activation, name="conv2")(x)
    x = pooling(2, name="pool2")(x)

    # Classifier
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(120, activation=activation, name="dense1")(x)
    x = layers.Dense(84, activation=activation, name="dense2")(x)
    probabilities = layers.Dense(classes, activation="softmax", name="probabilities")(x)

    model = keras.Model(image, probabilities, name="lenet5")
    return load_weights(model, weights)
