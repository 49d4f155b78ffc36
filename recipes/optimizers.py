"""From a phase to a Keras optimizer with its learning-rate schedule."""

from __future__ import annotations

import math
from typing import Any

import keras

from recipes.recipe import Phase


def optimizer_for(phase: Phase, steps: int) -> keras.Optimizer:
    """A fresh optimizer with the phase's rate, schedule, weight decay and averaging.

    Args:
        phase: Says which.
        steps: Steps in an epoch.
    """
    settings: dict[str, Any] = {"learning_rate": _schedule(phase, steps)}
    if phase.weight_decay:
        settings["weight_decay"] = phase.weight_decay
    if phase.average_epochs:
        settings |= {"use_ema": True, "ema_momentum": math.exp(-1 / (phase.average_epochs * steps))}
    if phase.optimizer == "sgd":
        settings |= {"momentum": 0.9, "nesterov": True}
    optimizer = keras.optimizers.get({"class_name": phase.optimizer, "config": settings})
    if phase.weight_decay:
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def _schedule(phase: Phase, steps: int) -> float | keras.optimizers.schedules.LearningRateSchedule:
    total = phase.epochs * steps
    if phase.schedule == "constant":
        return phase.learning_rate
    if phase.schedule == "cosine":
        return keras.optimizers.schedules.CosineDecay(phase.learning_rate, decay_steps=total)
    warm_up = round(0.3 * total)
    return keras.optimizers.schedules.CosineDecay(
        phase.learning_rate / 25,
        decay_steps=max(1, total - warm_up),
        warmup_target=phase.learning_rate,
        warmup_steps=warm_up,
    )
