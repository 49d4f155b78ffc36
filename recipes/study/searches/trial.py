"""One trial of a search: what was tried, what it gave, and how it is trained."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from recipes.console.signals import Signals
from recipes.data import Splits
from recipes.files.typed import Count, FiniteFloat, Seconds, Share
from recipes.recipe import Recipe
from recipes.train import checkpoint, engine, history
from zoo.weights import Source


@dataclass(frozen=True)
class Trial:
    """What was tried and what it gave.

    Attributes:
        number: Counted from 0, in the order of the search.
        values: The value at each path of the search space.
        epochs: Epochs trained so far, over all phases.
        goes_on: The trial whose training this one went on with (Hyperband); `None` when it began anew.
        val_accuracy: Of the epoch that is kept; `None` when the trial failed.
        val_loss: The same.
        seconds: Since it was begun or last taken up again, with what was found in caches.
        reason: Why it failed; empty when it did not.
    """

    number: Count
    values: dict[str, Any]
    epochs: Count
    goes_on: Count | None = None
    val_accuracy: Share | None = None
    val_loss: FiniteFloat | None = None
    seconds: Seconds = 0.0
    reason: str = ""

    def __post_init__(self) -> None:
        _refuse_half_a_figure(self.val_accuracy, self.val_loss)

    @property
    def failed(self) -> bool:
        """Whether it gave no figure."""
        return self.val_accuracy is None


@dataclass(frozen=True)
class Retraining:
    """What a trial's settings, or those of the page, gave on another seed.

    Attributes:
        seed: That seed.
        seconds: It took.
        val_accuracy: Of the epoch that is kept; `None` when the training failed.
        val_loss: The same.
        reason: Why it failed; empty when it did not.
    """

    seed: Count
    seconds: Seconds
    val_accuracy: Share | None = None
    val_loss: FiniteFloat | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        _refuse_half_a_figure(self.val_accuracy, self.val_loss)
        if (self.val_accuracy is None) != bool(self.reason):
            raise ValueError("either figures or a reason")

    def as_dict(self) -> dict[str, Any]:
        """What there is of it, JSON-ready."""
        return {name: value for name, value in dataclasses.asdict(self).items() if value not in (None, "")}


def _refuse_half_a_figure(val_accuracy: float | None, val_loss: float | None) -> None:
    if (val_accuracy is None) != (val_loss is None):
        raise ValueError("val_accuracy and val_loss belong together")


@dataclass
class Trainer:
    """Trains a recipe on the training images and scores it on the validation images, in a folder that resumes.

    Attributes:
        splits: The images; those to test are not looked at.
        weights: Pretrained weights, if the recipe wants them.
        precision: `"float32"`, `"bfloat16"` or `"auto"`.
        signals: Asked whether to stop.
    """

    splits: Splits
    weights: Source | None
    precision: str
    signals: Signals

    def refuse_to_go_on(self) -> None:
        """Stop where a signal was received.

        Raises:
            Interrupted: With how the search goes on.
        """
        if self.signals.received is not None:
            raise self.signals.interrupted("Stopped; everything so far is saved. The same command goes on.")

    def train(
        self, recipe: Recipe, model: keras.Model, folder: Path, *, seed: int, epochs: int, before: Path | None = None
    ) -> dict[str, float]:
        """Train as far as `epochs`, from where the folder stands.

        Args:
            recipe: What to do.
            model: Its fresh network.
            folder: Where the state is kept.
            seed: Fixes data order, augmentation and dropout.
            epochs: Stop after so many epochs, over all phases.
            before: Another folder to go on from, where `folder` has nothing yet.

        Returns:
            val_accuracy and val_loss of the epoch that is kept, of the last phase that trained.

        Raises:
            Fault: Whatever stops a training; see `recipes.train.engine`.
        """
        saved = checkpoint.load(folder) or (checkpoint.load(before) if before else None)
        rows = saved.history if saved else []

        def on_save(current: checkpoint.TrainingState) -> None:
            nonlocal rows
            rows = list(current.history)
            checkpoint.save(folder, current)

        hooks = engine.Hooks(
            on_save=on_save,
            stop_requested=lambda: len(rows) >= epochs or self.signals.received is not None,
        )
        if len(rows) < epochs:
            with self.signals.deferred():
                try:
                    engine.train(
                        recipe, self.splits, model, seed=seed, precision=self.precision, state=saved, hooks=hooks
                    )
                except engine.StopRequested:
                    self.refuse_to_go_on()
        phase = next(phase for phase in recipe.phases if phase.name == rows[-1]["phase"])
        kept = history.kept_row(phase, rows)
        return {name: kept[name] for name in ("val_accuracy", "val_loss")}
