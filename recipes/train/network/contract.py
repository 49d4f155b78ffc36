"""What a network must be so that a recipe can train it; each breach is refused with the line to change."""

from __future__ import annotations

import re
from typing import Any

import keras
import numpy as np

from recipes.errors import UsageFault
from zoo.checks import Shape
from zoo.structure.graph import calls

# How far the probabilities of one picture may be from a sum of one.
TOLERANCE = 1e-3
_PASSES_ON = keras.layers.Reshape | keras.layers.Flatten | keras.layers.Identity | keras.layers.Dropout
_TAKEN_BY_TENSORFLOW = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*")
_OUTPUT = 'keras.layers.Dense(classes, activation="softmax")'


def check_interface(name: str, model: Any, image_shape: Shape) -> None:
    """Refuse what is not a network with one input for the images and one output.

    Args:
        name: The architecture, for the message.
        model: What its builder gave.
        image_shape: (height, width, channels) of the images.

    Raises:
        UsageFault: With the line to change.
    """
    if not isinstance(model, keras.Model):
        kind = f"the class {model.__name__}" if isinstance(model, type) else f"a {type(model).__name__}"
        raise UsageFault(
            f"The builder of {name!r} must return a keras.Model. It returned {kind}. "
            "End it with: return keras.Model(inputs, outputs)"
        )
    for method in ("train_step", "compute_loss"):
        if getattr(type(model), method) is not getattr(keras.Model, method):
            raise UsageFault(
                f"The class {type(model).__name__} of {name!r} has a {method} of its own, which a recipe would pass "
                "over: it trains with its own loop and loss. Return keras.Model(inputs, outputs) without it."
            )
    if not getattr(model, "inputs", None):  # A subclassed or sequential model that is not built yet.
        return
    for kind, tensors in (("input", model.inputs), ("output", model.outputs)):
        if len(tensors) != 1:
            raise UsageFault(
                f"The network {name!r} must have one {kind}. It has {len(tensors)}: "
                f"{', '.join(tensor.name for tensor in tensors)}. Return keras.Model(image, probabilities)."
            )
    _check_image(name, model.inputs[0].shape[1:], image_shape)


def _check_image(name: str, shape: tuple[int | None, ...], image_shape: Shape) -> None:
    if len(shape) == 3 and all(wanted in (None, size) for wanted, size in zip(shape, image_shape, strict=True)):
        return
    height, width, channels = image_shape
    what = f"The network {name!r} takes {_sizes(shape)}, and the images are {_sizes(image_shape)}."
    if len(shape) == 1:
        fix = "Begin with keras.Input(input_shape) and keras.layers.Flatten()."
    elif len(shape) == 3 and shape == (channels, height, width):
        fix = "Channels come last: begin with keras.Input(input_shape) and keras.layers.Permute((3, 1, 2))."
    elif len(shape) == 3 and shape[2] not in (None, channels):
        fix = f"Begin with keras.Input(input_shape), where input_shape is {_sizes(image_shape)} for these images."
    else:
        fix = "Begin with keras.Input(input_shape), or bring the images to its size: --set image_size=..."
    raise UsageFault(f"{what} {fix}")


def check_output(name: str, model: keras.Model, classes: int, pictures: np.ndarray) -> None:
    """Refuse an output that is no probability of each class, after a batch of pictures has gone through.

    Args:
        name: The architecture, for the message.
        model: A flat network.
        classes: How many classes the images have.
        pictures: (2, height, width, channels) raw pixels.

    Raises:
        UsageFault: With the layer and the line to change.
    """
    shape, (layer, ending) = model.output_shape, _ending(model)
    last = f"its last layer {layer!r}"
    if len(shape) != 2:
        raise UsageFault(
            f"The network {name!r} gives {_sizes(shape[1:])} for a picture, {last}, in place of a probability for each "
            f"class. Put keras.layers.GlobalAveragePooling2D() or Flatten() before {_OUTPUT}."
        )
    units = shape[1]
    if units not in ((1, 2) if classes == 2 else (classes,)):
        alone = "one unit tells two classes apart: " if units == 1 else ""
        raise UsageFault(
            f"The network {name!r} ends in {units} unit{'s' * (units != 1)}, {last}, and there are {classes} classes: "
            f"{alone}use the builder's keyword classes in {_OUTPUT}."
        )
    wanted = "sigmoid" if units == 1 else "softmax"
    line = f'activation="{wanted}"'
    if ending == "linear":
        raise UsageFault(f"The network {name!r} gives logits: {last}, has no activation. Give it {line}.")
    if ending not in (None, wanted):
        reason = "one class excludes the others" if units > 1 else "a single unit needs its own probability"
        raise UsageFault(f"The network {name!r} ends in {ending} over {units} units, {last}: {reason}. Use {line}.")
    _check_numbers(name, model, pictures, last, line)
    _check_names(name, model)
    _check_wrapped(name, model)
    _check_weights(name, model)


def _check_numbers(name: str, model: keras.Model, pictures: np.ndarray, last: str, line: str) -> None:
    answer = np.asarray(keras.ops.convert_to_numpy(model(pictures, training=False)), "float32")
    if not np.isfinite(answer).all():
        raise UsageFault(
            f"The network {name!r} gives numbers that are not finite for two pictures of random pixels, 0-255. "
            "Put keras.layers.Rescaling(1 / 255) first."
        )
    is_share = (answer >= -TOLERANCE).all() and (answer <= 1 + TOLERANCE).all()
    if not is_share or (answer.shape[1] > 1 and np.abs(answer.sum(axis=1) - 1).max() > TOLERANCE):
        raise UsageFault(
            f"The network {name!r} gives no probabilities: {last}, gives {np.round(answer[0, :3], 3).tolist()} ... for "
            f"a picture. End with a layer with {line}."
        )


def has_name_for_tensorflow(named: keras.layers.Layer) -> bool:
    """Whether TensorFlow takes the name of a network, or of a layer."""
    return bool(_TAKEN_BY_TENSORFLOW.fullmatch(named.name))


def _check_names(name: str, model: keras.Model) -> None:
    for layer in model.layers:
        if not has_name_for_tensorflow(layer):
            raise UsageFault(
                f"TensorFlow does not take {layer.name!r}, the name of a layer of {name!r}: only letters of A to Z, "
                'digits, and . _ - / > after the first. Name it otherwise: name="conv1".'
            )


def _check_wrapped(name: str, model: keras.Model) -> None:
    for layer in model.layers:
        inner = layer
        while isinstance(inner, keras.layers.Wrapper):
            inner = inner.layer
        if isinstance(inner, keras.Model):
            kind = type(layer).__name__
            raise UsageFault(
                f"The layer {layer.name!r} of {name!r} ({kind}) wraps a network, {inner.name!r}, whose layers no phase "
                f"can name and nobody counts. Wrap each layer by itself: x = keras.layers.{kind}(layer)(x)"
            )


def _check_weights(name: str, model: keras.Model) -> None:
    if not any(layer.weights for layer in model.layers):
        raise UsageFault(f"The network {name!r} has no weights, so there is nothing to train.")
    for layer in model.layers:
        if layer.dtype_policy.quantization_mode is not None:
            raise UsageFault(
                f"The layer {layer.name!r} of {name!r} is quantized ({layer.dtype_policy.name}), and does not train. "
                "Leave quantize() out."
            )
        for weight in layer.weights:
            if keras.backend.is_float_dtype(weight.dtype) and weight.dtype != "float32":
                raise UsageFault(
                    f"The layer {layer.name!r} of {name!r} keeps its weights in {weight.dtype}. Remove its dtype, "
                    "or keras.config.set_floatx: the option --precision chooses the number format, and weights are "
                    "float32."
                )


def _ending(model: keras.Model) -> tuple[str, str | None]:
    """The last layer that makes the output what it is, and its activation; `None` where only numbers can tell."""
    operations = {operation.name: operation for operation in model.operations}
    before = {call.name: [name for name, _ in call.sources] for call in calls(model)}
    last = operation = operations[list(before)[-1]]
    while isinstance(operation, _PASSES_ON) or _is_cast(operation):
        operation = operations[before[operation.name][0]]
    if type(operation).__name__ in ("Softmax", "Sigmoid"):
        return operation.name, type(operation).__name__.lower()
    activation = getattr(operation, "activation", None)
    if activation is None or not getattr(activation, "__module__", "").startswith("keras."):
        return last.name, None
    return operation.name, activation.__name__


def _is_cast(operation: keras.Operation) -> bool:
    linear = getattr(operation, "activation", None) is keras.activations.linear
    return type(operation).__name__ == "Cast" or (isinstance(operation, keras.layers.Activation) and linear)


def _sizes(shape: tuple[int | None, ...]) -> str:
    return " x ".join("any" if size is None else str(size) for size in shape)
