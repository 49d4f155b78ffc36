"""A person's photo as a page shows it."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image


def jpeg(path: Path, side: int) -> bytes:
    """A photo as a person sees it, turned as the camera noted, as JPEG of at most `side` pixels a side.

    Raises:
        OSError: When it cannot be read.
        ValueError: When it is no photo that can be decoded.
    """
    from recipes.data.decode import content_of, opened, upright

    with opened(content_of(path), side) as image:
        picture = upright(image, (side, side)).copy()
    picture.thumbnail((side, side), Image.Resampling.BILINEAR)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=90)
    return out.getvalue()
