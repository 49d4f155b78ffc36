"""A photo in any form, as the pixels that a network takes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from recipes.data.decode import decode, fit, upright
from recipes.errors import UsageFault

# Its file, what is in its file, or its pixels in anything that NumPy can read.
Photo = str | os.PathLike | bytes | Any


def several(images: Photo | Iterable[Photo]) -> Sequence[Photo]:
    """Photos as a sequence, whether one is given or many."""
    if isinstance(images, str | os.PathLike | bytes) or not hasattr(images, "__iter__"):
        return [images]
    if not hasattr(images, "__array__"):
        return images if isinstance(images, Sequence) else list(images)
    found = _array(images)
    is_batch = found.ndim == 4 or (found.ndim == 3 and found.shape[-1] not in (1, 3))
    return list(found) if is_batch else [found]


def pixels(image: Photo, shape: tuple[int, int, int], square: str = "squash") -> np.ndarray | str:
    """A photo as a network takes it, or what is wrong with its file.

    Args:
        image: The photo.
        shape: (height, width, channels).
        square: How a photo of another shape is brought to it, see `recipes.data.decode.fit`.

    Returns:
        Raw 0-255 pixels of this shape; or, of a file, why it cannot be read, in a few words.

    Raises:
        UsageFault: For an array that is not an image in 0-255.
    """
    try:
        if isinstance(image, str | os.PathLike):
            if Path(image).exists() and not Path(image).is_file():  # Of a pipe nothing may ever come.
                return "not a file"
            image = Path(image).read_bytes()
        if isinstance(image, bytes):
            return decode(image, shape[:2], shape[2], square)
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    except ValueError as error:
        return str(error)
    return _fitted(_array(image), shape, square)


def _array(image: Any) -> np.ndarray:
    """The pixels of anything that NumPy can read; of an image of Pillow, as its file would give them."""
    from PIL import Image

    if isinstance(image, Image.Image):
        return np.asarray(upright(image, image.size))
    try:
        return np.asarray(image)
    except (TypeError, ValueError, RuntimeError) as error:
        raise UsageFault(f"A {type(image).__name__} is no photo: {error}.") from error


def _fitted(image: np.ndarray, shape: tuple[int, int, int], square: str) -> np.ndarray:
    """An array as an image of the network's shape."""
    if image.ndim == 2:
        image = image[..., np.newaxis]
    if image.ndim != 3 or image.shape[2] not in (1, 3) or not image.size:
        raise UsageFault(f"An image must be (height, width, 1 or 3 channels). Got an array of shape {image.shape}.")
    if image.dtype.kind not in "uif":
        raise UsageFault(f"Pixels must be numbers, raw, 0-255. Got {image.dtype}.")
    low, high = image.min(), image.max()
    if not (low >= 0 and high <= 255) or (image.dtype.kind == "f" and 0 < high <= 1):
        raise UsageFault(f"Pixels must be raw, 0-255. Got {low:g} to {high:g}.")
    if image.shape == shape:
        return image
    return fit(np.ascontiguousarray(image.round().astype("uint8")), shape[:2], shape[2], square)
