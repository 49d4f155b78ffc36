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
from typing import TYPE_CHECKING, Any

from recipes.console.command import Parser, guarded
from recipes.console.screen import RESULT, Screen, flush_stdout
from recipes.errors import UsageFault
from recipes.files.csv_text import csv_text
from recipes.recipe import Shares

if TYPE_CHECKING:
    from recipes.data.photos.diagnosis import Diagnosis

SHOWN = 8
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


def examine(root: Path, shares: Shares, screen: Screen) -> Diagnosis:
    """Examine photos, showing how far it is.

    Raises:
        DataFault: When there is no such folder or table.
    """
    from recipes.data.photos.diagnosis import examine

    with screen.counting("doctor") as watch:
        return examine(root, shares, watch)


def refuse_inside(folder: Path, root: Path) -> None:
    """Refuse to write among a person's photos.

    Raises:
        UsageFault: When `folder` is in `root`.
    """
    if root.is_dir() and folder.resolve().is_relative_to(root.resolve()):
        raise UsageFault(f"{folder} is among the photos, where nothing is written. Choose another --out.")


def write(diagnosis: Diagnosis, folder: Path) -> None:
    """Write doctor.html and bad_files.csv.

    Raises:
        DiskFault: When they cannot be written.
    """
    from recipes import report
    from recipes.files import run_folder

    run_folder.write(folder / "bad_files.csv", csv_text(("file", "reason"), diagnosis.bad))
    run_folder.write(folder / "doctor.html", report.doctor_page(diagnosis))


def say(diagnosis: Diagnosis) -> None:
    """Say what matters: counts, warnings, and what cannot be used."""
    kinds = ", ".join(f"{number:,} {extension}" for extension, number in diagnosis.extensions.items())
    log.info(
        "doctor %s photos in %d classes (%s); %s can be used",
        f"{len(diagnosis.photos):,}", len(diagnosis.listing.classes), kinds, f"{len(diagnosis.used):,}",
    )  # fmt: skip
    shown = dict(list(diagnosis.counts.items())[: 4 * SHOWN])
    width = max(map(len, ["class", *shown]))
    log.info("  %s %10s %10s %10s", "class".ljust(width), "train", "validation", "test")
    for label, counts in shown.items():
        log.info("  %s %10s %10s %10s", label.ljust(width), *(f"{number:,}" for number in counts.values()))
    if len(diagnosis.counts) > len(shown):
        log.info("  and %d classes more", len(diagnosis.counts) - len(shown))
    if diagnosis.listing.ignored:
        passed = ", ".join(f"{number:,} {extension}" for extension, number in diagnosis.listing.ignored.most_common())
        log.info("  passed over: %s", passed)
    for what, names in (diagnosis.notes | diagnosis.quality).items():
        log.info("  %s: %s, such as %s", what, f"{len(names):,}", names[0])
    log.info("  identical files: %d groups; look alike: %d groups", len(diagnosis.identical), len(diagnosis.alike))
    for name, reason in diagnosis.bad[:SHOWN]:
        log.warning("  cannot be used: %s: %s", name, reason)
    if len(diagnosis.bad) > SHOWN:
        log.warning("  and %d files more, in bad_files.csv", len(diagnosis.bad) - SHOWN)
    for warning in diagnosis.warnings:
        log.warning("warning: %s", warning)


def findings(diagnosis: Diagnosis) -> dict[str, Any]:
    """The findings as plain, JSON-ready values."""
    return {
        "photos": len(diagnosis.photos),
        "used": len(diagnosis.used),
        "counts": diagnosis.counts,
        "extensions": diagnosis.extensions,
        "passed_over": dict(diagnosis.listing.ignored),
        "bad": dict(diagnosis.bad),
        "odd": diagnosis.notes | diagnosis.quality,
        "identical": [[photo.entry.name for photo in group] for group in diagnosis.identical],
        "alike": [[photo.entry.name for photo in group] for group in diagnosis.alike],
        "label_conflicts": [[photo.entry.name for photo in group] for group in diagnosis.conflicts],
        "left_out": [vars(leak) for leak in diagnosis.leaks],
        "warnings": diagnosis.warnings,
        "faults": diagnosis.faults,
    }


def _command(arguments: Sequence[str] | None) -> int:
    from recipes.files import run_folder

    options = parser().parse(arguments)
    screen = Screen(to_stderr=options.json)
    root = options.path.expanduser()
    folder = options.out or Path("runs") / "doctor" / (root.resolve().stem or "photos")
    refuse_inside(folder, root)
    diagnosis = examine(root, Shares(), screen)
    with run_folder.disk_faults(folder):
        folder.mkdir(parents=True, exist_ok=True)
    write(diagnosis, folder)
    say(diagnosis)
    log.log(RESULT, "report %s", folder / "doctor.html")
    if options.json:
        print(json.dumps(findings(diagnosis), ensure_ascii=False))
    flush_stdout()
    diagnosis.refuse()
    return 0


if __name__ == "__main__":
    sys.exit(main())
