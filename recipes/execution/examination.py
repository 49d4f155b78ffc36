"""A person's own photos examined: how far it is, what was found, and what is written of it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len

from recipes.console.screen import Screen
from recipes.errors import UsageFault
from recipes.files.csv_text import csv_text
from recipes.files.earlier_run import Divided
from recipes.recipe import Shares

if TYPE_CHECKING:
    from recipes.data.photos.diagnosis import Diagnosis
    from recipes.files.earlier_run import EarlierRun

SHOWN = 8
log = logging.getLogger("recipes")


def examine(
    root: Path,
    shares: Shares,
    screen: Screen,
    decided: Path | None = None,
    group_by: str | None = None,
    earlier: EarlierRun | None = None,
) -> Diagnosis:
    """Examine photos, showing how far it is; see `recipes.data.photos.diagnosis.examine`.

    Raises:
        DataFault: When there is no such folder or table, or a decision about a label is wrong.
        UsageFault: When `group_by` cannot be used, or no photo of the earlier run is there.
    """
    from recipes.data.photos.diagnosis import examine

    with screen.counting("doctor") as watch:
        return examine(root, shares, watch, decided, group_by, earlier)


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
    from recipes.files import atomic

    atomic.write(folder / "bad_files.csv", csv_text(("file", "reason"), diagnosis.bad))
    atomic.write(folder / "doctor.html", report.doctor_page(diagnosis))


def divided(diagnosis: Diagnosis) -> list[Divided]:
    """The photos that are used, and where."""
    return [
        Divided(
            name=photo.entry.name,
            label=photo.entry.label,
            split=diagnosis.places[photo.entry.name],  # type: ignore[arg-type]
            sha256=photo.sha256,
        )
        for photo in diagnosis.used
    ]


def say(diagnosis: Diagnosis) -> None:
    """Say what matters: counts, warnings, and what cannot be used."""
    kinds = ", ".join(f"{number:,} {extension}" for extension, number in diagnosis.extensions.items())
    number = len(diagnosis.listing.classes)
    log.info(
        "doctor %s photos in %d class%s%s; %s can be used",
        f"{len(diagnosis.photos):,}", number, "es" * (number != 1), f" ({kinds})" if kinds else "",
        f"{len(diagnosis.used):,}",
    )  # fmt: skip
    shown = dict(list(diagnosis.counts.items())[: 4 * SHOWN])
    width = max(map(cell_len, ["class", *shown]))  # A Korean letter takes two places.
    if shown:
        log.info("  %s %10s %10s %10s", "class".ljust(width), "train", "validation", "test")
    for label, counts in shown.items():
        padded = label + " " * (width - cell_len(label))
        log.info("  %s %10s %10s %10s", padded, *(f"{number:,}" for number in counts.values()))
    if len(diagnosis.counts) > len(shown):
        log.info("  and %d classes more", len(diagnosis.counts) - len(shown))
    if diagnosis.listing.ignored:
        passed = ", ".join(f"{number:,} {extension}" for extension, number in diagnosis.listing.ignored.most_common())
        log.info("  passed over: %s", passed)
    if diagnosis.listing.decided:
        log.info("  decisions about labels: %s (%s)", diagnosis.listing.decided, diagnosis.listing.decided.file)
    if diagnosis.named_groups:
        log.info("  %s", groups_in_words(diagnosis))
    for what, names in (diagnosis.notes | diagnosis.quality).items():
        log.info("  %s: %s, such as %s", what, f"{len(names):,}", names[0])
    for what, groups in {"identical files": diagnosis.identical, "photos that look alike": diagnosis.alike}.items():
        if groups:
            log.info("  groups of %s: %s, such as that of %s", what, f"{len(groups):,}", groups[0][0].entry.name)
    for name, reason in diagnosis.bad[:SHOWN]:
        log.warning("  cannot be used: %s: %s", name, reason)
    if len(diagnosis.bad) > SHOWN:
        log.warning("  and %d files more, in bad_files.csv", len(diagnosis.bad) - SHOWN)
    for warning in diagnosis.warnings:
        log.warning("warning: %s", warning)


def say_changes(diagnosis: Diagnosis, earlier: EarlierRun, recipe: str, chosen: Sequence[tuple[str, str]]) -> None:
    """Say what became of the photos of an earlier run, and what of it holds."""
    from recipes.evaluate.growth import changes

    found, was = changes(earlier.photos, divided(diagnosis)), earlier.manifest
    log.info("after  %s, version %d: %s", earlier.folder, was.version, found.words())
    if found.new_classes:
        log.info("  new: %s", ", ".join(map(repr, found.new_classes)))
    if recipe != was.recipe:
        log.info("  another recipe than its %s: of that run only the division holds", was.recipe)
    elif chosen and list(chosen) == was.chosen:
        settings = ", ".join(f"{path}={value}" for path, value in chosen)
        log.info("  its recipe and what its folds chose hold (%s); no base is heard again", settings)
    else:
        log.info("  its recipe holds, and its division")


def groups_in_words(diagnosis: Diagnosis) -> str:
    """How many groups a person names, and how many photos are in none."""
    named = sum(map(len, diagnosis.named_groups.values()))
    alone = sum(not photo.problem for photo in diagnosis.photos) - named
    rest = f"; each of the other {alone:,} is its own" if alone else ""
    return f"groups that are named: {len(diagnosis.named_groups):,}, of {named:,} photos{rest}"


def findings(diagnosis: Diagnosis) -> dict[str, Any]:
    """The findings as plain, JSON-ready values."""
    decided = diagnosis.listing.decided
    decisions = {name: getattr(decided, name) for name in ("moved", "left_out", "kept")} if decided else None
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
        "shortcuts": [shortcut.as_dict() for shortcut in diagnosis.shortcuts],
        "warnings": diagnosis.warnings,
        "faults": diagnosis.faults,
        "named_groups": {name: len(photos) for name, photos in diagnosis.named_groups.items()},
    } | ({"decisions": decisions} if decisions else {})
