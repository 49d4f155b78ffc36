"""A frozen value as stored settings and back: what has its default is left out, and what is absent has its default.

So a field that comes later changes nothing that was stored before.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any


def sparse(value: Any) -> Any:
    """A dataclass as nested dictionaries, without the fields that have their default value."""
    if isinstance(value, tuple):
        return tuple(sparse(part) for part in value)
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return dict(value) if isinstance(value, Mapping) else value
    kept = {}
    for part in dataclasses.fields(value):
        current, usual = getattr(value, part.name), default(part)
        if current != usual:
            # Where another kind of value stands than usual, its fields are all that tells.
            is_usual_kind = not dataclasses.is_dataclass(usual) or isinstance(usual, type(current))
            kept[part.name] = sparse(current) if is_usual_kind else dataclasses.asdict(current)
    return kept


def full(kind: type, stored: Mapping[str, Any]) -> dict[str, Any]:
    """Stored fields of a dataclass, and the defaults of those that are not there."""
    defaults = {part.name: default(part) for part in dataclasses.fields(kind)}
    return {name: value for name, value in defaults.items() if value is not dataclasses.MISSING} | dict(stored)


def default(part: dataclasses.Field) -> Any:
    """A field's default value; `dataclasses.MISSING` where it has none."""
    if part.default_factory is not dataclasses.MISSING:
        return part.default_factory()
    return part.default
