"""The one decoder: from an image file's bytes to the pixels a network sees, in training and in prediction."""

from __future__ import annotations

import contextlib
import io
import stat
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import PIL
from PIL import Image, ImageOps

from recipes.data.formats import colour, jpeg, png, signature
from recipes.data.splits import Images

# Part of the key under which decoded images are kept: raise the number when pixels change.
DECODER = f"halving 4, Pillow {PIL.__version__}, OpenCV {cv2.__version__}"
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "AVIF", "HEIF", "TIFF")
# A few hundred bytes can claim a picture that fills the memory: what decodes to more is refused by its header.
MOST_PIXELS = 50_000_000
# No photo is larger as a file, and what is would fill the memory before its header is looked at.
MOST_BYTES = 200_000_000
OVERSIZED = "oversized"  # How the problem of a sound photo begins that is too large.
# So many pixels are decoded at once, by all threads together: eight photos of a phone, or two of the largest.
PIXELS_AT_ONCE = 100_000_000
# What a letterbox is filled with: the middle of the range, neither light nor dark, which networks scale to about 0.
FILL = 128
# How a HEIC file begins, behind its first length.
HEIC = (b"ftypheic", b"ftypheix", b"ftyphevc", b"ftypmif1", b"ftypmsf1")
# How the reasons begin that are given here.
OURS = ("damaged: ", "oversized: ", "its pixels are ", "a HEIC photo", "not an image", *signature.WORDS)
ORIENTATION = 0x0112  # The EXIF tag.
TURNED = range(2, 9)  # Its values that say so.
BITS_PER_SAMPLE = 258  # The TIFF tag.
# They would be lines without the file's name, about what is counted or refused here.
warnings.filterwarnings("ignore", module=r"PIL\.")
Image.init()  # Pillow looks for its formats at the first use, and not safely from several threads.
with contextlib.suppress(ImportError):  # The extra `heic`.
    import pillow_heif

    pillow_heif.register_heif_opener()


def content_of(path: Path) -> bytes:
    """What is in the file of a photo.

    Raises:
        OSError: When it cannot be read.
        ValueError: When it is no file, such as a pipe, of which nothing may ever come, or too large for a photo; the
            message says so in a few words.
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("not a file")
    if status.st_size > MOST_BYTES:
        raise ValueError(f"{OVERSIZED}: {status.st_size / 1e6:,.0f} MB, more than {MOST_BYTES / 1e6:,.0f}")
    return path.read_bytes()


def decode(content: bytes, size: tuple[int, int], channels: int = 3, square: str = "squash") -> np.ndarray:
    """Decode an image and bring it to a size.

    The orientation noted by the camera is applied, a colour profile is brought to sRGB, transparency is laid on white,
    grey of 12 or 16 bits is scaled to 8, and of an animation the first frame is taken. A large JPEG is decoded at a
    half, a quarter or an eighth, where that is still as large as asked for; what remains is done by `fit`.

    Args:
        content: A JPEG, PNG, GIF, BMP, WebP, AVIF or TIFF file; HEIC with the extra `heic`.
        size: (height, width).
        channels: 3 for colour, 1 for grey.
        square: As for `fit`.

    Returns:
        (height, width, channels), uint8, RGB or grey, 0-255.

    Raises:
        ValueError: When the bytes are not an image that can be decoded; the message says why in a few words.
    """
    with opened(content, max(size)) as image:
        pixels = np.asarray(upright(image, (max(size), max(size))))
        jpeg.refuse_cut(content, pixels)
    return fit(pixels, size, channels, square)


def fit(pixels: np.ndarray, size: tuple[int, int], channels: int = 3, square: str = "squash") -> np.ndarray:
    """Bring an image to a size.

    A side that shrinks to a half or less is averaged over; otherwise neighbours are interpolated linearly, so that
    every pixel counts.

    Args:
        pixels: (height, width, 1 or 3), uint8, grey or RGB, 0-255.
        size: (height, width).
        channels: 3 for colour, 1 for grey.
        square: For an image of another shape, `"squash"` gives up its aspect ratio, `"crop"` takes the largest part in
            the middle that has the shape, `"letterbox"` puts the whole into the middle of grey.

    Returns:
        (height, width, channels), uint8.
    """
    if pixels.shape[2] > channels:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    if square == "crop":
        pixels = _middle(pixels, size)
    inner = _within(pixels, size) if square == "letterbox" else size
    pixels = _resized(pixels, inner)
    if inner != size:
        pixels = _on_grey(pixels, size)
    return pixels if pixels.shape[2] == channels else np.repeat(pixels, channels, axis=2)


@contextmanager
def opened(content: bytes, at_least: int | None = None) -> Iterator[Image.Image]:
    """An image of which only the header has been read.

    Args:
        content: The file.
        at_least: A JPEG will be decoded at a fraction whose shorter side has so many pixels; `None`: as a whole.

    Raises:
        ValueError: When it is no image, would be decoded to too many pixels, or cannot be decoded within the block.
    """
    if not content:
        raise ValueError("empty file")
    try:
        with _header(content) as image:
            pixels = jpeg.pixels_held(image, at_least)
            if pixels > MOST_PIXELS:
                raise ValueError(
                    f"oversized: {image.width:,} x {image.height:,} pixels, more than {MOST_PIXELS // 10**6} million"
                )
            with _pixels_at_once(pixels):
                yield image
    except Image.UnidentifiedImageError:
        if content[4:12] in HEIC and "HEIF" not in set(Image.ID) & set(FORMATS):
            raise ValueError("a HEIC photo: pip install 'keras-zoo-recipes[heic]' reads them") from None
        raise ValueError(signature.in_words(content, FORMATS)) from None
    except Image.DecompressionBombError as error:
        raise ValueError(f"oversized: more than {MOST_PIXELS // 10**6} million pixels") from error
    except MemoryError:
        raise
    except ValueError as error:  # Ours say what they mean; those of a reader need not.
        words = " ".join(str(error).split())
        raise ValueError(words if words.startswith(OURS) else f"damaged: {words}") from error
    except Exception as error:  # A damaged file can raise anything in Pillow's readers.
        raise ValueError(f"damaged: {str(error) or type(error).__name__}") from error


def _header(content: bytes) -> Image.Image:
    if content.startswith(jpeg.MAGIC) and "JPEG" in FORMATS:
        return jpeg.header(content)
    try:
        return Image.open(io.BytesIO(content), formats=FORMATS)
    except ValueError:
        # Pillow refuses long notes, as programs that make pictures put them into a PNG.
        if not content.startswith(png.MAGIC):
            raise
        return Image.open(io.BytesIO(png.without_notes(content)), formats=FORMATS)


_in_use, _free = [0], threading.Condition()


@contextmanager
def _pixels_at_once(pixels: int) -> Iterator[None]:
    """Wait until so many pixels more may be decoded; a thread holds those of one image at a time."""
    with _free:
        _free.wait_for(lambda: _in_use[0] == 0 or _in_use[0] + pixels <= PIXELS_AT_ONCE)
        _in_use[0] += pixels
    try:
        yield
    finally:
        with _free:
            _in_use[0] -= pixels
            _free.notify_all()


def upright(image: Image.Image, at_least: tuple[int, int]) -> Image.Image:
    """An opened image as a person sees it, in RGB: turned as the camera noted, in sRGB, on white, 8 bits.

    Args:
        image: From `opened`.
        at_least: (width, height). A JPEG is decoded at a half, a quarter or an eighth where that is still as large.
    """
    image.draft("RGB", at_least)
    return _as_rgb(ImageOps.exif_transpose(image) if image.getexif() else image)


def resize(images: Images, size: int, channels: int, square: str = "squash") -> Images:
    """Images in memory, brought to a square of `size` pixels in `channels` (1: grey, 3: colour), as `fit` does it."""
    if images.pixels.shape[1:] == (size, size, channels):
        return images
    squares = np.stack([fit(image, (size, size), channels, square) for image in images.pixels[:]])
    return Images(squares, images.labels, images.ids)


def _middle(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The largest part in the middle of an image that has the shape of a size."""
    scale = min(before / after for before, after in zip(pixels.shape, size, strict=False))
    height, width = (max(1, round(scale * after)) for after in size)
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    return pixels[top : top + height, left : left + width]


def _within(pixels: np.ndarray, size: tuple[int, int]) -> tuple[int, int]:
    """The largest size within a size that has the shape of an image, to a pixel."""
    scale = max(before / after for before, after in zip(pixels.shape, size, strict=False))
    return max(1, round(pixels.shape[0] / scale)), max(1, round(pixels.shape[1] / scale))


def _resized(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    height, width = size
    halved = tuple(
        after if before >= 2 * after else before
        for before, after in ((pixels.shape[1], width), (pixels.shape[0], height))
    )
    pixels = cv2.resize(pixels, halved, interpolation=cv2.INTER_AREA)
    return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_LINEAR).reshape(height, width, -1)


def _on_grey(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """An image in the middle of a larger one."""
    height, width, channels = pixels.shape
    framed = np.full((*size, channels), FILL, "uint8")
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    framed[top : top + height, left : left + width] = pixels
    return framed


def _as_rgb(image: Image.Image) -> Image.Image:
    image = colour.in_srgb(image)
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode in ("F", "I"):
        kind = "floating-point numbers" if image.mode == "F" else "numbers of 32 bits"
        raise ValueError(f"its pixels are {kind}, and nothing says which of them is white: save it with 8 or 16 bits")
    if image.mode.startswith("I"):
        return _grey_of_many_bits(image)
    if image.mode in ("LA", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")


def bits_used(image: Image.Image) -> int:
    """Bits of the grey values of an image that has 16: those that its file names, or 8 or 12 where no value needs more.

    X-ray machines and microscopes keep 12 in 16, and converters 8: taken as 16 they would be nearly black.
    """
    named = int(getattr(image, "tag_v2", {}).get(BITS_PER_SAMPLE, (16,))[0])
    highest = int(np.asarray(image).max(initial=0))
    return next((bits for bits in (8, 12) if highest < 2**bits), 16) if named == 16 else named


def _grey_of_many_bits(image: Image.Image) -> Image.Image:
    values = np.asarray(image, dtype="float64")
    grey = values * 255 / (2 ** bits_used(image) - 1)
    grey[values == image.info.get("transparency", -1)] = 255
    return Image.fromarray(grey.clip(0, 255).round().astype("uint8")).convert("RGB")
