"""Examine your own photos: what can be used, what is odd, what is there twice, how they would be divided.

No file of yours is changed. Writes doctor.html and bad_files.csv.

Examples:
    python -m recipes.doctor ~/photos
    python -m recipes.doctor photos.csv --out checkup
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from recipes.console.command import Parser, guarded
from recipes.console.screen import RESULT, Screen, flush_stdout
from recipes.execution import examination
from recipes.recipe import Shares

log = logging.getLogger("recipes")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and give its exit code; errors are one line on stderr."""
    return guarded(_command, arguments)


def parser() -> Parser:
    """The command line."""
    parse = Parser("doctor", __doc__ or "")
    parse.add_argument(
        "path", type=Path, help="photos/<class>/..., photos/{train,validation,test}/<class>/..., a CSV or Parquet table"
    )
    parse.add_argument("--out", type=Path, metavar="DIR", help="where to write (default runs/doctor/NAME)")
    parse.add_argument("--json", action="store_true", help="print the findings as one JSON line, all else to stderr")
    return parse


def _command(arguments: Sequence[str] | None) -> int:
    from recipes.files import atomic

    options = parser().parse(arguments)
    screen = Screen(to_stderr=options.json)
    root = options.path.expanduser()
    folder = options.out or Path("runs") / "doctor" / (root.resolve().stem or "photos")
    examination.refuse_inside(folder, root)
    diagnosis = examination.examine(root, Shares(), screen)
    with atomic.disk_faults(folder):
        folder.mkdir(parents=True, exist_ok=True)
    examination.write(diagnosis, folder)
    examination.say(diagnosis)
    log.log(RESULT, "report %s", folder / "doctor.html")
    if options.json:
        print(json.dumps(examination.findings(diagnosis), ensure_ascii=False))
    flush_stdout()
    diagnosis.refuse()
    return 0


if __name__ == "__main__":
    sys.exit(main())
