"""Photos decoded to one size, once, and kept on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from recipes.data.decode import DECODER, decode
from recipes.errors import DataFault
from recipes.files.sharded_array import Rows
from zoo.cache import cache_folder


def decoded(
    content: Callable[[int], bytes],
    hashes: Sequence[str],
    names: Sequence[str],
    shape: tuple[int, int, int],
    square: str = "squash",
) -> Rows:
    """Photos as (photos, height, width, channels) uint8, decoded where they are not there yet.

    Args:
        content: The bytes of the photo at a place; called where it must be decoded.
        hashes: sha256 of each photo's bytes.
        names: What to call each photo in an error.
        shape: (height, width, channels).
        square: How a photo of another shape is brought to it, see `recipes.data.decode.fit`.

    Raises:
        DataFault: When a photo cannot be decoded; the message names it.
    """
    chosen = hashlib.sha256("".join(hashes).encode()).hexdigest()
    facts = {"images": chosen, "decoder": DECODER} | ({} if square == "squash" else {"square": square})
    pixels = Rows(cache_folder() / "images", facts, len(hashes), shape, "uint8")

    def decode_one(place: int) -> np.ndarray:
        try:
            return decode(content(place), shape[:2], shape[2], square)
        except (OSError, ValueError) as error:
            raise DataFault(f"{names[place]}: {error}") from error

    if pixels.missing_bytes:
        with ThreadPoolExecutor() as threads:
            pixels.fill(lambda start, stop: np.stack(list(threads.map(decode_one, range(start, stop)))))
    return pixels
