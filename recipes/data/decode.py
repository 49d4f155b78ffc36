"""The one decoder: from an image file's bytes to the pixels a network sees, in training and in prediction."""

from __future__ import annotations

import io

import numpy as np
import PIL
from PIL import Image, ImageOps

from recipes.data.splits import Images

# Part of the key under which decoded images are kept: raise the number when pixels change.
DECODER = f"bilinear 1, Pillow {PIL.__version__}"


def decode(content: bytes, size: tuple[int, int]) -> np.ndarray:
    """Decode an image and bring it to a size; the aspect ratio is not kept.

    The orientation noted by the camera is applied, transparency is laid on white, 16-bit grey is scaled to 8, and of
    an animation the first frame is taken. Shrinking averages over the pixels it merges.

    Args:
        content: A JPEG, PNG, GIF, BMP or WebP file.
        size: (height, width).

    Returns:
        (height, width, 3), uint8 RGB, 0-255.

    Raises:
        ValueError: When the bytes are not an image that can be decoded.
    """
    height, width = size
    try:
        with Image.open(io.BytesIO(content)) as image:
            # A JPEG is decoded at a half, a quarter or an eighth where that is still large enough.
            image.draft("RGB", (2 * max(size), 2 * max(size)))
            upright = ImageOps.exif_transpose(image)
            resized = _as_rgb(upright).resize((width, height), Image.Resampling.BILINEAR)
            return np.asarray(resized)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(f"This is not an image that can be decoded: {error}") from error


def resize(images: Images, size: int) -> Images:
    """Images in memory, in colour and brought to a square of `size` pixels."""
    if images.pixels.shape[1:] == (size, size, 3):
        return images
    squares = [
        Image.fromarray(image.squeeze()).convert("RGB").resize((size, size), Image.Resampling.BILINEAR)
        for image in images.pixels[:]
    ]
    return Images(np.stack([np.asarray(square) for square in squares]), images.labels, images.ids)


def _as_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        grey = np.asarray(image, dtype="float64") / 257
        return Image.fromarray(grey.clip(0, 255).round().astype("uint8")).convert("RGB")
    if image.mode in ("LA", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")
