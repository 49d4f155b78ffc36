"""The confusion matrix as a door: behind each of its cells are its photos, and what they are most like.

Every photo is on the page once, and nothing runs in the browser: a cell is a link, and its photos show when it is
followed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from recipes.data import Images
from recipes.evaluate.metrics import confusion
from recipes.evaluate.predictions import Predictions
from recipes.report.figures.confusion import MOST_CLASSES, confused_pairs
from recipes.report.pictures import thumbnail

# Wrong photos in all, right ones of a class, and photos in all: 4 to 8 kB each.
MOST_WRONG, MOST_RIGHT, MOST = 1000, 12, 1200
SIDE, SIDE_NEAR = 96, 72


@dataclass(frozen=True)
class Cell:
    """The test photos of one class that are called one class.

    Attributes:
        truth: The class they are of.
        answer: What they are called.
        number: How many there are.
        share: Of the photos of the class, 0 to 1.
        name: Of its place in the page.
        cards: Those that are shown: the surest of the wrong ones first, the least sure of the right ones.
    """

    truth: str
    answer: str
    number: int
    share: float
    name: str
    cards: list[dict[str, Any]] = field(default_factory=list)

    @property
    def is_right(self) -> bool:
        """Whether it is on the diagonal."""
        return self.truth == self.answer

    def __str__(self) -> str:
        what = f"{self.truth}, right" if self.is_right else f"{self.truth} taken for {self.answer}"
        return f"{what}: {self.number:,} image{'s' if self.number != 1 else ''}, {100 * self.share:.1f}% of the class"


@dataclass(frozen=True)
class Door:
    """The matrix with its cells.

    Attributes:
        class_names: In the order of rows and columns.
        rows: For each class the cells of its row; of more than 40 classes, none.
        cells: Those that hold photos, the wrong ones first and among them the fullest.
        near: Training images that some photo is most like, by their place: name, class and picture.
    """

    class_names: tuple[str, ...]
    rows: list[list[Cell]]
    cells: list[Cell]
    near: dict[int, dict[str, str]]


def door(table: Predictions, images: Images, train: Images | None) -> Door:
    """The matrix of some predictions, with the photos behind its cells.

    Args:
        table: What the network said of the test images.
        images: The test images.
        train: The training images, to show the nearest of; `None` shows none.
    """
    counts = confusion(table)
    totals = np.maximum(counts.sum(axis=1), 1)
    places = _shown(table)
    all_cells = {
        (row, column): Cell(
            table.class_names[row],
            table.class_names[column],
            int(counts[row, column]),
            float(counts[row, column] / totals[row]),
            f"cell-{row}-{column}",
        )
        for row, column in _cells(counts, table.class_names)
    }
    near: dict[int, dict[str, str]] = {}
    for place in places:
        cell = all_cells.get((int(table.truth[place]), int(table.prediction[place])))
        if cell is not None:
            cell.cards.append(_card(table, images, place) | {"nearest": []})
            if train is not None and table.nearest is not None:
                cell.cards[-1]["nearest"] = table.nearest[place].tolist()
                for other in cell.cards[-1]["nearest"]:
                    near[other] = near.get(other) or _near(train, other, table.class_names)
    rows = []
    if len(table.class_names) <= MOST_CLASSES:
        classes = range(len(table.class_names))
        rows = [[all_cells[row, column] for column in classes] for row in classes]
    filled = sorted(
        (cell for cell in all_cells.values() if cell.number), key=lambda cell: (cell.is_right, -cell.number)
    )
    return Door(table.class_names, rows, filled, near)


def _cells(counts: np.ndarray, names: tuple[str, ...]) -> list[tuple[int, int]]:
    """All cells of a matrix that can be read; else those that are confused most."""
    if len(names) <= MOST_CLASSES:
        return [(row, column) for row in range(len(names)) for column in range(len(names))]
    index = {name: place for place, name in enumerate(names)}
    return [(index[truth], index[answer]) for truth, answer, _ in confused_pairs(counts, names)]


def _shown(table: Predictions) -> list[int]:
    """Places of the photos that are shown, in the order in which they are."""
    wrong = np.flatnonzero(table.prediction != table.truth)
    wrong = wrong[np.argsort(-table.losses[wrong], kind="stable")][:MOST_WRONG]
    each = min(MOST_RIGHT, (MOST - len(wrong)) // max(len(table.class_names), 1))
    right = []
    for label in range(len(table.class_names)):
        own = np.flatnonzero((table.prediction == label) & (table.truth == label))
        right += own[np.argsort(-table.losses[own], kind="stable")][:each].tolist()
    return wrong.tolist() + right


def _card(table: Predictions, images: Images, place: int) -> dict[str, Any]:
    return {
        "picture": thumbnail(images.pixels[place : place + 1][0], SIDE),
        "probability": float(table.probabilities[place].max()),
        "name": str(table.ids[place]),
    }


def _near(train: Images, place: int, names: tuple[str, ...]) -> dict[str, str]:
    return {
        "picture": thumbnail(train.pixels[place : place + 1][0], SIDE_NEAR),
        "name": str(train.ids[place]),
        "label": names[int(train.labels[place])],
    }
