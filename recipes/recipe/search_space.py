"""Where a search may look: the range of one setting of a recipe, as a value.

    tune={"phases.train.learning_rate": LogFloat(1e-4, 1e-2), "model.dropout": Float(0.1, 0.5)}

Numbers are rounded to three digits before they are used, so that what was tried is what a page can state.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keras_tuner import HyperParameters


@dataclass(frozen=True)
class Float:
    """A number between two others, all alike."""

    low: float
    high: float

    def faults(self) -> Iterator[str]:
        """Say what is wrong with the range, a sentence each."""
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            yield f"The range {self} must have a finite low below a finite high."

    def declare(self, hyperparameters: HyperParameters, path: str) -> None:
        """Add the range to a search."""
        hyperparameters.Float(path, self.low, self.high)

    def read(self, drawn: float) -> float:
        """What is tried for a drawn number."""
        return float(f"{drawn:.3g}")

    def ends(self) -> tuple[Any, ...]:
        """Values that a recipe must be able to take."""
        return self.low, self.high


@dataclass(frozen=True)
class LogFloat(Float):
    """A number between two others, each order of magnitude as often: for rates and decays."""

    def faults(self) -> Iterator[str]:
        """Say what is wrong with the range, a sentence each."""
        yield from super().faults()
        if not self.low > 0:
            yield f"The range {self} must begin above 0."

    def declare(self, hyperparameters: HyperParameters, path: str) -> None:
        """Add the range to a search."""
        hyperparameters.Float(path, self.low, self.high, sampling="log")


@dataclass(frozen=True)
class Int(Float):
    """An integer between two others, both included."""

    low: int
    high: int

    def declare(self, hyperparameters: HyperParameters, path: str) -> None:
        """Add the range to a search."""
        hyperparameters.Int(path, self.low, self.high)

    def read(self, drawn: float) -> int:
        """What is tried for a drawn number."""
        return int(drawn)


@dataclass(frozen=True)
class OneOf:
    """One of a few values of one type: numbers, texts, or true and false."""

    values: tuple[Any, ...]

    def faults(self) -> Iterator[str]:
        """Say what is wrong with the values, a sentence each."""
        kinds = {type(value) for value in self.values}
        if len(self.values) < 2 or len(kinds) > 1 or not kinds <= {bool, int, float, str}:
            yield f"The choice {self} must be between two or more numbers, texts or truth values of one type."

    def declare(self, hyperparameters: HyperParameters, path: str) -> None:
        """Add the choice to a search."""
        hyperparameters.Choice(path, list(self.values))

    def read(self, drawn: Any) -> Any:
        """What is tried for a drawn value."""
        return drawn

    def ends(self) -> tuple[Any, ...]:
        """Values that a recipe must be able to take."""
        return self.values


Space = Float | OneOf
