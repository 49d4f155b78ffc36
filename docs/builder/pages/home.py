"""Three numbers for docs/*/index.md: what a recipe reaches, what photos of all kinds give, and what caching saves."""

from __future__ import annotations

import json
import statistics
from typing import Any

from builder.files import ROOT, words
from builder.networks.measured import MEASURED

MARK = "<!-- three numbers -->"


def with_numbers(page: str, language: str) -> str:
    """A page with the numbers in place of its mark."""
    return page.replace(MARK, numbers(language)) if MARK in page else page


def numbers(language: str) -> str:
    """The numbers as a grid of cards, each with the page it comes from."""
    said = words(language)
    (tuned,) = (group for group in MEASURED.values() if (group["recipe"], group["variant"]) == ("fashion_cnn", "tuned"))
    folds = _read("results/own_photos.json")["folds"]
    own = [one["accuracy"] for one in folds if one["what"] == "own_photos"]
    rounds = _read("results/bench/boundary.json")["rounds"]
    plain, kept = (statistics.median(one[f"head, {how}"]["seconds"] for one in rounds) for how in ("plain", "float32"))
    cards = (
        (
            f"{tuned['mean']:.4f} ± {tuned['standard_deviation']:.4f}",
            said["number_recipe"].format(seeds=len(tuned["runs"]), printed=f"{tuned['published_accuracy']:.4f}"),
        ),
        (f"{statistics.mean(own):.3f}", said["number_photos"].format(sets=len(own))),
        (said["number_seconds"].format(kept=f"{kept:.1f}", plain=f"{plain:.0f}"), said["number_boundary"]),
    )
    shown = "\n\n".join(f"-   **{number}**\n\n    {what}" for number, what in cards)
    return f'<div class="grid cards numbers" markdown>\n\n{shown}\n\n</div>'


def _read(path: str) -> Any:
    return json.loads((ROOT / path).read_text(encoding="utf-8"))
