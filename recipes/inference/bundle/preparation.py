"""What must be done to a photo before a network can answer on it, in words and for programs."""

from __future__ import annotations

from typing import Any

from recipes.data.decode import DECODER, FILL
from recipes.data.formats.jpeg import FRACTIONS

_SQUARES = {
    "squash": "to the whole size; the aspect ratio is not kept",
    "crop": "the largest part in the middle that has the shape of the size, to the size",
    "letterbox": f"the whole, to the largest size within the size; the rest, on both sides alike, is grey, {FILL}",
}


def preparation(shape: tuple[int, int, int], square: str) -> dict[str, Any]:
    """How a photo becomes what a network takes; docs/en/elsewhere.md has it as a program.

    Args:
        shape: (height, width, channels) of what it takes.
        square: One of `recipes.recipe.SQUARES`.
    """
    return {
        "shape": list(shape),
        "layout": "height, width, channels",
        "dtype": "float32",
        "range": [0, 255],
        "channels": "RGB" if shape[2] == 3 else "grey",
        "decode": {
            "orientation": "as EXIF says",
            "transparency": "laid on white",
            "bits": "8; grey of 12 or 16 is scaled",
            "animation": "the first frame",
            "colour profile": "to sRGB, perceptual",
            "jpeg": f"at the smallest of 1/{', 1/'.join(map(str, list(FRACTIONS)[:-1]))} whose shorter side has "
            f"{max(shape[:2])} pixels or more, else whole",
        },
        "square": square,
        "fill": FILL,
        "resize": f"{_SQUARES[square]}. First each side that shrinks to a half or less by averaging over areas, then "
        "both linearly, in 8 bits",
        "decoder": DECODER,
        "before": "turn as EXIF says, lay transparency on white; scaling is inside the model",
    }
