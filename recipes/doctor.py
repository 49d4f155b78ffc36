"""Examine your own photos: what can be used, what is odd, what is there twice, how they would be divided.

No photo of yours is changed. Writes doctor.html and bad_files.csv.

Examples:
    python -m recipes.doctor ~/photos
    python -m recipes.doctor photos.csv --out checkup
    python -m recipes.doctor ~/photos --group-by '([^/]+)_[0-9]+[.]jpg$'
    python -m recipes.doctor ~/photos --labels --csv labels.csv
    python -m recipes.doctor ~/photos --labels --decide
"""

from __future__ import annotations

import argparse
import json
import logging
import shlex
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from recipes.console.command import Parser, guarded, path, port
from recipes.console.screen import RESULT, Screen, flush_stdout
from recipes.errors import UsageFault
from recipes.execution import examination
from recipes.pages.words import LANGUAGES
from recipes.recipe import Shares

if TYPE_CHECKING:
    from recipes.data.photos.diagnosis import Diagnosis
    from recipes.study.doubtful_labels import Judged

SHOWN = 10
# What `recipes.study.doubtful_labels.as_csv` begins with.
TABLE_BEGINS = "path,label,prediction,probability,quality,likeness,decision\n"
log = logging.getLogger("recipes")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and give its exit code; errors are one line on stderr."""
    return guarded(_command, arguments)


def parser() -> Parser:
    """The command line."""
    parse = Parser("doctor", __doc__ or "")
    parse.add_argument(
        "path", type=path, help="photos/<class>/..., photos/{train,validation,test}/<class>/..., a CSV or Parquet table"
    )
    parse.add_argument("--out", type=path, metavar="DIR", help="where to write (default runs/doctor/NAME)")
    parse.add_argument(
        "--labels", action="store_true", help="also rank the labels, the most doubtful first, by a small network"
    )
    parse.add_argument("--csv", type=path, metavar="FILE", help="with --labels: write the whole ranking into a table")
    parse.add_argument(
        "--decide", action="store_true", help="with --labels: a page on this machine to decide about doubtful labels"
    )
    parse.add_argument(
        "--decisions",
        type=path,
        metavar="FILE",
        help="the table of decisions (default: decisions.csv beside them)",
    )
    parse.add_group_by()
    parse.add_argument("--port", type=port, help="with --decide: default 8000; 0 takes any that is free")
    parse.add_argument("--language", choices=LANGUAGES, help="with --decide: of the page (default the browser's)")
    parse.add_argument("--json", action="store_true", help="print the findings as one JSON line, all else to stderr")
    return parse


def _command(arguments: Sequence[str] | None) -> int:
    from recipes.data.user_photos import same_photos
    from recipes.files import atomic

    options = parser().parse(arguments)
    screen = Screen(to_stderr=options.json)
    root = options.path
    folder = options.out or Path("runs") / "doctor" / (root.resolve().stem or "photos")
    examination.refuse_inside(folder, root)
    _refuse(options, root)
    diagnosis = examination.examine(root, Shares(), screen, options.decisions, options.group_by)
    with atomic.disk_faults(folder):
        folder.mkdir(parents=True, exist_ok=True)
    examination.write(diagnosis, folder)
    examination.say(diagnosis)
    log.log(RESULT, "report %s", folder / "doctor.html")
    found = examination.findings(diagnosis)
    judged = _labels(diagnosis, options.csv, screen) if options.labels and len(diagnosis.used) else []
    if options.json:
        print(json.dumps(found | ({"labels": [vars(one) for one in judged]} if judged else {}), ensure_ascii=False))
    flush_stdout()
    if options.decide:
        _decide(diagnosis, judged, options)
    diagnosis.refuse()
    given = same_photos(root, options.decisions, options.group_by)
    log.info("next   %s", shlex.join(["python", "-m", "recipes.run", "--data", *given]))
    return 0


def _refuse(options: argparse.Namespace, root: Path) -> None:
    """Refuse options that would be passed over, and places where nothing is or can be written.

    Raises:
        UsageFault: With the mend.
    """
    from recipes.data.photos import decisions
    from recipes.data.photos.tables import refuse_to_overwrite

    for name in ("csv", "decide"):
        if getattr(options, name) and not options.labels:
            raise UsageFault(f"--{name} is for the ranking of --labels.")
    for name in ("port", "language"):
        if getattr(options, name) is not None and not options.decide:
            raise UsageFault(f"--{name} is for the page of --decide.")
    written = {"csv": options.csv, "decisions": options.decisions if options.decide else None}
    for name, file in written.items():
        among = file is not None and root.is_dir() and file.resolve().is_relative_to(root.resolve())
        if among and not (name == "decisions" and file.resolve() == decisions.beside(root).resolve()):
            raise UsageFault(f"{file} is among the photos, where nothing is written. Choose another --{name}.")
    file = options.decisions or decisions.beside(root)
    if options.csv is not None:
        refuse_to_overwrite(options.csv, (root, file), TABLE_BEGINS)
    if options.decide and root.exists():
        if file.resolve() == root.resolve():
            raise UsageFault(f"{root} has the name that decisions have. Name another place for them: --decisions FILE.")
        decisions.refuse_unwritable(file)
    elif options.decisions is not None and not file.is_file():
        raise UsageFault(f"There is no table of decisions at {file}. Mend or leave out --decisions.")


def _labels(diagnosis: Diagnosis, table: Path | None, screen: Screen) -> list[Judged]:
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
    return judged


def _decide(diagnosis: Diagnosis, judged: Sequence[Judged], options: argparse.Namespace) -> None:
    """Show the doubtful photos on a local page, until Ctrl-C; say what was decided."""
    from recipes.data.photos import decisions
    from recipes.pages.decide import DecidePage, command
    from recipes.pages.server import server
    from recipes.study import doubtful_labels

    doubted, listing = doubtful_labels.doubtful(judged), diagnosis.listing
    if not doubted:
        log.log(RESULT, "no label is doubtful: there is nothing to decide")
        return
    file = options.decisions or decisions.beside(listing.root)
    follows = command(listing.root, file, options.group_by)
    page = DecidePage(doubted, listing, file, follows, options.language)
    with server(page, port=8000 if options.port is None else options.port) as running, suppress(KeyboardInterrupt):
        log.log(RESULT, "decide on http://127.0.0.1:%d  (Ctrl-C ends)", running.server_address[1])
        running.serve_forever()
    made = len(decisions.read(file)) if file.exists() else 0
    log.log(RESULT, "%s decisions in %s; they count from now on: %s", f"{made:,}", file, follows)


if __name__ == "__main__":
    sys.exit(main())
