"""Where a network looked: Grad-CAM."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from recipes.evaluate.probabilities import last_operation

if TYPE_CHECKING:
    import keras
    import tensorflow as tf


def last_convolution(model: keras.Model) -> str:
    """The name of the last layer that gives feature maps from a convolution.

    Raises:
        ValueError: When the network has none.
    """
    import keras

    kinds = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.SeparableConv2D)
    found = [layer.name for layer in model.layers if isinstance(layer, kinds)]
    # A convolution that classifies, behind the average, has one place alone.
    found = [name for name in found if not name.startswith("head_")] or found
    if not found:
        inner = ", ".join(repr(layer.name) for layer in model.layers if isinstance(layer, keras.Model))
        into = f" The network inside it, {inner}, is not looked into." if inner else ""
        raise ValueError(f"The network {model.name!r} has no convolution to look at.{into}")
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
        ValueError: When the network has no convolution, the layer none to look at, or no gradient leads there.
    """
    import keras

    if keras.config.backend() != "tensorflow":
        return _heatmaps_elsewhere(model, images.astype("float32"), np.asarray(indices), layer)
    import tensorflow as tf
    from tf_keras_vis.gradcam import Gradcam

    asked = tf.constant(list(indices))

    def score(output: tf.Tensor) -> tf.Tensor:
        if output.shape[-1] == 1:
            return tf.where(asked == 1, output[:, 0], -output[:, 0])
        return tf.gather(output, asked, axis=1, batch_dims=1)

    explain, place = Gradcam(model, model_modifier=before_activation, clone=True), layer or last_convolution(model)
    try:
        return explain(score, images.astype("float32"), penultimate_layer=place)
    except AttributeError as error:  # tf-keras-vis has no words for a gradient that is None.
        raise ValueError(f"No gradient leads from the image to {place!r}: it cannot be shown.") from error


def _heatmaps_elsewhere(model: keras.Model, images: np.ndarray, indices: np.ndarray, layer: str | None) -> np.ndarray:
    """The same on backends that tf-keras-vis does not know: the network is cut behind the layer."""
    import keras
    from scipy.ndimage import zoom

    from recipes.inference.gradients import gradient

    place = layer or last_convolution(model)
    whole = keras.models.clone_model(model)
    whole.set_weights(model.get_weights())
    whole = before_activation(whole) or whole
    # An activation that was taken out of a layer in place is read when the layer is called anew.
    border = whole.get_layer(place).output
    try:
        below, above = keras.Model(whole.inputs[0], border), keras.Model(border, whole.outputs[0])
    except ValueError as error:
        raise ValueError(f"A path leads around {place!r}: on this backend it cannot be shown.") from error
    maps = np.array(keras.ops.convert_to_numpy(below(images, training=False)), "float32")
    if whole.output_shape[-1] == 1:
        signs = np.where(indices == 1, 1.0, -1.0)[:, np.newaxis].astype("float32")
    else:
        signs = np.eye(whole.output_shape[-1], dtype="float32")[indices]
    slope = gradient(lambda shown: keras.ops.sum(keras.ops.multiply(above(shown, training=False), signs)), maps)
    cams = np.maximum(0.0, (maps * slope.mean(axis=(1, 2), keepdims=True)).sum(axis=-1))
    factors = [size / own for size, own in zip(images.shape[1:3], cams.shape[1:], strict=True)]
    large = np.stack([zoom(cam, factors, order=1) for cam in cams])
    low, high = (end(large, axis=(1, 2), keepdims=True) for end in (np.min, np.max))
    return (large - low) / (high - low + keras.backend.epsilon())


def before_activation(model: keras.Model) -> keras.Model | None:
    """A network's output before its softmax or sigmoid, which hides how sure it is.

    An activation within the last layer is taken out in place (`None` is given then); one that is an operation or a
    layer of its own is left out of the graph that is given.
    """
    import keras

    last = last_operation(model)
    if type(last).__name__ in ("Softmax", "Sigmoid"):
        return keras.Model(model.inputs, last.input)
    if hasattr(last, "activation"):
        last.activation = keras.activations.linear
    return None
