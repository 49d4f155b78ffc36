"""keras_mat_lenet: two convolutions, one pool, one hidden layer; for digits and for small colour photos.

Source: "3-Minute Deep Learning with Keras" (Coding Chef's Keras-mat), sections 4.2 (MNIST) and 4.3 (CIFAR-10).

    32x32x3 -> conv 3x3 x32 -> 30x30x32
            -> conv 3x3 x64 -> 28x28x64 -> pool 2 -> 14x14x64 -> dropout 0.25
            -> flatten 12,544 -> dense 128 -> dropout 0.5
            -> dense 10, softmax ("preds")

Parameters (kernel height x kernel width x input channels x filters + filters; inputs x units + units):

                   32x32x3 (CIFAR-10)                   28x28x1 (MNIST)
    conv1   3 x 3 x  3 x 32 + 32 =       896    3 x 3 x 1 x 32 + 32 =       320
    conv2   3 x 3 x 32 x 64 + 64 =    18,496                             18,496
    dense   12,544 x 128 + 128   = 1,605,760    9,216 x 128 + 128   = 1,179,776
    preds   128 x 10 + 10        =     1,290                              1,290
    total                          1,626,442                          1,199,882

The source scales each pixel to 0..1 by its smallest and largest value in the training split. In CIFAR-10 every
pixel takes both 0 and 255 there, so that is the same as dividing by 255, which is what the model does.
"""

import keras
from keras import layers

from zoo.checks import Shape, check_request
from zoo.weights import Weights, load_weights


def build(
    *,
    input_shape: Shape | None = None,
    classes: int = 10,
    weights: Weights = None,
    conv_dropout: float = 0.25,
    dropout: float = 0.5,
    data_format: str | None = None,
) -> keras.Model:
    """Build keras_mat_lenet.

    Args:
        input_shape: (height, width, channels) of raw 0-255 images, or (channels, height, width) with
            `data_format="channels_first"`; 6x6 pixels or more. Default: 32x32 in three channels.
        classes: Number of classes, 2 or more.
        weights: `None` (random), or the path of a saved model or weights file of this network.
        conv_dropout: Share of the pooled features dropped in training, 0 to 1.
        dropout: Share of the hidden units dropped in training, 0 to 1.
        data_format: `"channels_last"`, `"channels_first"`, or `None` for Keras's own setting. With
            channels first the image is transposed once at the entrance, so the net runs on every backend and
            processor, and the same weights give the same answer in both formats.

    Returns:
        A model from a batch of images to (batch, classes) probabilities.

    Raises:
        ValueError: For a shape, format or number of classes the network cannot take.
    """
    data_format = data_format or keras.config.image_data_format()
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError(
            "The 'data_format' parameter of keras_mat_lenet must be 'channels_last', 'channels_first' or None. "
            f"Got {data_format!r} instead."
        )
    if input_shape is None:
        input_shape = (32, 32, 3) if data_format == "channels_last" else (3, 32, 32)
    check_request("keras_mat_lenet", input_shape, classes, smallest=6, data_format=data_format)

    image = keras.Input(input_shape, name="image")
    x = image
    if data_format == "channels_first":
        x = layers.Permute((2, 3, 1), name="to_channels_last")(x)
    x = layers.Rescaling(1 / 255, name="scale")(x)

    # Convolutional part
    x = layers.Conv2D(32, 3, activation="relu", data_format="channels_last", name="conv1")(x)
    x = layers.Conv2D(64, 3, activation="relu", data_format="channels_last", name="conv2")(x)
    x = layers.MaxPooling2D(2, data_format="channels_last", name="pool")(x)
    x = layers.Dropout(conv_dropout, name="conv_dropout")(x)
    x = layers.Flatten(data_format="channels_last", name="flatten")(x)

    # Fully connected part
    x = layers.Dense(128, activation="relu", name="dense")(x)
    x = layers.Dropout(dropout, name="dropout")(x)
    probabilities = layers.Dense(classes, activation="softmax", name="preds")(x)

    model = keras.Model(image, probabilities, name="keras_mat_lenet")
    return load_weights(model, weights)


def conv_part(model: keras.Model) -> keras.Model:
    """The convolutional half: image -> flattened features (batch, 12,544 at 32x32), sharing `model`'s layers."""
    return keras.Model(model.input, model.get_layer("flatten").output, name="conv_part")


def fc_part(model: keras.Model) -> keras.Model:
    """The half that ends in the last hidden layer: image -> (batch, 128), sharing `model`'s layers."""
    return keras.Model(model.input, model.get_layer("dropout").output, name="fc_part")
