"""Training mistakes that raise no error: found in a compiled model and one batch, before an hour is spent on them.

    for finding in lint.check(model, batch):
        print(finding)

Each rule is one function, and each has a section in docs/lint.md. The rules read Keras's public API only, and of the
weights only biases and the moving means of batch normalisation. They follow the graph of functional and sequential
models, nested ones included; of a subclassed model, whose graph cannot be seen, only `trainable-changed` is checked.
"""

from __future__ import annotations

import bisect
import fnmatch
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from recipes.errors import UsageFault

DOCS = "https://keras-zoo-recipes.readthedocs.io/lint/"

# Above this, the first steps undo pretrained weights faster than they improve them.
HIGHEST_RATE = 1e-4
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


@dataclass(frozen=True)
class Finding:
    """One mistake.

    Attributes:
        code: Name of the rule, and anchor of its section in the documentation.
        stops: Whether training would be worthless; otherwise it is a warning.
        message: What is wrong, where, and the fix.
    """

    code: str
    stops: bool
    message: str

    @property
    def link(self) -> str:
        """Address of the section that explains the rule."""
        return f"{DOCS}#{self.code}"

    def __str__(self) -> str:
        return f"{self.message} See {self.link}"


def check(model: keras.Model, x: Any = None, *, rates: Mapping[str, float] | None = None) -> list[Finding]:
    """Look for training mistakes in a compiled model. Nothing is changed, and the model is not called.

    Args:
        model: A compiled model, fresh or in the middle of its training.
        x: A batch as the model would get it, array or tensor; `input-range` looks at images, (batch, height, width,
            channels) with 1, 3 or 4 channels, and is skipped without them.
        rates: Factors on the learning rate by glob over layer names, such as `{"block5_*": 0.1}`; the first glob that
            matches a layer counts, and without one the factor is 1.

    Returns:
        What was found, in the order of the rules; empty when all is well.

    Raises:
        UsageFault: When the model is not compiled.
    """
    if not model.compiled:
        raise UsageFault(
            f"The model {model.name!r} is not compiled, so its loss and learning rate are unknown. "
            "Call model.compile(...) before lint.check(model)."
        )
    anatomy = _anatomy(model)
    return [
        *_trainable_changed(model),
        *_input_range(model, x),
        *_loss_output(model),
        *_random_head(model, anatomy, rates or {}),
        *_thawed_batchnorm(model, anatomy),
        *_high_rate(model, anatomy, rates or {}),
    ]


# trainable-changed


def _trainable_changed(model: keras.Model) -> Iterator[Finding]:
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
            f"The trainable flags of {_listed(changed)} were changed after the optimizer was set up, and fit() will "
            "not follow the change. Call model.compile(...) again with a new optimizer.",
        )


def _has_slot(weight: keras.Variable, slots: Sequence[str]) -> bool:
    """Whether one of the sorted names of optimizer variables, such as `conv1_kernel_momentum`, is of this weight."""
    prefix = weight.path.replace("/", "_") + "_"
    place = bisect.bisect_left(slots, prefix)
    return place < len(slots) and slots[place].startswith(prefix)


# input-range


def _input_range(model: keras.Model, x: Any) -> Iterator[Finding]:
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
    for operation in _operations(model):
        if _KEEPS_RANGE.fullmatch(type(operation).__name__):
            continue
        if _expects_raw_pixels(operation):
            return "raw", operation.name
        return ("bare" if hasattr(operation, "kernel") else "unknown"), operation.name
    return "unknown", ""


def _expects_raw_pixels(operation: keras.Operation) -> bool:
    """Whether this is a Rescaling by about 1/255 or 1/127.5, or a Normalization by the mean of raw pixels."""
    if isinstance(operation, keras.layers.Rescaling):
        return 0 < float(np.max(operation.scale)) <= 1 / 50
    if isinstance(operation, keras.layers.Normalization) and operation.built:
        return float(np.max(keras.ops.convert_to_numpy(operation.mean))) > 2
    return False


# loss-output


def _loss_output(model: keras.Model) -> Iterator[Finding]:
    """A cross-entropy that does not fit the activation or the number of units of its output."""
    for layer, loss in _outputs_with_losses(model):
        activation, crossentropy = _activation(layer), _crossentropy(loss)
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


def _outputs_with_losses(model: keras.Model) -> list[tuple[keras.Layer, Any]]:
    """The layers that give the outputs, each with its loss, where the pairing is plain."""
    layers = _output_layers(model)
    loss = getattr(model, "loss", None)
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
    nested = [_output_layers(layer) if _is_graph(layer) else [layer] for layer in last]
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


# random-head, thawed-batchnorm, high-rate


@dataclass(frozen=True)
class _Anatomy:
    """The layers with weights, from input to output, and which of them have been trained.

    Attributes:
        layers: All of them; a Normalization layer, which never trains, is left out.
        evidence: `True` for trained, `False` for untouched, `None` when it cannot be told.
        base: The layers up to the last trained one.
        head: The untouched layers after it that train; none in a model that is new or trained throughout.
    """

    layers: list[keras.Layer]
    evidence: dict[keras.Layer, bool | None]
    base: list[keras.Layer]
    head: list[keras.Layer]


def _anatomy(model: keras.Model) -> _Anatomy:
    layers = [
        operation
        for operation in _operations(model)
        if isinstance(operation, keras.Layer)
        and operation.weights
        and not isinstance(operation, keras.layers.Normalization)
    ]
    evidence = {layer: _was_trained(layer) for layer in layers}
    trained = [place for place, layer in enumerate(layers) if evidence[layer]]
    end = trained[-1] + 1 if trained else 0
    head = [layer for layer in layers[end:] if trained and evidence[layer] is False and layer.trainable_weights]
    return _Anatomy(layers, evidence, layers[:end], head)


def _was_trained(layer: keras.Layer) -> bool | None:
    """Whether a bias, or the moving mean of a BatchNormalization, has left the zeros that it began with."""
    if isinstance(layer, keras.layers.BatchNormalization):
        value = layer.moving_mean
    elif isinstance(getattr(layer, "bias_initializer", None), keras.initializers.Zeros):
        value = getattr(layer, "bias", None)
    else:
        value = None
    return None if value is None else bool(np.any(keras.ops.convert_to_numpy(value)))


def _random_head(model: keras.Model, anatomy: _Anatomy, rates: Mapping[str, float]) -> Iterator[Finding]:
    """An untouched head that trains together with a trained base."""
    if not anatomy.head:
        return
    thawed = [layer for layer in anatomy.base if layer.trainable_weights]
    fast, rate = _faster_than_allowed(model, thawed, rates)
    if fast:
        yield Finding(
            "random-head",
            False,
            f"The untouched head {_listed(layer.name for layer in anatomy.head)} trains together with the trained "
            f"layers {_listed(layer.name for layer in fast)}, these at a learning rate of up to {rate:.2g}: its random "
            "gradients will damage them. Freeze them, train the head alone, then thaw, compile and go on at "
            f"{HIGHEST_RATE:g} or less.",
        )


def _thawed_batchnorm(model: keras.Model, anatomy: _Anatomy) -> Iterator[Finding]:
    """A BatchNormalization whose learned statistics a new training will overwrite, or that feeds frozen layers.

    Statistics learned under the present optimizer are the training's own, which may go on.
    """
    is_new_training = int(keras.ops.convert_to_numpy(model.optimizer.iterations)) == 0
    last_frozen = max((place for place, layer in enumerate(anatomy.layers) if not layer.trainable), default=-1)
    thawed = [
        layer.name
        for place, layer in enumerate(anatomy.layers)
        if isinstance(layer, keras.layers.BatchNormalization)
        and layer.trainable
        and not layer.name.startswith("head_")
        and ((is_new_training and anatomy.evidence[layer]) or place < last_frozen)
    ]
    if thawed:
        yield Finding(
            "thawed-batchnorm",
            False,
            f"The batch normalisation of {_listed(thawed)} is trainable, though its moving statistics were learned "
            "before or frozen layers depend on them: a few small batches ruin them. Set its trainable to False and "
            "compile again (recipes.freeze.thaw sets it, in a network whose new layers are named head_*).",
        )


def _high_rate(model: keras.Model, anatomy: _Anatomy, rates: Mapping[str, float]) -> Iterator[Finding]:
    """Thawed layers of a trained base at a rate fit for new ones.

    The base ends at the last convolution (or other layer with a weight of three or more dimensions): dense layers on
    top, and `head_*`, may be a head in the middle of its own training. It looks like transfer learning when a part of
    that base is frozen, or when the head is untouched; a model that trains from scratch is neither.
    """
    deep = [place for place, layer in enumerate(anatomy.base) if any(len(w.shape) > 2 for w in layer.weights)]
    base = [layer for layer in anatomy.base[: deep[-1] + 1 if deep else 0] if not layer.name.startswith("head_")]
    part_frozen = any(not layer.trainable and anatomy.evidence[layer] is not False for layer in base)
    if not (part_frozen or anatomy.head):
        return
    thawed = [layer for layer in base if layer.trainable_weights and anatomy.evidence[layer] is not False]
    fast, rate = _faster_than_allowed(model, thawed, rates)
    if fast:
        yield Finding(
            "high-rate",
            False,
            f"The thawed layers {_listed(layer.name for layer in fast)} were trained before, and a learning rate of up "
            f"to {rate:.2g} will undo that. Use {HIGHEST_RATE:g} or less for them, 1e-5 to begin with.",
        )


def _faster_than_allowed(
    model: keras.Model, layers: Sequence[keras.Layer], rates: Mapping[str, float]
) -> tuple[list[keras.Layer], float]:
    """The layers whose learning rate goes over the limit, and the highest such rate."""
    peak = _peak_rate(model.optimizer) if layers else 0.0
    # A tenth of 1e-3, which float32 holds a little too high, is not over the limit.
    fast = {layer: rate for layer in layers if (rate := peak * _factor(layer.name, rates)) > HIGHEST_RATE * 1.001}
    return list(fast), max(fast.values(), default=0.0)


def _factor(name: str, rates: Mapping[str, float]) -> float:
    return next((factor for pattern, factor in rates.items() if fnmatch.fnmatch(name, pattern)), 1.0)


def _peak_rate(optimizer: keras.Optimizer) -> float:
    """The learning rate now or, of a schedule, its highest value at the steps that its settings name."""
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    now = float(keras.ops.convert_to_numpy(optimizer.learning_rate))
    try:
        settings = optimizer.get_config()["learning_rate"]
        schedule = keras.optimizers.schedules.deserialize(settings) if isinstance(settings, dict) else None
    except (AttributeError, KeyError, NotImplementedError, TypeError, ValueError):
        schedule = None  # A schedule of the user's own that cannot be copied: its value now must do.
    if not isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
        return now
    numbers = [value for value in keras.tree.flatten(settings["config"]) if isinstance(value, int | float)]
    turns = {int(number) for number in numbers if number >= 1}
    steps = {0} | turns | {turn + 1 for turn in turns}
    return max(now, *(float(keras.ops.convert_to_numpy(schedule(step))) for step in steps))


# Shared


def _is_graph(operation: object) -> bool:
    """Whether this is a model whose operations can be listed in order."""
    return isinstance(operation, keras.Sequential | keras.Function) and isinstance(operation, keras.Model)


def _operations(model: keras.Model) -> Iterator[keras.Operation]:
    """Layers and other operations from input to output, those of nested models in their place."""
    if not _is_graph(model):
        return
    for operation in model.operations if isinstance(model, keras.Function) else model.layers:
        if _is_graph(operation):
            yield from _operations(operation)
        else:
            yield operation


def _listed(names: Iterator[str] | Sequence[str] | Mapping[str, Any]) -> str:
    """`'a'`, `'b'`, `'c'` and how many more."""
    names = list(names)
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(map(repr, names[:3])) + more
