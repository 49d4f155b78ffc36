"""What other packages bring by entry points: found at lookup, never at import, and loaded only when it is asked for."""

from __future__ import annotations

import os
import sys
import traceback
from functools import lru_cache
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from typing import Any

# Between the command line and a line of somebody's own.
_LIBRARIES = ("importlib", "importlib_metadata", "zoo", "recipes", "keras", "numpy", "tensorflow")


def names(group: str) -> set[str]:
    """Names of a group's entry points; none is loaded."""
    return {point.name for point in _points(group)}


def find(group: str, name: str, *, ours: str = "") -> EntryPoint | None:
    """The entry point of a name; `None` where there is none.

    Args:
        group: Such as `"zoo.architectures"`.
        name: What it is called.
        ours: Who else has the name, in words; empty for nobody.

    Raises:
        ValueError: When the name is taken twice; the message says by whom.
    """
    points = [point for point in _points(group) if point.name == name]
    owners = [ours] * bool(ours) + [in_words(point) for point in points]
    if len(owners) > 1:
        raise ValueError(
            f"The name {name!r} is taken more than once in {group}: by {', and by '.join(owners)}. Uninstall one of "
            "them, or give its entry point another name."
        )
    return points[0] if points else None


def line_of(error: Exception) -> str:
    """The line of somebody's own in which an exception arose, with its file; empty where it is in none of theirs."""
    if isinstance(error, SyntaxError):
        return f"{error.filename}:{error.lineno} ({(error.text or '').strip()})"
    libraries = [sys.modules[name].__file__ for name in _LIBRARIES if name in sys.modules]
    folders = ("<", *(os.path.dirname(file) + os.sep for file in libraries if file))
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if not frame.filename.startswith(folders)]
    return f"{theirs[-1].filename}:{theirs[-1].lineno} ({theirs[-1].line})" if theirs else ""


def blame(error: Exception) -> str:
    """What somebody's module raised as it was imported, and in which line of theirs."""
    said = error.msg if isinstance(error, SyntaxError) else error
    where = line_of(error)
    return f"{where}: {type(error).__name__}: {said}" if where else f"{type(error).__name__}: {said}"


def load(point: EntryPoint) -> Any:
    """What an entry point leads to.

    Raises:
        ValueError: When it cannot be loaded, whatever its package raises.
    """
    try:
        return point.load()
    except Exception as error:
        raise ValueError(
            f"The entry point {point.name!r} of {point.group}, {in_words(point)}, cannot be loaded: "
            f"{blame(error)}. Mend or uninstall that package."
        ) from error


def in_words(point: EntryPoint) -> str:
    """Where an entry point leads, and whose it is."""
    return f"{point.value} of the distribution {point.dist.name}" if point.dist else point.value


def _points(group: str) -> EntryPoints:
    there = [folder for folder in sys.path if os.path.exists(folder or ".")]
    return _installed(group, tuple((folder, os.stat(folder or ".").st_mtime_ns) for folder in there))


@lru_cache(maxsize=8)
def _installed(group: str, folders: tuple[tuple[str, int], ...]) -> EntryPoints:
    """Entry points, read once for folders as they are: reading takes a file of every package."""
    return entry_points(group=group)
