"""Certify a recipe: run several seeds, and write what they gave with its spread, conditions and command.

A certification that is stopped goes on where it was: finished seeds are not run again. `--smoke` certifies a short
setting on the bundled sample; `--check NAME --smoke` runs a seed of it again and fails when it leaves the interval.

`--folds N` tests every image once, each by a run that has not seen it, and keeps every answer; with `--data PATH` those
are photos of your own, those that look alike in one fold, whatever sides they were given. `--verify FILE` runs the
first seed or fold of a result file again, and fails when its accuracy leaves that run's interval.

Examples:
    python -m recipes.certify fashion_cnn --seeds 5
    python -m recipes.certify vgg16_finetune --variant published --seeds 3 --docs docs --book recipes/book
    python -m recipes.certify vgg16_feature_extract --folds 5
    python -m recipes.certify own_photos --data ~/photos --folds 5
    python -m recipes.certify fashion_cnn --seeds 5 --cluster local:2
    python -m recipes.certify --verify results/fashion_cnn-fashion_mnist-tuned.json
    python -m recipes.certify --check fashion_cnn --smoke
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from recipes import book
from recipes.console.command import Parser, guarded, path
from recipes.console.screen import RESULT, Screen
from recipes.errors import UsageFault
from recipes.recipe.overrides import parse_assignment

if TYPE_CHECKING:
    from recipes.execution.request import Request

log = logging.getLogger("recipes")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and give its exit code; errors are one line on stderr."""
    return guarded(_command, arguments)


def parser() -> Parser:
    """The command line."""
    parse = Parser("certify", __doc__ or "")
    parse.add_argument("name", nargs="?", metavar="NAME", help="a recipe")
    parse.add_argument("--variant", choices=book.VARIANTS, default="tuned")
    parse.add_argument("--seeds", type=int, default=5, metavar="N", help="how many, from 42 on (default 5)")
    parse.add_argument("--folds", type=int, metavar="N", help="test every image once, in N runs, in place of seeds")
    parse.add_argument(
        "--verify",
        type=path,
        metavar="FILE",
        help="run the first seed or fold of a result file again; with NAME for a recipe of one's own",
    )
    parse.add_argument("--set", metavar="data=NAME", help="another data set the recipe knows, such as data=mnist")
    parse.add_argument("--data", metavar="PATH", help="photos of your own, as recipes.run takes them; with --folds")
    parse.add_argument("--data-dir", metavar="DIR", help="where TFDS keeps its data sets (default: TFDS_DATA_DIR)")
    parse.add_argument("--runs", type=path, default=Path("runs/certify"), metavar="DIR", help="default: runs/certify")
    parse.add_argument("--into", type=path, default=Path("results"), metavar="DIR", help="default: results")
    parse.add_argument(
        "--readme", type=path, metavar="FILE", help="a page with the marks <!-- results -->: the short table"
    )
    parse.add_argument("--docs", type=path, metavar="DIR", help="docs/: results.md in each language, the whole table")
    parse.add_argument("--book", type=path, metavar="DIR", help="recipes' pages with the marks <!-- measured -->")
    parse.add_argument("--smoke", action="store_true", help="a short setting on the bundled sample")
    parse.add_argument("--check", metavar="NAME", help="run one certified seed again; with --smoke")
    parse.add_cluster()
    parse.add_import()
    return parse


def _command(arguments: Sequence[str] | None) -> int:
    options = parser().parse(arguments)
    name = options.check or options.name
    if options.cluster is not None and (options.check or options.verify):
        raise UsageFault("--cluster is for several seeds or folds: --check and --verify run one.")
    if options.verify is not None:
        return _verify(options)
    if name is None:
        raise UsageFault("Which recipe? python -m recipes.run --list shows them all.")
    if options.check and not options.smoke:
        raise UsageFault("--check needs --smoke: a whole certification is run without --check.")
    if options.seeds < 1:
        raise UsageFault("--seeds must be 1 or more, and 2 or more for a spread.")
    if options.folds is not None and (options.folds < 2 or options.smoke):
        raise UsageFault("--folds must be 2 or more, and takes no --smoke.")
    if options.folds is not None and (options.readme or options.docs or options.book):
        raise UsageFault("--folds writes its own result files, on no page: leave out --readme, --docs and --book.")
    if options.data is not None and (options.folds is None or options.set):
        raise UsageFault("--data goes with --folds N, and without --set: photos of your own are tested by folds.")
    overrides = (parse_assignment(options.set),) if options.set else ()
    if overrides and (overrides[0][0] != "data" or options.smoke):
        raise UsageFault("A recipe is certified as it stands: --set takes data=NAME alone, and no --smoke.")
    from recipes.console.signals import Signals
    from recipes.execution.request import Request
    from recipes.files.run_folder import folder_name
    from recipes.study import results_files, seeds
    from recipes.study.cluster.connection import connected

    data = "full" if options.data is None else str(Path(options.data).expanduser().absolute())
    request = Request(
        name, options.variant, overrides, data=data, data_dir=options.data_dir, modules=tuple(options.modules)
    )
    request.recipe(request.dataset())
    screen, signals = Screen(), Signals("The same command goes on.")
    signals.listen()
    if options.check:
        certified, folder = seeds.of_short(options.into, name), options.runs / f"{folder_name(name)}-check"
        reached = seeds.check(request, certified, folder, screen, signals)
        log.log(RESULT, "%s: %.4f is within the certified interval", name, reached)
        return 0
    if options.folds is not None:
        from recipes.study import folds

        by_folds = folds.Folds(request, options.folds, options.runs, options.into)
        with connected(options.cluster, _first(by_folds.requests()), options.runs) as cluster:
            folds.certify(by_folds, screen, signals, cluster)
        return 0
    asked = seeds.Certification(request, options.seeds, options.smoke, options.runs, options.into)
    pages = results_files.Pages(options.readme, options.docs, options.book)
    with connected(options.cluster, _first(asked.requests()), options.runs) as cluster:
        seeds.certify(asked, pages, screen, signals, cluster)
    return 0


def _first(requests: dict[Path, Request]) -> Request:
    return next(iter(requests.values()))


def _verify(options: argparse.Namespace) -> int:
    from recipes.console.signals import Signals
    from recipes.execution.request import Request
    from recipes.study import seeds

    signals = Signals("The same command begins anew.")
    signals.listen()
    folder = options.runs / f"{options.verify.stem}-verify"
    asked = Request(options.name or "", data="full", data_dir=options.data_dir, modules=tuple(options.modules))
    reached, (low, high) = seeds.verify(options.verify, folder, asked, Screen(), signals)
    log.log(RESULT, "%s holds: %.4f is within %.4f to %.4f", options.verify, reached, low, high)
    return 0


if __name__ == "__main__":
    sys.exit(main())
