"""Rules on what is trained together, and how fast.

`random-head`, `thawed-batchnorm`, `high-rate`, `nothing-thawed`, `active-dropout`, `lora-without-layers`.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import keras
import numpy as np

from recipes.lint.finding import Finding
from recipes.lint.graph import is_graph, listed, operations

# Above this, the first steps undo pretrained weights faster than they improve them.
HIGHEST_RATE = 1e-4
# Below this nobody trains a head alone.
FINE_TUNING_RATE = 5e-5


@dataclass(frozen=True)
class Anatomy:
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


def anatomy(model: keras.Model) -> Anatomy:
    """Tell the trained base of a model from its new head."""
    layers = [
        operation
        for operation in operations(model)
        if isinstance(operation, keras.Layer)
        and operation.weights
        and not isinstance(operation, keras.layers.Normalization)
    ]
    evidence = {layer: _was_trained(layer) for layer in layers}
    trained = [place for place, layer in enumerate(layers) if evidence[layer]]
    end = trained[-1] + 1 if trained else 0
    head = [layer for layer in layers[end:] if trained and evidence[layer] is False and layer.trainable_weights]
    return Anatomy(layers, evidence, layers[:end], head)


def _was_trained(layer: keras.Layer) -> bool | None:
    """Whether a bias, or the moving mean of a BatchNormalization, has left the zeros that it began with."""
    if isinstance(layer, keras.layers.BatchNormalization):
        value = layer.moving_mean
    elif isinstance(getattr(layer, "bias_initializer", None), keras.initializers.Zeros):
        value = getattr(layer, "bias", None)
    else:
        value = None
    return None if value is None else bool(np.any(keras.ops.convert_to_numpy(value)))


def random_head(optimizer: keras.Optimizer, anatomy: Anatomy, rates: Mapping[str, float]) -> Iterator[Finding]:
    """An untouched head that trains together with a trained base."""
    if not anatomy.head:
        return
    thawed = [layer for layer in anatomy.base if layer.trainable_weights]
    fast, rate = _faster_than_allowed(optimizer, thawed, rates)
    if fast:
        yield Finding(
            "random-head",
            False,
            f"The untouched head {listed(layer.name for layer in anatomy.head)} trains together with the trained "
            f"layers {listed(layer.name for layer in fast)}, these at a learning rate of up to {rate:.2g}: its random "
            "gradients will damage them. Freeze them, train the head alone, then thaw, compile and go on at "
            f"{HIGHEST_RATE:g} or less.",
        )


def thawed_batchnorm(
    optimizer: keras.Optimizer, anatomy: Anatomy, moved: Collection[keras.Variable]
) -> Iterator[Finding]:
    """A BatchNormalization whose learned statistics a new training will overwrite, or that feeds frozen layers.

    Statistics learned under the present optimizer, or otherwise moved by this training, are its own and may go on.
    """
    own = {id(variable) for variable in moved}
    is_new_training = int(keras.ops.convert_to_numpy(optimizer.iterations)) == 0
    last_frozen = max((place for place, layer in enumerate(anatomy.layers) if not layer.trainable), default=-1)
    thawed = [
        layer.name
        for place, layer in enumerate(anatomy.layers)
        if isinstance(layer, keras.layers.BatchNormalization)
        and layer.trainable
        and not layer.name.startswith("head_")
        and ((is_new_training and anatomy.evidence[layer] and id(layer.moving_mean) not in own) or place < last_frozen)
    ]
    if thawed:
        yield Finding(
            "thawed-batchnorm",
            False,
            f"The batch normalisation of {listed(thawed)} is trainable, though its moving statistics were learned "
            "before or frozen layers depend on them: a few small batches ruin them. Set its trainable to False and "
            "compile again (recipes.freeze.thaw sets it, in a network whose new layers are named head_*).",
        )


def high_rate(optimizer: keras.Optimizer, anatomy: Anatomy, rates: Mapping[str, float]) -> Iterator[Finding]:
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
    fast, rate = _faster_than_allowed(optimizer, thawed, rates)
    if fast:
        yield Finding(
            "high-rate",
            False,
            f"The thawed layers {listed(layer.name for layer in fast)} were trained before, and a learning rate of up "
            f"to {rate:.2g} will undo that. Use {HIGHEST_RATE:g} or less for them, 1e-5 to begin with.",
        )


def nothing_thawed(optimizer: keras.Optimizer, anatomy: Anatomy, rates: Mapping[str, float]) -> Iterator[Finding]:
    """A rate for fine-tuning, and nothing below the trained head to tune.

    The head is what lies above the last convolution (or other layer with a weight of three or more dimensions).
    """
    deep = [place for place, layer in enumerate(anatomy.layers) if any(len(w.shape) > 2 for w in layer.weights)]
    base, head = anatomy.layers[: deep[-1] + 1 if deep else 0], anatomy.layers[deep[-1] + 1 if deep else 0 :]
    trains = [layer for layer in head if layer.trainable_weights]
    frozen = [layer for layer in base if anatomy.evidence[layer]]
    if not trains or not frozen or any(layer.trainable_weights for layer in base):
        return
    rate = max(_peak_rate(optimizer) * _factor(layer.name, rates) for layer in trains)
    if rate <= FINE_TUNING_RATE and all(anatomy.evidence[layer] for layer in trains):
        yield Finding(
            "nothing-thawed",
            False,
            f"A learning rate of {rate:.2g} is one for fine-tuning, but of the head, trained before, only "
            f"{listed(layer.name for layer in trains)} learns; {listed(layer.name for layer in frozen)} below it are "
            "frozen. Thaw the layers that are to be tuned, and compile again.",
        )


def active_dropout(model: keras.Model, anatomy: Anatomy) -> Iterator[Finding]:
    """Layers that draw random numbers inside a base that is frozen and trained."""
    frozen = {layer.name for layer in anatomy.layers if not layer.trainable and anatomy.evidence[layer]}
    drawn, trains_below, last = [], False, 0
    for place, operation in enumerate(operations(model, called_in_training=True)):
        trains_below = trains_below or bool(getattr(operation, "trainable_weights", ()))
        if not trains_below and isinstance(operation, keras.layers.Dropout | keras.layers.SpatialDropout2D):
            drawn.append((place, operation.name))
        last = place if operation.name in frozen else last
    inside = [name for place, name in drawn if place < last]
    if inside:
        yield Finding(
            "active-dropout",
            False,
            f"In training, {listed(inside)} drop a part of what the frozen, trained layers around them find: the head "
            "learns from worse features than it will get, and no image's features can be kept. Call the base with "
            "training=False (a recipe leaves such layers out).",
        )


def lora_without_layers(model: keras.Model) -> Iterator[Finding]:
    """A backbone of KerasHub after `enable_lora()`, which found no layer named query or value."""
    for layer in model.layers if is_graph(model) else []:
        is_backbone = isinstance(layer, keras.Model) and hasattr(layer, "enable_lora")
        if is_backbone and layer.trainable and layer.weights and not layer.trainable_weights:
            yield Finding(
                "lora-without-layers",
                True,
                f"The backbone {layer.name!r} is set to train, and none of its weights does: enable_lora() freezes all "
                "layers and thaws those named query and value, of which a convolutional network has none. Thaw layers "
                "by their names in its place, and compile again.",
            )


def _faster_than_allowed(
    optimizer: keras.Optimizer, layers: Sequence[keras.Layer], rates: Mapping[str, float]
) -> tuple[list[keras.Layer], float]:
    """The layers whose learning rate goes over the limit, and the highest such rate."""
    peak = _peak_rate(optimizer) if layers else 0.0
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
