"""The learning-rate range test: at which rate does the loss of a phase fall fastest?"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from recipes import precision as precisions
from recipes.data.splits import Splits
from recipes.files.sharded_array import Rows
from recipes.recipe import Recipe
from recipes.train.phase import Phases

STEPS = 100
LOWEST, HIGHEST = 1e-7, 10.0
SMOOTHING = 0.9
# Of the suggestion: steps passed over at the start, steps that the slope is averaged over, the least fall of the loss
# that counts, and how far below the rate of the lowest loss it stays.
SKIPPED, SLOPE_STEPS, LEAST_FALL, BELOW_LOWEST = 10, 9, 0.03, 10.0
# The sweep ends when the loss is so many times its lowest.
BLOWN_UP = 4.0
Watch = Callable[[int, int], None]


@dataclass(frozen=True)
class Sweep:
    """The loss while the learning rate rises from step to step.

    Attributes:
        rates: (steps,), the learning rate of each step.
        losses: (steps,), the training loss, smoothed over about ten steps.
        suggestion: The rate to train with, see `suggested`; `None` where the loss never falls.
    """

    rates: np.ndarray
    losses: np.ndarray
    suggestion: float | None


class RateSweep(keras.callbacks.Callback):
    """Raises the learning rate at each step and keeps the smoothed loss; ends the training when that blows up.

    Args:
        rates: (steps,), the rate of each step; the optimizer must have a constant rate, and a call one step.

    Attributes:
        losses: The training loss after each step, smoothed over about ten.
    """

    def __init__(self, rates: np.ndarray) -> None:
        super().__init__()
        self.rates = rates
        self.losses: list[float] = []
        self.average = 0.0

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Set the rate of this step."""
        self.model.optimizer.learning_rate = self.rates[batch]
        self.model.reset_metrics()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Keep the loss of this step."""
        loss = float(logs["loss"])
        self.average = SMOOTHING * self.average + (1 - SMOOTHING) * loss
        smooth = self.average / (1 - SMOOTHING ** (len(self.losses) + 1))
        if not math.isfinite(loss) or smooth > BLOWN_UP * min(self.losses, default=math.inf):
            self.model.stop_training = True
        else:
            self.losses.append(smooth)

    def result(self) -> Sweep:
        """The sweep, as far as it went."""
        losses, rates = np.array(self.losses), self.rates[: len(self.losses)]
        return Sweep(rates, losses, suggested(rates, losses))


def sweep_rates(
    recipe: Recipe,
    splits: Splits,
    model: keras.Model,
    *,
    phase: int,
    seed: int,
    precision: str = "float32",
    watch: Watch = lambda done, total: None,
) -> Sweep:
    """Find a learning rate for a phase: train a hundred steps while the rate rises a hundred-million-fold.

    What the phase freezes runs once, as in training, and its activations are kept for the run itself.
    Source: L. Smith, "Cyclical learning rates for training neural networks" (2017), section 3.3.

    Args:
        recipe: Gives the optimizer, the batches and what is frozen.
        splits: The images; only those to train are used.
        model: The network as the phase would find it; it stays as it is.
        phase: Index of the phase.
        seed: Fixes the batches.
        precision: `"float32"`, `"bfloat16"` or `"auto"`.
        watch: Called with (images done, images to do) while the frozen part runs.
    """
    keras.utils.set_random_seed(seed)
    without_schedule = tuple(dataclasses.replace(one, schedule="constant") for one in recipe.phases)
    recipe = dataclasses.replace(recipe, phases=without_schedule)
    phases = Phases(recipe, splits, precisions.cast(model, precision), seed=seed, precision=precision)
    trainee = phases.set_up(phase, one_by_one=True)
    views: Sequence[Rows] = phases.boundary.features(phase, watch).train if trainee.cuts else ()
    epoch_batches = phases.batches(trainee, views)
    epochs = [epoch_batches(phase, epoch, 0) for epoch in range(math.ceil(STEPS / trainee.steps))]
    sweep = RateSweep(np.geomspace(LOWEST, HIGHEST, STEPS))
    trainee.fit(reduce(tf.data.Dataset.concatenate, epochs).take(STEPS), sweep)
    phases.release()
    return sweep.result()


def suggested(rates: np.ndarray, losses: np.ndarray) -> float | None:
    """The rate to train with: where the loss falls fastest, well below the rate at which it is lowest.

    The first steps are passed over, for their average is of few batches; the slope is smoothed; and where the loss is
    lowest it is about to rise, and trails the rate by ten steps: the rate stays an order of magnitude below.

    Args:
        rates: (steps,), rising.
        losses: (steps,), smoothed.

    Returns:
        A rate; `None` where the loss does not fall by more than it wavers.
    """
    if len(losses) < 2 * SKIPPED:
        return None
    lowest = SKIPPED + int(losses[SKIPPED:].argmin())
    wavers = float(np.abs(np.diff(losses[SKIPPED : 2 * SKIPPED])).mean()) * math.sqrt(SKIPPED)
    if losses[SKIPPED] - losses[lowest] <= max(LEAST_FALL * losses[SKIPPED], 2 * wavers):
        return None
    slopes = np.gradient(losses, np.log(rates))
    window = np.ones(SLOPE_STEPS)
    slopes = np.convolve(slopes, window, "same") / np.convolve(np.ones_like(slopes), window, "same")
    allowed = np.flatnonzero(rates[:lowest] <= rates[lowest] / BELOW_LOWEST)
    allowed = allowed[allowed >= SKIPPED]
    return float(rates[allowed[slopes[allowed].argmin()]]) if len(allowed) else float(rates[lowest] / BELOW_LOWEST)
