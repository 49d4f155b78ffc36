"""JPEG: how much of one is decoded, and whether all of it is there."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image, JpegImagePlugin

MAGIC = b"\xff\xd8\xff"
END = b"\xff\xd9"
# At which fractions a JPEG can be decoded.
FRACTIONS = (8, 4, 2, 1)
# Markers: a picture that is refined scan by scan, a scan, and restarts within a scan and how far apart they are.
_PROGRESSIVE, _SCAN, _INTERVAL = 0xC2, 0xDA, 0xDD
_MARKER, _RESTART = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]"), re.compile(rb"\xff([\xd0-\xd7])")
# So many zeros are what a failing disk or a copy that was broken off leaves, or a large plain area.
_ZEROS, _LAST = bytes(512), 16
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
    """Refuse a JPEG that ends as one does, and lacks data before that: its rest would be grey, noise or blurred.

    Some data that nothing needs before the end are no fault: cameras write them.

    Args:
        content: The file; another format passes.
        pixels: (height, width, 1 or 3), what it was decoded to.

    Raises:
        ValueError: When data are missing.
    """
    if not content.startswith(MAGIC):
        return
    segments = list(_segments(content))
    kinds = [kind for kind, _, _ in segments]
    if _SCAN not in kinds:
        return
    begin = segments[kinds.index(_SCAN)][2]
    end = content.find(END, segments[-1][2])
    end = len(content) if end < 0 else end
    is_noise = _lacks_restarts(content[begin:end]) if _INTERVAL in kinds else False
    if _PROGRESSIVE in kinds:
        if _lacks_scans(segments):
            raise ValueError("damaged: a part of its data is missing, and it shows blurred")
    elif is_noise or _lacks_zeros(content, begin, end):
        raise ValueError("damaged: a part of the picture is missing, and shows noise")
    if _lacks_end(content, pixels, end):
        raise ValueError("damaged: a part of the picture is missing, and shows grey")


def _segments(content: bytes) -> Iterator[tuple[int, bytes, int]]:
    """The marker and body of each segment before the end of the picture, and where it ends."""
    marker = _MARKER.search(content, 2)
    while marker and marker[0] != END:
        start = marker.end() + 2
        end = marker.end() + int.from_bytes(content[marker.end() : start], "big")
        yield marker[0][1], content[start:end], end
        marker = _MARKER.search(content, end)


def _lacks_scans(segments: Sequence[tuple[int, bytes, int]]) -> bool:
    """Whether scans are missing: some coefficient of some colour has not come to its last bit."""
    bits_left: dict[tuple[int, int], int] = {}
    for kind, body, _ in segments:
        if kind == _PROGRESSIVE:
            bits_left |= {(colour, place): 16 for colour in body[6::3] for place in range(64)}
        elif kind == _SCAN and len(body) >= 4:
            first, last, bits = body[-3:]
            bits_left |= {(colour, place): bits & 15 for colour in body[1:-3:2] for place in range(first, last + 1)}
    return any(bits_left.values())


def _lacks_restarts(scan: bytes) -> bool:
    """Whether the numbers of a scan's restarts, which go round from 0 to 7, are not in order."""
    numbers = [marker[1][0] & 7 for marker in _RESTART.finditer(scan)]
    return any(number != place % 8 for place, number in enumerate(numbers))


def _lacks_zeros(content: bytes, begin: int, end: int) -> bool:
    """Whether zeros stand in a scan in place of other data.

    In a picture that is whole they are a plain area, or stand before its end, where nothing needs them. Those of other
    data are read as noise of another length, so that what is at the end of the scan is never read.
    """
    zeros = content.find(_ZEROS, begin, end)
    if zeros < 0:
        return False
    rest = content[zeros:end].lstrip(b"\0")
    here, without, with_others = (
        _small(file)
        for file in (
            content,
            content[:zeros] + rest + content[end:],
            content[: end - _LAST] + _MORE[:_LAST] + content[end:],
        )
    )
    return not np.array_equal(here, without) and np.array_equal(here, with_others)


def _lacks_end(content: bytes, pixels: np.ndarray, end: int) -> bool:
    """Whether a corner is the grey of missing data, and more data before the end would change the picture."""
    corners = pixels[[0, 0, -1, -1], [0, -1, 0, -1]].astype(int)
    if (np.abs(corners - _GREY).max(axis=1) > _MOVED).all():
        return False
    return not np.array_equal(_small(content), _small(content[:end] + _MORE + content[end:]))


def _small(content: bytes) -> np.ndarray:
    """A JPEG at an eighth; nothing where it cannot be decoded."""
    try:
        image = header(content)
        image.draft(image.mode, (1, 1))
        return np.asarray(image)
    except OSError:
        return np.empty(0)
