"""What a person's own code in a network computes, told from what it computed before by a digest."""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import json
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import keras
import numpy as np

from zoo.structure.graph import is_own

_INSTALLED = tuple(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib"))


def code_digest(layer: keras.Operation) -> str:
    """A digest of somebody's own class of a layer, and of the functions and objects of theirs in its configuration.

    With these go the classes they inherit from, and the functions and constants of theirs that they use, in whatever
    module; not comments, nor what is installed. It is of the code that runs, whatever became of its file by now, as
    this version of Python has it.

    Args:
        layer: Of a network.

    Returns:
        The start of sha256; empty where all is Keras's.
    """
    found: dict[str, str] = {}
    root = type(layer).__module__.split(".")[0]
    for thing in _own_in(layer):
        _gather(thing, root, found)
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()[:12] if found else ""


def _own_in(layer: keras.Operation) -> Iterator[Any]:
    if is_own(layer):
        yield type(layer)
    for thing in _registered(layer.get_config()):
        if isinstance(thing, type | FunctionType) and thing.__module__.split(".")[0] != "keras":
            yield thing


def _registered(config: Any) -> Iterator[Any]:
    """The classes and functions in a configuration that somebody registered with Keras."""
    if isinstance(config, dict):
        for name in (config.get("registered_name"), config.get("config")):
            if isinstance(name, str) and (thing := keras.saving.get_registered_object(name)) is not None:
                yield thing
        config = list(config.values())
    if isinstance(config, list | tuple):
        for part in config:
            yield from _registered(part)


def _gather(thing: Any, root: str, found: dict[str, str]) -> None:
    """Add the code of a class or function, and of what it uses of theirs, by its name."""
    name = f"{thing.__module__}.{thing.__qualname__}"
    if name in found:
        return
    found[name] = ""
    parts = {"": thing}
    if isinstance(thing, type):
        parts = {one: value for one, value in vars(thing).items() if not one.startswith("__") or callable(value)}
        for base in thing.__mro__[1:]:
            if _is_theirs(base, root):
                _gather(base, root, found)
    for one, value in parts.items():
        function = inspect.unwrap(getattr(value, "fget", None) or getattr(value, "__func__", value))
        if isinstance(function, FunctionType):
            defaults = function.__defaults__, *(function.__kwdefaults__ or {}).items()
            found[f"{name}.{one}"] = _told((function.__code__, *defaults))
            _follow(function, root, found)
        elif _is_constant(value):
            found[f"{name}.{one}"] = _told(value)


def _follow(function: FunctionType, root: str, found: dict[str, str]) -> None:
    """Add what a function uses: names of its module and of modules of theirs, and what it closes over."""
    names = set(_names(function.__code__))
    used = {name: function.__globals__[name] for name in names if name in function.__globals__}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with contextlib.suppress(ValueError):  # Nothing is in it yet.
            used[name] = cell.cell_contents
    for module in [value for value in used.values() if isinstance(value, ModuleType) and _is_theirs(value, root)]:
        used |= {f"{module.__name__}.{name}": getattr(module, name) for name in names if hasattr(module, name)}
    for name, value in used.items():
        if isinstance(value, type | FunctionType):
            if _is_theirs(value, root):
                _gather(value, root, found)
        elif _is_constant(value) and not name.startswith("__"):
            found[f"{function.__module__}.{function.__qualname__}: {name}"] = _told(value)


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names(inner)


def _is_theirs(thing: Any, root: str) -> bool:
    """Whether it belongs to somebody's own code: of the same package, or not installed."""
    module = thing if isinstance(thing, ModuleType) else inspect.getmodule(thing)
    if module is None:
        return False
    file = getattr(module, "__file__", None)
    if module.__name__.split(".")[0] == root != "keras":
        return True
    return file is not None and not any(Path(file).is_relative_to(place) for place in _INSTALLED)


def _is_constant(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_constant, value))
    return isinstance(value, bool | int | float | complex | str | bytes | np.ndarray | np.generic | None)


def _told(value: Any) -> str:
    """A value in words that are the same whenever it is."""
    if isinstance(value, CodeType):
        return f"{value.co_code.hex()} {value.co_names} {_told(value.co_consts)}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_told, value))}]"
    if isinstance(value, frozenset):
        return f"{sorted(map(_told, value))}"
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape} {hashlib.sha256(np.ascontiguousarray(value).data).hexdigest()}"
    # What else there is tells where in memory it lies, which is elsewhere in the next process.
    return repr(value) if _is_constant(value) or value is Ellipsis else type(value).__qualname__
