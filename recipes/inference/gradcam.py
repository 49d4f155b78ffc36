"""Where a network looked: Grad-CAM."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from recipes.evaluate.probabilities import last_operation

if TYPE_CHECKING:
    import keras


def last_convolution(model: keras.Model) -> str:
    """The name of the last layer that gives feature maps from a convolution.

    Raises:
        ValueError: When the network has none.
    """
    import keras

    kinds = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.SeparableConv2D)
    found = [layer for layer in model.layers if isinstance(layer, kinds)]
    # One that classifies, behind the average, or weighs channels, as squeeze-and-excite does, has one place alone.
    found = [layer for layer in found if not layer.name.startswith("head_")] or found
    found = [layer for layer in found if tuple(layer.output.shape[1:3]) != (1, 1)] or found
    if not found:
        inner = ", ".join(repr(layer.name) for layer in model.layers if isinstance(layer, keras.Model))
        into = f" The network inside it, {inner}, is not looked into." if inner else ""
        raise ValueError(f"The network {model.name!r} has no two-dimensional convolution to look at.{into}")
    return found[-1].name


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
    from scipy.ndimage import zoom

    from zoo.structure.gradients import gradients

    place, pixels = layer or last_convolution(model), images.astype("float32")
    below = keras.Model(model.inputs[0], model.get_layer(place).output)
    maps = np.array(keras.ops.convert_to_numpy(below(pixels, training=False)), "float32")
    whole, change = _changeable(model, place, maps.shape)
    if whole.output_shape[-1] == 1:
        signs = np.where(np.asarray(indices) == 1, 1.0, -1.0)[:, np.newaxis].astype("float32")
    else:
        signs = np.eye(whole.output_shape[-1], dtype="float32")[np.asarray(indices)]

    def score(changed: list[Any]) -> Any:
        with keras.StatelessScope(state_mapping=[(change, changed[0])]):
            return keras.ops.sum(keras.ops.multiply(whole(pixels, training=False), signs))

    (slope,) = gradients(score, [np.zeros_like(maps)])
    if slope is None:
        raise ValueError(f"No gradient leads from the answer to {place!r}: it cannot be shown.")
    cams = np.maximum(0.0, (maps * slope.mean(axis=(1, 2), keepdims=True)).sum(axis=-1))
    factors = [size / own for size, own in zip(images.shape[1:3], cams.shape[1:], strict=True)]
    large = np.stack([zoom(cam, factors, order=1) for cam in cams])
    low, high = (end(large, axis=(1, 2), keepdims=True) for end in (np.min, np.max))
    return (large - low) / (high - low + keras.backend.epsilon())


def _changeable(model: keras.Model, place: str, shape: tuple[int, ...]) -> tuple[keras.Model, keras.Variable]:
    """A copy before its last activation, and the zeros that are added to a layer's output.

    The gradient of the answer in them is its gradient in the layer's output, also where paths lead around the layer.
    """
    import keras

    class Changed(keras.layers.Layer):
        def build(self, _: Any) -> None:
            self.change = self.add_weight(shape=shape, initializer="zeros", name="change")

        def call(self, maps: Any) -> Any:
            return maps + self.change

        def compute_output_shape(self, maps: Any) -> Any:  # JAX and torch would find it by a call on other images.
            return maps

    changed, copies = Changed(name=f"{place}_changed"), []

    def copied(operation: keras.Operation) -> keras.Operation:
        copies.append((operation, type(operation).from_config(operation.get_config())))
        return copies[-1][1]

    def called(operation: keras.Operation, *given: Any, **settings: Any) -> Any:
        outputs = operation(*given, **settings)
        return changed(outputs) if operation.name == place else outputs

    flat = keras.Model(model.inputs[0], model.outputs)  # A sequential network has no calls to step into.
    whole = keras.models.clone_model(flat, clone_function=copied, call_function=called)
    for source, copy in copies:
        if isinstance(source, keras.layers.Layer):
            copy.set_weights(source.get_weights())
    return before_activation(whole) or whole, changed.change


def before_activation(model: keras.Model) -> keras.Model | None:
    """A network's output before its softmax or sigmoid, which hides how sure it is.

    An activation within the last layer is taken out in place (`None` is given then); one that is an operation or a
    layer of its own is left out of the graph that is given.
    """
    import keras

    last = last_operation(model)
    if type(last).__name__ in ("Softmax", "Sigmoid"):
        return keras.Model(model.inputs[0], last.input)
    if hasattr(last, "activation"):
        last.activation = keras.activations.linear
    return None
