"""Pictures inside of a page: small copies of images, and everything as text that a browser shows."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

SIDE = 128
# A page shows smaller images larger, pixel by pixel, so that they stay what the network saw.
SMALL = 64
# Of a photo of that size a PNG of more bytes is too much for a page of a thousand: then it is a JPEG, as larger ones are.
MOST_EXACT = 4096
# How much of a heatmap covers its image, at most.
STRENGTH = 0.5


def inline(content: bytes, kind: str = "png") -> str:
    """Bytes of a picture as an address that needs no network."""
    kinds = {"svg": "svg+xml"}
    return f"data:image/{kinds.get(kind, kind)};base64,{base64.b64encode(content).decode()}"


def thumbnail(image: np.ndarray | Image.Image, side: int = SIDE) -> str:
    """A small copy of an image, as an address.

    Args:
        image: (height, width, 1 or 3), raw 0-255; or a picture.
        side: Of the square into which a larger one is brought, in pixels.
    """
    picture = image if isinstance(image, Image.Image) else Image.fromarray(np.asarray(image).astype("uint8").squeeze())
    out = io.BytesIO()
    if max(picture.size) <= SMALL:
        picture.save(out, "PNG", optimize=True)
        if len(out.getvalue()) <= MOST_EXACT:
            return inline(out.getvalue())
        out = io.BytesIO()
    picture = picture.copy()
    picture.thumbnail((side, side), Image.Resampling.BILINEAR)
    picture.convert("RGB").save(out, "JPEG", quality=82)
    return inline(out.getvalue(), "jpeg")


def overlay(image: np.ndarray, heat: np.ndarray) -> Image.Image:
    """A heatmap laid over its image, as an RGB picture.

    Args:
        image: (height, width, 1 or 3), 0-255.
        heat: (height, width), 0-1.
    """
    from matplotlib import colormaps

    photo = np.broadcast_to(image, (*image.shape[:2], 3)).astype("float32")
    colours = 255 * colormaps["inferno"](heat)[..., :3]
    weight = STRENGTH * heat[..., np.newaxis]
    return Image.fromarray(((1 - weight) * photo + weight * colours).round().astype("uint8"))
