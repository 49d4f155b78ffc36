"""Measure how fast a recipe trains, against the source's protocol in plain Keras, each in a process of its own.

Measures, on the same images and machine, in turns: seconds an epoch (training and validation, without the first of a
phase, which compiles), and training seconds until the test accuracy first reaches the published one, scored after every
epoch off the clock. The plain script stops there, or where its source stops.

Examples:
    python -m recipes.bench fashion_cnn --repeats 3 --docs docs
    python -m recipes.bench mnist_functional --accuracy 0.99
    python -m recipes.bench vgg16_feature_extract --epochs 2
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from recipes import book
from recipes.console.command import Parser, guarded, path, seed
from recipes.console.screen import Screen, flush_stdout
from recipes.errors import UsageFault
from recipes.study.bench import speed


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and give its exit code; errors are one line on stderr."""
    return guarded(_command, arguments)


def parser() -> Parser:
    """The command line."""
    parse = Parser("bench", __doc__ or "")
    parse.add_argument("name", metavar="NAME", help="a recipe")
    parse.add_argument("--repeats", type=int, default=3, metavar="N", help="rounds (default 3)")
    parse.add_argument("--accuracy", type=float, metavar="A", help="reach this one, where the source published none")
    parse.add_argument("--epochs", type=int, metavar="N", help="stop the plain script after N epochs a phase")
    parse.add_argument("--seed", type=seed, default=42)
    parse.add_argument("--data", default="full", choices=("full", "sample"), help="default: full")
    parse.add_argument("--data-dir", metavar="DIR", help="where TFDS keeps its data sets (default: TFDS_DATA_DIR)")
    parse.add_argument("--into", type=path, default=Path("results/bench"), metavar="DIR", help="default: results/bench")
    parse.add_argument("--docs", type=path, metavar="DIR", help="docs/: results.md in each language shows the table")
    parse.add_import()
    parse.add_argument("--role", choices=speed.ROLES, help=argparse.SUPPRESS)
    return parse


def _command(arguments: Sequence[str] | None) -> int:
    options = parser().parse(arguments)
    if options.repeats < 1 or (options.epochs is not None and options.epochs < 2):
        raise UsageFault("--repeats must be 1 or more, and --epochs 2 or more: the first epoch does not count.")
    published = book.get(options.name, "published")  # Here a recipe without variants is refused.
    accuracy = options.accuracy or published.published_accuracy
    race = speed.Race(
        options.name,
        accuracy,
        options.epochs,
        options.seed,
        options.data,
        options.data_dir,
        options.repeats,
        tuple(options.modules),
    )
    if options.role:
        print(json.dumps(speed.measure(race, options.role)))
        return 0
    Screen()
    speed.run(race, options.into, options.docs)
    flush_stdout()
    return 0


if __name__ == "__main__":
    sys.exit(main())
