"""Say what is on photos, with the network that a run trained, or with one that comes trained.

Examples:
    python -m recipes.predict efficientnet_lite0 dog.jpg
    python -m recipes.predict runs/vgg16_finetune/20260101T120000Z-seed42 cat.jpg
    python -m recipes.predict runs/vgg16_finetune/20260101T120000Z-seed42 ~/album --csv album.csv
    python -m recipes.predict runs/vgg16_finetune/20260101T120000Z-seed42 cat.jpg dog.jpg --top 2 --json
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from recipes.console.command import Parser, guarded
from recipes.console.screen import RESULT, Screen, flush_stdout
from recipes.errors import DataFault, UsageFault

log = logging.getLogger("recipes")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and give its exit code; errors are one line on stderr."""
    return guarded(_command, arguments)


def parser() -> Parser:
    """The command line."""
    parse = Parser("predict", __doc__ or "")
    parse.add_argument(
        "run",
        type=Path,
        metavar="RUN",
        help="the folder of a finished run, or efficientnet_lite0",
    )
    parse.add_argument("images", type=Path, nargs="+", metavar="IMAGE_OR_FOLDER", help="photos, or folders of them")
    parse.add_argument("--top", type=int, default=1, metavar="K", help="show the K most probable classes (default 1)")
    parse.add_argument("--csv", type=Path, metavar="FILE", help="write every probability into a table")
    parse.add_argument("--json", action="store_true", help="print the result as one JSON line, all else to stderr")
    parse.add_argument(
        "--unlabelled", action="store_true", help="the names of subfolders say nothing of what is on their photos"
    )
    parse.add_import()
    return parse


def _command(arguments: Sequence[str] | None) -> int:
    options = parser().parse(arguments)
    if options.top < 1:
        raise UsageFault("--top must be 1 or more.")
    screen = Screen(to_stderr=options.json)
    from recipes.files import atomic
    from recipes.inference.answers import answer

    show = 0 if options.json or options.csv is not None else options.top
    answers = answer(options.run, options.images, labelled=not options.unlabelled, show=show, screen=screen)
    table = answers.table
    if options.csv is not None:
        atomic.write(options.csv, table.as_csv())
        log.log(RESULT, "%s rows in %s", f"{len(table):,}", options.csv)
    if options.json:
        print(json.dumps(answers.as_json(options.top), ensure_ascii=False))
    flush_stdout()
    if not len(table):
        raise DataFault("None of the photos could be read.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
