"""A recipe as the Python that a page would have."""

from __future__ import annotations

import dataclasses
import difflib
import json
from collections.abc import Mapping
from typing import Any

from recipes.recipe import Recipe, stored

WIDTH = 100


def source(recipe: Recipe, name: str = "TUNED") -> str:
    """The statement that makes a recipe; what has its default value is left out."""
    return f"{name} = {_expression(recipe, '')}\n"


def diff(before: Recipe, after: Recipe, name: str = "TUNED") -> str:
    """What must change in a page to make one recipe the other, as a unified diff; empty when nothing must."""
    lines = difflib.unified_diff(
        source(before, name).splitlines(keepends=True), source(after, name).splitlines(keepends=True), "before", "after"
    )
    return "".join(lines)


def _expression(value: Any, indent: str) -> str:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = [
            (f"{part.name}=", getattr(value, part.name))
            for part in dataclasses.fields(value)
            if getattr(value, part.name) != stored.default(part)
        ]
        return _bracketed(f"{type(value).__name__}(", parts, ")", indent)
    if isinstance(value, Mapping):
        return _bracketed("{", [(f"{json.dumps(key)}: ", item) for key, item in value.items()], "}", indent)
    if isinstance(value, tuple):
        return _bracketed("(", [("", item) for item in value], ",)" if len(value) == 1 else ")", indent)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _bracketed(opening: str, parts: list[tuple[str, Any]], closing: str, indent: str) -> str:
    """On one line where it fits, else a line for each part."""
    line = opening + ", ".join(lead + _expression(value, "") for lead, value in parts) + closing
    if len(indent) + len(line) <= WIDTH and "\n" not in line:
        return line
    deeper = indent + "    "
    lines = [f"{deeper}{lead}{_expression(value, deeper)},\n" for lead, value in parts]
    return f"{opening}\n{''.join(lines)}{indent}{closing.lstrip(',')}"
