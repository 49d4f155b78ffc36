"""A look at one photo: its header, whether it decodes, what is odd about it, what it looks like, and its traits."""

from __future__ import annotations

import contextlib
import hashlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np
from PIL import Image

from recipes.data.decode import ORIENTATION, OVERSIZED, TURNED, bits_used, content_of, opened, upright
from recipes.data.formats import colour
from recipes.data.formats.jpeg import refuse_cut
from recipes.data.photos.listing import EXTENSIONS, Entry

NO_SUCH_FILE = "no such file"
TINY = 32
ODD_ASPECT = 3.0
THUMBNAIL = 192
SKETCH = 16
ISSUES = {"dark": "very dark", "light": "very bright", "blurry": "blurry", "low_information": "nearly empty"}
# A row belongs to a border where almost all of it is within so many levels of one colour. An object on a plain ground
# has none: behind a border the picture begins in a straight line, and a side's is a quarter of the picture at most.
SAME_COLOUR, OF_A_ROW, STRAIGHT, WIDEST = 12, 0.98, 0.9, 0.25
MAKE, MODEL, CHANGED, TAKEN, EXIF = 0x010F, 0x0110, 0x0132, 0x9003, 0x8769  # EXIF tags.
Traits: TypeAlias = dict[str, float | str]


@dataclass(frozen=True)
class Photo:
    """A photo and what a look at it found.

    Attributes:
        entry: Its name, path, label and split.
        sha256: Of the file; empty where it could not be read.
        look: A 64-bit perceptual hash: photos that look the same have the same, or one that differs in a few bits.
        sketch: 16 x 16 grey pixels, row by row: tells apart what has the same hash by chance.
        size: (width, height) as stored, in pixels.
        notes: What is odd and was dealt with, such as `"rotated by EXIF"`.
        problem: Why it cannot be used, in a few words; empty where it can.
        damaged: Whether the file itself is broken; not so for one that is only too large.
        quality: What CleanVision finds odd, such as `"blurry"`.
        traits: Figures that need not have to do with what is on it, see `recipes.data.photos.shortcuts`.
    """

    entry: Entry
    sha256: str = ""
    look: int = 0
    sketch: bytes = b""
    size: tuple[int, int] = (0, 0)
    notes: tuple[str, ...] = ()
    problem: str = ""
    damaged: bool = False
    quality: tuple[str, ...] = ()
    traits: Traits = field(default_factory=dict, hash=False)


def look(entry: Entry) -> tuple[Photo, bytes]:
    """Look at one photo; nothing that is wrong with it raises.

    Returns:
        What was found, and a small JPEG picture; no bytes where it cannot be used.
    """
    import imagehash

    try:
        content = content_of(entry.path)
    except OSError as error:
        reason = NO_SUCH_FILE if isinstance(error, FileNotFoundError) else error.strerror or error
        return Photo(entry, problem=f"cannot be read: {reason}", damaged=True), b""
    except ValueError as error:
        return Photo(entry, problem=str(error), damaged=not str(error).startswith(OVERSIZED)), b""
    sha256 = hashlib.sha256(content).hexdigest()
    try:
        with opened(content, THUMBNAIL) as image:
            size, notes = image.size, tuple(_oddities(image, entry.path))
            traits = _of_the_file(image)
            small = upright(image, (THUMBNAIL, THUMBNAIL)).copy()
            refuse_cut(content, np.asarray(small))
            small.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.BILINEAR)
    except ValueError as error:
        return Photo(entry, sha256, problem=str(error), damaged=not str(error).startswith(OVERSIZED)), b""
    picture = io.BytesIO()
    small.save(picture, "JPEG", quality=90)
    sketch = small.convert("L").resize((SKETCH, SKETCH), Image.Resampling.BOX).tobytes()
    traits |= _of_the_picture(np.asarray(small))
    looks = int(str(imagehash.phash(small)), 16)
    return Photo(entry, sha256, looks, sketch, size, notes, traits=traits), picture.getvalue()


def quality(pictures: Mapping[str, Path]) -> dict[str, list[str]]:
    """Names of photos that are very dark, very bright, blurry or nearly empty, as CleanVision finds them.

    Args:
        pictures: Where a readable picture of each photo is; a small one will do.
    """
    if not pictures:
        return {}
    from cleanvision import Imagelab

    lab = Imagelab(filepaths=[str(path) for path in pictures.values()])
    with contextlib.redirect_stderr(io.StringIO()):  # It draws a progress bar of its own.
        lab.find_issues({issue: {} for issue in ISSUES}, n_jobs=1, verbose=False)
    found = {
        words: [name for name, path in pictures.items() if lab.issues.loc[str(path), f"is_{issue}_issue"]]
        for issue, words in ISSUES.items()
    }
    return {words: names for words, names in found.items() if names}


def _oddities(image: Image.Image, path: Path) -> Iterator[str]:
    """What is unusual about an opened image, before it is decoded."""
    stored = str(getattr(image, "tile", ""))  # Gone once the image is decoded, which a look at its EXIF may do.
    found = "JPEG" if image.format == "MPO" else image.format
    if found != EXTENSIONS.get(path.suffix.lower(), found):
        yield f"{found} named {path.suffix}"
    if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":
        yield "animated: first frame taken"
    if min(image.size) < TINY:
        yield f"tiny: a side under {TINY} pixels"
    if max(image.size) > ODD_ASPECT * min(image.size):
        yield f"odd aspect: one side over {ODD_ASPECT:g} times the other"
    if image.getexif().get(ORIENTATION, 1) in TURNED:
        yield "rotated by EXIF"
    if colour.has_profile(image):
        yield "colour profile: brought to sRGB"
    if image.mode == "CMYK":
        yield "CMYK"
    elif image.mode.startswith("I") or ";16" in stored:
        yield "16 bits a channel"
        if image.mode.startswith("I;16"):
            yield from _oddities_of_grey(image)
    elif image.mode in ("LA", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        yield "transparent: laid on white"
    elif image.mode in ("L", "1"):
        yield "grey"


def _oddities_of_grey(image: Image.Image) -> Iterator[str]:
    """The same of grey of 16 bits; it is decoded for it."""
    if "transparency" in image.info:
        yield "transparent: laid on white"
    if (bits := bits_used(image)) < 16:
        yield f"{bits} bits in 16: scaled as {bits}"


def _of_the_file(image: Image.Image) -> Traits:
    """How an opened image was stored, by which camera and when, before it is decoded."""
    tables = getattr(image, "quantization", None) or {}
    layers = getattr(image, "layer", None) or []
    found: Traits = {
        "format": "JPEG" if image.format == "MPO" else str(image.format),
        "mode": image.mode,
        "quantization": float(np.mean(tables[min(tables)])) if tables else 0.0,
        "colour quantization": float(np.mean(tables[max(tables)])) if tables else 0.0,
        "sampling": "x".join(str(number) for number in layers[0][1:3]) if layers else "",
        "progressive": float("progressive" in image.info),
        "camera": "",
        "date": "",
    }
    with contextlib.suppress(Exception):  # A damaged note of the camera can raise anything, and costs no photo.
        exif = image.getexif()
        found["camera"] = " ".join(str(exif.get(tag, "")).strip("\0 ") for tag in (MAKE, MODEL)).strip()
        found["date"] = str(exif.get_ifd(EXIF).get(TAKEN) or exif.get(CHANGED) or "")[:10]
    return found


def _of_the_picture(pixels: np.ndarray) -> Traits:
    """Light, colour and border of a small picture: (height, width, 3), uint8; levels of 0-255, borders as shares."""
    red, green, blue = (pixels[..., place].astype("float32") for place in range(3))
    grey = 0.299 * red + 0.587 * green + 0.114 * blue
    darkest, brightest = np.percentile(grey, (1, 99))
    lying = pixels.transpose(1, 0, 2)
    borders = [_border(rows) for rows in (pixels, pixels[::-1], lying, lying[::-1])]
    levels = [level for share, level in borders if share]
    found = {
        "brightness": grey.mean(),
        "darkest": darkest,
        "brightest": brightest,
        "red to green": (red - green).mean(),
        "blue to yellow": (blue - (red + green) / 2).mean(),
        "saturation": (np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)).mean(),
        "aspect": pixels.shape[1] / pixels.shape[0],
        "border above": borders[0][0],
        "border below": borders[1][0],
        "border left": borders[2][0],
        "border right": borders[3][0],
        "border level": np.mean(levels) if levels else -1.0,
    }
    return {name: round(float(value), 4) for name, value in found.items()}


def _border(rows: np.ndarray) -> tuple[float, float]:
    """The share of rows, from the first on, that are a border of one colour, and its level; 0 where there is none."""
    colour = np.median(rows[0], axis=0)

    def foreign(some: np.ndarray) -> np.ndarray:
        return (np.abs(some - colour).max(axis=2) > SAME_COLOUR).mean(axis=1)

    if foreign(rows[:1])[0] > 1 - OF_A_ROW:  # So it is with most photos.
        return 0.0, 0.0
    widest = int(WIDEST * len(rows))
    share = foreign(rows[: widest + 2])
    behind = int(np.argmax(share > 1 - OF_A_ROW))
    is_border = 0 < behind <= widest and share[behind : behind + 2].max() >= STRAIGHT
    return (behind / len(rows), float(colour.mean())) if is_border else (0.0, 0.0)
