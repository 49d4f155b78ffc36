"""Every network of keras.applications as a base: with its preparation of pixels inside, and Keras's own weights."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.pretrained.base import MINUS_MEAN_BGR, MINUS_ONE_TO_ONE, RAW, Base, Pixels
from zoo.pretrained.borrowed import borrowed
from zoo.pretrained.reachability import reachable
from zoo.pretrained.readers import refuse_bombs
from zoo.pretrained.weight_files import WeightsCorrupt, WeightsMissing
from zoo.text.error_line import first_line

if TYPE_CHECKING:
    import keras

SITE = "https://storage.googleapis.com/tensorflow/keras-applications"
_DEVIATION = (0.229, 0.224, 0.225)
# Shares of 255, minus ImageNet's mean, by its deviation.
STANDARDIZED = Pixels(
    (1 / 255 / 0.229, 1 / 255 / 0.224, 1 / 255 / 0.225), (-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225)
)
# How pixels are prepared, and the fewest that a network takes.
_FAMILIES = (
    (RAW, 32, "ConvNeXtTiny ConvNeXtSmall ConvNeXtBase ConvNeXtLarge ConvNeXtXLarge"),
    (RAW, 32, "EfficientNetB0 EfficientNetB1 EfficientNetB2 EfficientNetB3 EfficientNetB4 EfficientNetB5"),
    (RAW, 32, "EfficientNetB6 EfficientNetB7 EfficientNetV2B0 EfficientNetV2B1 EfficientNetV2B2 EfficientNetV2B3"),
    (RAW, 32, "EfficientNetV2S EfficientNetV2M EfficientNetV2L MobileNetV3Small MobileNetV3Large"),
    (MINUS_ONE_TO_ONE, 32, "MobileNet MobileNetV2 NASNetMobile NASNetLarge ResNet50V2 ResNet101V2 ResNet152V2"),
    (MINUS_ONE_TO_ONE, 71, "Xception"),
    (MINUS_ONE_TO_ONE, 75, "InceptionV3 InceptionResNetV2"),
    (MINUS_MEAN_BGR, 32, "ResNet50 ResNet101 ResNet152 VGG16 VGG19"),
    (STANDARDIZED, 32, "DenseNet121 DenseNet169 DenseNet201"),
)
PREPARED = {name: (pixels, smallest) for pixels, smallest, names in _FAMILIES for name in names.split()}


def application(name: str) -> Base:
    """The network of keras.applications of this name, one of `PREPARED`."""
    pixels, smallest = PREPARED[name]

    def make(shape: Sequence[int | None], weights: str | None) -> keras.Model:
        import keras

        function = getattr(keras.applications, name)
        if weights is not None:
            network = _with_weights(name, weights)
        else:
            network = function(include_top=False, weights=None, input_shape=shape)
        if re.match(r"EfficientNetB\d", name) and weights != "imagenet":
            return _with_second_scaling(network)
        return network

    return borrowed(
        name, make, pixels=pixels, smallest=smallest, licence="Apache-2.0 (Keras applications); see its page there",
        origin=f"keras.applications.{name}", trained_on="ImageNet (ILSVRC 2012), 1.3 million photos of 1,000 classes",
    )  # fmt: skip


def _with_weights(name: str, weights: str) -> keras.Model:
    """Keras fetches its file, checks it, and reads it."""
    import keras

    folder = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser() / "models"
    there = [file for file in folder.glob("*top*.h5") if name.lower() in re.sub(r"[\W_]", "", file.name)]
    if weights == "imagenet" and not there and not reachable(SITE):
        raise WeightsMissing(
            f"The ImageNet weights of {name} are not in {folder}, and {SITE} cannot be reached. Run it again where it "
            "can be; or give the path of a weights file; or start from random ones with weights=None."
        )
    try:
        if weights != "imagenet":
            refuse_bombs(Path(weights))
        return getattr(keras.applications, name)(include_top=False, weights=weights)
    except Exception as error:  # Keras's downloader raises plain Exception, its readers whatever they like.
        if "URL fetch failure" in str(error):
            raise WeightsMissing(f"The ImageNet weights of {name} cannot be fetched: {error}") from error
        reason = first_line(error)
        files = [Path(weights)] if weights != "imagenet" else there
        raise WeightsCorrupt(
            f"The weights of {name} cannot be read: {reason} Delete the file and run it again: "
            f"{', '.join(map(str, files)) or folder}"
        ) from error


def _with_second_scaling(network: keras.Model) -> keras.Model:
    """EfficientNet divides by the deviation twice, and Keras leaves that out where its weights are not asked for."""
    import keras

    def call(layer: keras.Operation, *args: object, **kwargs: object) -> keras.KerasTensor:
        x = layer(*args, **kwargs)
        if isinstance(layer, keras.layers.Normalization):
            return keras.layers.Rescaling([1 / math.sqrt(one) for one in _DEVIATION])(x)
        return x

    return keras.models.clone_model(network, clone_function=lambda layer: layer, call_function=call)
