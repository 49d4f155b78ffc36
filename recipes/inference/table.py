"""What a network says of photos, as a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from recipes.evaluate.operating_point import Point, ranked
from recipes.evaluate.probabilities import PROBABILITY
from recipes.files.csv_text import csv_text

if TYPE_CHECKING:
    import pandas

    from recipes.evaluate.none_of_these import Known


@dataclass(frozen=True)
class Answer:
    """What a network says of a photo.

    Attributes:
        row: (classes,), probabilities, or scores.
        likeness: How like the photo is to the training photo that is most like it, -1 to 1; `None` where it is not
            known.
        as_unlike: The share of validation photos that are as unlike.
    """

    row: np.ndarray
    likeness: float | None = None
    as_unlike: float | None = None


@dataclass(frozen=True)
class Table:
    """What a model says of photos.

    Attributes:
        ids: (photos,), a name for each: its path, or its place among arrays.
        probabilities: (photos, classes), each row sums to 1; scores, where `kind` says so.
        class_names: In the order of the columns.
        problems: Photos that could not be read, and why, by name; they have no row.
        kind: `"probability"`, or `"score"` for a network whose outputs need not sum to 1.
        as_unlike: (photos,), the share of the run's validation photos that are as unlike its training photos, 0-1;
            `None` where the run did not keep what it takes.
        refused: (photos,), whether each is none of the classes; `None` where that was not asked.
        point: From which probability on one class is said; `None` where the most probable is.
        asked: All names in the order that they were asked in, those that could not be read among them.
    """

    ids: np.ndarray
    probabilities: np.ndarray
    class_names: tuple[str, ...]
    problems: Mapping[str, str] = field(default_factory=dict)
    kind: str = PROBABILITY
    as_unlike: np.ndarray | None = None
    refused: np.ndarray | None = None
    point: Point | None = None
    asked: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def predictions(self) -> list[str]:
        """The class of each photo: the most probable, or that of the operating point."""
        return [self.class_names[index] for index in ranked(self.probabilities, self.point)[:, 0]]

    def top(self, number: int) -> list[list[tuple[str, float]]]:
        """For each photo its class, and the most probable others, with their probabilities."""
        order = ranked(self.probabilities, self.point)[:, :number]
        return [
            [(self.class_names[index], float(row[index])) for index in places]
            for places, row in zip(order, self.probabilities, strict=True)
        ]

    def to_pandas(self) -> pandas.DataFrame:
        """A row for each photo that could be read, by its name: `prediction`, then a column for each class.

        Where it was asked which are none of the classes, `none of these` and `as unlike` come after `prediction`.
        """
        import pandas

        table = pandas.DataFrame(self.probabilities, pandas.Index(self.ids, name="id"), list(self.class_names))
        table.insert(0, "prediction", self.predictions)
        if self.refused is not None:
            table.insert(1, "none of these", self.refused)
            table.insert(2, "as unlike", self.as_unlike)
        return table

    def as_csv(self) -> str:
        """The table as CSV: path, prediction, its probability, a probability per class, and what was wrong.

        Photos come in the order that they were asked in; one that could not be read is in its place.

        Of a network that gives no probabilities the columns are called scores. Where it was asked which photos are none
        of the classes, two columns more say so, `none of these` (yes or no) and `as unlike`.
        """
        header = ["path", "prediction", self.kind, *(f"{self.kind} {name}" for name in self.class_names), "problem"]
        blank = [""] * (2 + len(self.class_names))
        more: list[list[str]] = [[] for _ in self.ids]
        if self.refused is not None:
            header += ["none of these", "as unlike"]
            shares = zip(self.refused, np.asarray(self.as_unlike), strict=True)
            more = [["yes" if refused else "no", f"{share:.6g}"] for refused, share in shares]
        read = [
            [name, guess, f"{row[self.class_names.index(guess)]:.6g}", *(f"{value:.6g}" for value in row), "", *last]
            for name, guess, row, last in zip(self.ids, self.predictions, self.probabilities, more, strict=True)
        ]
        empty = [""] * (len(header) - len(blank) - 2)
        unread = {name: [name, *blank, reason, *empty] for name, reason in self.problems.items()}
        waiting = iter(read)
        asked = self.asked or (*self.ids, *self.problems)
        return csv_text(header, [unread[name] if name in unread else next(waiting) for name in asked])


def collect(
    answers: Iterable[tuple[str, Answer | str]],
    class_names: tuple[str, ...],
    kind: str = PROBABILITY,
    *,
    known: Known | None = None,
    rate: float | None = None,
    point: Point | None = None,
) -> Table:
    """Gather what `recipes.inference.predictor.Predictor.stream` gives into a table.

    Args:
        answers: A name for each photo, and what is said of it, or why it cannot be read.
        class_names: In the order of the outputs.
        kind: What the network gives.
        known: What it learned from; with it every answer has `as_unlike`.
        rate: Of false alarms, at which photos are refused; `None` does not ask.
        point: From which probability on one class is said; `None` for the most probable.
    """
    ids, kept, unlike, problems, asked = [], [], [], {}, []
    for name, said in answers:
        asked.append(name)
        if isinstance(said, str):
            problems[name] = said
        else:
            ids.append(name)
            kept.append(said.row)
            unlike.append(said.as_unlike)
    rows = np.array(kept).reshape(len(kept), len(class_names))
    shares = np.array(unlike, "float64") if known else None
    refused = known.refused(shares, rate) if known and shares is not None and rate is not None else None
    return Table(np.array(ids), rows, class_names, problems, kind, shares, refused, point, tuple(asked))
