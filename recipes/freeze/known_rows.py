"""What images gave before, in other sets of rows: an image that is as it was does not pass the frozen part again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from recipes.errors import CorruptFault
from recipes.files import atomic
from recipes.files.sharded_array import Rows

INPUTS = "inputs.bin"
DIGEST = 16
# All other facts of two sets of rows must be equal for a row of the one to serve in the other.
OF_THE_SET = ("images", "count")


def contents(images: np.ndarray | Rows) -> list[bytes]:
    """For each image a digest of its shape, type and values."""
    found = []
    for start in range(0, len(images), 256):
        for image in np.ascontiguousarray(images[start : start + 256]):
            digest = hashlib.blake2b(f"{image.shape} {image.dtype}".encode(), digest_size=DIGEST)
            digest.update(image.data)
            found.append(digest.digest())
    return found


def keep(rows: Rows, inputs: list[bytes]) -> None:
    """Note of complete rows which image each is of.

    Args:
        rows: None is missing.
        inputs: The `contents` of the images.

    Raises:
        DiskFault: When it cannot be written.
    """
    atomic.write(rows.folder / INPUTS, b"".join(inputs))


def is_kept(rows: Rows) -> bool:
    """Whether none of the rows is missing, and it was noted which image each is of."""
    return not rows.missing_bytes and (rows.folder / INPUTS).is_file()


def find(rows: Rows, inputs: list[bytes]) -> dict[int, tuple[Rows, int]]:
    """Rows of the same network, engine and form that other sets have of these images.

    Args:
        rows: Those that are to be filled.
        inputs: The `contents` of the images.

    Returns:
        For each place of `rows` that is known elsewhere, the other rows and the place there.
    """
    found: dict[int, tuple[Rows, int]] = {}
    for path in sorted(rows.folder.parent.glob(f"*/{INPUTS}")):
        if path.parent == rows.folder or len(found) == len(inputs):
            continue
        content = path.read_bytes()
        place_of = {content[at : at + DIGEST]: at // DIGEST for at in range(0, len(content), DIGEST)}
        wanted = {place: place_of[one] for place, one in enumerate(inputs) if place not in found and one in place_of}
        other = _complete(rows, path, len(content) // DIGEST) if wanted and len(content) % DIGEST == 0 else None
        if other is not None:
            found |= {place: (other, there) for place, there in wanted.items()}
    return found


def _complete(rows: Rows, path: Path, count: int) -> Rows | None:
    """The rows beside a note of so many, where they differ from others by their images alone, and none is missing."""
    try:
        facts = atomic.read_json(path.with_name("facts.json"))
    except CorruptFault:
        return None
    if not isinstance(facts, Mapping) or _but_for_the_set(facts) != _but_for_the_set(rows.facts):
        return None
    if facts.get("count") != count:
        return None
    own = {name: value for name, value in facts.items() if name not in ("count", "row_shape", "dtype")}
    other = Rows(path.parent.parent, own, count, rows.shape[1:], str(rows.dtype))
    return None if other.folder != path.parent or other.missing_bytes else other


def _but_for_the_set(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if name not in OF_THE_SET}
