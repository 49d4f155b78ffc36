"""Search for better settings of a recipe with keras-tuner, on training and validation images alone.

A recipe's page declares where to look. A search that is stopped goes on with the same command; finished trials are
never run again, and --trials may grow. At the end the best settings and those of the page are trained again on three
other seeds, side by side: what the best trial showed is the luckiest of many figures, and not what to expect.

Examples:
    python -m recipes.tune fashion_cnn --trials 20
    python -m recipes.tune fashion_cnn --tuner hyperband --trials 52 --set phases.train.epochs=30
    python -m recipes.tune vgg16_finetune --trials 30 --hours 2
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from recipes import book, rundir
from recipes.command import Parser, guarded, seed
from recipes.errors import DivergedFault, UsageFault
from recipes.overrides import parse_assignment
from recipes.recipe import with_defaults

FOUND = "search.json"
SEEDS = 3
log = logging.getLogger("recipes")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and give its exit code; errors are one line on stderr."""
    return guarded(_command, arguments)


def parser() -> Parser:
    """The command line."""
    parse = Parser("tune", __doc__ or "")
    parse.add_argument("name", metavar="NAME", help="a recipe, or package.module:RECIPE")
    parse.add_argument("--variant", choices=book.VARIANTS, default="tuned", help="where to begin (default tuned)")
    parse.add_argument("--trials", type=_count, default=20, metavar="N", help="trials, at most (default 20)")
    parse.add_argument("--hours", type=_hours, metavar="H", help="begin no trial after so many hours of trials")
    parse.add_argument(
        "--tuner",
        choices=("bayesian", "hyperband", "random"),
        default="bayesian",
        help="how trials are proposed (default bayesian)",
    )
    parse.add_argument(
        "--objective",
        choices=("val_accuracy", "val_loss"),
        default="val_accuracy",
        help="the figure that is to be best (default val_accuracy)",
    )
    parse.add_argument("--seed", type=seed, default=42, help="fixes proposals and trainings (default 42)")
    parse.add_argument("--data", default="auto", metavar="auto|full|sample|PATH|tfds:NAME", help="as in recipes.run")
    parse.add_argument("--data-dir", metavar="DIR", help="where TFDS keeps its data sets (default: TFDS_DATA_DIR)")
    parse.add_argument(
        "--set", action="append", default=[], metavar="PATH=VALUE", help="change a value for all trials; repeatable"
    )
    parse.add_argument("--precision", choices=("auto", "float32", "bfloat16"), default="auto")
    parse.add_argument("--out", type=Path, metavar="DIR", help="the search's folder (default runs/tune/NAME)")
    parse.add_argument("--overwrite", action="store_true", help="search anew in a folder that holds a search")
    return parse


def _command(arguments: Sequence[str] | None) -> int:
    options = parser().parse(arguments)
    from recipes.data import is_own
    from recipes.request import Request
    from recipes.screen import Screen, flush_stdout
    from recipes.signals import Signals

    request = Request(
        options.name,
        variant=options.variant,
        overrides=tuple(parse_assignment(text) for text in options.set),
        data=str(Path(options.data).expanduser().absolute()) if is_own(options.data) else options.data,
        data_dir=options.data_dir,
        seed=options.seed,
        precision=options.precision,
    )
    if not request.recipe(request.dataset()).tune:
        raise UsageFault(f"The recipe {options.name!r} declares nothing to search: give it tune={{...}}.")
    screen, signals = Screen(), Signals("The same command goes on.")
    signals.listen()
    folder = options.out or Path("runs") / "tune" / options.name.replace(":", ".")
    with rundir.disk_faults(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with rundir.owned(folder):
        if options.overwrite and rundir.is_started(folder):
            rundir.clear(folder)
        if not rundir.is_started(folder):
            with rundir.claimed(folder):
                pass
        with screen.logging_to(folder / "log.txt"):
            _search(request, folder, options, screen, signals)
    flush_stdout()
    return 0


def _search(request: Any, folder: Path, options: argparse.Namespace, screen: Any, signals: Any) -> None:
    """Search, train the best again beside what the page has, and write what was found.

    Raises:
        DivergedFault: When every trial failed.
        UsageFault: When the folder holds another search.
        Fault: Whatever else the user can mend.
    """
    import numpy as np

    from recipes import conditions, precision, prepare, search, source, trial
    from recipes.backend import load_backend
    from recipes.report import search as report
    from recipes.report import style

    load_backend()
    ready = prepare.prepare(request, screen)
    origin, recipe, splits = ready.origin, ready.recipe, ready.splits
    if origin.notice:
        log.warning("NOTICE %s", origin.notice)
    # What cannot be seen cannot be chosen by: a search has no test images.
    splits = dataclasses.replace(splits, test=splits.test.select(np.arange(0)))
    asked = {
        "recipe": recipe.as_dict(),
        "space": {path: str(space) for path, space in recipe.tune.items()},
        "tuner": options.tuner,
        "objective": options.objective,
        "seed": request.seed,
        "precision": precision.choose(request.precision),
        "fingerprint": splits.fingerprint,
    }
    _begin(folder, json.loads(json.dumps(asked)))
    log.info("data   %s", conditions.describe_data(splits))
    log.info("search %s: at most %d trials of %d epochs", options.tuner, options.trials, recipe.epochs())

    trainer = trial.Trainer(splits, ready.weights, asked["precision"], signals)
    hunt = search.Search(
        recipe, trainer, folder, tuner=options.tuner, objective=options.objective, trials=options.trials,
        hours=options.hours, seed=request.seed, on_trial=lambda trial: log.info("%s", report.trial_line(trial)),
    )  # fmt: skip
    hunt.run()
    best = hunt.best()
    if best is None:
        reasons = [f"Trial {trial.number}: {trial.reason}" for trial in hunt.found]
        raise DivergedFault(" ".join(["Every trial failed, so there is no winner.", *reasons]))
    again = range(request.seed + 1, request.seed + 1 + SEEDS)
    found = {
        **asked,
        "name": recipe.name,
        "dataset": origin.dataset,
        "notice": origin.notice,
        "images": {"train": len(splits.train), "validation": len(splits.validation)},
        "trials": [dataclasses.asdict(trial) for trial in hunt.found],
        "best": best.number,
        "retrained": {
            "page": [hunt.retrain(None, seed) for seed in again],
            "winner": [hunt.retrain(best, seed) for seed in again],
        },
        "seconds": round(sum(trial.seconds for trial in hunt.found), 1),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "versions": conditions.versions(),
        "hardware": conditions.hardware(),
    }
    rundir.write_json(folder / FOUND, found)
    rundir.write(folder / "slices.png", style.png(report.slices_figure(found, recipe.tune)))
    page = book.get(request.name, request.variant)
    tuned = page
    for path, value in best.values.items():
        tuned = tuned.override(path, value)
    rundir.write(folder / "TUNED.diff", source.diff(page, tuned, request.variant.upper()))
    report.say(found, request, folder)


def _begin(folder: Path, asked: dict[str, Any]) -> None:
    """Note what is searched, or see that it is what was searched here before."""
    from recipes.changes import differences

    if not rundir.is_started(folder):
        rundir.write_json(folder / rundir.STARTED, asked)
        return
    before = rundir.read_json(folder / rundir.STARTED)
    before, now = (settings | {"recipe": with_defaults(settings["recipe"])} for settings in (before, asked))
    if changes := differences(before, now):
        raise UsageFault(
            f"{folder} holds another search ({'; '.join(changes)}). Choose another --out, or search anew with "
            "--overwrite."
        )


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be an integer of 1 or more. Got {text!r} instead")
    return int(text)


def _hours(text: str) -> float:
    try:
        hours = float(text)
    except ValueError:
        hours = 0.0
    if not 0 < hours < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number above 0. Got {text!r} instead")
    return hours


if __name__ == "__main__":
    sys.exit(main())
