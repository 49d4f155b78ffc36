"""See what a network learned: where it looked on a picture, what its layers see, what its filters answer to.

RUN is the folder of a finished run, or a saved flat Keras model of anybody's (`--range` says which values it takes).
Pictures go to --out.

Examples:
    python -m recipes.explain vgg16_finetune cat.jpg dog.jpg
    python -m recipes.explain fashion_cnn --sample 3 --features conv1,conv2
    python -m recipes.explain fashion_cnn --filters conv1
    python -m recipes.explain mobilenet.keras cat.jpg --range -1 1 --layer Conv_1
    python -m recipes.explain fashion_cnn --sobel --sample 3
    python -m recipes.explain --arithmetic vgg16_finetune
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from recipes.console.command import Parser, guarded, path
from recipes.console.screen import RESULT, Screen, flush_stdout
from recipes.errors import UsageFault
from recipes.files import atomic, run_folder

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    import zoo

log = logging.getLogger("recipes")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and give its exit code; errors are one line on stderr."""
    return guarded(_command, arguments)


def parser() -> Parser:
    """The command line."""
    parse = Parser("explain", __doc__ or "")
    parse.add_argument(
        "run",
        nargs="?",
        metavar="RUN",
        help="a finished run: its folder, last, or a recipe's name; or a saved Keras model",
    )
    parse.add_argument("images", nargs="*", type=path, metavar="IMAGE", help="photos to explain the answer on")
    parse.add_argument(
        "--sample", type=int, metavar="N", help="the N-th bundled test picture of RUN's data set, from 0"
    )
    parse.add_argument("--layer", metavar="NAME", help="the convolution for Grad-CAM (default: the last)")
    parse.add_argument("--features", metavar="NAME,...", help="show the feature maps of these layers instead")
    parse.add_argument("--filters", metavar="NAME", help="show what the filters of a convolution answer to")
    parse.add_argument(
        "--sobel", type=path, nargs="?", const=Path(), metavar="IMAGE",
        help="find the edges of an image by hand, or of that of --sample",
    )  # fmt: skip
    parse.add_argument(
        "--arithmetic", metavar="NAME", help="parameters and cost of an architecture, run or saved model"
    )
    parse.add_argument(
        "--range", type=float, nargs=2, default=(0.0, 255.0), metavar=("LOW", "HIGH"), help="values a saved model takes"
    )
    parse.add_argument("--out", type=path, default=Path("explained"), metavar="DIR", help="default: explained")
    parse.add_argument("--json", action="store_true", help="--arithmetic as one JSON line")
    parse.add_argument("--markdown", action="store_true", help="--arithmetic as a Markdown table")
    parse.add_import()
    return parse


def _command(arguments: Sequence[str] | None) -> int:
    options = parser().parse(arguments)
    if not options.range[0] < options.range[1]:
        raise UsageFault("--range wants the lowest value and the highest, such as --range -1 1.")
    if options.sobel == Path() and options.sample is None:
        raise UsageFault("--sobel: which image? Give one, or RUN and --sample 0 for a bundled picture.")
    if options.sample is not None or not (options.arithmetic or options.sobel):
        if options.run is None:
            raise UsageFault("Which run? --help shows what can be explained.")
        if not options.filters and not options.images and options.sample is None:
            raise UsageFault("Which image? Or --sample 0, --filters NAME, or --arithmetic NAME.")
    run = str(run_folder.given(Path(options.run))) if options.run else ""
    Screen(to_stderr=options.json)
    from recipes.console.backend import load_backend

    load_backend()
    from recipes.inference import explanations
    from recipes.inference.saved import sample_picture

    if options.sample is not None:
        path = sample_picture(run, options.sample)
        options.sobel = path if options.sobel == Path() else options.sobel
        options.images.append(path)
    if options.arithmetic:
        _print(explanations.arithmetic(options.arithmetic, options.range), options)
    elif options.sobel:
        model = explanations.subject(run, options.range).model if run else None
        _write(options.out, f"{options.sobel.stem}-sobel", explanations.edges(options.sobel, model))
    elif options.filters:
        name, figure = explanations.filters(explanations.subject(run, options.range), options.filters)
        _write(options.out, f"{name}-filters", figure)
    else:
        network = explanations.subject(run, options.range)
        features = options.features.split(",") if options.features else []
        for name, figure in explanations.explained(network, options.images, options.layer, features):
            _write(options.out, name, figure)
    flush_stdout()
    return 0


def _print(table: zoo.Arithmetic, options: argparse.Namespace) -> None:
    if options.json:
        print(json.dumps(table.as_dict(), ensure_ascii=False))
    elif options.markdown:
        log.log(RESULT, "%s", table.markdown().rstrip())
    else:
        rows = table.cells()
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            log.log(RESULT, "%s", line.rstrip())


def _write(folder: Path, name: str, figure: Figure) -> None:
    from recipes.report.figures.style import png

    with atomic.disk_faults(folder):
        folder.mkdir(parents=True, exist_ok=True)
    atomic.write(folder / f"{name}.png", png(figure))
    log.log(RESULT, "%s", folder / f"{name}.png")


if __name__ == "__main__":
    sys.exit(main())
