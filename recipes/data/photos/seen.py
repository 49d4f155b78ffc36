"""What a look at each photo found, kept on disk: a photo that is as it was is not read again.

Kept by name, size and time of change, a database for each folder or table. All in it can be found anew, and is where
the database is damaged, of another version, or cannot be written.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
import tempfile
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from pathlib import Path
from typing import TypeAlias

from recipes.data.decode import DECODER
from recipes.data.photos.entry import Entry
from recipes.data.photos.scan import Photo, look, quality
from zoo.cache import cache_folder

# Raise the number when a look finds something else in the same file.
LOOK = 3
# Photos looked at before they are kept, and between two signs of how far it is.
KEPT_AT_A_TIME, STEP = 512, 64
SECONDS_TO_WAIT = 30
_DAMAGE = (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
Stamp: TypeAlias = tuple[int, int]
_ALL = "SELECT name, size, changed, version, facts, checksum FROM looks"
_TABLES = """
CREATE TABLE IF NOT EXISTS looks (
    name TEXT PRIMARY KEY, size INTEGER, changed INTEGER, version TEXT, facts TEXT, checksum INTEGER
);
CREATE TABLE IF NOT EXISTS pictures (name TEXT PRIMARY KEY, jpeg BLOB);
"""


class Seen:
    """What is kept of one folder or table, see `opened`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._unkept: sqlite3.Connection | None = None
        self._version = _version()

    def photos(self, entries: Sequence[Entry]) -> dict[str, Photo]:
        """By name, what is known of those photos that are as they were; what is kept of photos that went is forgotten.

        Args:
            entries: All photos that there are.
        """
        listed = {entry.name: entry for entry in entries}
        found, gone = {}, []
        with contextlib.suppress(sqlite3.Error), self._connection:
            for name, size, changed, made_by, facts, checksum in self._connection.execute(_ALL):
                entry = listed.get(name)
                if entry is None or made_by != self._version:
                    gone.append((name,))
                elif stamp(entry) == (size, changed) and zlib.crc32(facts.encode()) == checksum:
                    found[name] = _photo(entry, facts)
            self._connection.executemany("DELETE FROM looks WHERE name = ?", gone)
            self._connection.execute("DELETE FROM pictures WHERE name NOT IN (SELECT name FROM looks)")
        return found

    def keep(self, looks: Iterable[tuple[Photo, Stamp | None, bytes]]) -> None:
        """Keep photos with their stamp before they were read, and a small JPEG picture of each; without it, nothing.

        Where they cannot be kept, as on a full disk, the pictures last as long as this does.
        """
        rows, pictures = [], []
        for photo, mark, picture in looks:
            if mark is not None and photo.sha256 and not _may_change_unseen(mark):
                facts = _facts(photo)
                rows.append((photo.entry.name, *mark, self._version, facts, zlib.crc32(facts.encode())))
            pictures.append((photo.entry.name, picture))
        try:
            with self._connection:
                self._connection.executemany("REPLACE INTO looks VALUES (?, ?, ?, ?, ?, ?)", rows)
                self._connection.executemany("REPLACE INTO pictures VALUES (?, ?)", pictures)
        except sqlite3.Error:
            with contextlib.suppress(sqlite3.Error):
                self._unkept = self._unkept or _sound(":memory:")
                with self._unkept:
                    self._unkept.executemany("REPLACE INTO pictures VALUES (?, ?)", pictures)

    def pictures(self, names: Iterable[str]) -> dict[str, bytes]:
        """Small JPEG pictures by name, of those photos that have one."""
        found, wanted = {}, list(names)
        for connection in (self._connection, self._unkept):
            if connection is None:
                continue
            with contextlib.suppress(sqlite3.Error):
                for name in wanted:
                    row = connection.execute("SELECT jpeg FROM pictures WHERE name = ?", (name,)).fetchone()
                    if row and row[0]:
                        found[name] = row[0]
        return found


@contextmanager
def opened(root: Path) -> Iterator[Seen]:
    """What is kept of a folder or table; where nothing can be kept, it lasts as long as the block."""
    name = hashlib.sha256(str(root.resolve()).encode(errors="surrogateescape")).hexdigest()[:24]
    connection = _connection(cache_folder() / "photos" / f"{name}.sqlite")
    try:
        yield Seen(connection)
    finally:
        connection.close()


def scan(
    entries: Sequence[Entry], seen: Seen, watch: Callable[[int, int], None] = lambda done, total: None
) -> list[Photo]:
    """Look at those photos that are new or changed, in several threads.

    Args:
        entries: All photos that there are.
        seen: What is known of them; what is found is added.
        watch: Called with (photos looked at, photos to look at); not at all where all are known.

    Returns:
        A `Photo` for each entry, in order.
    """
    found, done = seen.photos(entries), 0
    missing = [entry for entry in entries if entry.name not in found]
    waiting = iter(missing)
    with ThreadPoolExecutor() as threads:
        while some := list(islice(waiting, KEPT_AT_A_TIME)):
            stamps = [stamp(entry) for entry in some]
            looks: list[tuple[Photo, bytes]] = []
            for start in range(0, len(some), STEP):
                looks += threads.map(look, some[start : start + STEP])
                watch(done + len(looks), len(missing))
            done += len(some)
            photos = _with_quality(looks)
            seen.keep(zip(photos, stamps, (picture for _, picture in looks), strict=True))
            found |= {photo.entry.name: photo for photo in photos}
    return [found[entry.name] for entry in entries]


def stamp(entry: Entry) -> Stamp | None:
    """(bytes, nanoseconds) of a photo's file: its size and when it changed; `None` where it cannot be asked."""
    try:
        status = entry.path.stat()
    except (OSError, ValueError):
        return None
    return status.st_size, status.st_mtime_ns


def _may_change_unseen(mark: Stamp) -> bool:
    """Whether a change now might leave the time as it is: on disks that know whole seconds, or two, only."""
    return mark[1] % 10**9 == 0 and abs(time.time_ns() - mark[1]) < 3 * 10**9


def _with_quality(looks: Sequence[tuple[Photo, bytes]]) -> list[Photo]:
    """The photos with what CleanVision finds odd about their pictures."""
    with tempfile.TemporaryDirectory() as folder:
        paths = {}
        for number, (photo, picture) in enumerate(looks):
            if not photo.problem:
                paths[photo.entry.name] = Path(folder) / f"{number}.jpg"
                paths[photo.entry.name].write_bytes(picture)
        odd = quality(paths)
    return [
        replace(photo, quality=tuple(words for words, names in odd.items() if photo.entry.name in names))
        for photo, _ in looks
    ]


def _connection(path: Path) -> sqlite3.Connection:
    """An open database that is sound: the one at a path, a new one there, or one that is gone when it is closed."""
    for _ in range(2):
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return _sound(path)
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode not in _DAMAGE:  # Another process is at work on it, or nothing can be written.
                break
        for damaged in (path, path.with_name(path.name + "-journal")):
            with contextlib.suppress(OSError):
                damaged.unlink()
    return _sound("")


def _sound(path: Path | str) -> sqlite3.Connection:
    """An open database with its tables.

    Raises:
        sqlite3.DatabaseError: When it is damaged, or cannot be opened or written.
    """
    connection = sqlite3.connect(path, timeout=SECONDS_TO_WAIT)
    try:
        (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if said != "ok":
            damage = sqlite3.DatabaseError(said)
            damage.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            raise damage
        connection.executescript(_TABLES)
        connection.execute(f"{_ALL} LIMIT 0")
    except sqlite3.DatabaseError:
        connection.close()
        raise
    return connection


def _version() -> str:
    """Of all that a look depends on, but the photo."""
    packages = []
    for package in ("imagehash", "cleanvision", "pillow-heif"):
        with contextlib.suppress(PackageNotFoundError):
            packages.append(f"{package} {version(package)}")
    return ", ".join([f"look {LOOK}", DECODER, *packages])


def _facts(photo: Photo) -> str:
    return json.dumps(
        {
            "sha256": photo.sha256,
            "look": photo.look,
            "sketch": photo.sketch.hex(),
            "size": photo.size,
            "notes": photo.notes,
            "problem": photo.problem,
            "damaged": photo.damaged,
            "quality": photo.quality,
            "traits": photo.traits,
        }
    )


def _photo(entry: Entry, facts: str) -> Photo:
    stored = json.loads(facts)
    stored |= {name: tuple(stored[name]) for name in ("size", "notes", "quality")}
    return Photo(entry, **stored | {"sketch": bytes.fromhex(stored["sketch"])})
