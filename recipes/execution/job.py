"""The context of one run, handed from stage to stage."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from recipes.console.screen import Screen
from recipes.console.signals import Signals
from recipes.execution import prepare
from recipes.execution.request import Request

if TYPE_CHECKING:
    from recipes.train.heads.learning_curve import LearningCurve

FrozenPass: TypeAlias = Callable[[prepare.Prepared, Screen], None]


@dataclass
class Job:
    """Context of one run: request, recipe, folder, timings.

    `asked` is the recipe before the number of images is known; `recipe` is the one that is executed. `fingerprint` and
    `network` are those the run was started with, as soon as they are known; `longer` are the phases to which a resume
    gives more epochs; `curve` is the learning curve, where one was measured; `frozen_pass` keeps what the frozen part
    gives before the training needs it.
    """

    request: Request
    outline: prepare.Outline
    folder: Path
    screen: Screen
    signals: Signals
    fingerprint: str | None = None
    network: dict[str, Any] | None = None
    longer: tuple[str, ...] = ()
    findings: dict[str, Any] | None = None
    curve: LearningCurve | None = None
    frozen_pass: FrozenPass | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.origin, self.weights = self.outline.origin, self.outline.weights
        self.asked = self.recipe = self.outline.recipe
        self.seconds["model"] = round(self.outline.seconds, 2)

    def take(self, ready: prepare.Prepared) -> None:
        """Go on with what was prepared: the recipe for so many images, and what an audition chose."""
        self.request, self.recipe, self.findings = ready.request, ready.recipe, ready.findings
        self.weights, self.asked = ready.weights, ready.request.recipe(self.origin.dataset)

    @contextmanager
    def stage(self, name: str, earlier: float = 0.0) -> Iterator[Callable[[], float]]:
        """Time a stage, on top of the seconds it took in earlier sittings; gives a clock of the seconds so far."""
        began = time.monotonic() - earlier
        yield lambda: time.monotonic() - began
        self.seconds[name] = round(time.monotonic() - began, 2)
