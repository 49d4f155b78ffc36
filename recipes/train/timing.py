"""How long a training step takes here."""

from __future__ import annotations

import time
from collections.abc import Sequence

import keras
import numpy as np

from recipes import precision as precisions
from recipes.data.splits import Splits
from recipes.recipe import Recipe
from recipes.train.phase import Phases


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
    timed = min(3 * per_call, trainee.steps)
    began = time.monotonic()
    trainee.fit(batches.take(timed))
    seconds = time.monotonic() - began
    phases.release()
    return seconds / timed
