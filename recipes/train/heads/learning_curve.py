"""How many photos more? Accuracy by folds at an eighth, a quarter, a half and all of the photos, and twice as many.

Of the photos that train, each is called by a head that was solved for without it, by one of five folds. Of the other
four all photos teach, then a half of them, drawn anew a few times, and so on; what the frozen part finds in them is
kept already, so that this takes seconds. A power law (`power_law`) goes through the errors and says what twice as many
photos would bring, and no more than that. The base, its stages and the head are those of the run: they were chosen on
some of the same photos, at every size alike. For a head that was trained in steps a logistic regression on what the
frozen part finds stands in.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import binomtest
from threadpoolctl import threadpool_limits

from recipes.freeze.layers import split_at
from recipes.recipe import Augment, Phase
from recipes.train.heads import power_law, solver
from recipes.train.heads.power_law import Band

if TYPE_CHECKING:
    import keras

    from recipes.data import Splits
    from recipes.files.sharded_array import Rows
    from recipes.recipe import Recipe
    from recipes.train.engine import Outcome

FOLDS = 5
# Shares of the photos, and how often each is drawn.
SIZES = ((1 / 8, 4), (1 / 4, 3), (1 / 2, 2), (1.0, 1))
# So many photos are tested: of more, not every fold is.
TESTED = 1000
# By how much more than all photos together a class must gain to be named.
STANDS_OUT = 0.005
# Places between the least and twice the most photos, where a page draws the power law.
DRAWN = 25
# Stands in for a head that was trained in steps, as the audition's first one; and how many photos are averaged at once.
STAND_IN = Phase("head", epochs=1, optimizer="logistic_regression", weight_decay=10.0)
AT_ONCE = 256
log = logging.getLogger("recipes")


@dataclass(frozen=True)
class Measured:
    """Photos that heads of several sizes were tested on.

    Attributes:
        photos: (sizes,), that a head learned from, the mean over folds; ascending.
        shares: (sizes,), of the photos that there are in the other folds.
        right: (sizes, tested), 0 to 1: how often each photo was called by its name.
        places: (tested,), of the photos.
        folds: Of five, that were tested.
    """

    photos: tuple[float, ...]
    shares: tuple[float, ...]
    right: np.ndarray
    places: np.ndarray
    folds: int


@dataclass(frozen=True)
class Point:
    """One size; `interval` is 95% of `accuracy`, over the tested photos."""

    share: float
    photos: int
    accuracy: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class ClassCurve:
    """One class: its tested photos, the share of them that is found at each size, and the gain of twice the photos."""

    tested: int
    recall: tuple[float, ...]
    gain: Band


@dataclass(frozen=True)
class LearningCurve:
    """What was measured, and what follows.

    Attributes:
        points: One a size, ascending.
        tested: Photos that were tested, at every size.
        folds: In so many folds of five.
        twice: Photos that a head would learn from if there were twice as many.
        accuracy: Then, in its 90% band; 0 to 1.
        gain: The accuracy then less that of now, in its 90% band.
        law: (photos, low, middle, high) of the power law, for a picture.
        classes: Each class, by name.
        seconds: It took.
        stood_in: Whether a logistic regression stood in for the run's head.
    """

    points: tuple[Point, ...]
    tested: int
    folds: int
    twice: int
    accuracy: Band
    gain: Band
    law: tuple[tuple[float, float, float, float], ...]
    classes: Mapping[str, ClassCurve]
    seconds: float
    stood_in: bool = False

    def as_dict(self) -> dict[str, Any]:
        """As plain, JSON-ready values."""
        bands = {"accuracy": self.accuracy._asdict(), "gain": self.gain._asdict()}
        classes = {name: vars(one) | {"gain": one.gain._asdict()} for name, one in self.classes.items()}
        return dataclasses.asdict(self) | bands | {"classes": classes}

    def words(self) -> str:
        """What twice as many photos bring, in a line; and to which class, where one stands out."""
        instead = " (by a logistic regression in place of the head)" if self.stood_in else ""
        words = f"twice as many photos: about {points(self.gain)}{instead}"
        name, most = max(self.classes.items(), key=lambda one: one[1].gain.middle)
        if most.gain.middle < self.gain.middle + STANDS_OUT:
            return words
        return f"{words}; most for {name}: {points(most.gain)}"


def points(gain: Band) -> str:
    """A gain in points of a hundred, and its 90% band."""
    low, middle, high = (round(100 * value, 1) + 0.0 for value in gain)
    return f"{middle:+.1f} points ({low:.1f} to {high:.1f})"


def refusal(labels: np.ndarray, groups: np.ndarray, class_names: Sequence[str]) -> str:
    """Why folds tell nothing of some photos; empty where they do.

    Args:
        labels: (photos,), class indices.
        groups: (photos,), equal for photos that look alike.
        class_names: In the order of the labels.
    """
    for label, name in enumerate(class_names):
        if (different := len(np.unique(groups[labels == label]))) < FOLDS:
            return f"{FOLDS} folds take {FOLDS} training photos that differ of each class, and {name} has {different}"
    return ""


def of_run(recipe: Recipe, outcome: Outcome, splits: Splits, groups: np.ndarray) -> LearningCurve | None:
    """The learning curve of a run; says why there is none.

    Args:
        recipe: The run's.
        outcome: Of its training.
        splits: The images.
        groups: (training images,), equal for those that look alike.
    """
    solved = [phase for phase in recipe.phases if phase.is_solved]
    features = outcome.solved if solved else outcome.last
    reason = refusal(splits.train.labels, groups, splits.class_names)
    if not reason and solved and (features is None or recipe.augment != Augment()):
        reason = "what the frozen part finds in the photos as they are was not kept"
    elif not reason and (features is None or not (solved or _is_head(outcome.model, features.layer))):
        reason = "more than a head was trained, so that each number of photos would take a training of its own"
    if features is None or reason:
        log.info("no learning curve: %s", reason)
        return None
    found = curve(
        _averaged(features.train[0]), splits.train.labels, groups, splits.class_names,
        head=solved[-1] if solved else STAND_IN, balanced=recipe.class_weights is not None,
    )  # fmt: skip
    return dataclasses.replace(found, stood_in=not solved)


def _is_head(model: keras.Model, layer: str) -> bool:
    """Whether all that has weights above a layer is dense, or normalizes."""
    import keras

    weighted = [above for above in split_at(model, layer)[1].layers if above.weights]
    return all(isinstance(above, keras.layers.Dense | keras.layers.BatchNormalization) for above in weighted)


def _averaged(kept: Rows) -> np.ndarray:
    """(photos, features), averaged over places."""
    parts = [np.asarray(kept[start : start + AT_ONCE], "float32") for start in range(0, len(kept), AT_ONCE)]
    return np.concatenate([part.mean(axis=tuple(range(1, part.ndim - 1))) for part in parts])


def curve(
    features: np.ndarray,
    labels: np.ndarray,
    groups: np.ndarray,
    class_names: Sequence[str],
    *,
    head: Phase,
    balanced: bool,
    seed: int = 0,
) -> LearningCurve:
    """Measure by folds, and forecast.

    Args:
        features: (photos, features), as they reach the last layer.
        labels: (photos,), class indices.
        groups: (photos,), equal for photos that look alike: they share a fold.
        class_names: In the order of the labels; `refusal` has nothing against any.
        head: Gives solver and weight decay.
        balanced: Whether each class counts the same when a head is solved for.
        seed: Draws folds and sizes.
    """
    began = time.monotonic()
    found = measured(features, labels, groups, head=head, balanced=balanced, seed=seed)
    tested, alike = labels[found.places], groups[found.places]
    law = power_law.fit(found.photos, found.right, alike)
    classes = {}
    for label, name in enumerate(class_names):
        own = tested == label
        gain = power_law.fit(found.photos, found.right[:, own], alike[own]).gain()
        classes[name] = ClassCurve(int(own.sum()), tuple(found.right[:, own].mean(axis=1).tolist()), gain)
    rows = zip(found.shares, found.photos, found.right.mean(axis=1).tolist(), strict=True)
    drawn = np.geomspace(found.photos[0], 2 * law.most, DRAWN).tolist()
    return LearningCurve(
        points=tuple(
            Point(share, round(number), accuracy, _interval(accuracy, len(tested))) for share, number, accuracy in rows
        ),
        tested=len(tested),
        folds=found.folds,
        twice=round(2 * law.most),
        accuracy=law.accuracy(2 * law.most),
        gain=law.gain(),
        law=tuple((photos, *law.accuracy(photos)) for photos in drawn),
        classes=classes,
        seconds=round(time.monotonic() - began, 2),
    )


def measured(
    features: np.ndarray,
    labels: np.ndarray,
    groups: np.ndarray,
    *,
    head: Phase,
    balanced: bool,
    seed: int = 0,
    sizes: Sequence[tuple[float, int]] = SIZES,
) -> Measured:
    """Test photos by heads that learned from more and more of the others.

    Args:
        features: (photos, features), as they reach the last layer.
        labels: (photos,), class indices.
        groups: (photos,), equal for photos that look alike: they share a fold.
        head: Gives solver and weight decay.
        balanced: Whether each class counts the same when a head is solved for.
        seed: Draws folds and sizes.
        sizes: Shares of the photos, ascending, and how often each is drawn.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    divided = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed).split(labels, labels, groups)
    draw, features = np.random.default_rng(seed), np.asarray(features, "float64")
    right, learned, places = np.zeros((len(sizes), len(labels))), np.zeros(len(sizes)), []
    with threadpool_limits(1):  # On matrices of this size several threads mostly wait.
        for here, rest in divided:
            places.append(rest)
            for turn in range(max(repeats for _, repeats in sizes)):
                order = _order(labels[here], groups[here], draw)
                for size, (share, repeats) in enumerate(sizes):
                    if turn < repeats:
                        some = here[order <= share]
                        answers = _answers(head, balanced, features[some], labels[some], features[rest])
                        right[size, rest] += (answers == labels[rest]) / repeats
                        learned[size] += len(some) / repeats
            if sum(map(len, places)) >= TESTED:
                break
    tested = np.sort(np.concatenate(places))
    larger = np.diff(learned, append=np.inf) > 0  # Of few photos an eighth and a quarter are the same.
    shares = np.array([share for share, _ in sizes])[larger]
    photos = (learned / len(places))[larger]
    return Measured(tuple(photos.tolist()), tuple(shares.tolist()), right[larger][:, tested], tested, len(places))


def _order(labels: np.ndarray, groups: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """(photos,), 0 to 1: photos up to a share are that share of each class, two at least; look-alikes follow."""
    numbers = np.unique(groups, return_inverse=True)[1]
    order = np.argsort(draw.permutation(numbers.max() + 1)[numbers], kind="stable")
    found = np.zeros(len(labels))
    for label in np.unique(labels):
        own = order[labels[order] == label]
        found[own] = (np.arange(len(own)) + 0.5) / len(own)
        found[own[:2]] = 0
    return found


def _answers(head: Phase, balanced: bool, seen: np.ndarray, labels: np.ndarray, unseen: np.ndarray) -> np.ndarray:
    """(photos,), the classes that a head gives to photos that it was not solved on."""
    if len(known := np.unique(labels)) == 1:
        return np.full(len(unseen), known[0])
    # A regression finds the same whether or not features are turned, and is quicker than the turning.
    scale = solver.scaler(seen) if head.optimizer == "lda" else solver.standard(seen)
    judge = solver.classifier(
        head.optimizer, head.weight_decay, classes=len(known), balanced=balanced
    )  # fmt: skip
    return judge.fit(scale.transform(seen), labels).predict(scale.transform(unseen))


def _interval(accuracy: float, tested: int) -> tuple[float, float]:
    found = binomtest(round(accuracy * tested), tested).proportion_ci(method="wilson")
    return float(found.low), float(found.high)
