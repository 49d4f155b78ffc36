"""Where things are kept that can be made or fetched again, and how one process at a time makes them."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from filelock import BaseFileLock, FileLock
from platformdirs import user_cache_path

# What file systems say that have no locks, as some network disks.
_NO_LOCKS = {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS}
log = logging.getLogger("zoo")


def cache_folder() -> Path:
    """The folder of decoded images, activations and fetched weights: `KERAS_ZOO_CACHE`, else the user's cache folder.

    Everything in it can be had again: it may be deleted whenever no run is under way.
    """
    return Path(os.environ.get("KERAS_ZOO_CACHE") or user_cache_path("keras-zoo-recipes")).expanduser()


def acquire(lock: BaseFileLock, timeout: float = -1) -> None:
    """Take a lock; where the file system has none, say so and go on without.

    Args:
        lock: The lock.
        timeout: How long to wait, in seconds; below 0 for ever.

    Raises:
        filelock.Timeout: When another process has it for longer.
        OSError: When its file cannot be written.
    """
    try:
        lock.acquire(timeout=timeout)
    except (OSError, NotImplementedError) as error:
        if not isinstance(error, NotImplementedError) and error.errno not in _NO_LOCKS:
            raise
        _say_no_locks(Path(lock.lock_file).parent)


@cache
def _say_no_locks(folder: Path) -> None:
    log.warning("warning: %s: this file system has no locks; start one command at a time there.", folder)


@contextmanager
def locked(path: str | Path) -> Iterator[None]:
    """Hold a lock at a path, as `acquire` takes it."""
    lock = FileLock(path)
    acquire(lock)
    try:
        yield
    finally:
        lock.release()
