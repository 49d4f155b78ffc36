"""alexnet: five convolutions and three dense layers, the network that won ImageNet's contest of 2012.

Source: the Korean book on deep learning by Hanbit Media (2025, "Learning deep learning by making it alone"), section
2-1; AlexNet: Krizhevsky, Sutskever and Hinton (2012), ImageNet Classification with Deep Convolutional Neural Networks.
As in the book, one network on one processor, without the normalisation of local responses.

    227x227x3 -> conv 11x11 x96, stride 4 -> 55x55x96  -> pool 3, stride 2 -> 27x27x96
              -> conv 5x5 x256            -> 27x27x256 -> pool 3, stride 2 -> 13x13x256
              -> conv 3x3 x384, x384, x256             -> pool 3, stride 2 -> 6x6x256
              -> flatten 9,216 -> dense 4,096 -> dropout 0.5 -> dense 4,096 -> dropout 0.5 -> dense 1,000, softmax

Parameters (kernel height x kernel width x input channels x filters + filters; inputs x units + units):

    conv1          11 x 11 x   3 x  96 +  96  =     34,944
    conv2           5 x  5 x  96 x 256 + 256  =    614,656
    conv3           3 x  3 x 256 x 384 + 384  =    885,120
    conv4           3 x  3 x 384 x 384 + 384  =  1,327,488
    conv5           3 x  3 x 384 x 256 + 256  =    884,992
    dense1         9,216 x 4,096 + 4,096      = 37,752,832
    dense2         4,096 x 4,096 + 4,096      = 16,781,312
    probabilities  4,096 x 1,000 + 1,000      =  4,097,000
    total                                       62,378,344
"""

import keras
from keras import layers

from zoo.checks import Shape, check_request
from zoo.weights import Weights, load_weights


def build(
    *, input_shape: Shape = (227, 227, 3), classes: int = 1000, weights: Weights = None, dropout: float = 0.5
) -> keras.Model:
    """Build alexnet.

    Args:
        input_shape: (height, width, channels) of raw 0-255 images; 67x67 pixels or more.
        classes: Number of classes, 2 or more.
        weights: `None` (random), or the path of a saved model or weights file of this network.
        dropout: Share of either hidden layer dropped in training, 0 to 1.

    Returns:
        A model from (batch, height, width, channels) to (batch, classes) probabilities.

    Raises:
        ValueError: For a shape or number of classes the network cannot take.
    """
    check_request("alexnet", input_shape, classes, smallest=67)

    image = keras.Input(input_shape, name="image")
    x = layers.Rescaling(1 / 255, name="scale")(image)

    # Convolutions: steps of four pixels first, and pools that overlap.
    x = layers.Conv2D(96, 11, strides=4, activation="relu", name="conv1")(x)
    x = layers.MaxPooling2D(3, strides=2, name="pool1")(x)
    x = layers.Conv2D(256, 5, padding="same", activation="relu", name="conv2")(x)
    x = layers.MaxPooling2D(3, strides=2, name="pool2")(x)
    x = layers.Conv2D(384, 3, padding="same", activation="relu", name="conv3")(x)
    x = layers.Conv2D(384, 3, padding="same", activation="relu", name="conv4")(x)
    x = layers.Conv2D(256, 3, padding="same", activation="relu", name="conv5")(x)
    x = layers.MaxPooling2D(3, strides=2, name="pool3")(x)

    # Classifier: where 94 of 100 parameters are.
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(4096, activation="relu", name="dense1")(x)
    x = layers.Dropout(dropout, name="dropout1")(x)
    x = layers.Dense(4096, activation="relu", name="dense2")(x)
    x = layers.Dropout(dropout, name="dropout2")(x)
    probabilities = layers.Dense(classes, activation="softmax", name="probabilities")(x)

    model = keras.Model(image, probabilities, name="alexnet")
    return load_weights(model, weights)
