"""Answers about a long album that are kept while they come, so that a run that is killed goes on where it was.

A line of JSON for each photo: its name, size and time of change, or the CRC of one that was unpacked just now, and what
the network said. The file is gone as soon as all answers are written elsewhere.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Container
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from recipes.files.atomic import disk_faults
from recipes.inference.table import Answer

SUFFIX = ".partial"


class Journal:
    """What a network has said so far of the photos of an album; a context that closes its file.

    Args:
        file: Where it is kept: beside the table that will hold all answers, with `SUFFIX`.
        network: Names the network; answers of another one are thrown away.
        unpacked: Paths of photos that were unpacked just now: their time says nothing.

    Raises:
        DiskFault: When it cannot be written.
    """

    def __init__(self, file: Path, network: str, unpacked: Container[str] = ()) -> None:
        self.file, self._unpacked = file, unpacked
        self._known: dict[tuple[str, int, int], Any] = {}
        with disk_faults(file):
            lines = file.read_text(encoding="utf-8", errors="replace").splitlines() if file.is_file() else []
            if lines[:1] == [json.dumps({"network": network})]:
                self._known = dict(filter(None, map(_row, lines[1:])))
            kept = [json.dumps({"network": network}), *(_line(key, said) for key, said in self._known.items())]
            self._writer = file.open("w", encoding="utf-8")
            self._write(kept)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()

    def said(self, name: str, photo: Path) -> Answer | str | None:
        """What was said of a photo, or why it could not be read; `None` where it was not asked about, or changed."""
        found = self._known.get(self._key(name, photo))
        if not isinstance(found, dict):
            return found
        return Answer(np.array(found["row"]), found["likeness"], found["as_unlike"])

    def note(self, name: str, photo: Path, said: Answer | str) -> None:
        """Keep what is said of a photo.

        Raises:
            DiskFault: When it cannot be written.
        """
        kept = said if isinstance(said, str) else vars(said) | {"row": np.asarray(said.row).tolist()}
        with disk_faults(self.file):
            self._write([_line(self._key(name, photo), kept)])

    def remove(self) -> None:
        """Take the file away: all answers are elsewhere."""
        self._writer.close()
        self.file.unlink(missing_ok=True)

    def _key(self, name: str, photo: Path) -> tuple[str, int, int]:
        try:
            facts = photo.stat()
            is_unpacked = str(photo) in self._unpacked
            return name, facts.st_size, zlib.crc32(photo.read_bytes()) if is_unpacked else facts.st_mtime_ns
        except OSError:
            return name, -1, -1

    def _write(self, lines: list[str]) -> None:
        self._writer.write("".join(f"{line}\n" for line in lines))
        self._writer.flush()


def _line(key: tuple[str, int, int], said: Any) -> str:
    return json.dumps([*key, said])


def _row(line: str) -> tuple[tuple[str, int, int], Any] | None:
    """A line that was written whole; `None` for another."""
    try:
        name, size, changed, said = json.loads(line)
        hash((name, size, changed))
    except (ValueError, TypeError, RecursionError):
        return None
    return (name, size, changed), said
