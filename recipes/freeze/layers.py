"""Which layers train, and where the frozen part of a network ends: plain functions over flat models.

    thaw(model, ("block5_*", "head_*"))
    prefix, suffix = split_at(model, frontier(model))

`prefix` is all that is frozen below the first layer that trains: what it gives depends on the image alone.
"""

from __future__ import annotations

import fnmatch
import hashlib
from collections import Counter
from collections.abc import Sequence

import keras

from recipes.errors import UsageFault
from zoo.structure import stages
from zoo.structure.graph import calls, narrow
from zoo.text.suggest import closest


def set_trainable(model: keras.Model, flags: Sequence[bool]) -> None:
    """Let each layer of a flat model train or not, as `flags` say in the order of its layers."""
    for layer, flag in zip(model.layers, flags, strict=True):
        if layer.trainable == flag:
            continue
        inner = _inner(layer)
        if not flag:
            layer.held_inside = frozenset(place for place, part in enumerate(inner) if not part.trainable)
        layer.trainable = flag
        if flag:  # Keras thaws all there is inside; what somebody's own layer holds there stays held.
            for place in getattr(layer, "held_inside", ()):
                inner[place].trainable = False


def _inner(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    """The layers that a layer holds as its attributes, and those in them."""
    found, waiting = [layer], [layer]
    while waiting:
        for value in keras.tree.flatten(list(vars(waiting.pop()).values())):
            if isinstance(value, keras.layers.Layer) and value not in found:
                found.append(value)
                waiting.append(value)
    return found[1:]


def thaw(model: keras.Model, patterns: Sequence[str]) -> list[str]:
    """Let the layers that match a pattern train, and freeze all others. Compile afterwards: Keras reads it then.

    BatchNormalization of a base is held, whatever matches it: its moving statistics belong to the base's weights, and
    a few small batches ruin them. It is one of a base where the graph calls it with `training=False`, or where the
    network has a head (layers named `head_*`) and it is not in it.

    Args:
        model: A flat model.
        patterns: Globs over layer names, such as `("block5_*", "head_*")`; `"stage:-1"` is the last stage below the
            head, see `zoo.structure.stages`.

    Returns:
        The names of the layers with weights that will train.

    Raises:
        UsageFault: When a pattern matches no layer with weights, or nothing would train; the message lists the names.
    """
    weighted = [layer.name for layer in model.layers if layer.weights]
    matched: set[str] = set()
    for pattern in patterns:
        matched |= _matched(model, pattern, weighted)
    wanted = matched - _held(model)
    set_trainable(model, [layer.name in wanted for layer in model.layers])
    thawed = [layer.name for layer in model.layers if layer.trainable_weights]
    if not thawed:
        raise UsageFault(
            f"Nothing would train in {model.name}: what {', '.join(map(repr, patterns))} names is held, or has nothing "
            f"to train. There are: {', '.join(weighted)}."
        )
    return thawed


def frontier(model: keras.Model) -> str | None:
    """The last layer below which nothing trains: the network can be cut behind it.

    Everything the network computes passes through that layer's one output, and no layer up to it changes in training:
    none trains, none draws random numbers, no BatchNormalization updates its statistics.

    Args:
        model: A flat model with one input, with its layers thawed and frozen.

    Returns:
        The layer's name; `None` where no layer with weights lies below such a cut.
    """
    steps = calls(model)
    layers = {layer.name: layer for layer in model.layers}
    times = Counter(step.name for step in steps)
    found, weighted = None, False
    for step, alone in narrow(steps):
        layer = layers.get(step.name)
        if layer is not None and _changes_in_training(layer):
            break
        weighted = weighted or (layer is not None and bool(layer.weights))
        if weighted and layer is not None and alone and times[step.name] == 1 and _has_one_output(layer):
            found = step.name
    return found


def split_at(model: keras.Model, layer: str) -> tuple[keras.Model, keras.Model]:
    """Cut a network behind a layer. Both parts share their layers, and so their weights, with the whole.

    Args:
        model: A flat model.
        layer: Name of a layer through whose output everything passes, as `frontier` gives.

    Returns:
        (prefix, suffix): from the images to the layer's output, and from there to the model's output.

    Raises:
        UsageFault: When there is no such layer, it is called more than once, or a path leads around it.
    """
    names = [candidate.name for candidate in model.layers]
    if layer not in names:
        raise UsageFault(f"{model.name} has no layer {layer!r}.{closest(layer, names)} There are: {', '.join(names)}.")
    if (times := [step.name for step in calls(model)].count(layer)) > 1:
        raise UsageFault(f"{model.name} cannot be cut behind {layer!r}: it is called {times} times.")
    border = model.get_layer(layer).output
    try:
        return keras.Model(model.inputs[0], border), keras.Model(border, model.outputs[0])
    except ValueError as error:
        raise UsageFault(f"{model.name} cannot be cut behind {layer!r}: a path leads around it.") from error


def digests(model: keras.Model) -> dict[str, str]:
    """sha256 of each weight, by its path: equal before and after where nothing moved."""
    return {path: hashlib.sha256(weight.numpy().tobytes()).hexdigest() for path, weight in _by_path(model).items()}


def prove_frozen(model: keras.Model, before: dict[str, str]) -> list[str]:
    """Check that every frozen weight is byte for byte what it was.

    A layer that trains may move all its weights, its statistics too; one that is frozen or held, none.

    Args:
        model: A model as it trained.
        before: Its `digests` from before.

    Returns:
        The paths of the weights that could train and did not move.

    Raises:
        RuntimeError: When a frozen weight moved.
    """
    weights, after = _by_path(model), digests(model)
    may_move = {id(weight) for layer in model.layers if layer.trainable for weight in layer.weights}
    trained = {id(weight) for weight in model.trainable_weights}
    moved = [path for path in before if before[path] != after[path]]
    if broken := [path for path in moved if id(weights[path]) not in may_move]:
        raise RuntimeError(f"Training changed weights that were frozen: {', '.join(broken)}.")
    return [path for path, weight in weights.items() if id(weight) in trained and path not in moved]


def moving_variables(
    model: keras.Model, phases: Sequence[Sequence[str]]
) -> tuple[list[keras.Variable], list[keras.Variable]]:
    """What training may have changed by the end of several phases: everything else is as it was built.

    Args:
        model: A flat model; it is left as the last phase thaws it.
        phases: The patterns that each phase thaws.

    Returns:
        The weights of every layer that a phase thaws, and the state of the layers that draw random numbers.
    """
    moving: set[str] = set()
    for patterns in phases:
        thaw(model, patterns)
        moving |= {layer.name for layer in model.layers if _moves(layer)}
    weights, random_state = [], []
    for layer in model.layers:
        own = {id(weight) for weight in layer.weights}
        random_state += [variable for variable in layer.variables if id(variable) not in own]
        if layer.name in moving:
            weights += layer.weights
    return weights, random_state


def _held(model: keras.Model) -> set[str]:
    """The names of the BatchNormalization layers of a base."""
    norms = {layer.name for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)}
    if not norms:
        return set()
    has_head = any(_in_head(layer) for layer in model.layers)
    below = {layer.name for layer in model.layers if has_head and not _in_head(layer)}
    return norms & (below | {step.name for step in calls(model) if step.training is False})


def _changes_in_training(layer: keras.layers.Layer) -> bool:
    """Whether a training step changes the layer, or makes it give something else than at prediction."""
    if isinstance(layer, keras.Model):
        return any(map(_changes_in_training, layer.layers))
    # Beside its weights, a layer that draws random numbers owns their state.
    return _moves(layer) or len(layer.variables) > len(layer.weights)


def _moves(layer: keras.layers.Layer) -> bool:
    """Whether training moves a layer's weights: those that train, or statistics that it updates beside them."""
    keeps_statistics = bool(layer.weights) and not isinstance(layer, keras.layers.Normalization)
    return layer.trainable and (bool(layer.trainable_weights) or keeps_statistics)


def _has_one_output(layer: keras.layers.Layer) -> bool:
    return isinstance(layer.output, keras.KerasTensor)


def keeps_statistics(model: keras.Model) -> bool:
    """Whether a layer that trains updates statistics of its batches, as BatchNormalization does."""
    return any(_moves(layer) and layer.non_trainable_weights for layer in model.layers)


def _by_path(model: keras.Model) -> dict[str, keras.Variable]:
    """The weights by path; where layers inside somebody's own layer share one, with a number after it."""
    weights: dict[str, keras.Variable] = {}
    for weight in model.weights:
        number = sum(path.partition(" (")[0] == weight.path for path in weights) if weight.path in weights else 0
        weights[f"{weight.path} ({number + 1})" if number else weight.path] = weight
    return weights


def _in_head(layer: keras.layers.Layer) -> bool:
    return layer.name.startswith("head_")


def _matched(model: keras.Model, pattern: str, weighted: Sequence[str]) -> set[str]:
    """The layers that a pattern names."""
    if pattern.startswith(stages.PREFIX):
        try:
            return set(stages.named(model, pattern))
        except ValueError as error:
            raise UsageFault(str(error)) from error
    if not fnmatch.filter(weighted, pattern):
        raise UsageFault(
            f"The glob {pattern!r} matches no layer with weights in {model.name}.{closest(pattern, weighted)} "
            f"There are: {', '.join(weighted)}."
        )
    return set(fnmatch.filter([layer.name for layer in model.layers], pattern))
