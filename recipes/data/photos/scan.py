"""A look at one photo: its header, whether it decodes, what is odd about it, and what it looks like."""

from __future__ import annotations

import hashlib
import io
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from recipes.data.decode import ORIENTATION, opened, upright
from recipes.data.photos.listing import EXTENSIONS, Entry

MOST_BYTES = 200_000_000
TINY = 32
ODD_ASPECT = 3.0
THUMBNAIL = 192
SKETCH = 16


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


def look(entry: Entry) -> tuple[Photo, bytes]:
    """Look at one photo; nothing that is wrong with it raises.

    Returns:
        What was found, and a small JPEG picture; no bytes where it cannot be used.
    """
    import imagehash

    try:
        status = entry.path.stat()
        if not stat.S_ISREG(status.st_mode):
            return Photo(entry, problem="not a file", damaged=True), b""
        if status.st_size > MOST_BYTES:
            return Photo(entry, problem=f"oversized: {status.st_size / 1e6:,.0f} MB"), b""
        content = entry.path.read_bytes()
    except (OSError, ValueError) as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else getattr(error, "strerror", None) or error
        return Photo(entry, problem=f"cannot be read: {reason}", damaged=True), b""
    sha256 = hashlib.sha256(content).hexdigest()
    try:
        with opened(content) as image:
            size, notes = image.size, tuple(_oddities(image, entry.path))
            small = upright(image, (THUMBNAIL, THUMBNAIL)).copy()
            small.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.BILINEAR)
    except ValueError as error:
        return Photo(entry, sha256, problem=str(error), damaged=not str(error).startswith("oversized")), b""
    picture = io.BytesIO()
    small.save(picture, "JPEG", quality=90)
    sketch = small.convert("L").resize((SKETCH, SKETCH), Image.Resampling.BOX).tobytes()
    return Photo(entry, sha256, int(str(imagehash.phash(small)), 16), sketch, size, notes), picture.getvalue()


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
    if image.getexif().get(ORIENTATION, 1) not in (0, 1):
        yield "rotated by EXIF"
    if image.mode == "CMYK":
        yield "CMYK"
    elif image.mode.startswith("I") or ";16" in stored:
        yield "16 bits a channel"
    elif image.mode in ("LA", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        yield "transparent: laid on white"
    elif image.mode in ("L", "1"):
        yield "grey"
