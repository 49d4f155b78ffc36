"""Change one value inside a frozen recipe, by path. `Recipe.override` is the public door."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recipes.errors import UsageFault
from zoo.text.suggest import closest

# Paths whose values may be files.
OF_FILES = ("model.backbone", "weights")


def override(node: Any, path: str, value: Any) -> Any:
    """A copy of `node` with the value at the dotted `path` changed.

    Dataclasses are entered by field name, tuples of named parts by the part's `name`, mappings by key.

    Raises:
        UsageFault: For a path that leads nowhere (with the choices and suggestions), or a value of another type.
    """
    return _replace(node, path.split("."), value, path)


def parse_assignment(text: str) -> tuple[str, str]:
    """Split `path=value` as given to `--set`.

    Raises:
        UsageFault: When there is no `=`.
    """
    path, equals, value = text.partition("=")
    if not equals or not path.strip():
        raise UsageFault(f"--set wants path=value, such as --set batch_size=64. Got {text!r} instead.")
    path, value = path.strip(), value.strip()
    return path, from_anywhere(value) if path in OF_FILES else value


def from_anywhere(value: str) -> str:
    """The name of a file with its absolute path, so that it is found from another folder too; `base:` may stand before.

    What names no file stays as it is.
    """
    before, base, name = value.rpartition("base:")
    file = Path(name).expanduser()
    return f"{before}{base}{file.absolute()}" if file.is_file() else value


def _replace(node: Any, steps: list[str], value: Any, path: str) -> Any:
    step, rest = steps[0], steps[1:]
    if isinstance(node, Mapping):
        return {**node, step: _read_free(value)} if not rest else _unknown(path, step, [])
    if isinstance(node, tuple):
        parts = {part.name: part for part in node if hasattr(part, "name")}
        if step not in parts or not rest:
            _unknown(path, step, [f"{name}.…" for name in parts] if step in parts else list(parts))
        return tuple(_replace(part, rest, value, path) if part is parts[step] else part for part in node)
    if not dataclasses.is_dataclass(node) or isinstance(node, type):
        _unknown(path, step, [])
    fields = {field.name for field in dataclasses.fields(node)} - {"name", "on_data", "tune"}
    if step not in fields:
        _unknown(path, step, sorted(fields))
    current = getattr(node, step)
    if rest:
        return dataclasses.replace(node, **{step: _replace(current, rest, value, path)})
    if _has_parts(current):
        _unknown(path, step, [f"{step}.{name}" for name in _part_names(current)])
    wanted = typing.get_type_hints(type(node))[step]
    return dataclasses.replace(node, **{step: _read(value, wanted, path)})


def _has_parts(value: Any) -> bool:
    is_named_tuple_of_parts = isinstance(value, tuple) and any(dataclasses.is_dataclass(part) for part in value)
    return dataclasses.is_dataclass(value) or isinstance(value, Mapping) or is_named_tuple_of_parts


def _part_names(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return list(value) or ["<keyword of the architecture>"]
    if isinstance(value, tuple):
        return [f"{part.name}.…" for part in value]
    return [field.name for field in dataclasses.fields(value)]


def _unknown(path: str, step: str, choices: list[str]) -> typing.NoReturn:
    listed = f" There are: {', '.join(choices)}." if choices else ""
    raise UsageFault(f"The override path {path!r} stops at {step!r}.{closest(step, choices)}{listed}")


def _read(value: Any, wanted: Any, path: str) -> Any:
    """The value as the field's type, reading a string where one was given on the command line."""
    kinds = typing.get_args(wanted) if isinstance(wanted, types.UnionType) else (wanted,)
    if value is None or (isinstance(value, str) and value.lower() == "none"):
        if type(None) in kinds:
            return None
        raise UsageFault(f"The value of {path!r} cannot be none.")
    if str in kinds:
        return str(value)
    if any(dataclasses.is_dataclass(part) for kind in kinds for part in typing.get_args(kind)):
        raise UsageFault(
            f"The override path {path!r} names parts of a recipe: its module gives them. Set a field of one of them."
        )
    if any(typing.get_origin(kind) is tuple for kind in kinds):
        return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else tuple(value)
    try:
        if bool in kinds:
            return {"true": True, "false": False}[str(value).lower()]
        return int(str(value)) if int in kinds else float(value)
    except (KeyError, ValueError, TypeError):
        names = {bool: "true or false", int: "an integer", float: "a number"}
        kind = next(kind for kind in (bool, int, float) if kind in kinds)
        raise UsageFault(f"The value of {path!r} must be {names[kind]}. Got {value!r} instead.") from None


def _read_free(value: Any) -> Any:
    """A value for a mapping, whose fields have no declared type: numbers and true/false are recognised."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):  # Of too many digits or brackets it is text, too.
        return None if value.lower() == "none" else value
