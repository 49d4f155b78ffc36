"""A pretrained base under a new head: what pages of this kind share.

The base is called on the preprocessed image tensor, so the whole network is one flat graph: any layer can be cut at,
looked into or exported. The layers of the head are called `head_*`.
"""

import re

import keras
from keras import layers

from zoo.checks import Shape, check_request
from zoo.pretrained.base import Base
from zoo.pretrained.bases import VGG16
from zoo.weights import Weights, load_weights


def vgg16_with_head(name: str, *, input_shape: Shape, classes: int, weights: Weights, dropout: float) -> keras.Model:
    """VGG16's thirteen convolutions, then flatten, dense 256 (linear), dropout and the probabilities.

    Args:
        name: Name of the model.
        input_shape: (height, width, 3) of raw 0-255 RGB images; 32x32 pixels or more.
        classes: Number of classes. Two give one sigmoid unit (the probability of class 1), more a softmax.
        weights: `"imagenet"`, `None` (random), a `zoo.weights.Source`, or a path: VGG16 base weights in
            Keras's `notop.h5` layout, or a saved model or weights file of the whole network.
        dropout: Share of the 256 hidden units dropped in training, 0 to 1.

    Returns:
        A model from (batch, height, width, 3) to (batch, 1) or (batch, classes) probabilities, all trainable.

    Raises:
        ValueError: For a shape or number of classes the network cannot take.
        zoo.weights.WeightsMissing: When no source has the pretrained weights.
        zoo.weights.WeightsCorrupt: When a weights file fails its check.
    """
    check_request(name, input_shape, classes, smallest=VGG16.smallest, channels=3)
    image = keras.Input(input_shape, name="image")
    x = VGG16.features(image)

    # Head: the dense layer has no activation, as in the book.
    x = layers.Flatten(name="head_flatten")(x)
    x = layers.Dense(256, name="head_dense")(x)
    x = layers.Dropout(dropout, name="head_dropout")(x)
    probabilities = probabilities_layer(classes, name="head_probabilities")(x)
    model = keras.Model(image, probabilities, name=name)
    return load_weights(model, weights, VGG16)


def beside_others(base: Base, image: keras.KerasTensor, weights: Weights) -> keras.Model:
    """A base for a network that joins several: its layers are called `<base>_<layer>`, and have its weights.

    Args:
        base: The base.
        image: (batch, height, width, 3) of raw 0-255 RGB images.
        weights: As for `zoo.weights.load_weights`.

    Returns:
        From the image to the features of the base, in the graph of the image.

    Raises:
        zoo.weights.WeightsMissing: When no source has the pretrained weights.
        zoo.weights.WeightsCorrupt: When a weights file fails its check.
    """
    alone = keras.Input(image.shape[1:])
    network = load_weights(keras.Model(alone, base.features(alone), name=base.name), weights, base)

    label = re.sub(r"\W", "_", base.name)

    def named(operation: keras.Operation) -> keras.Operation:
        settings = operation.get_config()
        return type(operation).from_config(settings | {"name": f"{label}_{operation.name}"})

    here = keras.models.clone_model(network, input_tensors=image, clone_function=named)
    here.set_weights(network.get_weights())
    return here


def probabilities_layer(classes: int, *, name: str) -> layers.Layer:
    """The last layer: one sigmoid unit for two classes (the probability of class 1), a softmax for more."""
    if classes == 2:
        return layers.Dense(1, activation="sigmoid", name=name)
    return layers.Dense(classes, activation="softmax", name=name)
