"""dogs_vs_cats_gap: five convolutions and a global average, trained from scratch on few photos.

Source: Deep Learning with Python, 3rd ed. (2025), chapter 8. The network of dogs_vs_cats_aug a book later: the last
convolution has 512 filters, and in place of flattening 7x7 places each filter is averaged over them, so that what it
finds counts wherever in the photo it is.

    180x180x3 -> 0-1
              -> conv 3x3 x32  -> 178x178 -> pool -> 89x89
              -> conv 3x3 x64  -> 87x87   -> pool -> 43x43
              -> conv 3x3 x128 -> 41x41   -> pool -> 20x20
              -> conv 3x3 x256 -> 18x18   -> pool -> 9x9
              -> conv 3x3 x512 -> 7x7     -> average 512
              -> dropout 0.25 -> dense 1, sigmoid

Parameters (kernel height x kernel width x input channels x filters + filters; inputs x units + units):

    conv1  3 x 3 x   3 x  32 +  32 =       896
    conv2  3 x 3 x  32 x  64 +  64 =    18,496
    conv3  3 x 3 x  64 x 128 + 128 =    73,856
    conv4  3 x 3 x 128 x 256 + 256 =   295,168
    conv5  3 x 3 x 256 x 512 + 512 = 1,180,160
    probabilities    512 x 1 + 1   =       513
    total                            1,569,089
"""

import keras
from keras import layers

from zoo.checks import Shape, check_request
from zoo.transfer import probabilities_layer
from zoo.weights import Weights, load_weights


def build(
    *, input_shape: Shape = (180, 180, 3), classes: int = 2, weights: Weights = None, dropout: float = 0.25
) -> keras.Model:
    """Build dogs_vs_cats_gap.

    Args:
        input_shape: (height, width, channels) of raw 0-255 images; 78x78 pixels or more.
        classes: Number of classes. Two give one sigmoid unit (the probability of class 1), more a softmax.
        weights: `None` (random), or a path of a saved model or weights file.
        dropout: Share of the 512 averages dropped in training, 0 to 1.

    Returns:
        A model from (batch, height, width, channels) to (batch, 1) or (batch, classes) probabilities.

    Raises:
        ValueError: For a shape or number of classes the network cannot take.
        zoo.weights.WeightsCorrupt: When a weights file fails its check.
    """
    check_request("dogs_vs_cats_gap", input_shape, classes, smallest=78)
    image = keras.Input(input_shape, name="image")
    x = layers.Rescaling(1 / 255, name="scale")(image)
    x = layers.Conv2D(32, 3, activation="relu", name="conv1")(x)
    x = layers.MaxPooling2D(2, name="pool1")(x)
    x = layers.Conv2D(64, 3, activation="relu", name="conv2")(x)
    x = layers.MaxPooling2D(2, name="pool2")(x)
    x = layers.Conv2D(128, 3, activation="relu", name="conv3")(x)
    x = layers.MaxPooling2D(2, name="pool3")(x)
    x = layers.Conv2D(256, 3, activation="relu", name="conv4")(x)
    x = layers.MaxPooling2D(2, name="pool4")(x)
    x = layers.Conv2D(512, 3, activation="relu", name="conv5")(x)

    x = layers.GlobalAveragePooling2D(name="average")(x)
    x = layers.Dropout(dropout, name="dropout")(x)
    probabilities = probabilities_layer(classes, name="probabilities")(x)
    model = keras.Model(image, probabilities, name="dogs_vs_cats_gap")
    return load_weights(model, weights)
