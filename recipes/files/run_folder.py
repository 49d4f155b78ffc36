"""The run folder: made, locked, and closed with a manifest, which comes last."""

from __future__ import annotations

import glob
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from recipes.errors import BusyFault, DiskFault, UsageFault
from recipes.files.atomic import HALF_WRITTEN, disk_faults, half_written, write_json
from zoo.cache import acquire
from zoo.checksum import sha256_of

MANIFEST = "manifest.json"
STARTED = "run.json"
STATE = "state"
LAST = "last"
AUDITION = "audition.json"
DIVISION = "division.json"
LEARNING_CURVE = "learning_curve.json"
MODEL = "model.keras"
REPORT = "report.html"
FURTHER = "further.json"
LOCK = ".lock"
OWNER = ".owner"
ASIDE = ".replaced"


def folder_name(recipe: str) -> str:
    """A recipe's name as part of a path: `package.module:RECIPE` has a colon, which Windows takes in none."""
    return recipe.replace(":", ".")


def new(base: Path, recipe: str, seed: int) -> Path:
    """Make a fresh folder `base/<recipe>/<UTC time>-seed<N>` that no other run has.

    Raises:
        DiskFault: When it cannot be made.
    """
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    for attempt in range(1, 1000):
        folder = base / folder_name(recipe) / (f"{stamp}-seed{seed}" + (f"-{attempt}" if attempt > 1 else ""))
        with disk_faults(folder):
            folder.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileExistsError):
                folder.mkdir()
                return folder
    raise DiskFault(f"No free folder name under {base / folder_name(recipe)}.")


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Take a new or empty, writable folder for a new run; when the block fails, an empty folder goes again.

    Raises:
        UsageFault: When something else is in it.
        DiskFault: When it cannot be written, or a file is in the way.
    """
    with disk_faults(folder):
        folder.mkdir(parents=True, exist_ok=True)
        strangers = [entry.name for entry in folder.iterdir() if entry.name not in (LOCK, OWNER)]
        if strangers:
            raise UsageFault(
                f"{folder} holds other files ({', '.join(sorted(strangers)[:3])}). Choose a new folder for --out."
            )
        probe = half_written(folder / "probe")  # Of a process that is killed now, it is swept as all such files are.
        probe.write_bytes(b"")
        probe.unlink()
    try:
        yield
    except BaseException:
        _remove_empty(folder)
        raise


@contextmanager
def begun(folder: Path) -> Iterator[None]:
    """Begin a new run in a folder that is claimed; when its request is refused, nothing of it stays.

    Of photos that cannot be used the findings do stay, for whoever mends them.
    """
    try:
        yield
    except UsageFault:
        with suppress(OSError):
            _remove(_entries(folder))
        _remove_empty(folder)
        raise


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):
        for name in (LOCK, OWNER):
            (folder / name).unlink(missing_ok=True)
        folder.rmdir()


def given(run: Path) -> Path:
    """The run that is meant on a command line: a path, `last` for the one below `runs/` that ended last, or a name.

    The name of a recipe stands for its newest run below `runs/`; where none has ended there it is left as it is.

    Raises:
        UsageFault: When `last` is asked for and none has ended there.
    """
    if run.exists() or len(run.parts) != 1:
        return run
    of = "*" if str(run) == LAST else glob.escape(str(run))
    ended = Path("runs").glob(f"{of}/*/{MANIFEST}")
    newest = max(ended, key=lambda path: path.stat().st_mtime, default=None)
    if newest is None and of == "*":
        raise UsageFault("No run has ended below runs/ here: give the folder of one in place of last.")
    return newest.parent if newest else run


def stopped(run: Path) -> Path:
    """The run to go on with: a path, or `last` for the one below `runs/` that began last and has not ended.

    Raises:
        UsageFault: When `last` is asked for and none was stopped there.
    """
    if str(run) != LAST:
        return run
    unfinished = [path for path in Path("runs").glob(f"*/*/{STARTED}") if not is_finished(path.parent)]
    if not unfinished:
        raise UsageFault("No run was stopped below runs/ here: give the folder of one in place of last.")
    return max(unfinished, key=lambda path: path.stat().st_mtime).parent


def is_finished(folder: Path) -> bool:
    """Whether a run ended here with its manifest."""
    return (folder / MANIFEST).is_file()


def is_started(folder: Path) -> bool:
    """Whether a run was begun here."""
    return (folder / STARTED).is_file()


def clear(folder: Path) -> None:
    """Empty a run's folder, so that it can be run again. Refuses a folder no run was begun in."""
    _refuse_stranger(folder)
    with disk_faults(folder):
        _remove(entry for entry in folder.iterdir() if entry.name not in (LOCK, OWNER))


@contextmanager
def set_aside(folder: Path) -> Iterator[None]:
    """Empty a run's folder for the beginning of another run; what was there comes back when the block fails.

    A kill takes nothing away either: `run.json` is set aside last and comes back last, so that `owned` can tell.

    Raises:
        UsageFault: When no run was begun in the folder.
        DiskFault: When it cannot be written.
    """
    _refuse_stranger(folder)
    aside = folder / ASIDE
    with disk_faults(folder):
        if aside.exists():  # Of a process that was killed after it had begun: the run before that is worth more.
            _remove(_entries(folder))
        else:
            aside.mkdir()
            for entry in _entries(folder):
                entry.rename(aside / entry.name)
    try:
        yield
    except BaseException:
        with disk_faults(folder):
            _remove(_entries(folder))
            _put_back(folder)
        raise
    with disk_faults(folder):
        _remove(_entries(aside))
        aside.rmdir()


def _put_back(folder: Path) -> None:
    for entry in _entries(folder / ASIDE):
        entry.rename(folder / entry.name)
    (folder / ASIDE).rmdir()


def _refuse_stranger(folder: Path) -> None:
    if not is_started(folder):
        raise UsageFault(f"{folder} is not a run folder: nothing in it is overwritten.")


def _entries(folder: Path) -> list[Path]:
    """What a run wrote into its folder, `run.json` last."""
    entries = [entry for entry in folder.iterdir() if entry.name not in (LOCK, OWNER, ASIDE)]
    return sorted(entries, key=lambda entry: entry.name == STARTED)


def _remove(entries: Iterable[Path]) -> None:
    for entry in entries:
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


@contextmanager
def owned(folder: Path) -> Iterator[None]:
    """Hold the folder for this process. The lock goes with the process, however it ends.

    Raises:
        BusyFault: When another process has it; the message names its pid.
    """
    lock = FileLock(folder / LOCK)
    with disk_faults(folder):
        try:
            acquire(lock, 0.2)
        except Timeout:
            owner = _read_text(folder / OWNER) or "unknown"
            raise BusyFault(
                f"Another run (process {owner}) owns {folder}. Wait for it, or choose another --out."
            ) from None
    try:
        with disk_faults(folder):
            (folder / OWNER).write_text(str(os.getpid()), encoding="utf-8")
            _recover(folder)
        yield
    finally:
        with suppress(OSError):
            (folder / OWNER).unlink()
        lock.release()


def _recover(folder: Path) -> None:
    """Bring back what a process that was killed had set aside, but for a run that it began; sweep the half-written."""
    for stray in folder.rglob(HALF_WRITTEN):
        stray.unlink(missing_ok=True)
    aside = folder / ASIDE
    if aside.is_dir() and not (is_started(aside) and is_started(folder)):
        _put_back(folder)


def close(folder: Path, manifest: dict[str, Any]) -> None:
    """End a run: drop its training state, then write the manifest with the sha256 of every file, last."""
    for name in (STATE, ASIDE):
        shutil.rmtree(folder / name, ignore_errors=True)
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    hashes = {path.relative_to(folder).as_posix(): sha256_of(path) for path in files if path.name != MANIFEST}
    write_json(folder / MANIFEST, manifest | {"files": hashes})


def _read_text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return None
