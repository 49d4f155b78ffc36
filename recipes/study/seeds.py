"""Certify a recipe: run several seeds, and write what they gave with its spread, conditions and command."""

from __future__ import annotations

import datetime
import logging
import subprocess
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from recipes import book
from recipes.console.screen import RESULT, Screen
from recipes.console.signals import Signals
from recipes.errors import AccuracyFault, BusyFault, CorruptFault, UsageFault
from recipes.evaluate.statistics import wilson
from recipes.execution.record import refuse_other_request
from recipes.execution.request import Request
from recipes.files import atomic, run_folder
from recipes.files.csv_text import csv_text
from recipes.recipe.diff import recipe_changes
from recipes.study import results_files, results_table
from recipes.study.cluster.connection import Cluster
from recipes.study.cluster.terms import Terms
from recipes.study.cluster.worker import SECONDS, at_work

FIRST_SEED = 42
SHORT_EPOCHS = "3"
log = logging.getLogger("recipes")


@dataclass(frozen=True)
class Certification:
    """What is certified, and where it is written.

    Attributes:
        request: Of every seed, but for the seed.
        number: How many seeds, from 42 on.
        smoke: A short setting on the bundled sample, see `short`.
        runs: Where the run folders are.
        into: Where the result files are.
    """

    request: Request
    number: int
    smoke: bool
    runs: Path
    into: Path

    def requests(self) -> dict[Path, Request]:
        """Each seed's request by its folder."""
        name = run_folder.folder_name(self.request.name)
        kind = "smoke" if self.smoke else f"{self.request.dataset()}-{self.request.variant}"
        return {
            self.runs / f"{name}-{kind}-seed{seed}": short(self.request, seed)
            if self.smoke
            else replace(self.request, seed=seed)
            for seed in range(FIRST_SEED, FIRST_SEED + self.number)
        }

    def command(self) -> str:
        """The command line that certifies the same again."""
        words = ["python -m recipes.certify", self.request.name, f"--seeds {self.number}"]
        if self.request.variant != "tuned":
            words.append(f"--variant {self.request.variant}")
        words += [f"--set {path}={value}" for path, value in self.request.overrides]
        words += [f"--import {module}" for module in self.request.modules]
        return " ".join([*words, "--smoke"] if self.smoke else words)


def short(asked: Request, seed: int) -> Request:
    """The short setting of a recipe: three epochs a phase on the bundled sample, in float32."""
    phases = book.get(asked.name).phases
    epochs = tuple((f"phases.{phase.name}.epochs", SHORT_EPOCHS) for phase in phases)
    return Request(asked.name, overrides=epochs, data="sample", seed=seed, precision="float32", modules=asked.modules)


def of_short(into: Path, recipe: str) -> Path:
    """The result file of a recipe's short setting."""
    return into / "smoke" / f"{run_folder.folder_name(recipe)}.json"


def run(request: Request, folder: Path, screen: Screen, signals: Signals) -> dict[str, Any]:
    """Run a request in its own folder; what is finished is taken as it is, what was stopped goes on.

    Raises:
        UsageFault: When the folder holds a run of something else.
    """
    from recipes.execution import execute
    from recipes.execution.record import read_started

    if run_folder.is_started(folder) and not run_folder.is_finished(folder):
        refuse_other_request(folder, read_started(folder), request)
        return execute.resume(folder, (), screen=screen, signals=signals)
    return execute.start(request, out=folder, overwrite=False, screen=screen, signals=signals)


def run_all(requests: dict[Path, Request], screen: Screen, signals: Signals, cluster: Cluster | None) -> None:
    """Run each request that has not run yet in its own folder: one after the other, or as jobs of a cluster.

    Raises:
        Fault: Whatever the user can mend; see `recipes.errors`.
    """
    if cluster is None:
        for folder, request in requests.items():
            run(request, folder, screen, signals)
        return
    for folder, request in requests.items():
        if run_folder.is_finished(folder):
            run(request, folder, screen, signals)  # It says what is there.
    left = {folder: request for folder, request in requests.items() if not run_folder.is_finished(folder)}
    cluster.run(run_there, {folder.name: (request, folder.absolute()) for folder, request in left.items()})


def run_there(terms: Terms, request: Request, folder: Path) -> float:
    """Run a request in its own folder, as `run` does, on a worker of a cluster; gives the test accuracy."""
    with at_work(terms) as (screen, signals):
        while True:
            try:
                return run(request, folder, screen, signals)["result"]["test_accuracy"]
            except BusyFault:  # A worker that was given up for dead may work on: what it ends with is the same.
                time.sleep(SECONDS)
                if signals.received is not None:
                    raise signals.interrupted("Stopped.") from None


def check(asked: Request, certified: Path, folder: Path, screen: Screen, signals: Signals) -> float:
    """Run one seed of a certified short setting again, always from the start; its report stays in `folder`.

    Returns:
        The accuracy it reached.

    Raises:
        UsageFault: When the recipe was not certified, or changed since.
        AccuracyFault: When it leaves the certified interval.
    """
    name = asked.name
    if not certified.is_file():
        raise UsageFault(f"{name} has no certified short setting in {certified}.")
    stored = atomic.read_json(certified)
    try:
        seed, (low, high) = stored["runs"][0]["seed"], stored["image_interval"]
        settings = stored["settings"]
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise CorruptFault(f"{certified} is damaged: {error}.") from error
    return _repeat(short(asked, seed), certified, settings, (low, high), folder, screen, signals)


def verify(
    file: Path, folder: Path, asked: Request, screen: Screen, signals: Signals
) -> tuple[float, tuple[float, float]]:
    """Run the first seed or fold of a result file again, always from the start; its report stays in `folder`.

    Args:
        file: The result file.
        folder: Of the run.
        asked: Gives the recipe's name, or none for the one that the file names; data folder and modules.
        screen: Where to say it.
        signals: Asked whether to stop.

    Returns:
        The accuracy it reached, and the 95% interval of the stored run over its test images (Wilson).

    Raises:
        UsageFault: When the recipe changed since.
        CorruptFault: When the file is missing or damaged.
        AccuracyFault: When the accuracy leaves the interval.
    """
    stored = atomic.read_json(file)
    try:
        first, folds = stored["runs"][0], stored.get("folds")
        images = stored["images"]["test"] // (folds or 1)
        overrides: tuple[tuple[str, str], ...] = (("data", stored["dataset"]),)
        if folds:
            overrides += (("split.folds", str(folds)), ("split.fold", "0"))
        low, high = wilson(round(first["test_accuracy"] * images), images)
        name, variant = asked.name or stored["recipe"], stored["variant"]
        request = replace(asked, name=name, variant=variant, overrides=overrides, seed=first["seed"])
        settings, chosen = stored["settings"], tuple(first.get("chosen", {}))
    except (KeyError, IndexError, ValueError, TypeError, AttributeError) as error:
        raise CorruptFault(f"{file} is damaged: {error}.") from error
    return _repeat(request, file, settings, (low, high), folder, screen, signals, chosen), (low, high)


def _repeat(
    request: Request, file: Path, settings: Any, interval: tuple[float, float], folder: Path, screen: Screen,
    signals: Signals, chosen: tuple[str, ...] = (),
) -> float:  # fmt: skip
    """Run what a result file says again, from the start, and give its accuracy if that lies in the interval."""
    if changes := recipe_changes(settings, request.recipe(request.dataset()).as_dict(), chosen):
        listed = "; ".join(map(str, changes))
        raise UsageFault(f"{request.name} changed since {file} was written: {listed}. Certify it again.")
    from recipes.execution import execute

    manifest = execute.start(request, out=folder, overwrite=True, screen=screen, signals=signals)
    reached = manifest["result"]["test_accuracy"]
    low, high = interval
    if not low <= reached <= high:
        raise AccuracyFault(f"{file}: {reached:.4f} lies outside of the certified {low:.4f} to {high:.4f}.")
    return reached


def certify(
    asked: Certification,
    pages: results_files.Pages,
    screen: Screen,
    signals: Signals,
    cluster: Cluster | None = None,
) -> Path:
    """Run every seed that has not run yet, and write what they gave; for a whole setting, every answer and epoch too.

    Args:
        asked: What to certify.
        pages: Which show all results; not for a short setting.
        screen: Where to say it.
        signals: Asked whether to stop.
        cluster: Runs the seeds, where there is one.

    Returns:
        The file that was written.

    Raises:
        Fault: Whatever the user can mend; see `recipes.errors`.
    """
    requests = asked.requests()
    run_all(requests, screen, signals, cluster)
    ((key, group),) = results_files.collect(requests, short=asked.smoke).items()
    group["certified"] = {
        "command": asked.command(),
        "commit": commit(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }
    written = of_short(asked.into, asked.request.name) if asked.smoke else asked.into / f"{key}.json"
    with atomic.disk_faults(written.parent):
        written.parent.mkdir(parents=True, exist_ok=True)
        for table in ("answers", "histories"):
            (asked.into / table).mkdir(exist_ok=True)
    atomic.write_json(written, group)
    if not asked.smoke:
        seeds = {folder: request.seed for folder, request in requests.items()}
        atomic.write(asked.into / "answers" / f"{key}.csv", csv_text(*results_files.answers(seeds, "seed")))
        atomic.write(asked.into / "histories" / f"{key}.csv", csv_text(*results_files.histories(seeds)))
        results_files.show(asked.into, pages)
    log.log(RESULT, "certified %s: %s", written, results_table.in_words(group))
    return written


def commit() -> str:
    """The commit this code is at, with `-dirty` where it was changed since; `"unknown"` outside of a checkout."""
    here = Path(__file__).resolve().parents[1]
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"],
            cwd=here, capture_output=True, text=True, check=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()
