"""Arrays larger than memory: rows on disk, in shards that survive a kill.

A shard is written whole or not at all, and its name holds the checksum of its content; what is missing or damaged is
found when the rows are opened, and made again.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from recipes.errors import DiskFault, EnvironmentFault
from recipes.files.atomic import disk_faults, write, write_json
from zoo.cache import acquire

SHARD_BYTES = 2**24
NO_WAIT, FOR_EVER = 0.0, -1.0
FACTS = "facts.json"
log = logging.getLogger("recipes")


class Rows:
    """Rows of one shape and type, kept in a folder and read like an array: `rows[3:7]`, `rows[indices]`.

    Only the rows asked for come into memory.

    Args:
        root: The folder that holds one folder for each set of rows.
        facts: Everything that the content depends on. Other facts are other rows, in another folder.
        count: Number of rows.
        row_shape: Shape of a row.
        dtype: NumPy type.

    Attributes:
        key: sha256 of the facts, the count, the shape and the type.
        shape: (count, *row_shape).
        dtype: NumPy type.
    """

    def __init__(self, root: Path, facts: Mapping[str, Any], count: int, row_shape: tuple[int, ...], dtype: str):
        self.facts = {**facts, "count": count, "row_shape": list(row_shape), "dtype": str(np.dtype(dtype))}
        self.key = hashlib.sha256(json.dumps(self.facts, sort_keys=True).encode()).hexdigest()
        self.folder = root / self.key[:32]
        self.shape = (count, *row_shape)
        self.dtype = np.dtype(dtype)
        self.row_bytes = math.prod(row_shape) * self.dtype.itemsize
        # A power of two, so that shards hold whole batches.
        self.rows_per_shard = 2 ** max(5, int(math.log2(max(1, SHARD_BYTES / self.row_bytes))))
        self._shards = self._find_shards()
        self._sweep_claims()

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def nbytes(self) -> int:
        """Bytes of all rows."""
        return len(self) * self.row_bytes

    @property
    def missing_bytes(self) -> int:
        """Bytes of the rows that are not on disk yet."""
        return sum(stop - start for start, stop in self.missing_shards().values()) * self.row_bytes

    def missing_places(self) -> np.ndarray:
        """Places of the rows that are not on disk yet, in order."""
        return np.concatenate([np.arange(0), *(np.arange(*span) for span in self.missing_shards().values())])

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        wanted = np.arange(len(self))[rows]
        out = np.empty((len(wanted), *self.shape[1:]), self.dtype)
        for place, row in enumerate(wanted):
            shard, offset = divmod(int(row), self.rows_per_shard)
            out[place] = self._row(self._shards[shard], offset)
        return out

    def _row(self, shard: Path, place: int) -> np.ndarray:
        """The row at a place of a shard.

        Raises:
            DiskFault: When the shard is gone, or cannot be read.
        """
        try:
            values = np.fromfile(shard, self.dtype, count=math.prod(self.shape[1:]), offset=place * self.row_bytes)
            return values.reshape(self.shape[1:])
        except (OSError, ValueError) as error:
            raise DiskFault(
                f"{shard} was there and is gone or cut off ({error}). The same command makes it again."
            ) from error

    def fill(self, produce: Callable[[int, int], np.ndarray], shards: Sequence[int] | None = None) -> int:
        """Make the rows that are missing; several processes share the work, each shard made by the one that claims it.

        Args:
            produce: Gives the rows from a first to before a last place. What it raises ends the work; finished
                shards stay.
            shards: Make none but these. Default: all.

        Returns:
            How many rows were made here; those that others make are waited for.

        Raises:
            DiskFault: When the disk is full.
            EnvironmentFault: When the cache folder cannot be written.
        """
        wanted = {shard: span for shard, span in self.missing_shards().items() if shards is None or shard in shards}
        if not wanted:
            return 0
        made, claimed_elsewhere = 0, []
        for shard, span in wanted.items():
            try:
                made += self._make(shard, span, produce, NO_WAIT)
            except Timeout:
                claimed_elsewhere.append(shard)
        if claimed_elsewhere:
            log.info("Another process is filling %s: waiting for it.", self.folder)
        return made + sum(self._make(shard, wanted[shard], produce, FOR_EVER) for shard in claimed_elsewhere)

    def look_again(self) -> None:
        """Find what other processes have made since."""
        self._shards = self._find_shards()

    def _make(self, shard: int, span: tuple[int, int], produce: Callable[[int, int], np.ndarray], wait: float) -> int:
        """Claim a shard and make it, unless it is there by then; gives how many rows were made.

        Raises:
            Timeout: When another process has claimed it for longer than `wait` seconds.
            EnvironmentFault: When the cache folder cannot be written.
        """
        claim = FileLock(self.folder / f".claim-{shard:06d}")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            acquire(claim, wait)
        except Timeout:
            raise
        except OSError as error:
            raise EnvironmentFault(
                f"The cache folder {self.folder.parent} cannot be written ({error.strerror}). "
                "Let KERAS_ZOO_CACHE name another."
            ) from error
        try:
            for leftover in self.folder.glob(f".*.tmp.{shard:06d}-*.rows"):  # Of a process that was killed.
                leftover.unlink(missing_ok=True)
            self._shards |= self._find_shards(f"{shard:06d}")
            if shard in self._shards:
                return 0
            if not (self.folder / FACTS).is_file():
                write_json(self.folder / FACTS, self.facts)
            content = np.ascontiguousarray(produce(*span), self.dtype).tobytes()
            path = self.folder / f"{shard:06d}-{zlib.crc32(content):08x}.rows"
            write(path, content)
            self._shards[shard] = path
            return span[1] - span[0]
        finally:
            # Whoever waits for this file, and whoever makes it anew, sees that the shard is there.
            Path(claim.lock_file).unlink(missing_ok=True)
            claim.release()

    def _sweep_claims(self) -> None:
        """Remove the claims of processes that were killed: nobody claims a shard that is there."""
        for claim in self.folder.glob(f".claim-{'[0-9]' * 6}"):
            if int(claim.name[-6:]) in self._shards:
                with suppress(OSError):
                    claim.unlink(missing_ok=True)

    def missing_shards(self) -> dict[int, tuple[int, int]]:
        """(first, after the last) row of each shard that is not on disk yet, by its number."""
        starts = range(0, len(self), self.rows_per_shard)
        return {
            shard: (start, min(start + self.rows_per_shard, len(self)))
            for shard, start in enumerate(starts)
            if shard not in self._shards
        }

    def _find_shards(self, numbered: str = "[0-9]*") -> dict[int, Path]:
        """The shards on disk whose content is what was written; others are deleted."""
        found: dict[int, Path] = {}
        for path in sorted(self.folder.glob(f"{numbered}-*.rows")):
            with disk_faults(path):
                status = path.stat()
                if _is_whole(path, status.st_size, status.st_mtime_ns):
                    found[int(path.name[:6])] = path
                else:
                    log.warning("warning: %s is damaged; it is made again.", path)
                    path.unlink(missing_ok=True)
        return found


@lru_cache(maxsize=100_000)
def _is_whole(path: Path, size: int, modified: int) -> bool:
    """Whether the content has the checksum in the file's name; read once for each state of the file."""
    name = re.fullmatch(r"\d{6}-([0-9a-f]{8})\.rows", path.name)
    return name is not None and zlib.crc32(path.read_bytes()) == int(name[1], 16)
