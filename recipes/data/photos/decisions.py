"""What a person decided about labels: a table beside the photos, honoured whenever these are listed.

A row for each photo: its path, `keep`, `move` or `leave_out`, and the label it keeps or gets. No photo is changed.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock

from recipes.data.photos.entry import Entry
from recipes.data.photos.tables import read_table
from recipes.errors import DataFault, UsageFault
from recipes.files import atomic
from recipes.files.csv_text import csv_text
from zoo.cache import acquire, cache_folder
from zoo.text.suggest import closest

FILE = "decisions.csv"
KEEP, MOVE, LEAVE_OUT = WORDS = ("keep", "move", "leave_out")
HEADER = ("path", "decision", "label")


@dataclass(frozen=True)
class Decision:
    """What was decided about one photo.

    Attributes:
        path: The photo's name: relative to the root, with `/`.
        decision: `"keep"`, `"move"` or `"leave_out"`.
        label: The class that it keeps or gets; may be empty where it is not moved.
    """

    path: str
    decision: str
    label: str = ""


@dataclass
class Decided:
    """What became of the decisions about some photos.

    Attributes:
        file: Where they are.
        kept: Photos whose label is right.
        moved: For each photo that has another label now, the class that it was in.
        left_out: Photos that are not used.
        warnings: On decisions that could not be honoured.
    """

    file: Path
    kept: list[str] = field(default_factory=list)
    moved: dict[str, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """How many there are of each."""
        return f"{len(self.moved):,} moved, {len(self.left_out):,} left out, {len(self.kept):,} kept"


def beside(root: Path) -> Path:
    """Where the decisions about a folder or table of photos are, unless another file is named."""
    return root / FILE if root.is_dir() else root.with_name(FILE)


def read(file: Path) -> list[Decision]:
    """The decisions in a table; rows without one are passed over.

    Raises:
        DataFault: When it cannot be read, or a row is wrong; the message names row and mend.
    """
    table = read_table(file)
    if missing := {"path", "decision"} - set(table.columns):
        raise DataFault(
            f"{file} lacks the column{'s' * (len(missing) > 1)} {' and '.join(sorted(missing))}. "
            f"A table of decisions has {', '.join(HEADER)}; "
            f"this one has: {', '.join(map(str, table.columns))}. Mend its first row, or rename the file if it is "
            "another table."
        )
    found: dict[str, Decision] = {}
    for number, row in enumerate(table.to_dict("records"), 2):
        path, word, label = row["path"].strip(), row["decision"].strip(), row.get("label", "").strip()
        if not word:
            continue
        decision = word.lower().replace(" ", "_").replace("-", "_")
        if not path:
            raise DataFault(f"{file}, row {number}: the path is empty. Fill it in, or remove the row.")
        if decision not in WORDS:
            raise DataFault(
                f"{file}, row {number} ({path}): the decision must be one of {', '.join(WORDS)}. Got {word!r} instead."
            )
        if decision == MOVE and not label:
            raise DataFault(f"{file}, row {number} ({path}): the label is empty. Name the class to move to.")
        if _key(path) in found:
            raise DataFault(f"{file}, row {number}: {path} was decided in an earlier row. Remove one of the two.")
        found[_key(path)] = Decision(path, decision, label)
    return list(found.values())


def honour(file: Path, entries: Sequence[Entry], classes: Sequence[str]) -> tuple[list[Entry], Decided]:
    """Photos with the labels that were decided, without those that are left out.

    Args:
        file: The table of decisions.
        entries: All photos.
        classes: All classes.

    Raises:
        DataFault: As `read`, and for a class that is not there.
    """
    names, labels = by_key(entry.name for entry in entries), by_key(classes)
    decided, gone, others = Decided(file), [], []
    by_name: dict[str, Decision] = {}
    for row in read(file):
        name, label = meant(row.path, names), meant(row.label, labels)
        if name is None:
            gone.append(row.path)
        elif row.decision == MOVE and label is None:
            raise DataFault(
                f"{file}, row of {row.path}: there is no class {row.label!r}.{closest(row.label, classes)} Correct the "
                f"row, or remove it. Classes: {', '.join(classes[:10])}{' ...' if len(classes) > 10 else ''}."
            )
        else:
            by_name[name] = Decision(name, row.decision, label or row.label)
    kept = []
    for entry in entries:
        row = by_name.get(entry.name, Decision(entry.name, ""))
        if row.decision == LEAVE_OUT:
            decided.left_out.append(entry.name)
            continue
        if row.decision == KEEP and row.label not in ("", entry.label):
            others.append(entry.name)
        elif row.decision == KEEP or (row.decision == MOVE and row.label == entry.label):
            decided.kept.append(entry.name)
        elif row.decision == MOVE:
            decided.moved[entry.name] = entry.label
            entry = dataclasses.replace(entry, label=row.label)
        kept.append(entry)
    decided.warnings += _passed_over(file, gone, "photos that are not there", "Remove the rows")
    decided.warnings += _passed_over(file, others, "labels that the photos no longer have", "Decide anew")
    return kept, decided


def about(file: Path, names: Iterable[str]) -> dict[str, Decision]:
    """What is decided about some photos, by name; nothing where there is no table.

    Raises:
        DataFault: As `read`.
    """
    known = by_key(names)
    rows = read(file) if file.exists() else []
    return {name: row for row in rows if (name := meant(row.path, known)) is not None}


def record(file: Path, path: str, decision: Decision | None) -> None:
    """Write one decision into the table, whatever else was written since; `None` takes back what was decided.

    Raises:
        DataFault: When the table was damaged meanwhile.
        DiskFault: When it cannot be written; it is then as it was.
    """
    file = file.resolve()
    with _alone(file):
        rows = {_key(row.path): row for row in read(file)} if file.exists() else {}
        rows.pop(_key(path), None)
        if decision is not None:
            rows[_key(path)] = decision
        atomic.write(file, csv_text(HEADER, ((row.path, row.decision, row.label) for row in rows.values())))


def refuse_unwritable(file: Path) -> None:
    """Refuse a place where decisions cannot be written, and a table with columns that would be lost.

    Raises:
        UsageFault: With what to type in place of it.
        DataFault: When there is a table that cannot be read.
    """
    try:
        with tempfile.TemporaryFile(dir=file.resolve().parent):
            pass
    except OSError as error:
        raise UsageFault(
            f"{file} cannot be written: {error.strerror}. Name another place for what is decided: --decisions FILE, "
            "here and in every later doctor and run."
        ) from error
    if file.exists():
        read(file)
        if strange := [name for name in read_table(file).columns if name not in HEADER]:
            raise UsageFault(
                f"{file} has the column {strange[0]!r}, which would be lost: --decide writes {', '.join(HEADER)} only. "
                "Name another file with --decisions, or remove the column."
            )


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """Hold a table of decisions against other processes and threads."""
    name = hashlib.sha256(os.fsencode(file)).hexdigest()[:24]
    lock = cache_folder() / "locks" / f"{name}.lock"
    with atomic.disk_faults(lock):
        lock.parent.mkdir(parents=True, exist_ok=True)
        held = FileLock(lock)
        acquire(held)
    try:
        yield
    finally:
        held.release()


def _key(written: str) -> str:
    """One form of a name, however it was typed: by a Mac, on Windows, or with a spreadsheet's apostrophe in front."""
    return unicodedata.normalize("NFC", written.strip().removeprefix("'").replace("\\", "/"))


def by_key(names: Iterable[str]) -> dict[str, str]:
    """Names by every form in which a table may write them, for `meant`."""
    names = list(names)
    return {_key(name): name for name in names} | {name: name for name in names}


def meant(written: str, names: dict[str, str]) -> str | None:
    """The name that is meant by what is written in a table, of those `by_key`; `None` where it is none of them."""
    return names.get(written, names.get(_key(written)))


def _passed_over(file: Path, paths: Sequence[str], what: str, mend: str) -> list[str]:
    if not paths:
        return []
    others = f" and {len(paths) - 1} others" if len(paths) > 1 else ""
    return [f"{file.name}: {len(paths)} decisions are about {what} and were passed over: {paths[0]}{others}. {mend}."]
