"""A clock for trainings that are compared: it stands still while the test images are scored."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any


class Clock:
    """Seconds that run only while training does, and the test accuracy at the end of each epoch.

    Args:
        target: The test accuracy that is to be reached; `None` for none.
        score: Gives the test accuracy of a model.
    """

    def __init__(self, target: float | None, score: Callable[[Any], float]):
        self.target, self.score = target, score
        self.epochs: dict[str, list[float]] = {}
        self.accuracies: list[float] = []
        self.seconds_to_target: float | None = None
        self.began = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds of training so far."""
        return sum(map(sum, self.epochs.values()))

    def epoch_ended(self, phase: str, model: Any) -> None:
        """Stop the clock, score the test images, start it again."""
        self.epochs.setdefault(phase, []).append(time.perf_counter() - self.began)
        if self.target is not None:
            self.accuracies.append(self.score(model))
            if self.seconds_to_target is None and self.accuracies[-1] >= self.target:
                self.seconds_to_target = self.seconds
        self.began = time.perf_counter()

    def is_over(self) -> bool:
        """Whether the target is reached and an epoch after the first was timed."""
        return self.seconds_to_target is not None and any(len(epochs) > 1 for epochs in self.epochs.values())

    def report(self) -> dict[str, Any]:
        """Median seconds an epoch of each phase, after its first; seconds to the target (`None`: not reached)."""
        return {
            "seconds_per_epoch": {
                phase: statistics.median(epochs[1:]) for phase, epochs in self.epochs.items() if len(epochs) > 1
            },
            "epochs": {phase: len(epochs) for phase, epochs in self.epochs.items()},
            "seconds_to_target": self.seconds_to_target,
            "seconds": self.seconds,
            "best_test_accuracy": max(self.accuracies, default=None),
        }
