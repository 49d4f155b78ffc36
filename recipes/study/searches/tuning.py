"""Tune a recipe: search, train the best settings and the page's on other seeds, and say which of them to take."""

from __future__ import annotations

import dataclasses
import datetime
import json
import logging
import statistics
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from recipes import book
from recipes.console.backend import chosen, load_backend
from recipes.console.screen import RESULT, Screen
from recipes.console.signals import Signals
from recipes.data import Splits
from recipes.errors import CorruptFault, DivergedFault, UsageFault
from recipes.evaluate.statistics import student_t
from recipes.execution import prepare
from recipes.execution.request import Request
from recipes.files import atomic, run_folder
from recipes.recipe import Recipe, with_defaults
from recipes.study.cluster.connection import Cluster
from recipes.study.searches.settings import Settings

FOUND = "search.json"
SEEDS = 3
log = logging.getLogger("recipes")


def tune(
    request: Request,
    folder: Path,
    settings: Settings,
    *,
    overwrite: bool,
    screen: Screen,
    signals: Signals,
    cluster: Cluster | None = None,
) -> None:
    """Search in a folder, or go on with a search there, and write what was found.

    Args:
        request: The recipe, where to begin.
        folder: Where trials are remembered.
        settings: How to search.
        overwrite: Search anew in a folder that holds a search.
        screen: Where to say it.
        signals: Asked whether to stop.
        cluster: Trains the trials that do not depend on each other, where there is one.

    Raises:
        DivergedFault: When every trial failed.
        UsageFault: When the recipe declares no ranges, or the folder holds another search.
        Fault: Whatever else the user can mend.
    """
    _refuse_unsearchable(request.recipe(request.dataset()), settings)
    with atomic.disk_faults(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with run_folder.owned(folder):
        started = run_folder.is_started(folder)
        with nullcontext() if started else run_folder.claimed(folder):
            load_backend()
            ready = prepare.prepare(request, screen)
        if overwrite and started:  # Not before: a request that is refused takes nothing away.
            run_folder.clear(folder)
        ready = ready.without_test()
        asked = _asked(request, ready.recipe, ready.splits, settings)
        # Before any other file: a folder without it is a stranger's, also when this process is killed now.
        _begin(folder, json.loads(json.dumps(asked | {"network": ready.network})))
        with screen.logging_to(folder / "log.txt"):
            _search(request, ready, asked, folder, settings, signals, cluster)


def verdict(page: Sequence[Mapping[str, Any]], winner: Sequence[Mapping[str, Any]], objective: str) -> dict[str, Any]:
    """Whether a search's best settings are better than the page's, both trained on the same seeds.

    Args:
        page: What each seed gave with the page's settings; one that failed has a reason and no figures.
        winner: The same of the search's best.
        objective: `"val_accuracy"` or `"val_loss"`.

    Returns:
        won: Whether the winner is better on the mean of the seeds; never when one of its trainings failed.
        difference: By how much the winner is better on that mean, `None` when no seed has both.
        interval: The 95% interval of that difference (Student's t, paired by seed); `None` of fewer than two seeds.
    """
    sign = 1 if objective == "val_accuracy" else -1
    pairs = zip(page, winner, strict=True)
    gains = [
        sign * (one[objective] - other[objective])
        for other, one in pairs
        if "reason" not in one and "reason" not in other
    ]
    failed = any("reason" in run for run in winner)
    if not gains:
        return {"won": not failed, "difference": None, "interval": None}
    difference, interval = statistics.mean(gains), None
    if len(gains) > 1:
        interval = list(student_t(gains))
    return {"won": difference > 0 and not failed, "difference": difference, "interval": interval}


def _asked(request: Request, recipe: Recipe, splits: Splits, settings: Settings) -> dict[str, Any]:
    """What is searched, as `run.json` notes it."""
    from recipes import precision

    asked = {
        "recipe": recipe.as_dict(),
        "space": {path: str(space) for path, space in recipe.tune.items()},
        "tuner": settings.tuner,
        "objective": settings.objective,
        "seed": request.seed,
        "precision": precision.choose(request.precision),
        "fingerprint": splits.fingerprint,
    }
    # A search that names no backend was made on TensorFlow.
    return asked if (backend := chosen()) == "tensorflow" else asked | {"backend": backend}


def _search(
    request: Request, ready: prepare.Prepared, asked: dict[str, Any], folder: Path,
    settings: Settings, signals: Signals, cluster: Cluster | None,
) -> None:  # fmt: skip
    from recipes.execution import environment
    from recipes.report.figures import search as report
    from recipes.report.figures import style
    from recipes.study.searches import ahead, jobs
    from recipes.study.searches.search import search_of

    origin, recipe, splits = ready.origin, ready.recipe, ready.splits
    if origin.notice:
        log.warning("NOTICE %s", origin.notice)
    log.info("data   %s", environment.describe_data(splits))
    log.info("search %s: at most %d trials of %d epochs", settings.tuner, settings.trials, recipe.epochs())

    hunt = search_of(ready, folder, settings, signals)
    hunt.on_trial = lambda trial: log.info("%s", report.trial_line(trial))
    if cluster is not None:
        hunt.elsewhere = ahead.on(cluster, request, settings, folder)
    hunt.run()
    best = hunt.best()
    if best is None:
        reasons = [f"Trial {trial.number}: {trial.reason}" for trial in hunt.found]
        raise DivergedFault(" ".join(["Every trial failed, so there is no winner.", *reasons]))
    again = {
        f"{name}, seed {seed}": (trial, seed)
        for name, trial in (("page", None), ("winner", best))
        for seed in range(request.seed + 1, request.seed + 1 + SEEDS)
    }
    if cluster is not None:
        given = request, settings, folder.absolute()
        cluster.run(
            jobs.retrain,
            {name: (*given, trial and dataclasses.asdict(trial), seed) for name, (trial, seed) in again.items()},
        )
    figures = [hunt.retrain(trial, seed) for trial, seed in again.values()]  # What there is is read.
    retrained = {"page": figures[:SEEDS], "winner": figures[SEEDS:]}
    found: dict[str, Any] = {
        **asked,
        "name": recipe.name,
        "dataset": origin.dataset,
        "notice": origin.notice,
        "images": {"train": len(splits.train), "validation": len(splits.validation)},
        "trials": [dataclasses.asdict(trial) for trial in hunt.found],
        "best": best.number,
        "retrained": retrained,
        "verdict": verdict(**retrained, objective=settings.objective),
        "seconds": round(sum(trial.seconds for trial in hunt.found), 1),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "versions": environment.versions(),
        "hardware": environment.hardware(),
    }
    atomic.write_json(folder / FOUND, found)
    atomic.write(folder / "slices.png", style.png(report.slices_figure(found, recipe.tune)))
    atomic.write(folder / "TUNED.diff", report.verdict_line(found) + "\n" + _diff(request, best.values))
    for line in report.lines(found):
        log.log(RESULT, "%s", line)
    log.log(RESULT, "written %s: search.json, slices.png, TUNED.diff", folder)
    if found["verdict"]["won"]:
        log.log(RESULT, "next   %s", _command(request, best.values))


def _diff(request: Request, values: Mapping[str, Any]) -> str:
    """What must change in the recipe's page to have a trial's values."""
    from recipes.recipe import page_source

    page = tuned = book.get(request.name, request.variant)
    for path, value in values.items():
        tuned = tuned.override(path, value)
    return page_source.diff(page, tuned, request.variant.upper())


def _command(request: Request, values: Mapping[str, Any]) -> str:
    """The command that trains with a trial's values what was searched."""
    changed = {**dict(request.overrides), **{path: str(value) for path, value in values.items()}}
    return dataclasses.replace(request, overrides=tuple(changed.items())).command()


def _begin(folder: Path, asked: dict[str, Any]) -> None:
    """Note what is searched, or see that it is what was searched here before."""
    from recipes.recipe.diff import differences
    from recipes.train import network

    if not run_folder.is_started(folder):
        atomic.write_json(folder / run_folder.STARTED, asked)
        return
    path = folder / run_folder.STARTED
    try:
        before, now = (
            {"backend": "tensorflow"} | settings | {"recipe": with_defaults(settings["recipe"])}
            for settings in (atomic.read_json(path), asked)
        )
        was, is_now = before.pop("network", None), now.pop("network")
        other = differences(before, now)
        edited = [] if was is None else network.differences(was, is_now)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise CorruptFault(
            f"{path} is damaged: {type(error).__name__}: {error}. Search anew with --overwrite."
        ) from error
    if other:
        raise UsageFault(
            f"{folder} holds another search ({'; '.join(other)}). Choose another --out, or search anew with "
            "--overwrite."
        )
    if edited:
        raise UsageFault(
            f"The network changed since the search in {folder} was started: {'; '.join(edited)}. Undo the change, or "
            "search anew with --overwrite."
        )


def _refuse_unsearchable(recipe: Recipe, settings: Settings) -> None:
    if not recipe.tune:
        raise UsageFault(f"The recipe {recipe.name!r} declares nothing to search: give it tune={{...}}.")
    if settings.tuner == "hyperband" and len(recipe.phases) > 1:
        raise UsageFault(
            "Hyperband judges a training by its first epochs, and those belong to phase "
            f"{recipe.phases[0].name!r} alone. Choose --tuner bayesian or random."
        )
