"""Where a network looked: Grad-CAM."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras


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


def heatmaps(
    model: keras.Model, images: np.ndarray, indices: Sequence[int] | np.ndarray, layer: str | None = None
) -> np.ndarray:
    """How much each place of images speaks for a class (Selvaraju et al., arXiv:1610.02391).

    Args:
        model: A flat network that gives probabilities, or one sigmoid unit for two classes.
        images: (images, height, width, channels), what the network takes.
        indices: Of the class that is asked for, for each image.
        layer: A convolution. Default: the last.

    Returns:
        (images, height, width), 0-1; all 0 where no place speaks for the class.

    Raises:
        ValueError: When the network has no convolution, or the layer none to look at.
    """
    import tensorflow as tf
    from tf_keras_vis.gradcam import Gradcam
    from tf_keras_vis.utils.model_modifiers import ReplaceToLinear

    asked = tf.constant(list(indices))

    def score(output):
        if output.shape[-1] == 1:
            return tf.where(asked == 1, output[:, 0], -output[:, 0])
        return tf.gather(output, asked, axis=1, batch_dims=1)

    explain = Gradcam(model, model_modifier=ReplaceToLinear(), clone=True)
    return explain(score, images.astype("float32"), penultimate_layer=layer or last_convolution(model))
