"""Is the class given away by something silly: by the light, the kind of file, the camera, the day?

Each property of the photos is learned alone, by a decision tree of a few leaves on its one or few figures, on some
folds and asked on the next; look-alikes share a fold. What it finds is balanced accuracy: over all classes, where
chance is 1 in the number of classes, and of the class that is told best from all others, where chance is 0.5. By the
second it is decided, since one class among ten that is given away changes the first by little.

An alarm is raised where the 95% interval of that class begins at `SILLY` or more. A class can well have a light or a
colour of its own, as sunrises do: there it must begin at `NATURAL`. Both were chosen on nine sets of photos that nobody
doctored and on copies of them with one class darkened, bleached, renamed, shrunk, framed, compressed or dated, see
docs/en/photos.md and results/bench/shortcuts.json.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

import numpy as np

from recipes.data.photos.scan import Photo

SILLY, NATURAL = 0.65, 0.80
FOLDS = 5
# A class is judged that has so many photos that differ; a leaf of the tree holds so many photos.
FEWEST, LEAF = 10, 5
# Photos that are judged, evenly from all classes: more tell the same, and take longer.
MOST = 5000
# Cameras, or kinds of file, that are told apart; rarer ones are one.
KINDS = 20
ADVICE = (
    "Unless that is what the class is, the network may learn it in place of the class: take or make the photos of all "
    "classes alike."
)
Figures: TypeAlias = Callable[[Sequence[Photo]], np.ndarray]


@dataclass(frozen=True)
class Score:
    """A balanced accuracy.

    Attributes:
        chance: What guessing finds.
        found: What was found, 0 to 1.
        interval: Its 95% interval, of photos that differ.
    """

    chance: float
    found: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class Shortcut:
    """How far one property of the photos tells their classes.

    Attributes:
        by: The property, such as `"file kind"`.
        classes: Of all classes.
        label: The class that is told best from all others.
        of_label: Of that class against all others.
        is_alarm: Whether that is more than photos of a class should share.
    """

    by: str
    classes: Score
    label: str
    of_label: Score
    is_alarm: bool

    def as_dict(self) -> dict[str, Any]:
        """All of it as plain, JSON-ready values."""
        return asdict(self)

    def __str__(self) -> str:
        low, high = self.of_label.interval
        return (
            f"{self.by} alone tells {self.label!r} from all others: balanced accuracy {self.of_label.found:.2f} "
            f"(95% interval {low:.2f} to {high:.2f}; chance 0.50)"
        )


def shortcuts(photos: Sequence[Photo], groups: np.ndarray) -> list[Shortcut]:
    """Score each property in which the photos differ.

    Args:
        photos: Those that are used.
        groups: (photos,), equal for those that must share a fold.

    Returns:
        A row for each property, alarms first, then by what was found; none where fewer than two classes have `FEWEST`
        groups.
    """
    labels = np.array([photo.entry.label for photo in photos])
    enough = [label for label in np.unique(labels) if len(np.unique(groups[labels == label])) >= FEWEST]
    if len(enough) < 2:
        return []
    each = max(FEWEST, MOST // len(enough))
    places = sorted(place for label in enough for place in _some(np.flatnonzero(labels == label), each))
    kept = [photos[place] for place in places]
    classes, truth = np.unique(labels[places], return_inverse=True)
    found = []
    for by, figures in PROPERTIES.items():
        values = figures(kept)
        if (values != values[0]).any():
            answers = _answers(values, truth, groups[places])
            found.append(_shortcut(by, classes, truth, answers, groups[places]))
    return sorted(found, key=lambda one: (not one.is_alarm, -one.of_label.found))


def _some(places: np.ndarray, number: int) -> list[int]:
    """So many places at most, evenly spaced."""
    return places[np.unique(np.linspace(0, len(places) - 1, min(number, len(places))).astype(int))].tolist()


def _answers(values: np.ndarray, truth: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """The class of each photo as a tree says it that has not seen the photo."""
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
    from sklearn.tree import DecisionTreeClassifier

    leaves = max(4, 2 * len(np.unique(truth)))
    tree = DecisionTreeClassifier(max_leaf_nodes=leaves, min_samples_leaf=LEAF, class_weight="balanced", random_state=0)
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0)
    return cross_val_predict(tree, values, truth, groups=groups, cv=folds)


def _shortcut(by: str, classes: np.ndarray, truth: np.ndarray, answers: np.ndarray, groups: np.ndarray) -> Shortcut:
    recalls = [_share(answers == place, truth == place, groups) for place in range(len(classes))]
    others = [_share(answers != place, truth != place, groups) for place in range(len(classes))]
    best = max(range(len(classes)), key=lambda place: recalls[place].found + others[place].found)
    of_label = _mean([recalls[best], others[best]])
    bar = NATURAL if by in OF_THE_SUBJECT else SILLY
    return Shortcut(by, _mean(recalls), str(classes[best]), of_label, of_label.interval[0] >= bar)


def _share(is_so: np.ndarray, among: np.ndarray, groups: np.ndarray) -> Score:
    """The share of some photos of which something is so; its interval (Wilson) is of their groups."""
    from scipy.stats import binomtest

    found = float(is_so[among].mean())
    number = len(np.unique(groups[among]))
    interval = binomtest(round(found * number), number).proportion_ci(method="wilson")
    return Score(0.5, found, (min(found, float(interval.low)), max(found, float(interval.high))))


def _mean(shares: Sequence[Score]) -> Score:
    """The mean of shares of different photos; its interval follows from theirs (Newcombe)."""
    found = float(np.mean([share.found for share in shares]))
    below, above = (
        float(np.sqrt(sum((share.found - share.interval[side]) ** 2 for share in shares))) / len(shares)
        for side in range(2)
    )
    return Score(1 / len(shares), found, (max(0.0, found - below), min(1.0, found + above)))


def _names(*traits: str) -> Figures:
    return lambda photos: np.array([[float(photo.traits[name]) for name in traits] for photo in photos])


def _pixels(photos: Sequence[Photo]) -> np.ndarray:
    return np.array([[photo.size[0] * photo.size[1]] for photo in photos], "float64")


def _kinds(*columns: Callable[[Photo], str]) -> Figures:
    """A figure for each of the most frequent values in a column, 1 for photos that have it."""

    def figures(photos: Sequence[Photo]) -> np.ndarray:
        found = []
        for column in columns:
            values = [column(photo) for photo in photos]
            found += [[value == kind for value in values] for kind, _ in Counter(values).most_common(KINDS)]
        return np.array(found, "float64").T

    return figures


def _trait(name: str) -> Callable[[Photo], str]:
    return lambda photo: str(photo.traits[name])


def _compression(photos: Sequence[Photo]) -> np.ndarray:
    tables = _names("quantization", "colour quantization", "progressive")(photos)
    return np.hstack([tables, _kinds(_trait("sampling"))(photos)])


def _days(photos: Sequence[Photo]) -> np.ndarray:
    """The day of each photo as its camera noted it; 0 where it did not."""
    found = []
    for photo in photos:
        try:
            day = datetime.datetime.strptime(str(photo.traits["date"]), "%Y:%m:%d").toordinal()
        except ValueError:
            day = 0
        found.append([float(day)])
    return np.array(found)


# What belongs to a subject, as long as it is not nearly all that tells it.
OF_THE_SUBJECT = ("brightness", "colour")
PROPERTIES: Mapping[str, Figures] = {
    "brightness": _names("brightness", "darkest", "brightest"),
    "colour": _names("red to green", "blue to yellow", "saturation"),
    "size": _pixels,
    "aspect": _names("aspect"),
    "file kind": _kinds(_trait("format"), lambda photo: photo.entry.path.suffix.lower(), _trait("mode")),
    "compression": _compression,
    "camera": _kinds(_trait("camera")),
    "date": _days,
    "border": _names("border above", "border below", "border left", "border right", "border level"),
}
