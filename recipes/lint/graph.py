"""The layers of a model from input to output."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras

from zoo.structure.graph import calls


def is_graph(operation: object) -> bool:
    """Whether this is a model whose operations can be listed in order."""
    return isinstance(operation, keras.Sequential | keras.Function) and isinstance(operation, keras.Model)


def operations(model: keras.Model, *, called_in_training: bool = False) -> Iterator[keras.Operation]:
    """Layers and other operations from input to output, those of nested models in their place.

    Args:
        model: Any model; of one that is no graph there is nothing to tell.
        called_in_training: Whether to leave out nested models that the author calls with `training=False`.
    """
    if not is_graph(model):
        return
    held = set()
    if called_in_training and isinstance(model, keras.Function):
        held = {call.name for call in calls(model) if call.training is False}
    for operation in model.operations if isinstance(model, keras.Function) else model.layers:
        if is_graph(operation):
            if operation.name in held:
                continue
            yield from operations(operation, called_in_training=called_in_training)
        else:
            yield operation


def listed(names: Iterator[str] | Sequence[str] | Mapping[str, Any]) -> str:
    """`'a'`, `'b'`, `'c'` and how many more."""
    names = list(names)
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(map(repr, names[:3])) + more
