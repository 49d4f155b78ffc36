"""Which base, how much of it and which head suit some photos: decided by folds on a sample of those that train.

No base is the best on every small set of photos. Each sees the photos of the sample once, and what it finds is kept.
Compared are first the bases, each with the averages of its last two stages under a logistic regression and under a
discriminant analysis; then, of the best one, one stage and four; then a weaker and a stronger regression. What counts
is the mean loss of photos that the head was not solved on, once its probabilities are as often right as they say: each
head has its temperature. Last, the best base is joined with the next best one that was heard at its size: two cost the
time of both, so they are taken only where the loss of the photos is lower by more than its 95% interval.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import binomtest
from threadpoolctl import threadpool_limits

from recipes.console.screen import RESULT
from recipes.errors import DataFault
from recipes.files import typed
from recipes.files.typed import Count, FiniteFloat, Seconds
from recipes.recipe import Recipe
from recipes.train.heads import solver
from recipes.train.heads.averages import MOST_STAGES, Averages, beside
from recipes.train.heads.temperature import lowest_loss
from zoo.weights import WeightsMissing

SAMPLE, LEAST_OF_A_CLASS = 500, 10
FOLDS = 5
STAGES = (2, 1, MOST_STAGES)
HEADS = (("logistic_regression", 10.0), ("lda", 0.0))
OTHER_HEADS = (("logistic_regression", 1.0), ("logistic_regression", 100.0))
# Standard errors on each side of a mean that 95% of a normal distribution lie within.
TWO_SIDED = 1.96
Look = Callable[[str, int], Averages]
log = logging.getLogger("recipes")


@dataclass(frozen=True)
class Heard:
    """One candidate, and how it did by folds.

    Attributes:
        backbone: The base.
        size: Side of the square that the photos are brought to, in pixels.
        stages: The averages of so many of its last stages are joined.
        optimizer: How the head is solved for.
        weight_decay: Of the head.
        images: Photos of the sample.
        right: How many of them were called by their names.
        temperature: By which the head's scores are divided, for the lowest loss.
        loss: Mean cross-entropy, in nats; each class weighs the same where classes are balanced.
        seconds: Since its base was begun, with the pass of the photos where there was one.
        balanced_accuracy: The share right of each class, and of these the mean, 0 to 1; `None` where every photo weighs
            the same.
    """

    backbone: str
    size: int
    stages: int
    optimizer: str
    weight_decay: FiniteFloat
    images: Count
    right: Count
    temperature: FiniteFloat
    loss: FiniteFloat
    seconds: Seconds
    balanced_accuracy: FiniteFloat | None = None

    def __post_init__(self) -> None:
        if not self.images or self.right > self.images:
            raise ValueError(f"{self.right} of {self.images} photos cannot be right")

    @property
    def accuracy(self) -> float:
        """Share of photos called by their names, 0 to 1."""
        return self.right / self.images

    @property
    def interval(self) -> tuple[float, float]:
        """95% interval of the accuracy."""
        found = binomtest(self.right, self.images).proportion_ci(method="wilson")
        return float(found.low), float(found.high)

    def settings(self) -> str:
        """The candidate in words."""
        head = self.optimizer.replace("_", " ") + (f" {self.weight_decay:g}" if self.weight_decay else "")
        return f"{self.backbone} at {self.size}, stages {self.stages}, {head}"

    def figures(self) -> str:
        """What came of it, in words."""
        low, high = self.interval
        balanced = "" if self.balanced_accuracy is None else f"balanced accuracy {self.balanced_accuracy:.4f}, "
        return f"{self.accuracy:.4f} of {self.images} right ({low:.3f} to {high:.3f}), {balanced}loss {self.loss:.4f}"


@dataclass(frozen=True)
class Audition:
    """What was heard, in order, and what follows.

    Attributes:
        heard: Every candidate.
        best: The one that is chosen.
        joined: What two bases bring, in words; empty where no two were joined.
        missing: Why a base could not be heard, by its name.
        phase: The phase whose head was chosen.
        folds: Of how many it was decided.
        seconds: It took.
        by_photo: The best again, by folds that divide the groups that a person names; `None` where none are named.
    """

    heard: tuple[Heard, ...]
    best: Heard
    joined: str
    missing: Mapping[str, str]
    phase: str
    folds: int
    seconds: float
    by_photo: Heard | None = None

    def overrides(self) -> tuple[tuple[str, str], ...]:
        """The choice as changes of the recipe."""
        best = self.best
        return (
            ("model.backbone", best.backbone),
            ("model.stages", str(best.stages)),
            ("image_size", str(best.size)),
            (f"phases.{self.phase}.optimizer", best.optimizer),
            (f"phases.{self.phase}.weight_decay", f"{best.weight_decay:g}"),
            (f"phases.{self.phase}.temperature", f"{best.temperature:.3g}"),
        )

    def as_dict(self) -> dict[str, Any]:
        """As plain, JSON-ready values."""
        return {
            "heard": [_as_row(one) for one in self.heard],
            "chosen": self.heard.index(self.best),
            "joined": self.joined,
            "missing": dict(self.missing),
            "folds": self.folds,
            "seconds": self.seconds,
            "by_photo": _as_row(self.by_photo) if self.by_photo else None,
        }


@dataclass(frozen=True)
class _Told:
    """The fields of `Audition.as_dict`, as they are read again."""

    heard: tuple[Heard, ...]
    chosen: Count
    joined: str
    missing: dict[str, str]
    folds: Count
    seconds: Seconds
    by_photo: Heard | None = None

    def __post_init__(self) -> None:
        if self.chosen >= len(self.heard):
            raise ValueError(f"none was heard as number {self.chosen}")


def read(path: Path) -> dict[str, Any]:
    """What `Audition.as_dict` gave, from the file that it was written to.

    Raises:
        CorruptFault: When the file is missing or damaged.
    """
    told = typed.read(path, _Told)
    by_photo = _as_row(told.by_photo) if told.by_photo else None
    return asdict(told) | {"heard": [_as_row(one) for one in told.heard], "by_photo": by_photo}


def sample(labels: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Places of the photos that the bases are heard on: evenly from all classes, evenly spaced through each.

    Args:
        labels: (images,), class indices.
        groups: (images,), equal for photos that look alike.

    Returns:
        Places in order, about `SAMPLE` or ten a class, without the classes of one group.
    """
    by_class = {label: np.flatnonzero(labels == label) for label in np.unique(labels)}
    usable = [places for places in by_class.values() if len(np.unique(groups[places])) > 1]
    left, chosen = max(SAMPLE, LEAST_OF_A_CLASS * len(usable)), []
    for heard, places in enumerate(sorted(usable, key=len)):  # What small classes do not need, large ones get.
        number = min(len(places), left // (len(usable) - heard))
        chosen.append(places[np.linspace(0, len(places) - 1, number).astype(int)])
        left -= number
    return np.sort(np.concatenate(chosen)) if chosen else np.array([], int)


def hold(
    recipe: Recipe, look: Look, labels: np.ndarray, groups: np.ndarray, by_photo: np.ndarray | None = None
) -> Audition:
    """Hear the bases of a recipe.

    Args:
        recipe: Gives the bases (`audition`), the phase that is solved, and whether classes are balanced.
        look: From a base's name and the side of a square to the averages of its stages on the photos at that size.
        labels: (images,), the class index of each photo.
        groups: (images,), equal for photos that must stay together: they share a fold.
        by_photo: (images,), equal for photos that look alike, where `groups` are those that a person names: the best is
            then heard by such folds too, to tell what they promise too much.

    Raises:
        DataFault: When there are fewer than two classes, or a class has one group.
        ValueError: When a base is not known.
        zoo.weights.WeightsMissing: When there are weights for none of them.
    """
    phase = next(phase for phase in recipe.phases if phase.is_solved)
    jury = _Jury(labels, groups, balanced=recipe.class_weights is not None)
    heard: list[Heard] = []
    missing: dict[str, str] = {}
    found: dict[tuple[str, int], Averages] = {}
    first = time.monotonic()
    for name, size in recipe.bases():
        began = time.monotonic()
        try:
            found[name, size] = look(name, size)
        except WeightsMissing as error:
            missing[name] = str(error)
            log.warning("NOTICE %s is not heard: %s", name, error)
            continue
        heard += jury.hear(name, size, found[name, size], STAGES[0], HEADS, began)
        if len({(one.backbone, one.size) for one in heard}) == 1:
            log.log(RESULT, "first answer: %s", min(heard, key=_loss).figures())
    if not heard:
        raise WeightsMissing("; ".join(missing.values()))
    best = min(heard, key=_loss)
    key = best.backbone, best.size
    for stages in STAGES[1:]:
        heard += jury.hear(*key, found[key], stages, HEADS)
    best = min((one for one in heard if (one.backbone, one.size) == key), key=_loss)
    heard += jury.hear(*key, found[key], best.stages, OTHER_HEADS)
    best, said, seen = min(heard, key=_loss), "", found[key]
    if next_best := _partner(heard, best):
        both = beside(found[key], found[next_best, best.size])
        pair = jury.hear(f"{best.backbone}+{next_best}", best.size, both, best.stages, HEADS)
        heard += pair
        best, said = jury.decided(best, min(pair, key=_loss))
        seen = both if best in pair else seen
    again = None
    if by_photo is not None:
        log.info("  by photo, dividing the groups that are named:")
        others = _Jury(labels, by_photo, balanced=jury.balanced)
        head = (best.optimizer, best.weight_decay)
        (again,) = others.hear(best.backbone, best.size, seen, best.stages, (head,))
    return Audition(tuple(heard), best, said, missing, phase.name, jury.folds, time.monotonic() - first, again)


def _partner(heard: Sequence[Heard], best: Heard) -> str:
    """The next best base that saw the photos at the size of the best one; empty where none did."""
    others = [one for one in heard if one.size == best.size and one.backbone != best.backbone]
    return min(others, key=_loss).backbone if others else ""


def _as_row(one: Heard) -> dict[str, Any]:
    return asdict(one) | {"accuracy": one.accuracy, "interval": list(one.interval)}


def _loss(one: Heard) -> float:
    return one.loss


def say(held: Audition) -> None:
    """Say in a few lines what was chosen, and why."""
    best = held.best
    alone = best.backbone.split("+")
    others = [one for one in held.heard if one.backbone not in (*alone, best.backbone) and "+" not in one.backbone]
    log.info("chosen %s", best.settings())
    log.info("       by %d folds %s", held.folds, best.figures())
    if held.by_photo:
        log.info("       by photo, which is too good: %s", held.by_photo.figures())
    if others:
        next_best = min(others, key=lambda one: one.loss)
        log.info("       the next base, %s at %d: %s", next_best.backbone, next_best.size, next_best.figures())
    if held.joined:
        log.info("       %s", held.joined)


class _Jury:
    """The folds, the same for every candidate."""

    def __init__(self, labels: np.ndarray, groups: np.ndarray, *, balanced: bool):
        from sklearn.model_selection import StratifiedGroupKFold
        from sklearn.utils.class_weight import compute_sample_weight

        known, self.labels = np.unique(labels, return_inverse=True)
        fewest = min((len(np.unique(groups[labels == label])) for label in known), default=0)
        if len(known) < 2 or fewest < 2:
            raise DataFault(
                "To choose by folds two classes must have two photos that differ, or two groups, to train with."
            )
        self.balanced, self.classes, self.folds = balanced, len(known), min(FOLDS, fewest)
        divided = StratifiedGroupKFold(self.folds, shuffle=True, random_state=0)
        self.divided = list(divided.split(self.labels, self.labels, groups))
        self.weights = compute_sample_weight("balanced", labels) if balanced else np.ones(len(labels))
        self.losses: dict[Heard, np.ndarray] = {}

    def hear(
        self,
        name: str,
        size: int,
        averages: Averages,
        stages: int,
        heads: Sequence[tuple[str, float]],
        began: float | None = None,
    ) -> list[Heard]:
        """Several heads on the averages of a base's last stages, by folds; says how each did.

        Args:
            name: The base.
            size: Of the photos.
            averages: What it finds in the photos.
            stages: So many of the last are used, or all there are.
            heads: Solver and weight decay of each; one that the photos are too few for is left out.
            began: When the pass of the photos began.
        """
        began = began or time.monotonic()
        stages = min(stages, len(averages.widths))
        features = averages.of_last(stages)
        heads, heard = [head for head in heads if self._can_solve(head[0])], []
        with threadpool_limits(1):  # On matrices of this size several threads mostly wait.
            scores_of = self._scores(features, heads)
        for head, scores in zip(heads, scores_of, strict=True):
            temperature, losses = lowest_loss(scores, self.labels, self.weights)
            right = scores.argmax(axis=1) == self.labels
            balanced = float(np.average(right, weights=self.weights)) if self.balanced else None
            loss, took = float(np.average(losses, weights=self.weights)), time.monotonic() - began
            heard.append(
                Heard(name, size, stages, *head, len(features), int(right.sum()), temperature, loss, took, balanced)
            )
            self.losses[heard[-1]] = losses
            log.info("  %s: %s", heard[-1].settings(), heard[-1].figures())
        return heard

    def decided(self, alone: Heard, pair: Heard) -> tuple[Heard, str]:
        """The better of one base and two: two where their loss is lower by more than its interval; and why."""
        gains = self.losses[alone] - self.losses[pair]
        gain = float(np.average(gains, weights=self.weights))
        spread = np.sqrt(np.average((gains - gain) ** 2, weights=self.weights) / len(gains))
        taken = gain > TWO_SIDED * spread
        said = (
            f"{pair.backbone} at {pair.size} is {'taken' if taken else 'left out'}: its loss is "
            f"{'lower' if gain > 0 else 'higher'} by {abs(gain):.4f}, and the 95% interval {TWO_SIDED * spread:.4f}"
        )
        return (pair if taken else alone), said

    def _can_solve(self, optimizer: str) -> bool:
        """Whether every fold has the photos that a solver wants: a discriminant analysis, more than classes."""
        return optimizer != "lda" or all(len(train) > len(np.unique(self.labels[train])) for train, _ in self.divided)

    def _scores(self, features: np.ndarray, heads: Sequence[tuple[str, float]]) -> list[np.ndarray]:
        """For each head, (images, classes) scores by one that was solved on the other folds."""
        scores = [np.zeros((len(features), self.classes)) for _ in heads]
        for train, rest in self.divided:
            scale = solver.scaler(features[train])
            seen, unseen, labels = scale.transform(features[train]), scale.transform(features[rest]), self.labels[train]
            known = np.unique(labels)  # A class of few photos may be missing.
            for head, found in zip(heads, scores, strict=True):
                judge = solver.classifier(*head, classes=len(known), balanced=self.balanced)
                solver.fitted(judge, seen, labels)
                given = judge.decision_function(unseen)
                if given.ndim == 1:  # One score tells two apart.
                    given = np.stack([-given / 2, given / 2], axis=1)
                found[rest] = given.min() - 1
                found[np.ix_(rest, known)] = given
        return scores
