"""A pretrained base under a new head: what pages of this kind share.

The base is called on the preprocessed image tensor, so the whole network is one flat graph: any layer can be cut at,
looked into or exported. The layers of the head are called `head_*`.
"""

import re

import keras
from keras import layers

from zoo.pretrained.base import Base
from zoo.weights import Weights, load_weights


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
