"""Whether a further phase helps, such as one that trains the last stage of a base: tried by folds, within minutes."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from recipes.data import Images, Origin, Splits
from recipes.evaluate.metrics import balanced_accuracy
from recipes.evaluate.predictions import Predictions
from recipes.evaluate.statistics import mcnemar
from recipes.files import typed
from recipes.files.typed import Count, FiniteFloat, Share
from recipes.recipe import Recipe
from recipes.train.heads.temperature import lowest_loss

FOLDS = 3
# What a recipe changes for its further phase. Where earlier stages are joined below the head, nothing of the base would
# stay frozen behind one tensor; and a head that is solved for has learned its photos by heart, so that nothing would be
# left to learn on the same views of them, but to be surer.
CHANGES = (
    ("model.stages", "1"),
    ("views", "2"),
    ("augment.shift", "0.08"),
    ("augment.rotation", "0.03"),
    ("augment.zoom", "0.1"),
)
# By McNemar's test, over all folds.
LIKELY_CHANCE = 0.05
log = logging.getLogger("recipes")


@dataclass(frozen=True)
class Side:
    """One of two recipes that are tried against each other.

    Attributes:
        recipe: As it trains.
        images: What it is tried on, at its size.
        train: From a fold and the second of `time.monotonic` until which it may take, to what the trained network says
            of the fold's validation images; `None` where that came first.
    """

    recipe: Recipe
    images: Images
    train: Callable[[Splits, float], Predictions | None]


@dataclass(frozen=True)
class Trial:
    """A further phase on photos that it was not trained on, and what there was without it.

    Attributes:
        phase: Its name.
        backbone: The base whose layers it trains.
        size: The side of its images, in pixels.
        images: Photos, over the folds that were tried.
        right_before: Those called by their names without the phase.
        right_after: And with it.
        p_value: How likely chance alone would tell the two so far apart, by McNemar's test.
        balanced_before: Balanced accuracy without the phase, 0 to 1.
        balanced_after: And with it.
        losses_before: Mean loss of each fold without the phase, in nats.
        losses_after: And with it, under the temperature.
        temperature: At which the mean loss of all photos is lowest with the phase.
        minutes: That all folds and then the phase on all photos take, as far as it is known.
    """

    phase: str
    backbone: str
    size: Count
    images: Count
    right_before: Count
    right_after: Count
    p_value: Share
    balanced_before: Share
    balanced_after: Share
    losses_before: tuple[FiniteFloat, ...]
    losses_after: tuple[FiniteFloat, ...]
    temperature: FiniteFloat
    minutes: FiniteFloat

    @property
    def helps(self) -> bool:
        """Whether all folds were tried, more photos are right than chance explains, and no rare class pays for it."""
        more = self.right_after > self.right_before and self.p_value < LIKELY_CHANCE
        return len(self.losses_after) == FOLDS and more and self.balanced_after >= self.balanced_before

    def as_dict(self) -> dict[str, Any]:
        """As plain, JSON-ready values."""
        return dataclasses.asdict(self) | {"folds": FOLDS, "helps": self.helps}


def for_folds(recipe: Recipe) -> Recipe:
    """The recipe as it trains in a fold: the last epoch is kept, for a fold's own photos may choose nothing in it."""
    phases = tuple(dataclasses.replace(phase, keep="last", patience=None) for phase in recipe.phases)
    return dataclasses.replace(recipe, phases=phases)


def read(path: Path) -> dict[str, Any]:
    """What `Trial.as_dict` gave, from the file that it was written to.

    Raises:
        CorruptFault: When the file is missing or damaged.
    """
    return typed.read(path, Trial).as_dict()


def tried(
    before: Side,
    after: Side,
    groups: np.ndarray,
    class_names: tuple[str, ...],
    *,
    minutes: float,
    whole: Callable[[int], float],
) -> Trial:
    """Try a recipe's further phase, with the changes it needs, against the recipe that it would replace.

    Args:
        before: What there is without the phase.
        after: What there is with it: its last phase.
        groups: (images,), equal for photos that look alike: they share a fold.
        class_names: Of all classes.
        minutes: That it may take, the phase on all photos included. When a fold shows that it would take more, no
            other is tried; one that is not done by then is ended.
        whole: From the number of images of a fold to how many times longer the phase takes on all that train.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    labels, phase = before.images.labels, after.recipe.phases[-1]
    without: list[Predictions] = []
    within: list[Predictions] = []
    took, needed, end = 0.0, 0.0, time.monotonic() + 60 * minutes
    divided = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=1).split(labels, labels, groups)
    for number, (here, rest) in enumerate(divided, 1):
        began = time.monotonic()
        found = []
        for side in (before, after):
            unseen = side.images.select(rest)
            fold = Splits(side.images.select(here), unseen, unseen, class_names, Origin("photos", "folds", Path()))
            answers = side.train(fold, end)
            if answers is None:
                break
            found.append(answers)
        took += time.monotonic() - began
        needed = took / number * (FOLDS + whole(len(here))) / 60
        if len(found) < 2:
            break
        without.append(found[0])
        within.append(found[1])
        log.info(
            "  fold %d of %d: %d of %d right without it, %d with it",
            number, FOLDS, sum(right(found[0])), len(rest), sum(right(found[1])),
        )  # fmt: skip
        if needed > minutes:
            break
    named = phase.name, after.recipe.model["backbone"], after.images.pixels.shape[1]
    if not within:
        return Trial(*named, 0, 0, 0, 1.0, 0.0, 0.0, (), (), 1.0, needed)
    one, other = pooled(without), pooled(within)
    temperature, tempered = lowest_loss(np.log(np.clip(other.probabilities, 1e-12, 1.0)), other.truth)
    ends = np.cumsum([len(table.truth) for table in within])[:-1]

    def of_folds(losses: np.ndarray) -> tuple[float, ...]:
        return tuple(float(part.mean()) for part in np.split(losses, ends))

    return Trial(
        *named, len(other.truth), sum(right(one)), sum(right(other)), mcnemar(right(one), right(other)).p_value,
        balanced_accuracy(one), balanced_accuracy(other), of_folds(one.losses), of_folds(tempered), temperature, needed,
    )  # fmt: skip


def pooled(tables: Sequence[Predictions]) -> Predictions:
    """The answers of all folds in one table."""
    ids, truth, rows = (
        np.concatenate([getattr(table, name) for table in tables]) for name in ("ids", "truth", "probabilities")
    )
    return Predictions(ids, truth, rows, tables[0].class_names)


def right(table: Predictions) -> list[bool]:
    """Whether each image is called by its name."""
    return (table.prediction == table.truth).tolist()


def say(trial: Trial, minutes: float) -> None:
    """Say whether the phase is added, and why."""
    what = f"{trial.phase}, the last stage of {trial.backbone} at {trial.size},"
    if not trial.losses_after:
        log.info("%s is left out: --minutes gives %g, in which the first fold did not end", what, minutes)
        return
    figures = (
        f"{trial.right_before} of {trial.images} right without it, {trial.right_after} with it (p "
        f"{trial.p_value:.2g}), loss {np.mean(trial.losses_before):.4f} and {np.mean(trial.losses_after):.4f} over "
        f"{len(trial.losses_after)} folds"
    )
    if trial.helps:
        log.info("%s is added: %s", what, figures)
    elif len(trial.losses_after) < FOLDS:
        why = f"it would take about {trial.minutes:.0f} minutes, and --minutes gives {minutes:g}"
        log.info("%s is left out: %s (%s)", what, why, figures)
    else:
        log.info("%s is left out: folds do not say that it helps (%s)", what, figures)
