"""The one decoder: from an image file's bytes to the pixels a network sees, in training and in prediction."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import PIL
from PIL import Image, ImageOps

from recipes.data.splits import Images

# Part of the key under which decoded images are kept: raise the number when pixels change.
DECODER = f"bilinear 2, Pillow {PIL.__version__}"
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF")
# A few hundred bytes can claim a picture that fills the memory: larger ones are refused by their header.
MOST_PIXELS = 50_000_000
Image.init()  # Pillow looks for its formats at the first use, and not safely from several threads.


def decode(content: bytes, size: tuple[int, int], channels: int = 3) -> np.ndarray:
    """Decode an image and bring it to a size; the aspect ratio is not kept.

    The orientation noted by the camera is applied, transparency is laid on white, 16-bit grey is scaled to 8, and of
    an animation the first frame is taken. Shrinking averages over the pixels it merges.

    Args:
        content: A JPEG, PNG, GIF, BMP, WebP or TIFF file.
        size: (height, width).
        channels: 3 for colour, 1 for grey.

    Returns:
        (height, width, channels), uint8, RGB or grey, 0-255.

    Raises:
        ValueError: When the bytes are not an image that can be decoded; the message says why in a few words.
    """
    height, width = size
    with opened(content) as image:
        enough = 4 * max(size) // 3
        resized = upright(image, (enough, enough)).resize((width, height), Image.Resampling.BILINEAR)
        pixels = np.asarray(resized if channels == 3 else resized.convert("L"))
    return pixels.reshape(height, width, channels)


@contextmanager
def opened(content: bytes) -> Iterator[Image.Image]:
    """An image of which only the header has been read.

    Raises:
        ValueError: When it is no image, claims too many pixels, or cannot be decoded within the block.
    """
    if not content:
        raise ValueError("empty file")
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise ValueError(
                    f"oversized: {image.width:,} x {image.height:,} pixels, more than {MOST_PIXELS // 10**6} million"
                )
            yield image
    except Image.UnidentifiedImageError:
        kind = "a page of HTML or XML" if content.lstrip()[:1] == b"<" else "not an image"
        raise ValueError(f"{kind}, no {', '.join(FORMATS[:-1])} or {FORMATS[-1]}") from None
    except (MemoryError, ValueError):
        raise
    except Exception as error:  # A damaged file can raise anything in Pillow's readers.
        raise ValueError(f"damaged: {str(error) or type(error).__name__}") from error


def upright(image: Image.Image, at_least: tuple[int, int]) -> Image.Image:
    """An opened image as a person sees it, in RGB: turned as the camera noted, on white, 8 bits.

    Args:
        image: From `opened`.
        at_least: (width, height). A JPEG is decoded at a half, a quarter or an eighth where that is still as large.
    """
    image.draft("RGB", at_least)
    return _as_rgb(ImageOps.exif_transpose(image) if image.getexif() else image)


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
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode.startswith("I"):
        grey = np.asarray(image, dtype="float64") / 257
        return Image.fromarray(grey.clip(0, 255).round().astype("uint8")).convert("RGB")
    if image.mode in ("LA", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")
