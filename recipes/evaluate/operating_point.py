"""An operating point: from which probability on one class is said, so that its recall or precision is as wanted.

The probability is fixed on photos that the head was not solved for, or trained on: training photos by folds, and those
of validation. Test photos have no part in it; they tell what it is worth. A recall holds for new photos by the rank
alone (conformal prediction): of n photos of the class the k lowest may be missed, k = (1 - recall) * (n + 1). For a
precision one false alarm more is counted than there was, and photos must be as often of the class as these are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from recipes.errors import UsageFault
from recipes.evaluate.statistics import wilson
from zoo.text.suggest import closest

if TYPE_CHECKING:
    from recipes.evaluate.predictions import Predictions

Figure: TypeAlias = Literal["recall", "precision"]
FIGURES: tuple[Figure, ...] = ("recall", "precision")
SMALL = 1e-9


@dataclass(frozen=True)
class Wanted:
    """What is asked of one class: a recall or a precision of this share at least, above 0 to 1."""

    class_name: str
    figure: Figure
    share: float

    def require(self, class_names: Sequence[str]) -> None:
        """Make sure that there is such a class.

        Raises:
            UsageFault: With the classes there are.
        """
        if self.class_name not in class_names:
            names = ", ".join(class_names[:8]) + (f" and {len(class_names) - 8} others" if len(class_names) > 8 else "")
            raise UsageFault(
                f"--require-{self.figure}: no class is named {self.class_name!r}."
                f"{closest(self.class_name, class_names)} The classes are {names}."
            )


@dataclass(frozen=True)
class Point:
    """From which probability on a class is said; below, the most probable of the others is.

    Attributes:
        place: Of the class among the columns.
        threshold: 0 to 1.
    """

    place: int
    threshold: float

    def ranked(self, rows: np.ndarray) -> np.ndarray:
        """(photos, classes), places of classes: first the answer, then the others, the most probable first.

        Args:
            rows: (photos, classes), probabilities.
        """
        order = ranked(rows)
        passes = rows[:, self.place] >= self.threshold
        answer = np.where(passes | (order[:, 0] != self.place), order[:, 0], order[:, 1])
        answer[passes] = self.place
        rest = order[order != answer[:, np.newaxis]].reshape(len(order), order.shape[1] - 1)
        return np.hstack([answer[:, np.newaxis], rest])


def ranked(rows: np.ndarray, point: Point | None = None) -> np.ndarray:
    """(photos, classes), places of classes, the answer first: at an operating point, or else the most probable."""
    return np.argsort(-rows, axis=1, kind="stable") if point is None else point.ranked(rows)


@dataclass(frozen=True)
class OperatingPoint:
    """What was wanted, what serves, and what it is worth on test photos.

    Attributes:
        class_name: The class.
        figure: `"recall"` or `"precision"`.
        wanted: Of that, at least.
        threshold: From this probability on the class is said; `None` where none serves.
        reason: Why none serves; empty where one does.
        folds: Training photos, called by folds, that fixed it; 0 where validation alone did.
        validation: Validation photos that did.
        recall: (found, photos of the class) of test photos.
        precision: (of the class, said to be).
        false_alarms: (said to be of the class, photos of other classes).
    """

    class_name: str
    figure: Figure
    wanted: float
    threshold: float | None
    reason: str
    folds: int
    validation: int
    recall: tuple[int, int] = (0, 0)
    precision: tuple[int, int] = (0, 0)
    false_alarms: tuple[int, int] = (0, 0)

    def words(self) -> list[str]:
        """Where it is and what it is worth, a line each."""
        if self.threshold is None:
            return [f"operating point: {self.reason}"]
        by = f"{self.folds:,} training photos by folds and " if self.folds else ""
        figures = {"recall": self.recall, "precision": self.precision, "false alarms": self.false_alarms}
        worth = ", ".join(f"{name} {share_in_words(*found)}" for name, found in figures.items())
        return [
            f"operating point: {self.class_name} from a probability of {self.threshold:.4g} on, for a {self.figure} of "
            f"{self.wanted:g} (by {by}{self.validation:,} validation photos)",
            f"       on test photos: {worth}",
        ]


def share_in_words(number: int, images: int) -> str:
    """A share with its 95% interval (Wilson) and its two numbers."""
    if not images:
        return "unknown, of no photo"
    low, high = wilson(number, images)
    return f"{number / images:.3f} ({low:.3f} to {high:.3f}; {number:,} of {images:,})"


def parse(text: str, figure: Figure) -> Wanted:
    """Read `CLASS=SHARE`.

    Raises:
        UsageFault: When it is not that, or the share is not above 0, at most 1.
    """
    name, sign, number = text.rpartition("=")
    try:
        share = float(number) if sign and name else math.nan
    except ValueError:
        share = math.nan
    if not 0 < share <= 1:
        raise UsageFault(
            f"--require-{figure} must be CLASS=SHARE, the share above 0, at most 1, such as defect=0.95. Got {text!r}."
        )
    return Wanted(name, figure, share)


def fixed(
    wanted: Wanted, tables: Mapping[str, Predictions], by_folds: np.ndarray | None, labels: np.ndarray
) -> OperatingPoint:
    """Fix the probability on what the head has not seen, and say what it is worth on test photos.

    Args:
        wanted: Of which class, and how much.
        tables: Predictions of `validation` and `test`.
        by_folds: (training photos, classes), probabilities by heads that were solved without each; `None` for none.
        labels: (training photos,), class indices.
    """
    validation, test = tables["validation"], tables["test"]
    place = validation.class_names.index(wanted.class_name)
    scores, truth = validation.probabilities[:, place], validation.truth
    if by_folds is not None:
        scores, truth = np.concatenate([by_folds[:, place], scores]), np.concatenate([labels, truth])
    threshold, reason = threshold_for(wanted, scores, truth == place)
    counts = {} if threshold is None else _counts(Point(place, threshold), test)
    return OperatingPoint(
        wanted.class_name, wanted.figure, wanted.share, threshold, reason,
        0 if by_folds is None else len(by_folds), len(validation.truth), **counts,
    )  # fmt: skip


def threshold_for(wanted: Wanted, scores: np.ndarray, is_class: np.ndarray) -> tuple[float | None, str]:
    """The probability from which on a class is said; or why none serves.

    Args:
        wanted: Of which class, and how much.
        scores: (photos,), the probability of the class.
        is_class: (photos,), whether it is right.

    Returns:
        For a recall the highest that serves, for a precision the lowest; halfway to the next score below.
    """
    own = np.sort(scores[is_class])
    if wanted.figure == "recall":
        missed = math.floor((1 - wanted.share) * (len(own) + 1) + SMALL)
        if missed < 1:
            most = math.floor(1000 * len(own) / (len(own) + 1)) / 1000
            return None, (
                f"{len(own):,} photos of {wanted.class_name} tell no recall of {wanted.share:g}: ask for {most:g} or "
                "less, or add photos"
            )
        found = own[missed - 1]
    else:
        candidates = np.unique(own)
        right = len(own) - np.searchsorted(own, candidates)
        wrong = np.sort(scores[~is_class])
        alarms = len(wrong) - np.searchsorted(wrong, candidates)
        precise = right / np.maximum(right + alarms + 1, 1)
        if not (precise >= wanted.share - SMALL).any():
            best = f", {math.floor(1000 * precise.max()) / 1000:g} at best" if len(own) else ""
            return None, (
                f"no probability gives {wanted.class_name} a precision of {wanted.share:g}{best}, one false alarm more "
                "than there was counted in: ask for less, or add photos"
            )
        found = candidates[np.argmax(precise >= wanted.share - SMALL)]
    below = scores[scores < found]
    return float((found + (below.max() if len(below) else 0.0)) / 2), ""


def _counts(point: Point, table: Predictions) -> dict[str, tuple[int, int]]:
    said = point.ranked(table.probabilities)[:, 0] == point.place
    is_class = table.truth == point.place
    found = int((said & is_class).sum())
    return {
        "recall": (found, int(is_class.sum())),
        "precision": (found, int(said.sum())),
        "false_alarms": (int(said.sum()) - found, int((~is_class).sum())),
    }
