"""Finished runs beside each other, image by image where they were scored on the same."""

from __future__ import annotations

import csv
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recipes.console.screen import RESULT
from recipes.errors import CorruptFault, UsageFault
from recipes.evaluate.statistics import McNemar, mcnemar, wilson
from recipes.files import manifest as manifests
from recipes.files.manifest import Manifest
from recipes.recipe.diff import differences, recipe_changes

log = logging.getLogger("recipes")


@dataclass(frozen=True)
class Run:
    """A finished run as far as a comparison needs it.

    Attributes:
        folder: Where it is.
        manifest: What it says of itself.
        answers: For each test image by its name, (truth, prediction).
    """

    folder: Path
    manifest: Manifest
    answers: dict[str, tuple[str, str]]

    @property
    def right(self) -> dict[str, bool]:
        """For each test image, whether it is right on it."""
        return {name: truth == guess for name, (truth, guess) in self.answers.items()}

    @property
    def accuracy(self) -> float:
        """Share of the test images that it gets right."""
        return sum(self.right.values()) / len(self.answers)

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% interval of its test accuracy over test images (Wilson)."""
        return wilson(sum(self.right.values()), len(self.answers))


def read(folder: Path) -> Run:
    """Read a finished run.

    Raises:
        UsageFault: When no run has ended there.
        CorruptFault: When its manifest or its table of predictions is missing or damaged.
    """
    manifest = manifests.read(folder)
    table = folder / "predictions.csv"
    try:
        with table.open(encoding="utf-8", newline="") as file:
            answers = {row["id"]: (row["truth"], row["prediction"]) for row in csv.DictReader(file)}
    except (OSError, KeyError, ValueError, csv.Error) as error:
        raise CorruptFault(f"{table} is missing or damaged: {error}") from error
    if not answers:
        raise CorruptFault(f"{table} holds no predictions.")
    return Run(folder, manifest, answers)


def between(first: Run, second: Run) -> McNemar | None:
    """Compare two runs image by image; `None` when their test images are not the same."""
    truths = [{name: truth for name, (truth, _) in run.answers.items()} for run in (first, second)]
    if truths[0] != truths[1]:
        return None
    return mcnemar(list(first.right.values()), [second.right[name] for name in first.answers])


def compare(folders: Sequence[Path]) -> dict[str, Any]:
    """Compare finished runs with the first of them, and say what comes of it.

    Args:
        folders: Two or more.

    Returns:
        `runs`: folder, accuracy and its interval of each; `comparisons`: what was set otherwise than in the first, and
        McNemar's test (`None` where the test images are others).

    Raises:
        UsageFault: For fewer than two folders, or one where no run has ended.
        CorruptFault: When what a run wrote is missing or damaged.
    """
    if len(folders) < 2:
        raise UsageFault("Two runs or more are needed for a comparison.")
    first, *others = runs = [read(folder) for folder in folders]
    for run in runs:
        low, high = run.interval
        log.log(
            RESULT, "%s  %s, %s, seed %s: test accuracy %.4f (95%% interval %.4f to %.4f, %s images)",
            run.folder, run.manifest.recipe, run.manifest.variant, run.manifest.seed,
            run.accuracy, low, high, f"{len(run.answers):,}",
        )  # fmt: skip
    comparisons = []
    for other in others:
        changes = recipe_changes(first.manifest.settings, other.manifest.settings)
        changes += differences(first.manifest.backend, other.manifest.backend, "backend")
        found = between(first, other)
        log.log(RESULT, "")
        log.log(RESULT, "%s against %s", other.folder, first.folder)
        for line in changes or ["the same recipe"]:
            log.log(RESULT, "  %s", line)
        log.log(RESULT, "  %s", _in_words(found))
        comparisons.append(
            {"first": str(first.folder), "second": str(other.folder), "changes": changes}
            | {"mcnemar": vars(found) if found else None}
        )
    facts = [{"folder": str(run.folder), "accuracy": run.accuracy, "interval": run.interval} for run in runs]
    return {"runs": facts, "comparisons": comparisons}


def _in_words(found: McNemar | None) -> str:
    if found is None:
        return "the test images are not the same: the accuracies cannot be compared image by image"
    verdict = "more than chance would" if found.p_value < 0.05 else "no more than chance may"
    return (
        f"it alone is right on {found.only_second:,} images, the first alone on {found.only_first:,}: they differ by "
        f"{verdict} (McNemar's exact test, p = {found.p_value:.2g})"
    )
