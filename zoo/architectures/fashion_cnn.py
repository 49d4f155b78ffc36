"""fashion_cnn: two convolutions and one hidden layer for Fashion-MNIST.

Source: "Hon Gong Machine Learning + Deep Learning" (Hanbit Media), section 8-2.

    28x28x1 -> conv 3x3 x32 -> 28x28x32 -> pool 2 -> 14x14x32
            -> conv 3x3 x64 -> 14x14x64 -> pool 2 -> 7x7x64
            -> flatten 3,136 -> dense 100 -> dropout 0.4 -> dense 10, softmax

Parameters (kernel height x kernel width x input channels x filters + filters; inputs x units + units):

    conv1          3 x 3 x  1 x 32 + 32  =     320
    conv2          3 x 3 x 32 x 64 + 64  =  18,496
    dense          3,136 x 100 + 100     = 313,700
    probabilities  100 x 10 + 10         =   1,010
    total                                  333,526
"""

import keras
from keras import layers

from zoo.checks import Shape, check_request
from zoo.weights import Weights, load_weights


def build(
    *, input_shape: Shape = (28, 28, 1), classes: int = 10, weights: Weights = None, dropout: float = 0.4
) -> keras.Model:
    """Build fashion_cnn.

    Args:
        input_shape: (height, width, channels) of raw 0-255 images; 4x4 pixels or more.
        classes: Number of classes, 2 or more.
        weights: `None` (random), or the path of a saved model or weights file of this network.
        dropout: Share of hidden units dropped in training, 0 to 1.

    Returns:
        A model from (batch, height, width, channels) to (batch, classes) probabilities.

    Raises:
        ValueError: For a shape or number of classes the network cannot take.
    """
    check_request("fashion_cnn", input_shape, classes, smallest=4)

    image = keras.Input(input_shape, name="image")
    x = layers.Rescaling(1 / 255, name="scale")(image)

    # Convolutions: 'same' padding keeps the size, each pool halves it.
    x = layers.Conv2D(32, 3, padding="same", activation="relu", name="conv1")(x)
    x = layers.MaxPooling2D(2, name="pool1")(x)
    x = layers.Conv2D(64, 3, padding="same", activation="relu", name="conv2")(x)
    x = layers.MaxPooling2D(2, name="pool2")(x)

    # Classifier
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(100, activation="relu", name="dense")(x)
    x = layers.Dropout(dropout, name="dropout")(x)
    probabilities = layers.Dense(classes, activation="softmax", name="probabilities")(x)

    model = keras.Model(image, probabilities, name="fashion_cnn")
    return load_weights(model, weights)
