"""What was named while an album is sorted: a table that only grows, on disk before anything goes on.

A row for each photo that a key named: its path, its class, and the step, counted from 1. A step that is taken back adds
rows with what the photos were before, often nothing, and `undo` before the step's number.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from recipes.data.photos.decisions import by_key, meant
from recipes.errors import BusyFault, DataFault
from recipes.files.atomic import disk_faults
from recipes.files.csv_text import csv_text
from zoo.cache import acquire

FILE = "sorted.csv"
LOCK = ".sorting.lock"
HEADER = ("path", "label", "step")
UNDO = "undo "
_STEP = re.compile(rf"({UNDO})?\d{{1,18}}", re.ASCII)
Names = dict[str, str]


class Journal:
    """The table of one sorted album; whoever makes it holds the folder, see `opened`.

    Args:
        file: The table; made where there is none.

    Attributes:
        file: The table.
        labels: The class of each photo that is named, by the photo's path.

    Raises:
        DataFault: When there is another table.
        DiskFault: When it cannot be written.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.labels: Names = {}
        self._steps: list[tuple[int, Names]] = []
        self._last = 0
        with disk_faults(file):
            content = file.read_bytes() if file.exists() else b""
            content = content[: content.rfind(b"\n") + 1]  # A row that was being written when the process ended.
            if not content:
                content = csv_text(HEADER, []).encode()
                _put(file, content, 0)
            elif len(content) < file.stat().st_size:
                _put(file, b"", len(content))
        self._size = len(content)
        self._replay(content)

    def names(self, rows: Sequence[tuple[str, str]]) -> None:
        """Write down a step: photos and their classes. On disk when this ends.

        Raises:
            DataFault: When somebody else changed the table.
            DiskFault: When it cannot be written; it is then as it was.
        """
        step = self._last + 1
        self._append([(path, label, str(step)) for path, label in rows])
        self._do(step, dict(rows))

    def undo(self) -> list[str]:
        """Take back the last step that is not taken back; gives its photos, none where there is no such step.

        Raises:
            DataFault: When somebody else changed the table.
            DiskFault: When it cannot be written; it is then as it was.
        """
        if not self._steps:
            return []
        step, before = self._steps[-1]
        self._append([(path, label, f"{UNDO}{step}") for path, label in before.items()])
        self._undo()
        return list(before)

    def known(self, photos: Sequence[str]) -> list[str]:
        """Call photos as an album does, however the table writes them; gives those that are not in the album."""
        names = by_key(photos)
        calls = {path: meant(path, names) or path for path in self.labels}
        self.labels = {calls[path]: label for path, label in self.labels.items()}
        self._steps = [
            (step, {meant(path, names) or path: label for path, label in before.items()})
            for step, before in self._steps
        ]
        there = set(photos)
        return [path for path in self.labels if path not in there]

    def _replay(self, content: bytes) -> None:
        try:
            rows = list(csv.reader(io.StringIO(content.decode(errors="replace"), newline="")))
        except csv.Error as error:
            raise DataFault(f"{self.file} cannot be read: {error}. Mend it, or move it away.") from error
        if tuple(next(iter(rows), ())) != HEADER:
            raise DataFault(f"{self.file} is another table: its first row is not {','.join(HEADER)}. Move it away.")
        steps: dict[str, Names] = {}
        for number, row in enumerate(rows[1:], 2):
            if len(row) != len(HEADER) or not _STEP.fullmatch(row[2]):
                raise DataFault(f"{self.file}, row {number} is not path, label and step. Mend or remove the row.")
            steps.setdefault(row[2], {})[row[0]] = row[1]
        for step, rows_of_step in steps.items():
            if step.startswith(UNDO):
                self._undo()
            else:
                self._do(int(step), rows_of_step)

    def _do(self, step: int, names: Names) -> None:
        self._steps.append((step, {path: self.labels.get(path, "") for path in names}))
        self.labels = self.labels | names  # Another thread may be reading the old one.
        self._last = step

    def _undo(self) -> None:
        if self._steps:
            _, before = self._steps.pop()
            self.labels = {path: label for path, label in (self.labels | before).items() if label}

    def _append(self, rows: Sequence[tuple[str, str, str]]) -> None:
        content = csv_text(rows[0], rows[1:]).encode()
        with disk_faults(self.file):
            if self.file.stat().st_size != self._size:
                raise DataFault(
                    f"{self.file} was changed by another program. Nothing was written: end this with Ctrl-C and start "
                    "it again."
                )
            _put(self.file, content, self._size)
        self._size += len(content)


@contextmanager
def opened(folder: Path) -> Iterator[Journal]:
    """The table of a folder, which is made where there is none, and held against other processes.

    Raises:
        BusyFault: When another process sorts into it.
        DataFault: When there is another table.
        DiskFault: When it cannot be written.
    """
    with held(folder):
        yield Journal(folder / FILE)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Make a folder where there is none, and hold it against other processes that put photos there.

    Raises:
        BusyFault: When another process does.
        DiskFault: When it cannot be written.
    """
    with disk_faults(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / LOCK)
        try:
            acquire(lock, 0.2)
        except Timeout:
            raise BusyFault(
                f"Another command sorts into {folder}. Go on in its page, end it, or choose another --out."
            ) from None
    try:
        yield
    finally:
        lock.release()


def _put(file: Path, content: bytes, at: int) -> None:
    """Write the end of a file, from a place on; it is on disk, or the file ends where it did.

    Raises:
        OSError: When it cannot be written.
    """
    with file.open("r+b" if at else "ab", buffering=0) as out:
        try:
            out.truncate(at)
            out.seek(at)
            written = 0
            while written < len(content):
                written += out.write(content[written:])
            os.fsync(out.fileno())
        except OSError:
            out.truncate(at)
            raise
