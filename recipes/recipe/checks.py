"""Checks of a recipe's values; what is wrong is a sentence of one shape."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from typing import Any


def must(owner: Any, name: str, constraint: str, value: Any = ...) -> str:
    """A sentence of one shape for every bad value."""
    value = getattr(owner, name) if value is ... else value
    where = f"phase {owner.name!r}" if type(owner).__name__ == "Phase" else type(owner).__name__.lower()
    return f"The {name!r} of the {where} must be {constraint}. Got {value!r} instead."


def one_of(owner: Any, name: str, allowed: Collection[str]) -> Iterator[str]:
    """Say when a value is none of those allowed."""
    if getattr(owner, name) not in allowed:
        yield must(owner, name, "one of " + ", ".join(allowed))


def integer(owner: Any, name: str, *, at_least: int, at_most: int | None = None) -> Iterator[str]:
    """Say when a value is no integer within the bounds."""
    value = getattr(owner, name)
    if isinstance(value, bool) or not isinstance(value, int) or value < at_least:
        yield must(owner, name, f"an integer of {at_least} or more")
    elif at_most is not None and value > at_most:
        yield must(owner, name, f"an integer of {at_most:,} or less")


def is_number(value: Any) -> bool:
    """Whether a value is a finite number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def number(
    owner: Any, name: str, *, above: float | None = None, at_least: float | None = None, below: float = math.inf
) -> Iterator[str]:
    """Say when a value is no finite number within the bounds."""
    value = getattr(owner, name)
    low = above if above is not None else at_least
    if not is_number(value) or value >= below or value < low or (above is not None and value == above):
        bounds = f"above {above:g}" if above is not None else f"{at_least:g} or more"
        yield must(owner, name, f"a number {bounds}" + (f" and below {below:g}" if below < math.inf else ""))
