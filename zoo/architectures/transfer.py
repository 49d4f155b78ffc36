"""transfer: any pretrained base under a new head, for your own classes and few photos.

Source: Deep Learning with Python, 2nd ed. (2021), section 8.3, with any base in VGG16's place. What a network has
learned of 1.3 million photos, edges first, then textures and parts, is of use for other photos too: the base is kept,
and a new head learns which of its features tell your classes apart.

    height x width x 3 -> the pixels that the base wants
                       -> the base's features         7x7x1,280 of Lite0
                       -> average of each feature     1,280
                          and of those of earlier stages, joined, with `stages` above 1
                       -> dense `hidden`, if more than 0
                       -> dropout
                       -> dense 1 and sigmoid for two classes, a softmax for more

The base: `efficientnet_lite0`, `xception`, `vgg16` and the others of `zoo.pretrained.bases.BASES`; every network of
keras.applications by its name there, `MobileNetV3Small`; `hub:` and a preset of KerasHub; a .keras file or a network of
your own, which takes raw pixels. Its BatchNormalization is held, and its layers that only draw random numbers, dropout
and stochastic depth, are left out: what the frozen base gives depends on the image alone. Phases thaw its stages,
`"stage:-1"` the last. Two bases that `+` joins, `efficientnet_lite2+xception`, look at the same image under one head.

Parameters with efficientnet_lite0 and two classes:

    base    EfficientNet-Lite0                          =  3,413,024
    head    1,280 x 1 + 1                               =      1,281
    total                                                  3,414,305
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import keras
from keras import layers

from zoo.checks import Shape, check_request
from zoo.pretrained.base import Base
from zoo.pretrained.bases import find_all
from zoo.structure.stages import ends
from zoo.transfer import beside_others, probabilities_layer
from zoo.weights import Source, Weights, load_weights


def build(
    *,
    input_shape: Shape = (224, 224, 3),
    classes: int = 2,
    weights: Weights = "imagenet",
    backbone: str | Path | keras.Model = "efficientnet_lite0",
    stages: int = 1,
    hidden: int = 0,
    activation: str | None = "relu",
    dropout: float = 0.2,
) -> keras.Model:
    """Build transfer: the layers of the base keep their names, those of the head are called `head_*`.

    Args:
        input_shape: (height, width, 3) of raw 0-255 RGB images; 32x32 pixels or more, with some bases more.
        classes: Number of classes. Two give one sigmoid unit (the probability of class 1), more a softmax.
        weights: `"imagenet"`, those that the base was trained to, whatever on; `None` (random); or a path: weights of
            the base in Keras's `notop.h5` layout, or a saved model or weights file of the whole network.
        backbone: The base, see `zoo.pretrained.bases.find`; `+` joins the names of several.
        stages: The averages of so many of the base's last stages are joined, 1 or more: the last knows what is on a
            photo, earlier ones its textures and parts. See `zoo.structure.stages`.
        hidden: Units of a dense layer between features and probabilities; 0 for none.
        activation: Of the hidden units.
        dropout: Share of what reaches the last layer that is dropped in training, 0 to 1.

    Returns:
        A flat model from (batch, height, width, 3) to (batch, 1) or (batch, classes) probabilities, all trainable.

    Raises:
        ValueError: For an unknown base, or a shape or number of classes the network cannot take.
        zoo.weights.WeightsMissing: When no source has the pretrained weights, or what the base needs is not installed.
        zoo.weights.WeightsCorrupt: When a weights file fails its check.
    """
    bases = find_all(backbone)
    check_request("transfer", input_shape, classes, smallest=max(base.smallest for base in bases), channels=3)
    image = keras.Input(input_shape, name="image")
    if len(bases) == 1:
        averages = _averages(keras.Model(image, bases[0].features(image)), stages, "head_average")
    else:
        averages = []
        for base, source in zip(bases, _sources(weights, bases), strict=True):
            averages += _averages(beside_others(base, image, source), stages, f"head_average_{base.name}")
    x = layers.Concatenate(name="head_joined")(averages) if len(averages) > 1 else averages[0]
    if hidden:
        x = layers.Dense(hidden, activation=activation, name="head_dense")(x)
    x = layers.Dropout(dropout, name="head_dropout")(x)
    probabilities = probabilities_layer(classes, name="head_probabilities")(x)
    model = keras.Model(image, probabilities, name="transfer")
    if len(bases) == 1:
        return load_weights(_copied(model, bases[0].name), weights, bases[0])
    return load_weights(model, weights) if _is_file(weights) else model


def _is_file(weights: Weights) -> bool:
    """Whether these are weights of a whole network."""
    return weights not in (None, "imagenet") and not (isinstance(weights, Source) and weights.parts)


def _sources(weights: Weights, bases: Sequence[Base]) -> Sequence[Weights]:
    """Where the weights of each of several bases come from; `None` where a file has those of the whole network."""
    if _is_file(weights):
        return [None] * len(bases)
    return weights.parts if isinstance(weights, Source) else [weights] * len(bases)


def _averages(features: keras.Model, stages: int, label: str) -> list[keras.KerasTensor]:
    """The averages of so many of the last stages, the last one last, each (batch, channels)."""
    earlier, x = _earlier(features, stages), features.output
    averages = [
        layers.GlobalAveragePooling2D(name=f"{label}_{-place}")(found)
        for place, found in zip(range(-stages, -1), earlier, strict=True)
    ]
    if len(x.shape) == 4:
        x = layers.GlobalAveragePooling2D(name=label)(x)
    elif len(x.shape) == 3:  # What a transformer finds: (batch, places, features).
        x = layers.GlobalAveragePooling1D(name=label)(x)
    return [*averages, x]


def _earlier(features: keras.Model, stages: int) -> list[keras.KerasTensor]:
    """What the stages before the last give, as many as are asked for beside it, from the image on."""
    if isinstance(stages, bool) or not isinstance(stages, int) or stages < 1:
        raise ValueError(f"stages must be a whole number, 1 or more. Got {stages!r} instead.")
    if stages == 1:
        return []
    last = [name for name in ends(features) if len(features.get_layer(name).output.shape) == 4]
    if stages > len(last) or len(features.output.shape) != 4:
        raise ValueError(f"The base has {len(last)} stages with features of a picture. Got stages={stages}.")
    return [features.get_layer(name).output for name in last[-stages:-1]]


def _copied(model: keras.Model, base: str) -> keras.Model:
    """The network of layers of its own: those of a base that was built elsewhere belong to that graph, too."""

    def copy(layer: keras.Operation) -> keras.Operation:
        try:
            return type(layer).from_config(layer.get_config())
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"The base {base!r} cannot be used: its layer {layer.name!r} ({type(layer).__name__}) cannot be made "
                "from what its get_config() gives, so that no copy of it could be saved and loaded."
            ) from error

    return keras.models.clone_model(model, clone_function=copy)
