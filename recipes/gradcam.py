"""Where a network looked: Grad-CAM, laid over the photo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    import keras

STRENGTH = 0.5


def last_convolution(model: keras.Model) -> str:
    """The name of the last layer that gives feature maps from a convolution.

    Raises:
        ValueError: When the network has none.
    """
    import keras

    kinds = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.SeparableConv2D)
    found = [layer.name for layer in model.layers if isinstance(layer, kinds)]
    if not found:
        raise ValueError(f"The network {model.name!r} has no convolution to look at.")
    return found[-1]


def heatmap(model: keras.Model, image: np.ndarray, index: int, layer: str | None = None) -> np.ndarray:
    """How much each place of an image speaks for a class (Selvaraju et al., arXiv:1610.02391).

    Args:
        model: A flat network that gives probabilities, or one sigmoid unit for two classes.
        image: (height, width, channels), what the network takes.
        index: Of the class.
        layer: A convolution. Default: the last.

    Returns:
        (height, width), 0-1; all 0 where no place speaks for the class.
    """
    from tf_keras_vis.gradcam import Gradcam
    from tf_keras_vis.utils.model_modifiers import ReplaceToLinear

    def score(output):
        if output.shape[-1] == 1:
            return output[:, 0] if index else -output[:, 0]
        return output[:, index]

    explain = Gradcam(model, model_modifier=ReplaceToLinear(), clone=True)
    batch = image[np.newaxis].astype("float32")
    return explain(score, batch, penultimate_layer=layer or last_convolution(model))[0]


def overlay(image: np.ndarray, heat: np.ndarray) -> Image.Image:
    """A heatmap laid over its image, as an RGB picture.

    Args:
        image: (height, width, 1 or 3), 0-255.
        heat: (height, width), 0-1.
    """
    from matplotlib import colormaps

    photo = np.broadcast_to(image, (*image.shape[:2], 3)).astype("float32")
    colours = 255 * colormaps["inferno"](heat)[..., :3]
    weight = STRENGTH * heat[..., np.newaxis]
    return Image.fromarray(((1 - weight) * photo + weight * colours).round().astype("uint8"))
