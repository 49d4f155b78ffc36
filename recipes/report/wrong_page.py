"""The images that no run has right, on one self-contained page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recipes.data.decode import opened, upright
from recipes.report.page import render
from recipes.report.pictures import SIDE, thumbnail


@dataclass(frozen=True)
class Answer:
    """What one run said of one image.

    Attributes:
        run: Which, in words: recipe, variant, and seed or fold.
        image: Its name.
        truth: Its label.
        guess: The class that the run gave.
        probability: That it gave to this class, 0 to 1.
    """

    run: str
    image: str
    truth: str
    guess: str
    probability: float


def wrong_page(
    dataset: str,
    results: Sequence[Mapping[str, Any]],
    wrong: Mapping[str, Sequence[Answer]],
    pictures: Mapping[str, bytes],
) -> str:
    """An HTML page: what was looked at, and every image with its label and what each run said.

    Args:
        dataset: Name of the data set.
        results: `recipe`, `variant`, `runs`, `images` and `wrong` of each.
        wrong: For each image by its name, what the runs said.
        pictures: The image files, by name, of those images that are there.
    """
    cards = [
        {"name": name, "truth": given[0].truth, "given": given, "picture": _picture(pictures.get(name))}
        for name, given in wrong.items()
    ]
    return render(
        "wrong.html", title=f"Wrong in every run: {dataset}", results=results, cards=cards, pictured=bool(pictures)
    )


def _picture(content: bytes | None) -> str:
    if content is None:
        return ""
    with opened(content, SIDE) as image:
        return thumbnail(upright(image, (SIDE, SIDE)))
