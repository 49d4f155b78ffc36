"""Labels that a trained network contradicts, and is sure: of photos that it was not trained on."""

from __future__ import annotations

import csv
import io
import shlex
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from recipes.data.user_photos import same_photos
from recipes.evaluate.predictions import Predictions
from recipes.files.csv_text import csv_text

if TYPE_CHECKING:
    from recipes.files.manifest import Data

FILE = "doubtful_labels.csv"
HEADER = ("path", "label", "prediction", "probability", "split")
SURE = 0.9


@dataclass(frozen=True)
class Doubted:
    """A label, and what the network says.

    Attributes:
        path: The photo's name.
        label: Its class.
        prediction: The class that the network gives.
        probability: That it gives to this class, 0 to 1.
        split: Where the photo is: `"validation"` or `"test"`.
        place: Of the photo in the split; -1 where that is not known.
    """

    path: str
    label: str
    prediction: str
    probability: float
    split: str
    place: int = -1


def doubted(tables: Mapping[str, Predictions], decided: Collection[str] = ()) -> list[Doubted]:
    """Labels that are contradicted with a probability of `SURE` or more, the most doubtful first.

    Args:
        tables: Predictions by split.
        decided: Names of photos whose label a person has looked at.
    """
    found = []
    for split, table in tables.items():
        sure = table.probabilities.max(axis=1)
        for place in np.flatnonzero((table.prediction != table.truth) & (sure >= SURE)).tolist():
            label, prediction = table.class_names[table.truth[place]], table.class_names[table.prediction[place]]
            one = Doubted(str(table.ids[place]), label, prediction, float(sure[place]), split, place)
            if one.path not in decided:
                found.append((-table.losses[place], one))
    return [one for _, one in sorted(found, key=lambda pair: pair[0])]


def command(data: Data) -> str:
    """The command that shows all doubtful labels of the photos of a run, to decide about them."""
    given = same_photos(data.path, data.decisions, data.group_by)
    return shlex.join(["python", "-m", "recipes.doctor", *given, "--labels", "--decide"])


def as_csv(labels: Collection[Doubted]) -> str:
    """The table that a run folder holds."""
    rows = ((one.path, one.label, one.prediction, f"{one.probability:.4f}", one.split) for one in labels)
    return csv_text(HEADER, rows)


def read(folder: Path) -> list[Doubted]:
    """What `as_csv` wrote into a run folder; nothing where it is not there, or is damaged."""
    try:
        rows = list(csv.DictReader(io.StringIO((folder / FILE).read_text(encoding="utf-8"))))
        return [
            Doubted(row["path"], row["label"], row["prediction"], float(row["probability"]), row["split"])
            for row in rows
        ]
    except (OSError, ValueError, KeyError, TypeError, csv.Error):
        return []
