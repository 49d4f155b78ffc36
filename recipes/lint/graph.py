"""The layers of a model from input to output."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras


def is_graph(operation: object) -> bool:
    """Whether this is a model whose operations can be listed in order."""
    return isinstance(operation, keras.Sequential | keras.Function) and isinstance(operation, keras.Model)


def operations(model: keras.Model) -> Iterator[keras.Operation]:
    """Layers and other operations from input to output, those of nested models in their place."""
    if not is_graph(model):
        return
    for operation in model.operations if isinstance(model, keras.Function) else model.layers:
        if is_graph(operation):
            yield from operations(operation)
        else:
            yield operation


def listed(names: Iterator[str] | Sequence[str] | Mapping[str, Any]) -> str:
    """`'a'`, `'b'`, `'c'` and how many more."""
    names = list(names)
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(map(repr, names[:3])) + more
