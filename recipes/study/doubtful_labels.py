"""Photos whose label is doubtful, and photos that are like no other.

A small pretrained network, EfficientNet-Lite0, sees every photo once. On the averages of what it finds a logistic
regression is trained on some folds and says what is on the photos of the next, so that no photo is judged by one that
has learned its label; photos that look alike, or of a group that is named, share a fold. cleanlab ranks the labels by
that, and, by the features alone, what lies far from everything else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import keras
import numpy as np
from threadpoolctl import threadpool_limits

import zoo
from recipes.console.screen import Screen
from recipes.data.photos.diagnosis import Diagnosis
from recipes.data.user_photos import images_of
from recipes.errors import CorruptFault, DataFault, EnvironmentFault
from recipes.files.csv_text import csv_text
from recipes.files.sharded_array import Rows
from recipes.freeze.feature_cache import cache
from zoo.weights import WeightsCorrupt, WeightsMissing

SIDE = 224
FOLDS = 5
FEWEST = 3
NEIGHBOURS = 10


@dataclass(frozen=True)
class Judged:
    """What is thought of a photo's label.

    Attributes:
        path: The photo's name: relative to the root, with `/`.
        label: Its class.
        prediction: What the regression says that has not seen it.
        probability: How sure of that it is, 0 to 1.
        quality: Of the label, 0 to 1: the probability that the regression gives to it.
        likeness: To its nearest neighbours among all photos, 0 to 1.
        decision: What a person decided about it: `"keep"`, `"move"` (`label` is where it was moved), or nothing.
    """

    path: str
    label: str
    prediction: str
    probability: float
    quality: float
    likeness: float
    decision: str = ""


def judge(diagnosis: Diagnosis, screen: Screen) -> list[Judged]:
    """Judge the label of every photo that can be used.

    Args:
        diagnosis: Of the photos.
        screen: Shows how far it is.

    Returns:
        All photos, the most doubtful label first.

    Raises:
        DataFault: When fewer than two classes have three photos that differ.
        EnvironmentFault: When the weights of the network are nowhere.
    """
    photos = diagnosis.used
    groups = diagnosis.groups(photo.entry.name for photo in photos)
    labels = np.array([photo.entry.label for photo in photos])
    fewest = {label: len(set(groups[labels == label])) for label in sorted(set(labels))}
    judged = np.array([fewest[label] >= FEWEST for label in labels])
    if len(set(labels[judged])) < 2:
        raise DataFault(f"To judge labels two classes must have {FEWEST} photos that differ.")
    kept = [photo for photo, is_judged in zip(photos, judged, strict=True) if is_judged]
    features = _features(images_of(kept, diagnosis.listing.classes, (SIDE, SIDE, 3)).pixels, screen)
    names, labels, groups = [photo.entry.name for photo in kept], labels[judged], groups[judged]
    found = _ranked(names, labels, groups, features, min(FOLDS, *(fewest[label] for label in set(labels))))
    if decided := diagnosis.listing.decided:
        words = dict.fromkeys(decided.kept, "keep") | dict.fromkeys(decided.moved, "move")
        found = [replace(one, decision=words.get(one.path, "")) for one in found]
    return found


def doubtful(judged: Sequence[Judged]) -> list[Judged]:
    """Those whose label the regression contradicts and nobody decided about, the most doubtful first."""
    return [one for one in judged if one.prediction != one.label and not one.decision]


def unlike(judged: Sequence[Judged]) -> list[Judged]:
    """All of them, those that are least like any other first."""
    return sorted(judged, key=lambda one: one.likeness)


def as_csv(judged: Sequence[Judged]) -> str:
    """The table as CSV, a column for each attribute of `Judged`."""
    header = [field.name for field in fields(Judged)]
    rows = ([f"{value:.4f}" if isinstance(value, float) else value for value in vars(one).values()] for one in judged)
    return csv_text(header, rows)


def _features(pixels: np.ndarray | Rows, screen: Screen) -> np.ndarray:
    try:
        model = zoo.get("transfer", input_shape=(SIDE, SIDE, 3))
    except WeightsMissing as error:
        raise EnvironmentFault(str(error)) from error
    except WeightsCorrupt as error:
        raise CorruptFault(str(error)) from error
    base = keras.Model(model.inputs[0], model.get_layer("head_average").output)
    with screen.counting("features") as watch:
        return cache(base, pixels, dtype="float32", precision="auto", watch=watch)[:]


def _ranked(
    names: Sequence[str], labels: np.ndarray, groups: np.ndarray, features: np.ndarray, folds: int
) -> list[Judged]:
    from cleanlab.outlier import OutOfDistribution
    from cleanlab.rank import get_label_quality_scores
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    classes, truth = np.unique(labels, return_inverse=True)
    head = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
    divided = StratifiedGroupKFold(folds, shuffle=True, random_state=0)
    with threadpool_limits(1):  # On matrices of this size several threads mostly wait.
        probabilities = cross_val_predict(head, features, truth, groups=groups, cv=divided, method="predict_proba")
    qualities = get_label_quality_scores(truth, probabilities, method="self_confidence")
    neighbours = min(NEIGHBOURS, len(names) - 1)
    likenesses = OutOfDistribution({"k": neighbours}).fit_score(features=features, verbose=False)
    found = [
        Judged(name, str(label), str(classes[row.argmax()]), float(row.max()), float(quality), float(likeness))
        for name, label, row, quality, likeness in zip(names, labels, probabilities, qualities, likenesses, strict=True)
    ]
    return sorted(found, key=lambda one: one.quality)
