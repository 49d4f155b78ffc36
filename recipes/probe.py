"""A few steps of a phase, to learn something before it is trained: how long one takes, and at which rate it learns."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

import keras
import numpy as np
import tensorflow as tf

from recipes import precision as precisions
from recipes.boundary import Boundary
from recipes.data.splits import Splits
from recipes.data.stream import steps_per_epoch, training_batches
from recipes.engine import compile_for, targets_for
from recipes.freeze import split_at, thaw
from recipes.optimizers import optimizer_for
from recipes.recipe import Recipe
from recipes.rows import Rows

STEPS = 100
LOWEST, HIGHEST = 1e-7, 10.0
SMOOTHING = 0.9
# The sweep ends when the loss is so many times its lowest.
BLOWN_UP = 4.0
Watch = Callable[[int, int], None]


@dataclass(frozen=True)
class Sweep:
    """The loss while the learning rate rises from step to step.

    Attributes:
        rates: (steps,), the learning rate of each step.
        losses: (steps,), the training loss, smoothed over about ten steps.
        suggestion: The rate at which the loss falls fastest; `None` where it never falls.
    """

    rates: np.ndarray
    losses: np.ndarray
    suggestion: float | None


def seconds_per_step(recipe: Recipe, splits: Splits, model: keras.Model, *, phase: int, precision: str) -> float:
    """Seconds that a training step of a phase takes here, from a few timed ones; `model` stays as it is."""
    worker = trainee = precisions.cast(model, precision)
    views: Sequence[np.ndarray] = ()
    if cuts := Boundary(recipe, splits, 0, precision).cuts(worker, phase):
        _, trainee = split_at(worker, cuts[-1])
        one = np.zeros((1, *trainee.input_shape[1:]), recipe.cache_dtype)
        views = (np.broadcast_to(one, (len(splits.train), *one.shape[1:])),)
    thaw(worker, recipe.phases[phase].train)
    steps = steps_per_epoch(splits.train, recipe.batch_size)
    compile_for(trainee, recipe, optimizer_for(recipe.phases[phase], steps, trainee), steps)
    batches = training_batches(splits.train, recipe, seed=0, targets=targets_for(worker), views=views)(0, 0, 0)
    per_call = trainee.steps_per_execution
    trainee.fit(batches.take(per_call), shuffle=False, verbose=0)  # The first call traces.
    timed = min(3 * per_call, steps)
    began = time.monotonic()
    trainee.fit(batches.take(timed), shuffle=False, verbose=0)
    return (time.monotonic() - began) / timed


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
        precision: `"float32"` or `"bfloat16"`.
        watch: Called with (images done, images to do) while the frozen part runs.
    """
    keras.utils.set_random_seed(seed)
    worker = trainee = precisions.cast(model, precision)
    boundary = Boundary(recipe, splits, seed, precision)
    cuts = boundary.cuts(worker, phase)
    thaw(worker, recipe.phases[phase].train)
    views: Sequence[Rows] = ()
    if cuts:
        views = boundary.features(worker, cuts, watch).train
        _, trainee = split_at(worker, cuts[-1])
    steps = steps_per_epoch(splits.train, recipe.batch_size)
    optimizer = optimizer_for(recipe.phases[phase], steps, trainee)
    rates = np.geomspace(LOWEST, HIGHEST, STEPS)
    optimizer.learning_rate = keras.optimizers.schedules.ExponentialDecay(LOWEST, 1, rates[1] / rates[0])
    compile_for(trainee, recipe, optimizer, steps=1)
    epoch_batches = training_batches(splits.train, recipe, seed=seed, targets=targets_for(worker), views=views)
    epochs = [epoch_batches(phase, epoch, 0) for epoch in range(math.ceil(STEPS / steps))]
    losses = _Losses()
    trainee.fit(reduce(tf.data.Dataset.concatenate, epochs).take(STEPS), shuffle=False, verbose=0, callbacks=[losses])
    smooth = np.array(losses.smooth)
    return Sweep(rates[: len(smooth)], smooth, _steepest(rates[: len(smooth)], smooth))


class _Losses(keras.callbacks.Callback):
    """The smoothed loss after each step; ends the training when it blows up."""

    def __init__(self) -> None:
        super().__init__()
        self.smooth: list[float] = []
        self.average = 0.0

    def on_train_batch_begin(self, batch, logs=None):
        self.model.reset_metrics()

    def on_train_batch_end(self, batch, logs=None):
        loss = float(logs["loss"])
        self.average = SMOOTHING * self.average + (1 - SMOOTHING) * loss
        smooth = self.average / (1 - SMOOTHING ** (len(self.smooth) + 1))
        if not math.isfinite(loss) or smooth > BLOWN_UP * min(self.smooth, default=math.inf):
            self.model.stop_training = True
        else:
            self.smooth.append(smooth)


def _steepest(rates: np.ndarray, losses: np.ndarray) -> float | None:
    """The rate at which the loss falls fastest, before its lowest."""
    lowest = int(losses.argmin()) + 1 if len(losses) else 0
    if lowest < 3:
        return None
    slopes = np.gradient(losses[:lowest], np.log(rates[:lowest]))
    return float(rates[slopes.argmin()]) if slopes.min() < 0 else None
