"""Whether a further phase helps, such as one that trains the last stage of the base: tried by folds, within minutes."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from recipes.data import Images, Origin, Splits
from recipes.recipe import Recipe

FOLDS = 3
# Where earlier stages are joined below the head, nothing of the base would stay frozen behind one tensor.
ONE_STAGE = ("model.stages", "1")
log = logging.getLogger("recipes")


@dataclass(frozen=True)
class Trial:
    """A further phase on photos that it was not trained on, and what there was before it.

    Attributes:
        phase: Its name.
        images: Photos, over the folds that were tried.
        right_before: Those called by their names before the phase.
        right_after: And after it.
        losses_before: Mean loss of each fold before the phase.
        losses_after: And after it.
        minutes: That all folds and then the phase on all photos take, as far as it is known.
    """

    phase: str
    images: int
    right_before: int
    right_after: int
    losses_before: tuple[float, ...]
    losses_after: tuple[float, ...]
    minutes: float

    @property
    def helps(self) -> bool:
        """Whether all folds were tried, each has a lower loss after the phase, and more photos are right in all."""
        lower = [after < before for before, after in zip(self.losses_before, self.losses_after, strict=True)]
        return len(lower) == FOLDS and all(lower) and self.right_after > self.right_before

    def as_dict(self) -> dict[str, Any]:
        """As plain, JSON-ready values."""
        return dataclasses.asdict(self) | {"helps": self.helps}


def tried(
    recipe: Recipe,
    images: Images,
    groups: np.ndarray,
    class_names: tuple[str, ...],
    *,
    all_images: int,
    minutes: float,
    train: Callable[[Recipe, Splits, float], list[dict[str, Any]] | None],
) -> Trial:
    """Try the first of a recipe's further phases: on the average of the last stage, against the recipe as it is.

    Args:
        recipe: Its phases, and the first of `recipe.then` after them.
        images: Training photos to try it on.
        groups: (images,), equal for photos that look alike: they share a fold.
        class_names: Of all classes.
        all_images: How many there are to train with in the end.
        minutes: That it may take, the phase on all photos included. When a fold shows that it would take more, no
            other is tried; one that is not done by then is ended.
        train: From a recipe, splits and the second of `time.monotonic` until which it may take, to the history of the
            training; `None` where that came first.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    phase = recipe.then[0]
    # A fold's photos decide nothing within the fold.
    last = dataclasses.replace(phase, keep="last")
    longer = dataclasses.replace(recipe.override(*ONE_STAGE), phases=(*recipe.phases, last), then=())
    before, after = [], []
    took, seen, needed, end = 0.0, 0, 0.0, time.monotonic() + 60 * minutes
    divided = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=1).split(images.labels, images.labels, groups)
    for number, (here, rest) in enumerate(divided, 1):
        began = time.monotonic()
        unseen = images.select(rest)
        fold = Splits(images.select(here), unseen, unseen, class_names, Origin("photos", "folds", Path()))
        without = train(recipe, fold, end)
        within = train(longer, fold, end) if without else None
        took, seen = took + time.monotonic() - began, seen + len(here)
        needed = (took * FOLDS / number + took / seen * all_images) / 60
        if not (without and within):
            break
        before.append((without[-1], len(rest)))
        after.append((within[-1], len(rest)))
        log.info(
            "  fold %d of %d: %.4f right and loss %.4f before, %.4f and %.4f after",
            number, FOLDS, before[-1][0]["val_accuracy"], before[-1][0]["val_loss"],
            after[-1][0]["val_accuracy"], after[-1][0]["val_loss"],
        )  # fmt: skip
        if needed > minutes:
            break
    return Trial(
        phase.name,
        sum(count for _, count in after),
        sum(round(row["val_accuracy"] * count) for row, count in before),
        sum(round(row["val_accuracy"] * count) for row, count in after),
        tuple(row["val_loss"] for row, _ in before),
        tuple(row["val_loss"] for row, _ in after),
        needed,
    )


def say(trial: Trial, minutes: float) -> None:
    """Say whether the phase is added, and why."""
    if not trial.losses_after:
        log.info("%s is left out: --minutes gives %g, in which the first fold did not end", trial.phase, minutes)
        return
    figures = (
        f"{trial.right_before} of {trial.images} right before it, {trial.right_after} after, loss "
        f"{np.mean(trial.losses_before):.4f} and {np.mean(trial.losses_after):.4f} over {len(trial.losses_after)} folds"
    )
    if len(trial.losses_after) < FOLDS:
        why = f"it would take about {trial.minutes:.0f} minutes, and --minutes gives {minutes:g}"
        log.info("%s is left out: %s (%s)", trial.phase, why, figures)
    elif trial.helps:
        log.info("%s is added: %s", trial.phase, figures)
    else:
        log.info("%s is left out: folds do not say that it helps (%s)", trial.phase, figures)
