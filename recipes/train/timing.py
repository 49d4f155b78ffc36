"""How long a training step takes here, and the pass of a photo."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import numpy as np

from recipes import precision as precisions
from recipes.data.splits import Splits
from recipes.freeze import frozen_runner
from recipes.recipe import Recipe
from recipes.train.phase import Phases

# Seconds after which no further batch is timed: through a large network, or on JAX, one may take ten.
ENOUGH = 1.0


@dataclass(frozen=True)
class Pace:
    """How fast photos pass a network: seconds to prepare it, and seconds for each photo."""

    preparing: float
    each: float

    def seconds(self, photos: int) -> float:
        """For so many photos; nothing is prepared for none."""
        return self.preparing + self.each * photos if photos else 0.0


def pace(network: keras.Model, engine: str) -> Pace:
    """How fast photos pass a network that an engine runs, from a few timed batches.

    Args:
        network: It.
        engine: See `recipes.freeze.frozen_runner.choose`.
    """
    batch = np.random.default_rng(0).uniform(0, 255, (frozen_runner.BATCH, *network.input_shape[1:]))
    began = time.monotonic()
    run = frozen_runner.build(network, engine, batch).run
    run(batch)  # The first call prepares.
    return Pace(time.monotonic() - began, seconds_of(run, batch) / len(batch))


def seconds_of(run: Callable[[np.ndarray], np.ndarray], batch: np.ndarray) -> float:
    """What a batch takes: the least of three, for the first ones still warm up; of slow ones fewer do."""
    found: list[float] = []
    while len(found) < 3 and sum(found) < ENOUGH:
        began = time.monotonic()
        run(batch)
        found.append(time.monotonic() - began)
    return min(found)


def seconds_per_step(recipe: Recipe, splits: Splits, model: keras.Model, *, phase: int, precision: str) -> float:
    """Seconds that a training step of a phase takes here, from a few timed ones; `model` stays as it is.

    Of a phase that is solved, they are those of steps on what is kept: about as long.
    """
    phases = Phases(recipe, splits, precisions.cast(model, precision), seed=0, precision=precision)
    trainee = phases.set_up(phase)
    views: Sequence[np.ndarray] = ()
    if trainee.cuts:  # Nothing passes the frozen part: zeros are as fast.
        one = np.zeros((1, *trainee.model.input_shape[1:]), recipe.cache_dtype)
        views = (np.broadcast_to(one, (len(splits.train), *one.shape[1:])),)
    batches = phases.batches(trainee, views)(0, 0, 0)
    per_call = trainee.model.steps_per_execution
    trainee.fit(batches.take(1))  # The first call traces.
    if trainee.phase.average_epochs:  # On JAX the averages share memory with the weights, which now hold them.
        for variable in trainee.model.optimizer.variables:
            variable.assign(np.array(keras.ops.convert_to_numpy(variable)))
    timed = min(3 * per_call, trainee.steps)
    began = time.monotonic()
    trainee.fit(batches.take(timed))
    seconds = time.monotonic() - began
    phases.release()
    return seconds / timed
