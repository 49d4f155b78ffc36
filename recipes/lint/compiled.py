"""Rules on what a model is given and compiled with: `trainable-changed`, `input-range`, `loss-output`."""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np

from recipes.lint.finding import Finding
from recipes.lint.graph import is_graph, listed, operations
from zoo.pretrained.applications import PREPARED

# A batch of raw photos or drawings goes well beyond this; scaled, standardised and 0-16 images stay below.
RAW_PIXELS_ABOVE = 50.0

# Operations between the input and the first kernel that leave the range of the pixels as it is.
_KEEPS_RANGE = re.compile(
    r"InputLayer|Identity|Permute|Reshape|Flatten|Resizing|CenterCrop|Random\w+|ZeroPadding2D|Cropping2D|"
    r"\w*Dropout\w*|(Max|Average)Pooling2D|Flip|Transpose|GetItem|Concatenate"
)
_CROSSENTROPIES = {
    "binarycrossentropy": "binary",
    "binaryfocalcrossentropy": "binary",
    "categoricalcrossentropy": "categorical",
    "categoricalfocalcrossentropy": "categorical",
    "sparsecategoricalcrossentropy": "categorical",
}


# trainable-changed


def trainable_changed(model: keras.Model) -> Iterator[Finding]:
    """Trainable flags that differ from what the optimizer was built for.

    Keras 3.15.1 has a warning for this that it never reaches, so the optimizer is asked: it holds variables, named
    after the weight they belong to, for every weight that it trains. Plain SGD without momentum holds none and says
    nothing. A change between compile and the first step is no fault: Keras reads the flags at that step.
    """
    slots = sorted(variable.path.rpartition("/")[2] for variable in model.optimizer.variables)
    held = {weight.path for weight in model.weights if _has_slot(weight, slots)}
    if not held:
        return
    trainable = {weight.path for weight in model.trainable_variables}
    thawed = trainable - held
    # Until the first step after compile, Keras still heeds layers that are frozen.
    frozen = held - trainable if model.train_function is not None else set()
    changed = dict.fromkeys(
        weight.path.split("/")[-2] for weight in model.weights if weight.path in thawed | frozen and "/" in weight.path
    )
    if changed:
        yield Finding(
            "trainable-changed",
            True,
            f"The trainable flags of {listed(changed)} were changed after the optimizer was set up, and fit() will "
            "not follow the change. Call model.compile(...) again with a new optimizer.",
        )


def _has_slot(weight: keras.Variable, slots: Sequence[str]) -> bool:
    """Whether one of the sorted names of optimizer variables, such as `conv1_kernel_momentum`, is of this weight."""
    prefix = weight.path.replace("/", "_") + "_"
    place = bisect.bisect_left(slots, prefix)
    return place < len(slots) and slots[place].startswith(prefix)


# input-range


def input_range(model: keras.Model, x: Any) -> Iterator[Finding]:
    """Pixels scaled twice, or not at all."""
    pixels = _pixels(x)
    if pixels is None:
        return
    low, high = float(pixels.min()), float(pixels.max())
    kind, where = _entrance(model)
    if kind == "raw" and -1 <= low < high <= 1 and (pixels % 1 != 0).any():
        yield Finding(
            "input-range",
            True,
            f"The batch lies in {low:.2g} to {high:.2g}, but the layer {where!r} expects raw pixels, 0-255, and scales "
            "them: they would be scaled twice. Feed raw pixels, or build the model without that layer.",
        )
    if kind == "bare" and low >= 0 and high > RAW_PIXELS_ABOVE:
        yield Finding(
            "input-range",
            False,
            f"The batch holds raw values, up to {high:.4g}, and no layer scales them before {where!r}. Put the "
            "preprocessing of the pretrained weights first or, without such weights, keras.layers.Rescaling(1 / 255).",
        )


def base_range(model: keras.Model, x: Any) -> Iterator[Finding]:
    """Pixels that reach a network of keras.applications in another range than it was trained on.

    The network is a model inside the model, known by the name that Keras gives it.
    """
    pixels = _pixels(x)
    if pixels is None:
        return
    low, high = float(pixels.min()), float(pixels.max())
    # A batch shows about what all images are like.
    low, high = (0.0, 255.0) if high > RAW_PIXELS_ABOVE else (-1.0 if low < 0 else 0.0, 1.0)
    for operation in model.operations if isinstance(model, keras.Function) else model.layers:
        if is_graph(operation):
            name = _application(operation.name)
            if name is None or not any(layer.weights for layer in operation.layers):
                return
            wanted = PREPARED[name][0].range
            width = wanted[1] - wanted[0]
            if max(abs(low - wanted[0]), abs(high - wanted[1])) > width / 5:
                yield Finding(
                    "input-range",
                    False,
                    f"Pixels reach the network {operation.name!r} as {low:g} to {high:g}, and the weights of {name} "
                    f"were trained on {wanted[0]:.4g} to {wanted[1]:.4g}. Prepare them before it as its page in "
                    "keras.applications says.",
                )
            return
        if isinstance(operation, keras.layers.Rescaling) and np.ndim(operation.scale) == np.ndim(operation.offset) == 0:
            low, high = (value * operation.scale + operation.offset for value in (low, high))
        elif not _KEEPS_RANGE.fullmatch(type(operation).__name__):
            return


def _application(name: str) -> str | None:
    """The network of keras.applications that Keras calls so: `"mobilenetv2_1.00_224"` is MobileNetV2."""
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    return max((known for known in PREPARED if plain.startswith(known.lower())), key=len, default=None)


def _pixels(x: Any) -> np.ndarray | None:
    """The batch as an array, if it is one batch of finite images that are not all of one value."""
    shape = tuple(getattr(x, "shape", ()))
    # Channels first is believed only of images clearly larger than their channels: a feature map may be 3x3x512.
    is_image = len(shape) == 4 and (shape[3] in (1, 3, 4) or (shape[1] in (1, 3, 4) and min(shape[2:]) > 4))
    if not is_image or not shape[0]:
        return None
    pixels = np.asarray(keras.ops.convert_to_numpy(x), dtype="float32")
    return pixels if np.isfinite(pixels).all() and pixels.min() < pixels.max() else None


def _entrance(model: keras.Model) -> tuple[str, str]:
    """What the pixels meet first, and the name of that layer.

    Returns:
        `"raw"` for a layer that expects 0-255, `"bare"` for a kernel that nothing scales for, or `"unknown"` when
        something else stands before it, such as arithmetic, a Lambda or a batch normalisation.
    """
    for operation in operations(model):
        if _KEEPS_RANGE.fullmatch(type(operation).__name__):
            continue
        if _expects_raw_pixels(operation):
            return "raw", operation.name
        return ("bare" if hasattr(operation, "kernel") else "unknown"), operation.name
    return "unknown", ""


def _expects_raw_pixels(operation: keras.Operation) -> bool:
    """Whether this is a Rescaling by about 1/255 or 1/127.5, or either layer takes off the mean of raw pixels."""
    if isinstance(operation, keras.layers.Rescaling):
        return 0 < float(np.max(operation.scale)) <= 1 / 50 or float(np.min(operation.offset)) < -2
    if isinstance(operation, keras.layers.Normalization) and operation.built:
        return float(np.max(keras.ops.convert_to_numpy(operation.mean))) > 2
    return False


# loss-output


def loss_output(model: keras.Model, loss: Any) -> Iterator[Finding]:
    """A cross-entropy that does not fit the activation or the number of units of its output."""
    for layer, own_loss in _outputs_with_losses(model, loss):
        activation, crossentropy = _activation(layer), _crossentropy(own_loss)
        if activation is None or crossentropy is None:
            continue
        kind, from_logits = crossentropy
        units = layer.output.shape[-1]
        unfit = None
        if kind == "categorical" and units == 1:
            unfit = True, "a categorical cross-entropy of one unit teaches nothing. Use binary_crossentropy."
        elif from_logits and activation in ("sigmoid", "softmax"):
            unfit = True, "the loss has from_logits=True and expects no activation. Set from_logits=False."
        elif not from_logits and activation == "linear":
            unfit = True, "the loss expects probabilities. Set from_logits=True, or give the layer an activation."
        elif kind == "binary" and activation == "softmax":
            unfit = False, "a binary cross-entropy takes each unit by itself. Use a categorical cross-entropy."
        if unfit:
            stops, reason = unfit
            output = f"The output {layer.name!r} is {activation} over {units} unit(s), but "
            yield Finding("loss-output", stops, output + reason)


def _outputs_with_losses(model: keras.Model, loss: Any) -> list[tuple[keras.Layer, Any]]:
    """The layers that give the outputs, each with its loss, where the pairing is plain."""
    layers = _output_layers(model)
    if isinstance(loss, dict):
        return [(layer, loss[layer.name]) for layer in layers if layer.name in loss]
    losses = list(loss) if isinstance(loss, list | tuple) else [loss]
    return list(zip(layers, losses, strict=True)) if len(layers) == len(losses) else []


def _output_layers(model: keras.Model) -> list[keras.Layer]:
    """The last layers, in the order of the outputs; those inside when they are nested models of one output."""
    if isinstance(model, keras.Sequential):
        last = model.layers[-1:] if model.built else []
    elif isinstance(model, keras.Function):
        by_name = {layer.name: layer for layer in model.layers}
        last = [by_name[name] for name in model.output_names if name in by_name]
        last = last if len(last) == len(model.output_names) else []
    else:
        last = []
    nested = [_output_layers(layer) if is_graph(layer) else [layer] for layer in last]
    return [layers[0] for layers in nested] if all(len(layers) == 1 for layers in nested) else []


def _activation(layer: keras.Layer) -> str | None:
    """`"softmax"`, `"sigmoid"`, `"linear"`, or `None` for what cannot be judged.

    A linear Activation layer only casts what comes before it; it says nothing.
    """
    if isinstance(layer, keras.layers.Softmax):
        return "softmax"
    activation = getattr(layer, "activation", None)
    if activation is keras.activations.linear:
        return "linear" if hasattr(layer, "kernel") else None
    return {keras.activations.softmax: "softmax", keras.activations.sigmoid: "sigmoid"}.get(activation)


def _crossentropy(loss: Any) -> tuple[str, bool] | None:
    """Kind, `"binary"` or `"categorical"`, and from_logits of one of Keras's cross-entropies."""
    if isinstance(loss, str):
        try:
            loss = keras.losses.get(loss)
        except ValueError:
            return None
    name = getattr(loss, "__name__", type(loss).__name__)
    kind = _CROSSENTROPIES.get(name.replace("_", "").lower())
    if kind is None:
        return None
    is_object = isinstance(loss, keras.losses.Loss)
    return kind, is_object and bool(loss.get_config().get("from_logits", False))
