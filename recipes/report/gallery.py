"""Which test images a report shows: the worst, the least sure, and where the network looked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from recipes.data import Images
from recipes.evaluate.predictions import Predictions
from recipes.report.doubted import Doubted
from recipes.report.pictures import overlay, thumbnail

EACH = 16
DOUBTED = 12
HEATMAPS = {"wrong": 8, "right": 4}


def worst(table: Predictions) -> np.ndarray:
    """Places of wrong answers, the surest of them first: the largest losses."""
    order = np.argsort(-table.losses, kind="stable")
    return order[table.prediction[order] != table.truth[order]]


def least_sure(table: Predictions) -> np.ndarray:
    """Places of all answers, the least sure first, right or wrong."""
    return np.argsort(table.probabilities.max(axis=1), kind="stable")


def surest_right(table: Predictions) -> np.ndarray:
    """Places of right answers, each class's surest in turn."""
    right = np.flatnonzero(table.prediction == table.truth)
    order = right[np.argsort(table.losses[right], kind="stable")]
    seen: dict[int, int] = {}
    turns = []
    for place in order:
        turns.append(seen.setdefault(int(table.truth[place]), 0))
        seen[int(table.truth[place])] += 1
    return order[np.argsort(turns, kind="stable")]


def cards(table: Predictions, images: Images, places: Iterable[int]) -> list[dict[str, Any]]:
    """Images with what is said under them: truth, answer, its probability, and the image's name."""
    return [
        {
            "picture": thumbnail(images.pixels[place : place + 1][0]),
            "truth": table.class_names[table.truth[place]],
            "answer": table.class_names[table.prediction[place]],
            "right": bool(table.prediction[place] == table.truth[place]),
            "probability": float(table.probabilities[place].max()),
            "name": str(table.ids[place]),
        }
        for place in places
    ]


def doubted_cards(
    labels: Sequence[Doubted], tables: Mapping[str, Predictions], images: Mapping[str, Images]
) -> list[dict[str, Any]]:
    """The first `DOUBTED` photos whose label the network contradicts, with what is said under them."""
    return [
        card | {"split": one.split}
        for one in labels[:DOUBTED]
        for card in cards(tables[one.split], images[one.split], [one.place])
    ]


def looked_at(table: Predictions) -> dict[str, np.ndarray]:
    """Places of the images whose heatmaps a report shows: the worst, and a few that are right."""
    return {"wrong": worst(table)[: HEATMAPS["wrong"]], "right": surest_right(table)[: HEATMAPS["right"]]}


def heatmaps(
    table: Predictions, images: Images, heats: Mapping[int, np.ndarray]
) -> Mapping[str, Sequence[dict[str, Any]]]:
    """Where the network looked, on the images of `looked_at`; empty without heatmaps.

    Args:
        table: What the network said.
        images: Of it.
        heats: For each place, (height, width), 0-1.
    """
    if not heats:
        return {}
    return {
        kind: [
            card | {"overlay": thumbnail(overlay(images.pixels[place : place + 1][0], heats[place]))}
            for card, place in zip(cards(table, images, places), places.tolist(), strict=True)
        ]
        for kind, places in looked_at(table).items()
    }
