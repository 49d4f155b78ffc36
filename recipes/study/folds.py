"""Certify a recipe by folds: each image is tested once, by a run that has not seen it.

A test of a thousand images says little about a network that errs on twenty of them; folds test all there are. Every
answer is stored, so that intervals, paired tests and ensembles can be computed without training.
"""

from __future__ import annotations

import datetime
import logging
import math
import shlex
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from recipes.console.screen import RESULT, Screen
from recipes.console.signals import Signals
from recipes.data import is_own
from recipes.data.photos.diagnosis import examine
from recipes.errors import DataFault, UsageFault
from recipes.evaluate.statistics import wilson
from recipes.execution.request import Request
from recipes.files import atomic, run_folder
from recipes.files import manifest as manifests
from recipes.files.csv_text import csv_text
from recipes.recipe import Choice, Shares
from recipes.study import results_files, seeds
from recipes.study.cluster.connection import Cluster

log = logging.getLogger("recipes")


@dataclass(frozen=True)
class Folds:
    """What is certified, and where it is written.

    Attributes:
        request: Of every fold, but for the fold.
        number: How many folds.
        runs: Where the run folders are.
        into: Where the result files are; folds' are in its folder `folds`.
    """

    request: Request
    number: int
    runs: Path
    into: Path

    @property
    def name(self) -> str:
        """Of the result files: `<recipe>-<data>-<variant>`."""
        return f"{run_folder.folder_name(self.request.name)}-{self.request.dataset()}-{self.request.variant}"

    def requests(self) -> dict[Path, Request]:
        """Each fold's request by its folder."""
        return {
            self.runs / f"{self.name}-fold{fold}of{self.number}": replace(
                self.request,
                overrides=(*self.request.overrides, ("split.folds", str(self.number)), ("split.fold", str(fold))),
            )
            for fold in range(self.number)
        }

    def command(self) -> str:
        """The command line that certifies the same again."""
        words = ["python -m recipes.certify", self.request.name, f"--folds {self.number}"]
        if self.request.variant != "tuned":
            words.append(f"--variant {self.request.variant}")
        if is_own(self.request.data):
            words.append(f"--data {shlex.quote(self.request.data)}")
        words += [f"--set {path}={value}" for path, value in self.request.overrides]
        words += [f"--import {module}" for module in self.request.modules]
        return " ".join(words)


def certify(asked: Folds, screen: Screen, signals: Signals, cluster: Cluster | None = None) -> Path:
    """Run every fold that has not run yet, here or on a cluster, and write what they gave, with every answer.

    Returns:
        The file that was written; the answers lie beside it, as CSV.

    Raises:
        DataFault: When a class of a person's own photos has fewer that differ than there are folds.
        UsageFault: When the images are no person's own, and the recipe does not choose them by number.
        Fault: Whatever the user can mend; see `recipes.errors`.
    """
    split = asked.request.recipe(asked.request.dataset()).split
    if not isinstance(split, Choice) and not (isinstance(split, Shares) and is_own(asked.request.data)):
        raise UsageFault(
            "--folds is for recipes that choose a number of images, as Choice(...), and for photos of your own, as "
            f"--data PATH. Got {split} instead."
        )
    if isinstance(split, Shares):
        _refuse_small_classes(asked, split)
    requests = asked.requests()
    seeds.run_all(requests, screen, signals, cluster)
    found, header, answers = collect(list(requests))
    found["certified"] = {
        "command": asked.command(),
        "commit": seeds.commit(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }
    written = asked.into / "folds" / f"{asked.name}.json"
    with atomic.disk_faults(written.parent):
        written.parent.mkdir(parents=True, exist_ok=True)
    atomic.write(written.with_suffix(".csv"), csv_text(header, answers))
    atomic.write_json(written, found)
    low, high = found["image_interval"]
    log.log(
        RESULT, "certified %s: test accuracy %.4f on %d images, 95%% interval %.4f to %.4f",
        written, found["accuracy"], found["images"]["test"], low, high,
    )  # fmt: skip
    return written


def _refuse_small_classes(asked: Folds, shares: Shares) -> None:
    """Refuse classes that the last fold, which fills last, has no photo of."""
    last = replace(shares, folds=asked.number, fold=asked.number - 1)
    counts = examine(Path(asked.request.data), last).counts
    if small := [label for label, sides in counts.items() if not sides["test"]]:
        raise DataFault(
            f"{asked.number} folds take {asked.number} photos of each class that do not look alike: too few are "
            f"of {', '.join(map(repr, small))}. Add photos, or ask for fewer --folds."
        )


def collect(folders: Sequence[Path]) -> tuple[dict[str, Any], list[str], list[list[str]]]:
    """What the runs of all folds say together.

    Returns:
        The figures; and of all answers the header and the rows: fold, image, truth, and a probability per class.
    """
    read = [manifests.read(folder) for folder in folders]
    found = results_files.conditions(read[0]) | {
        "folds": len(folders),
        "runs": [results_files.run(manifest) for manifest in read],
    }
    header, answers = results_files.answers({folder: fold for fold, folder in enumerate(folders)}, "fold")
    right = sum(round(manifest.result.test_accuracy * manifest.data.images("test")) for manifest in read)
    images = len(answers)
    accuracy = right / images
    found["images"]["test"] = images
    found["accuracy"] = accuracy
    found["standard_error"] = math.sqrt(accuracy * (1 - accuracy) / images)
    found["image_interval"] = list(wilson(right, images))
    found["standard_deviation_over_folds"] = statistics.stdev(manifest.result.test_accuracy for manifest in read)
    return found, header, answers
