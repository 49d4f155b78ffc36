"""What a network says of photos, as a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from recipes.evaluate.probabilities import PROBABILITY
from recipes.files.csv_text import csv_text

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Table:
    """What a model says of photos.

    Attributes:
        ids: (photos,), a name for each: its path, or its place among arrays.
        probabilities: (photos, classes), each row sums to 1; scores, where `kind` says so.
        class_names: In the order of the columns.
        problems: Photos that could not be read, and why, by name; they have no row.
        kind: `"probability"`, or `"score"` for a network whose outputs need not sum to 1.
    """

    ids: np.ndarray
    probabilities: np.ndarray
    class_names: tuple[str, ...]
    problems: Mapping[str, str] = field(default_factory=dict)
    kind: str = PROBABILITY

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def predictions(self) -> list[str]:
        """The most probable class of each photo."""
        return [self.class_names[index] for index in self.probabilities.argmax(axis=1)]

    def top(self, number: int) -> list[list[tuple[str, float]]]:
        """For each photo its most probable classes with their probabilities, the surest first."""
        order = np.argsort(-self.probabilities, axis=1, kind="stable")[:, :number]
        return [
            [(self.class_names[index], float(row[index])) for index in places]
            for places, row in zip(order, self.probabilities, strict=True)
        ]

    def to_pandas(self) -> pandas.DataFrame:
        """A row for each photo that could be read, by its name: `prediction`, then a column for each class."""
        import pandas

        table = pandas.DataFrame(self.probabilities, pandas.Index(self.ids, name="id"), list(self.class_names))
        table.insert(0, "prediction", self.predictions)
        return table

    def as_csv(self) -> str:
        """The table as CSV: path, prediction, its probability, a probability per class, and what was wrong.

        Of a network that gives no probabilities the columns are called scores.
        """
        header = ["path", "prediction", self.kind, *(f"{self.kind} {name}" for name in self.class_names), "problem"]
        blank = [""] * (2 + len(self.class_names))
        read = (
            [name, guess, f"{row.max():.6g}", *(f"{value:.6g}" for value in row), ""]
            for name, guess, row in zip(self.ids, self.predictions, self.probabilities, strict=True)
        )
        return csv_text(header, [*read, *([name, *blank, reason] for name, reason in self.problems.items())])


def collect(
    rows: Iterable[tuple[str, np.ndarray | str]], class_names: tuple[str, ...], kind: str = PROBABILITY
) -> Table:
    """Gather what `recipes.inference.predictor.Predictor.stream` gives into a table."""
    ids, kept, problems = [], [], {}
    for name, row in rows:
        if isinstance(row, str):
            problems[name] = row
        else:
            ids.append(name)
            kept.append(row)
    return Table(np.array(ids), np.array(kept).reshape(len(kept), len(class_names)), class_names, problems, kind)
