"""Colours as a screen shows them: an image's own colour profile, such as a phone's Display P3, brought to sRGB."""

from __future__ import annotations

import io
from functools import lru_cache

from PIL import Image, ImageCms

# What becomes of each mode that a profile can be for.
MODES = {"RGB": "RGB", "RGBA": "RGBA", "L": "RGB", "CMYK": "RGB"}
SRGB = ImageCms.createProfile("sRGB")


def has_profile(image: Image.Image) -> bool:
    """Whether an opened image has a colour profile that says more than sRGB does."""
    profile = image.info.get("icc_profile")
    return bool(profile) and _transform(profile, image.mode if image.mode in MODES else "RGB") is not None


def in_srgb(image: Image.Image) -> Image.Image:
    """An image in the colours of sRGB; without a profile, or with one that cannot be read, as it is.

    Args:
        image: Of any mode; transparency is kept.

    Returns:
        In mode RGB or RGBA where its colours were converted.
    """
    profile = image.info.get("icc_profile")
    if not profile:
        return image
    if image.mode in ("P", "PA"):
        image = image.convert("RGBA" if image.mode == "PA" or "transparency" in image.info else "RGB")
    transform = _transform(profile, image.mode) if image.mode in MODES else None
    return image if transform is None else transform.apply(image)


@lru_cache(maxsize=64)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """From a profile to sRGB; `None` where nothing is to be done, or it is damaged or for another mode."""
    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(opened):
            return None
        return ImageCms.buildTransform(opened, SRGB, mode, MODES[mode])
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None
