"""JPEG: how much of one is decoded, and whether all of it is there."""

from __future__ import annotations

import io

import cv2
import numpy as np
from PIL import Image, JpegImagePlugin

MAGIC = b"\xff\xd8\xff"
END = b"\xff\xd9"
# How OpenCV reads a JPEG at a fraction of its size; Pillow's `draft` gives the same pixels at the same fractions.
FRACTIONS = {
    8: cv2.IMREAD_REDUCED_COLOR_8,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    1: cv2.IMREAD_COLOR,
}
# What decoders put where data are missing: grey. A conversion of colours may move it a little.
_GREY, _MOVED = 128, 4
# Bytes that any table of codes reads as something, and that hold no marker.
_MORE = np.random.default_rng(0).integers(0, 255, 4096, dtype="uint8").tobytes()


def header(content: bytes) -> Image.Image:
    """The opened image of a JPEG. Pillow's own limit, which counts all pixels, is not asked: not all are decoded."""
    return JpegImagePlugin.JpegImageFile(io.BytesIO(content))


def fraction(image: Image.Image, at_least: int | None) -> int:
    """At which of 1/8, 1/4, 1/2 and 1 an opened image is decoded: 8, 4, 2 or 1.

    Args:
        image: Of another format it is 1.
        at_least: Pixels that its shorter side must keep; `None` for all.
    """
    if image.format not in ("JPEG", "MPO") or not at_least:
        return 1
    return next((part for part in FRACTIONS if min(image.size) >= part * at_least), 1)


def pixels_held(image: Image.Image, at_least: int | None) -> int:
    """How many pixels are in memory while an image is decoded; a progressive JPEG is held as a whole."""
    part = 1 if "progressive" in image.info else fraction(image, at_least)
    return image.width * image.height // part**2


def refuse_cut(content: bytes, pixels: np.ndarray) -> None:
    """Refuse a JPEG that ends as one does, and lacks data before that: its rest would be grey.

    Where a corner is that grey, the file is decoded once more, small, with more data before its end: of one that is
    whole they change nothing.

    Args:
        content: The file; another format passes.
        pixels: (height, width, 1 or 3), what it was decoded to.

    Raises:
        ValueError: When data are missing.
    """
    corners = pixels[[0, 0, -1, -1], [0, -1, 0, -1]].astype(int)
    if not content.startswith(MAGIC) or (np.abs(corners - _GREY).max(axis=1) > _MOVED).all():
        return
    end = content.rfind(END)
    if end < 0:
        return
    small = [np.asarray(_small(file)) for file in (content, content[:end] + _MORE + content[end:])]
    if not np.array_equal(*small):
        raise ValueError("damaged: a part of the picture is missing, and shows grey")


def _small(content: bytes) -> Image.Image:
    image = header(content)
    image.draft(image.mode, (1, 1))
    return image
