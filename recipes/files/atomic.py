"""Files that are whole or not there: nothing final is ever half-written."""

from __future__ import annotations

import errno
import glob
import json
import os
import re
import socket
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path, PurePath
from typing import Any

from recipes.errors import CorruptFault, DiskFault

# How HDF5 says what the system said, in an error that has no number of its own.
_IN_WORDS = re.compile(r"\berrno = (\d+)")
# Temporary files of `atomic_path`: what a killed process leaves.
HALF_WRITTEN = ".[0-9]*.tmp.*"


def half_written(path: Path) -> Path:
    """What a file beside `path` is called until it is whole: `HALF_WRITTEN` finds those of processes that are gone."""
    # The name stays last: writers choose their format by its suffixes.
    return path.with_name(f".{os.getpid()}-{_machine()}.tmp.{path.name}")


@cache
def _machine() -> str:
    """What tells this machine from others that write into a shared folder: their processes may have equal numbers."""
    return f"{zlib.crc32(socket.gethostname().encode()):08x}"


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path` that becomes `path` when the block ends well, and vanishes when not.

    Raises:
        DiskFault: When the disk is full or the folder cannot be written; `path` is then as it was.
    """
    temporary = half_written(path)
    try:
        with disk_faults(path):
            if is_stream(path) or path.is_dir():
                raise OSError(errno.EISDIR, "no file")
            _sweep(path)
            temporary.unlink(missing_ok=True)  # Of a killed process; or a link, which would lead elsewhere.
            yield temporary
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            os.replace(temporary, path)
    finally:
        with suppress(OSError):
            temporary.unlink()


def is_stream(path: Path) -> bool:
    """Whether a path is a device, a pipe, or what a system shows as files: never to be replaced by a file."""
    if is_of_the_system(path.absolute()):
        return True
    return os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path)


def is_of_the_system(path: PurePath) -> bool:
    """Whether a whole path is below /dev or /proc, but for the disk in memory; `C:\\dev` is a folder like any other."""
    return path.anchor == "/" and path.parts[1:2] in (("dev",), ("proc",)) and path.parts[2:3] != ("shm",)


def _sweep(path: Path) -> None:
    """Remove what processes that are gone half wrote of a file; where that cannot be told, all of it stays."""
    if os.name != "posix":
        return
    for stray in path.parent.glob(f".[0-9]*.tmp.{glob.escape(path.name)}"):
        process, _, machine = stray.name[1:].partition(".")[0].partition("-")
        if process.isdecimal() and machine in ("", _machine()) and not _is_alive(int(process)):
            stray.unlink(missing_ok=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True  # Another's.
    return True


def write(path: Path, content: str | bytes) -> None:
    """Write a whole file, atomically; into a device or a pipe, such as /dev/stdout, write as it is.

    Raises:
        DiskFault: When it cannot be written; the old file is then as it was.
    """
    if is_stream(path):
        with disk_faults(path):
            path.write_bytes(_encoded(content))
        return
    with atomic_path(path) as temporary:
        temporary.write_bytes(_encoded(content))


def _encoded(content: str | bytes) -> bytes:
    """Text in UTF-8; a byte of a file's name that is none becomes a question mark."""
    return content.encode(errors="replace") if isinstance(content, str) else content


def write_json(path: Path, content: Any) -> None:
    """Write JSON, readable and in UTF-8."""
    write(path, json.dumps(content, indent=2, ensure_ascii=False, default=str) + "\n")


def read_json(path: Path) -> Any:
    """Read JSON.

    Raises:
        CorruptFault: When the file is missing or damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CorruptFault(f"{path} is missing or damaged: {error}") from error


@contextmanager
def disk_faults(path: Path) -> Iterator[None]:
    """Turn what the operating system says about a path into one line and exit code 6."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        number = _number(error)
        if isinstance(error, RuntimeError) and not number:
            raise
        reasons = {
            errno.ENOSPC: "the disk is full. Free some space",
            errno.EDQUOT: "the disk quota is used up. Free some space",
            errno.EFBIG: "the file would be larger than this system allows",
            errno.EACCES: "permission is denied. Choose another place",
            errno.EPERM: "permission is denied. Choose another place",
            errno.EROFS: "the file system is read-only. Choose another place",
            errno.ENOTDIR: "a file is in the way. Choose another place",
            errno.EEXIST: "a file is in the way. Choose another place",
            errno.EISDIR: "a folder or a device is in the way. Choose another name",
            errno.ENOENT: "its folder does not exist or was deleted",
            errno.ENAMETOOLONG: "the name is too long. Choose another place",
        }
        raise DiskFault(f"{path} cannot be written: {reasons.get(number, error)}.") from error


def _number(error: Exception) -> int:
    """The system's number of an error; 0 where it has none."""
    if isinstance(error, OSError) and error.errno:
        return error.errno
    found = _IN_WORDS.search(str(error))
    return int(found[1]) if found else 0
