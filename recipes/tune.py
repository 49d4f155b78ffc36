"""Search for better settings of a recipe with keras-tuner, on training and validation images alone.

A recipe's page declares where to look. A search that is stopped goes on with the same command; finished trials are
never run again, and --trials may grow. At the end the best settings and those of the page are trained again on three
other seeds, side by side: what the best trial showed is the luckiest of many figures, and not what to expect.

Examples:
    python -m recipes.tune fashion_cnn --trials 20
    python -m recipes.tune fashion_cnn --tuner hyperband --trials 52 --set phases.train.epochs=30
    python -m recipes.tune vgg16_finetune --trials 30 --hours 2
    python -m recipes.tune fashion_cnn --tuner random --trials 20 --cluster local:2
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from recipes import book
from recipes.console.command import Parser, guarded, path, seed
from recipes.recipe.overrides import parse_assignment


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
    parse.add_argument("--out", type=path, metavar="DIR", help="the search's folder (default runs/tune/NAME)")
    parse.add_argument("--overwrite", action="store_true", help="search anew in a folder that holds a search")
    parse.add_cluster()
    parse.add_import()
    return parse


def _command(arguments: Sequence[str] | None) -> int:
    options = parser().parse(arguments)
    from recipes.console.screen import Screen, flush_stdout
    from recipes.console.signals import Signals
    from recipes.data import is_own
    from recipes.execution.request import Request
    from recipes.files.run_folder import folder_name
    from recipes.study.cluster.connection import connected
    from recipes.study.searches import tuning
    from recipes.study.searches.settings import Settings

    signals = Signals("The same command goes on.")
    signals.listen()
    request = Request(
        options.name,
        variant=options.variant,
        overrides=tuple(parse_assignment(text) for text in options.set),
        data=str(Path(options.data).expanduser().absolute()) if is_own(options.data) else options.data,
        data_dir=options.data_dir,
        seed=options.seed,
        precision=options.precision,
        modules=tuple(options.modules),
    )
    folder = options.out or Path("runs") / "tune" / folder_name(options.name)
    settings = Settings(options.tuner, options.objective, options.trials, options.hours)
    screen = Screen()
    with connected(options.cluster, request, folder.parent) as cluster:
        tuning.tune(
            request,
            folder,
            settings,
            overwrite=options.overwrite,
            screen=screen,
            signals=signals,
            cluster=cluster,
        )
    flush_stdout()
    return 0


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
