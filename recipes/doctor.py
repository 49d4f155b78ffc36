"""Examine your own photos: what can be used, what is odd, what is there twice, how they would be divided.

No file of yours is changed. Writes doctor.html and bad_files.csv.

Examples:
    python -m recipes.doctor ~/photos
    python -m recipes.doctor photos.csv --out checkup
    python -m recipes.doctor ~/photos --labels --csv labels.csv
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recipes.console.command import Parser, guarded
from recipes.console.screen import RESULT, Screen, flush_stdout
from recipes.errors import UsageFault
from recipes.execution import examination
from recipes.recipe import Shares

if TYPE_CHECKING:
    from recipes.data.photos.diagnosis import Diagnosis

SHOWN = 10
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
    parse.add_argument(
        "--labels", action="store_true", help="also rank the labels, the most doubtful first, by a small network"
    )
    parse.add_argument("--csv", type=Path, metavar="FILE", help="with --labels: write the whole ranking into a table")
    parse.add_argument("--json", action="store_true", help="print the findings as one JSON line, all else to stderr")
    return parse


def _command(arguments: Sequence[str] | None) -> int:
    from recipes.files import atomic

    options = parser().parse(arguments)
    if options.csv is not None and not options.labels:
        raise UsageFault("--csv is for the ranking of --labels.")
    screen = Screen(to_stderr=options.json)
    root = options.path.expanduser()
    folder = options.out or Path("runs") / "doctor" / (root.resolve().stem or "photos")
    examination.refuse_inside(folder, root)
    if options.csv is not None and root.is_dir() and options.csv.resolve().is_relative_to(root.resolve()):
        raise UsageFault(f"{options.csv} is among the photos, where nothing is written. Choose another --csv.")
    diagnosis = examination.examine(root, Shares(), screen)
    with atomic.disk_faults(folder):
        folder.mkdir(parents=True, exist_ok=True)
    examination.write(diagnosis, folder)
    examination.say(diagnosis)
    log.log(RESULT, "report %s", folder / "doctor.html")
    found = examination.findings(diagnosis)
    if options.labels and len(diagnosis.used):
        found["labels"] = _labels(diagnosis, options.csv, screen)
    if options.json:
        print(json.dumps(found, ensure_ascii=False))
    flush_stdout()
    diagnosis.refuse()
    return 0


def _labels(diagnosis: Diagnosis, table: Path | None, screen: Screen) -> list[dict[str, Any]]:
    """Rank the labels, and say which are the most doubtful and which photos are like no other."""
    from recipes.console.backend import load_backend
    from recipes.files import atomic

    load_backend()
    from recipes.study import doubtful_labels

    judged = doubtful_labels.judge(diagnosis, screen)
    doubted = doubtful_labels.doubtful(judged)
    log.log(RESULT, "doubtful labels: %d of %d photos", len(doubted), len(judged))
    for one in doubted[:SHOWN]:
        log.log(RESULT, "  %s: %s, or %s (%.2f)?", one.path, one.label, one.prediction, one.probability)
    log.log(RESULT, "like no other:")
    for one in doubtful_labels.unlike(judged)[:SHOWN]:
        log.log(RESULT, "  %s (%s)", one.path, one.label)
    if table is not None:
        atomic.write(table, doubtful_labels.as_csv(judged))
        log.log(RESULT, "%s rows in %s", f"{len(judged):,}", table)
    return [vars(one) for one in judged]


if __name__ == "__main__":
    sys.exit(main())
