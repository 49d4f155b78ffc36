"""A photo in any form, as the pixels that a network takes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from recipes.data.decode import content_of, decode, fit, upright
from recipes.errors import UsageFault, first_line

# Its file, what is in its file or a file that is open, or its pixels in anything that NumPy can read.
Photo = str | os.PathLike | bytes | Any


def several(images: Any, channels: int) -> Sequence[Photo]:
    """Photos as a sequence, whether one is given or many.

    Args:
        images: One `Photo` or many; among arrays, (images, height, width) are grey; three of them, only for a network
            that takes grey.
        channels: That the network takes.
    """
    if _is_file(images) or not hasattr(images, "__iter__"):
        return [images]
    if not hasattr(images, "__array__"):
        return images if isinstance(images, Sequence) else list(images)
    found = _array(images)
    are_grey = found.ndim == 3 and found.shape[-1] > 4 and (channels == 1 or found.shape[0] != 3)
    return list(found) if found.ndim == 4 or are_grey else [found]


def _is_file(image: Photo) -> bool:
    return isinstance(image, str | os.PathLike | bytes | bytearray | memoryview) or hasattr(image, "read")


def pixels(image: Photo, shape: tuple[int, int, int], square: str = "squash") -> np.ndarray | str:
    """A photo as a network takes it, or what is wrong with its file.

    Args:
        image: The photo.
        shape: (height, width, channels).
        square: How a photo of another shape is brought to it, see `recipes.data.decode.fit`.

    Returns:
        Raw 0-255 pixels of this shape; or, of a file, why it cannot be read, in a few words.

    Raises:
        UsageFault: For an array that is not an image in 0-255, or a file that is open as text.
    """
    if not _is_file(image):
        return _fitted(_array(image), shape, square)
    try:
        if isinstance(image, str | os.PathLike):
            image = content_of(Path(image))
        content = image.read() if hasattr(image, "read") else image
        if isinstance(content, str):
            raise UsageFault("A file that is open as text is no photo. Open it by open(path, 'rb'), or give its path.")
        return decode(bytes(content), shape[:2], shape[2], square)
    except UsageFault:
        raise
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    except ValueError as error:
        return str(error)


def _array(image: Any) -> np.ndarray:
    """The pixels of anything that NumPy can read; of an image of Pillow, as its file would give them."""
    from PIL import Image

    try:
        if isinstance(image, Image.Image):
            return np.asarray(upright(image, image.size))
        return np.asarray(image)
    except (OSError, TypeError, ValueError, RuntimeError) as error:
        raise UsageFault(f"This {type(image).__name__} is no photo that can be read: {first_line(error)}.") from error


def _fitted(image: np.ndarray, shape: tuple[int, int, int], square: str) -> np.ndarray:
    """An array as an image of the network's shape."""
    if image.dtype.kind in "OSTU":
        raise UsageFault(f"Pixels must be numbers, raw, 0-255. Got {image.dtype}. Paths go in as a list: list(paths).")
    if image.ndim == 2:
        image = image[..., np.newaxis]
    if image.ndim != 3 or image.shape[2] not in (1, 3) or not image.size:
        raise UsageFault(
            f"An image must be (height, width, 1 or 3 channels). Got an array of shape {image.shape}.{_turned(image)}"
        )
    if image.dtype.kind not in "uif":
        raise UsageFault(f"Pixels must be numbers, raw, 0-255. Got {image.dtype}.")
    low, high = image.min(), image.max()
    if not (low >= 0 and high <= 255) or (image.dtype.kind == "f" and 0 < high <= 1):
        mend = " Those of 0 to 1: image * 255." if 0 <= low <= high <= 1 else ""
        mend = " Those of 16 bits: image / 257." if image.dtype == "uint16" else mend
        raise UsageFault(f"Pixels must be raw, 0-255. Got {low:g} to {high:g}.{mend}")
    if image.shape == shape:
        return image
    return fit(np.ascontiguousarray(image.round().astype("uint8")), shape[:2], shape[2], square)


def _turned(image: np.ndarray) -> str:
    """What to type for an array of another layout."""
    if image.ndim == 3 and image.shape[2] == 4:
        return " Without its transparency: image[..., :3]; on white: give the file, or Pillow's image."
    if image.ndim == 3 and image.shape[0] in (1, 3):
        return " Channels come last: image.transpose(1, 2, 0)."
    return ""
