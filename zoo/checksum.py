"""The sha256 of a file, or of arrays."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def sha256_of(path: Path) -> str:
    """The sha256 of a file's content, in hexadecimal; read in pieces.

    Raises:
        OSError: When it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of_arrays(arrays: Sequence[np.ndarray]) -> str:
    """sha256 over arrays as float32 in C order, one after the other: the same whatever file they came in."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(array.astype("float32", order="C").tobytes())
    return digest.hexdigest()
