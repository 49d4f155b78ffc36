"""Run a recipe: fetch data, train, evaluate, report.

Examples:
    python -m recipes.run --list
    python -m recipes.run fashion_cnn
    python -m recipes.run fashion_cnn --variant published --seed 42
    python -m recipes.run fashion_cnn --set phases.train.epochs=5 --set batch_size=64
    python -m recipes.run keras_mat_lenet --set data=mnist
    python -m recipes.run vgg16_finetune --cluster tcp://scheduler:8786
    python -m recipes.run --resume last
    python -m recipes.run --data ~/photos
    python -m recipes.run --data ~/photos --after last
    python -m recipes.run vgg16_finetune --data ~/photos
    python -m recipes.run my_package.my_recipes:RECIPE
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from recipes import book
from recipes.console.command import Parser, guarded, path, seed
from recipes.errors import UsageFault
from recipes.evaluate.operating_point import FIGURES
from recipes.files import run_folder
from recipes.inference.bundle import FORMATS
from recipes.recipe.overrides import from_anywhere, parse_assignment

# What own photos are trained with where nobody says: folds on the photos choose base and head.
FOR_PHOTOS = "own_photos"


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = math.nan
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"must be a number from 0 to 1. Got {text!r} instead")
    return share


def _minutes(text: str) -> float:
    try:
        minutes = float(text)
    except ValueError:
        minutes = math.nan
    if not 0 < minutes < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number above 0. Got {text!r} instead")
    return minutes


def parser() -> Parser:
    """The command line."""
    parse = Parser("run", __doc__ or "")
    parse.add_argument(
        "name",
        nargs="?",
        metavar="NAME",
        help=f"a recipe of --list, or package.module:RECIPE; with photos of your own default {FOR_PHOTOS}",
    )
    parse.add_argument("--list", action="store_true", help="show all recipes")
    parse.add_argument(
        "--variant", choices=book.VARIANTS, default="tuned", help="ours (default), or the source to the letter"
    )
    parse.add_argument(
        "--data",
        default="auto",
        metavar="auto|full|sample|PATH|tfds:NAME",
        help="auto (default): the full data set, or the bundled sample where it cannot be had; full: never the "
        "sample; sample: always; PATH: your own photos, as photos/<class>/..., photos/{train,validation,test}/"
        "<class>/..., or a CSV or Parquet table with path, label and perhaps split; tfds:NAME: another data set",
    )
    parse.add_argument(
        "--decisions",
        metavar="FILE",
        help="decisions about labels of own photos (default decisions.csv beside them)",
    )
    parse.add_group_by()
    parse.add_argument("--data-dir", metavar="DIR", help="where TFDS keeps its data sets (default: TFDS_DATA_DIR)")
    parse.add_argument(
        "--set", action="append", default=[], metavar="PATH=VALUE", help="change a value of the recipe; repeatable"
    )
    parse.add_argument("--seed", type=seed, default=42, help="fixes weights, order, augmentation, dropout (default 42)")
    parse.add_argument("--out", type=path, metavar="DIR", help="the run folder (default runs/NAME/TIME-seedN)")
    parse.add_argument("--overwrite", action="store_true", help="train again in a folder that holds a run")
    parse.add_argument("--resume", type=path, metavar="RUN|last", help="go on with a run that was stopped or killed")
    parse.add_argument(
        "--after", metavar="RUN|last", help="photos of your own that grew since that run: what it tested stays in "
        "test, and its recipe and choice of base hold; last: the latest run on them below runs/",
    )  # fmt: skip
    parse.add_argument("--plan", action="store_true", help="say what would run and how long it may take, then stop")
    parse.add_argument(
        "--find-lr", action="store_true", help="sweep each phase's learning rate: a picture and a suggestion, then stop"
    )
    parse.add_argument("--smoke", action="store_true", help="a few hundred images, one epoch: does it work at all?")
    parse.add_argument(
        "--minutes",
        type=_minutes,
        metavar="M",
        help="also try what takes longer, such as training the last stage of the base, where folds say that it helps",
    )
    parse.add_argument(
        "--precision",
        choices=("auto", "float32", "bfloat16"),
        default="auto",
        help="auto (default): bfloat16 where the processor computes in it",
    )
    parse.add_argument("--weights", metavar="PATH", help="pretrained weights: a file, imagenet, or none")
    parse.add_argument(
        "--require-accuracy", type=_share, metavar="A", help="exit 7, and export nothing, below this test accuracy"
    )
    point = parse.add_mutually_exclusive_group()
    for figure in FIGURES:
        point.add_argument(
            f"--require-{figure}", metavar="CLASS=SHARE",
            help=f"say the class from that probability on which gives it this {figure}, such as defect=0.95; exit 7, "
            "and export nothing, where none does",
        )  # fmt: skip
    parse.add_argument("--export", choices=FORMATS, help="also make a bundle of this format in the run folder")
    parse.add_argument("--tensorboard", action="store_true", help="also write each epoch as TensorBoard events")
    parse.add_argument("--open", action="store_true", help="open report.html in a browser when the run has ended")
    parse.add_argument("--json", action="store_true", help="print the result as one JSON line, all else to stderr")
    parse.add_argument("--quiet", action="store_true", help="print only the result and warnings")
    parse.add_cluster()
    parse.add_import()
    return parse


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and give its exit code; errors are one line on stderr."""
    return guarded(_command, arguments)


# What a resume may be given; all else is as the run was started.
WITH_RESUME = {
    "resume", "set", "require_accuracy", "export", "tensorboard", "open", "json", "quiet", "debug", "modules",
    "cluster",
}  # fmt: skip


def _refuse_with_resume(parse: Parser, arguments: Sequence[str] | None, options: argparse.Namespace) -> None:
    """Refuse options that a resume would pass over, also where they are given with their default."""
    blank = argparse.Namespace(**dict.fromkeys(vars(options)))
    given = {name for name, value in vars(parse.parse_args(arguments, blank)).items() if value is not None}
    if strange := [name for name in vars(options) if name in given - WITH_RESUME]:
        named = ", ".join(options.name if name == "name" else f"--{name.replace('_', '-')}" for name in strange)
        raise UsageFault(
            f"--resume goes on with {options.resume} as it was started: {named} cannot change it. Leave that out, or "
            "start a new run with it, in another --out or without --resume."
        )


def _refuse_choice_and_chosen(overrides: Mapping[str, str]) -> None:
    """Refuse bases that folds are to choose among, beside what would be chosen."""
    named = [path for path in ("model.backbone", "image_size") if path in overrides]
    if "audition" in overrides and named:
        raise UsageFault(
            f"--set audition={overrides['audition']} lets folds choose a base and its size, and --set "
            f"{named[0]}={overrides[named[0]]} names one: leave one of the two out."
        )


def _command(arguments: Sequence[str] | None) -> int:
    parse = parser()
    options = parse.parse(arguments)
    if options.resume is not None:
        _refuse_with_resume(parse, arguments, options)
        options.resume = run_folder.stopped(options.resume)
    if options.list:
        return _list()
    named = options.name is not None
    if options.name is None and options.resume is None:
        from recipes.data import is_own

        if not is_own(options.data):
            raise UsageFault("Which recipe? --list shows them all, --help the options.")
        options.name = FOR_PHOTOS
    overrides = tuple(parse_assignment(text) for text in options.set)
    _refuse_choice_and_chosen(dict(overrides))
    if options.name is not None:  # A typing error shows before anything is loaded.
        recipe = book.get(options.name, options.variant)
        if options.minutes is not None and not recipe.then:
            raise UsageFault(
                f"--minutes is for a recipe that tries more where there is time, such as own_photos. {options.name} "
                "trains its phases, and no more."
            )
        if options.data == "auto" and "data" not in dict(overrides):  # On other data a recipe has other paths.
            for path, value in overrides:
                recipe = recipe.override(path, value)
    from recipes.console.backend import load_backend
    from recipes.console.screen import Screen, flush_stdout
    from recipes.console.signals import Signals
    from recipes.data import is_own
    from recipes.execution import record
    from recipes.execution.request import Request

    signals = Signals()
    signals.listen()
    screen = Screen(quiet=options.quiet, to_stderr=options.json)
    frozen_pass = None
    if options.cluster is not None:
        if options.plan or options.find_lr:
            raise UsageFault("--cluster is for a run: --plan and --find-lr compute here.")
        from recipes.study.cluster import connection

        frozen_pass = connection.frozen_pass(options.cluster)
    if options.resume is not None:
        from recipes.execution import execute

        manifest = execute.resume(
            options.resume,
            overrides,
            require_accuracy=options.require_accuracy,
            export=options.export,
            tensorboard=options.tensorboard,
            modules=tuple(options.modules),
            screen=screen,
            signals=signals,
            frozen_pass=frozen_pass,
        )
    else:
        request = Request(
            name=options.name,
            variant=options.variant,
            overrides=overrides,
            data=str(Path(options.data).expanduser().absolute()) if is_own(options.data) else options.data,
            data_dir=options.data_dir,
            seed=options.seed,
            minutes=options.minutes,
            precision=options.precision,
            weights=from_anywhere(options.weights) if options.weights else None,
            smoke=options.smoke,
            require_accuracy=options.require_accuracy,
            require_recall=options.require_recall,
            require_precision=options.require_precision,
            export=options.export,
            tensorboard=options.tensorboard,
            modules=tuple(options.modules),
            decisions=str(Path(options.decisions).expanduser().absolute()) if options.decisions else None,
            group_by=options.group_by,
            after=options.after,
        )
        request.wanted()
        if request.after is not None:
            request = record.follow(request, named=named, out=options.out)
        if options.plan:
            load_backend()
            from recipes.execution import plan

            manifest = plan.plan(request, screen)
        elif options.find_lr:
            load_backend()
            from recipes.study import find_rate

            manifest = find_rate.find(
                request, options.out or Path("runs/find-lr") / run_folder.folder_name(options.name), screen
            )
        else:
            from recipes.execution import execute

            manifest = execute.start(
                request,
                out=options.out,
                overwrite=options.overwrite,
                screen=screen,
                signals=signals,
                frozen_pass=frozen_pass,
            )
    if options.open and "folder" in manifest:
        from recipes.console import browser

        browser.show(Path(manifest["folder"]) / run_folder.REPORT)
    if options.json:
        print(json.dumps(manifest, ensure_ascii=False, default=str))
    flush_stdout()
    return 0


def _list() -> int:
    rows = [("recipe", "data", "published", ""), *book.overview()]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    try:
        for row in rows:
            print(*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3], sep="  ")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main())
