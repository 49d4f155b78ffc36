"""Sorted photos put into a folder for each class: copied or linked, never moved, and never put twice.

A table beside the folders says which file was made of which photo. Where a photo has another class by now, its file is
taken away, as long as it is still the same as the photo, and not the photo itself.
"""

from __future__ import annotations

import csv
import filecmp
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from recipes.data.photos.decisions import by_key, meant
from recipes.data.photos.listing import printable
from recipes.errors import DataFault, DiskFault
from recipes.files.atomic import disk_faults
from recipes.files.csv_text import csv_text

FILE = "sorted_files.csv"
HEADER = ("path", "file")
NONE, NONE_FOLDER = "none", "_none"
SHARE_OF_FREE = 0.95
# A copy that was being made when its process was killed.
HALF = re.compile(r"\.\d+\.tmp(\.\w+)?")


@dataclass
class Put:
    """What became of photos that were put into folders.

    Attributes:
        added: How many files were made.
        there: How many were there already.
        removed: How many files were taken away: of photos that have another class, or none, by now.
        missing: (photo, reason) of those that cannot be read any more.
        kept: Files of photos of another class that were changed since, or are the photo itself, and so were left.
    """

    added: int = 0
    there: int = 0
    removed: int = 0
    missing: list[tuple[str, str]] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)


def folder_of(label: str) -> str:
    """The name of a class's folder: of photos that are none of the classes, one that no run takes for a class."""
    return NONE_FOLDER if label == NONE else label


def put(
    out: Path,
    paths: Mapping[str, Path],
    labels: Mapping[str, str],
    *,
    link: bool = False,
    instead: str = "",
    watch: Callable[[int, int], None] = lambda done, total: None,
) -> Put:
    """Put photos into `out/<class>/`, under their own names; of several that are called alike the later get a number.

    Args:
        out: A folder that is held, see `journal.opened`.
        paths: Where each photo of the album is, by its name.
        labels: The class of each photo that is named.
        link: Make symbolic links, or hard ones where the system refuses these, in place of copies.
        instead: What the caller has for who lacks room, in the words of an error.
        watch: Called with (photos done, photos to do).

    Raises:
        DataFault: When the table of what was put was changed so that it cannot be read, or leads out of the folder.
        DiskFault: When the disk is too small, or cannot be written.
    """
    sources = {name: paths[name] for name in labels if name in paths}
    if not link:
        refuse_large(out, sources, instead)
    made, done = _Made(out, paths), Put()
    for name in [name for name in made.files if name in paths]:
        if name not in labels or made.files[name].parent.name != folder_of(labels[name]):
            made.take_away(name, paths[name], done)
    for place, (name, label) in enumerate(labels.items(), start=1):
        if name in made.files and os.path.lexists(out / made.files[name]):
            done.there += 1
        elif reason := _not_placed(sources.get(name)):
            done.missing.append((name, reason))
        else:
            made.make(name, sources[name], folder_of(label), link, done)
        watch(place, len(labels))
    return done


class _Made:
    """The files that were made of photos, relative to the folder, and the table that says so."""

    def __init__(self, out: Path, paths: Mapping[str, Path]) -> None:
        self.out, self.table = out, out / FILE
        self.files: dict[str, Path] = {}
        names = by_key(paths)
        with disk_faults(self.table), self.table.open("a+", encoding="utf-8", newline="") as table:
            table.seek(0)
            try:
                rows = [row for row in csv.reader(table) if len(row) == len(HEADER)]
            except (ValueError, csv.Error) as error:
                raise DataFault(
                    f"{self.table} cannot be read: {error}. Move it away: photos that were put are found again."
                ) from error
            if not rows:
                table.write(csv_text(HEADER, []))
        for half in (path for path in out.glob("*/.*.tmp*") if HALF.fullmatch(path.name)):
            with suppress(OSError):
                half.unlink()
        for number, (written, file) in enumerate(rows[1:], start=2):
            if Path(file).anchor or ".." in Path(file).parts:
                raise DataFault(
                    f"{self.table}, row {number}: {file} is not in {out}, where all copies are. Remove the row."
                )
            self._note(meant(written, names) or written, Path(file) if file else None)

    def make(self, name: str, source: Path, folder: str, link: bool, done: Put) -> None:
        """Make the file of a photo, under the first name that is free; one that was made and not noted is taken."""
        taken = {str(file).casefold() for file in self.files.values()}
        for file in _candidates(Path(folder) / source.name):
            target = self.out / file
            if str(file).casefold() in taken:
                continue
            if not os.path.lexists(target):
                with disk_faults(target):
                    target.parent.mkdir(exist_ok=True)
                    _place(source, target, link)
                done.added += 1
            elif _is_same(source, target):
                done.there += 1
            else:
                continue
            self._write(name, file)
            return

    def take_away(self, name: str, source: Path, done: Put) -> None:
        """Remove the file of a photo that belongs elsewhere now, unless somebody changed it."""
        target = self.out / self.files[name]
        if os.path.lexists(target):
            if not _is_same(source, target) or not self._is_own(source, target):
                done.kept.append(str(self.files[name]))
            else:
                with disk_faults(target):
                    target.unlink()
                done.removed += 1
        self._write(name, None)

    def _is_own(self, source: Path, target: Path) -> bool:
        """Whether a file lies in the folder, also where a link leads, and is not the photo itself."""
        place = target.parent.resolve() / target.name
        itself = (source.resolve(), source.parent.resolve() / source.name)
        return place.is_relative_to(self.out.resolve()) and place not in itself

    def _note(self, name: str, file: Path | None) -> None:
        if file is None:
            self.files.pop(name, None)
        else:
            self.files[name] = file

    def _write(self, name: str, file: Path | None) -> None:
        with disk_faults(self.table), self.table.open("a", encoding="utf-8", newline="") as table:
            table.write(csv_text((name, file.as_posix() if file else ""), []))
        self._note(name, file)


def _candidates(file: Path) -> Iterator[Path]:
    """A name, then the same with a number."""
    yield file
    number = 2
    while True:
        yield file.with_name(f"{file.stem} ({number}){file.suffix}")
        number += 1


def _place(source: Path, target: Path, link: bool) -> None:
    """Copy or link a photo; the target is whole or not there.

    Raises:
        OSError: When it cannot be written.
    """
    temporary = target.with_name(f".{os.getpid()}.tmp{target.suffix}")
    try:
        if link:
            try:
                temporary.symlink_to(source.resolve())
            except OSError:
                temporary.hardlink_to(source.resolve())
        else:
            shutil.copy2(source, temporary)
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
        os.replace(temporary, target)
    finally:
        with suppress(OSError):
            temporary.unlink()


def _is_same(source: Path, target: Path) -> bool:
    try:
        return os.path.samefile(source, target) or filecmp.cmp(source, target, shallow=False)
    except OSError:
        return False


def _not_placed(source: Path | None) -> str:
    """Why a photo cannot be put into a folder; empty where it can."""
    if source is None:
        return "no such file"
    if printable(source.name) != source.name:
        return "the name is not UTF-8"
    try:
        if not stat.S_ISREG(source.stat().st_mode):  # Of a pipe nothing may ever come.
            return "not a file"
        with source.open("rb"):
            return ""
    except OSError as error:
        return error.strerror or str(error)


def refuse_large(out: Path, sources: Mapping[str, Path], instead: str = "") -> None:
    """Refuse copies that would fill the disk.

    Args:
        out: A folder that is held, see `journal.opened`.
        sources: Where each photo is, by its name; those that were put before are left out.
        instead: What the caller has for who lacks room, in the words of an error.

    Raises:
        DataFault: When the table of what was put was changed so that it cannot be read, or leads out of the folder.
        DiskFault: With what is needed, what is free, and what to do.
    """
    made, needed = _Made(out, sources), 0
    for name, source in sources.items():
        with suppress(OSError):
            needed += 0 if name in made.files else source.stat().st_size
    free = shutil.disk_usage(out).free
    if needed > SHARE_OF_FREE * free:
        raise DiskFault(
            f"The copies need {needed / 1e6:,.1f} MB in {out}, and {free / 1e6:,.1f} MB are free there. Free some "
            f"space, or choose another place{instead}."
        )
