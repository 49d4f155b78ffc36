"""Which layers train, and where the frozen part of a network ends: plain functions over flat models.

    thaw(model, ("block5_*", "head_*"))
    prefix, suffix = split_at(model, frontier(model))

`prefix` is all that is frozen below the first layer that trains: what it gives depends on the image alone.
"""

from __future__ import annotations

import fnmatch
import hashlib
from collections.abc import Sequence

import keras

from recipes.errors import UsageFault
from zoo.suggest import closest


def thaw(model: keras.Model, patterns: Sequence[str]) -> list[str]:
    """Let the layers that match a pattern train, and freeze all others. Compile afterwards: Keras reads it then.

    In a network with a base and a head (layers named `head_*`) the base's BatchNormalization is held, whatever
    matches it: its moving statistics belong to the base's weights, and a few small batches ruin them.

    Args:
        model: A flat model.
        patterns: Globs over layer names, such as `("block5_*", "head_*")`.

    Returns:
        The names of the layers with weights that will train.

    Raises:
        UsageFault: When a pattern matches no layer with weights; the message lists those names.
    """
    weighted = [layer.name for layer in model.layers if layer.weights]
    for pattern in patterns:
        _refuse_unmatched(pattern, weighted, model.name)
    has_head = any(_in_head(layer) for layer in model.layers)
    for layer in model.layers:
        held = has_head and isinstance(layer, keras.layers.BatchNormalization) and not _in_head(layer)
        layer.trainable = not held and any(fnmatch.fnmatch(layer.name, pattern) for pattern in patterns)
    return [layer.name for layer in model.layers if layer.trainable_weights]


def frontier(model: keras.Model) -> str | None:
    """The last layer below which nothing trains: the network can be cut behind it.

    Everything the network computes passes through that layer's one output, and no layer up to it changes in training:
    none trains, none draws random numbers, no BatchNormalization updates its statistics.

    Args:
        model: A flat model with one input, with its layers thawed and frozen.

    Returns:
        The layer's name; `None` where no layer with weights lies below such a cut.
    """
    parents = _parents(model)
    layers = {layer.name: layer for layer in model.layers}
    waiting = {name: sum(name in sources for sources in parents.values()) for name in parents}
    waiting[model.layers[-1].name] += 1  # The output is needed, though by no layer.
    found, weighted = None, False
    alive: set[str] = set()
    for name, sources in parents.items():
        layer = layers.get(name)
        if layer is not None and _changes_in_training(layer):
            break
        for source in sources:
            waiting[source] -= 1
        # Alive: what was computed and is still needed above. A cut is where that is one layer's output alone.
        alive = {source for source in (*alive, name) if waiting[source]}
        weighted = weighted or (layer is not None and bool(layer.weights))
        if weighted and layer is not None and alive == {name}:
            found = name
    return found


def split_at(model: keras.Model, layer: str) -> tuple[keras.Model, keras.Model]:
    """Cut a network behind a layer. Both parts share their layers, and so their weights, with the whole.

    Args:
        model: A flat model.
        layer: Name of a layer through whose output everything passes, as `frontier` gives.

    Returns:
        (prefix, suffix): from the images to the layer's output, and from there to the model's output.

    Raises:
        UsageFault: When there is no such layer, or a path leads around it.
    """
    names = [candidate.name for candidate in model.layers]
    if layer not in names:
        raise UsageFault(f"{model.name} has no layer {layer!r}.{closest(layer, names)} There are: {', '.join(names)}.")
    border = model.get_layer(layer).output
    try:
        return keras.Model(model.inputs[0], border), keras.Model(border, model.outputs[0])
    except ValueError as error:
        raise UsageFault(f"{model.name} cannot be cut behind {layer!r}: a path leads around it.") from error


def digests(model: keras.Model) -> dict[str, str]:
    """sha256 of each weight, by its path: equal before and after where nothing moved."""
    return {weight.path: hashlib.sha256(weight.numpy().tobytes()).hexdigest() for weight in model.weights}


def prove_frozen(model: keras.Model, before: dict[str, str]) -> list[str]:
    """Check that every frozen weight is byte for byte what it was.

    Args:
        model: A model as it trained.
        before: Its `digests` from before.

    Returns:
        The paths of the weights that could train and did not move.

    Raises:
        RuntimeError: When a frozen weight moved.
    """
    after = digests(model)
    trained = {weight.path for weight in model.trainable_weights}
    if broken := [path for path in before if path not in trained and before[path] != after[path]]:
        raise RuntimeError(f"Training changed weights that were frozen: {', '.join(broken)}.")
    return [path for path in before if path in trained and before[path] == after[path]]


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
    thawed = {name for patterns in phases for name in thaw(model, patterns)}
    weights, random_state = [], []
    for layer in model.layers:
        own = {id(weight) for weight in layer.weights}
        random_state += [variable for variable in layer.variables if id(variable) not in own]
        if layer.name in thawed:
            weights += layer.weights
    return weights, random_state


def _parents(model: keras.Model) -> dict[str, list[str]]:
    """For each layer and operation, in an order in which the network can be computed, where its input comes from."""
    if isinstance(model, keras.Sequential):
        names = [layer.name for layer in model.layers]
        return {name: [before] if before else [] for before, name in zip([None, *names], names, strict=False)}
    return {entry["name"]: sorted(_sources(entry["inbound_nodes"])) for entry in model.get_config()["layers"]}


def _sources(node: object) -> set[str]:
    """The names of the layers that a serialized call takes its tensors from."""
    if isinstance(node, dict):
        if "keras_history" in node:
            return {node["keras_history"][0]}
        node = list(node.values())
    return set().union(*map(_sources, node)) if isinstance(node, list | tuple) else set()


def _changes_in_training(layer: keras.layers.Layer) -> bool:
    """Whether a training step changes the layer, or makes it give something else than at prediction."""
    if isinstance(layer, keras.Model):
        return any(map(_changes_in_training, layer.layers))
    updates_statistics = isinstance(layer, keras.layers.BatchNormalization) and layer.trainable
    # Beside its weights, a layer that draws random numbers owns their state.
    draws_numbers = len(layer.variables) > len(layer.weights)
    return bool(layer.trainable_weights) or updates_statistics or draws_numbers


def _in_head(layer: keras.layers.Layer) -> bool:
    return layer.name.startswith("head_")


def _refuse_unmatched(pattern: str, weighted: Sequence[str], model_name: str) -> None:
    if not fnmatch.filter(weighted, pattern):
        raise UsageFault(
            f"The glob {pattern!r} matches no layer with weights in {model_name}.{closest(pattern, weighted)} "
            f"There are: {', '.join(weighted)}."
        )
