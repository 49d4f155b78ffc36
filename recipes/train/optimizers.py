"""From a phase to a Keras optimizer with its learning-rate schedule."""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from recipes.errors import UsageFault
from recipes.recipe import Phase
from recipes.recipe.phase import OPTIMIZERS
from zoo.structure import stages

UNDECAYED = ("bias", "gamma", "beta")


def optimizer_for(phase: Phase, steps: int, model: keras.Model) -> keras.Optimizer:
    """A fresh optimizer with the phase's rate, schedule, weight decay, averaging and discriminative rates.

    What the phase says is set, whatever Keras's defaults are: AdamW alone decays by 0.004 when nothing is said.

    Args:
        phase: Says which.
        steps: Steps in an epoch.
        model: The whole network, with the phase's layers thawed; the phase's rates name them.

    Raises:
        UsageFault: When a glob or stage of the phase's rates names no layer that trains.
    """
    if phase.is_solved:  # It takes no step.
        return keras.optimizers.SGD(0.0)
    settings: dict[str, Any] = {
        "weight_decay": None,  # Spares Keras a pass over the weights; AdamW takes no None.
        **OPTIMIZERS[phase.optimizer],
        "learning_rate": _schedule(phase, steps),
        "use_ema": False,
    }
    if phase.weight_decay:
        settings["weight_decay"] = phase.weight_decay
    if phase.average_epochs:
        settings |= {"use_ema": True, "ema_momentum": math.exp(-1 / (phase.average_epochs * steps))}
    optimizer = alone(keras.optimizers.get({"class_name": phase.optimizer, "config": settings}))
    # Given to Keras as variables: a name would be looked for in the layer's name too.
    undecayed = [variable for variable in model.trainable_variables if any(part in variable.name for part in UNDECAYED)]
    if phase.rates:
        return scale_updates(optimizer, _factors(phase, model), undecayed=undecayed)
    if phase.weight_decay:
        optimizer.exclude_from_weight_decay(var_list=undecayed)
    return optimizer


def alone(optimizer: keras.Optimizer) -> keras.Optimizer:
    """An optimizer of a training on one device, whose network can be forgotten afterwards.

    Keras sums the gradients over all devices, where there is one too, by an operation that has a gradient of its own.
    TensorFlow registers each such gradient for the life of the process, and with it the step's graph and every weight
    and slot of the network: a search would grow by three times the weights a trial.
    """
    if keras.config.backend() != "tensorflow":
        return optimizer
    kind = type(optimizer)

    class Alone(kind):  # type: ignore[misc, valid-type]
        def apply(self, grads: Any, trainable_variables: Any = None) -> None:
            apply = super().apply
            # Once all devices are called together, Keras sums no more.
            tf.distribute.get_replica_context().merge_call(lambda _: apply(grads, trainable_variables))

    Alone.__name__ = kind.__name__
    return Alone.from_config(optimizer.get_config())


def scale_updates(
    optimizer: keras.Optimizer,
    factors: Sequence[tuple[keras.Variable, float]],
    *,
    undecayed: Sequence[keras.Variable] = (),
) -> keras.Optimizer:
    """An optimizer that multiplies what it does to some variables, whatever the way it computes it.

    The update is scaled, decay included, and not the gradient: Adam and its kin divide a gradient by its own size, so
    that a scaled one gives the same step.

    Args:
        optimizer: Any Keras optimizer, not used yet.
        factors: Variables, and what each one's updates are multiplied with; all others have 1.
        undecayed: Variables that the optimizer's weight decay leaves alone.
    """
    if keras.config.backend() == "torch":
        return _scale_on_torch(optimizer, factors, undecayed)
    kind = type(optimizer)
    by_variable = {_handle(variable): factor for variable, factor in factors}
    decayed = set(by_variable) - {_handle(variable) for variable in undecayed}

    class Scaled(kind):  # type: ignore[misc, valid-type]
        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            factor = by_variable.get(_handle(variable))
            if factor is None:
                super().update_step(gradient, variable, learning_rate)
                return
            before = keras.ops.copy(variable)
            if self.weight_decay and _handle(variable) in decayed:
                variable.assign(before * (1 - self.weight_decay * learning_rate))
            super().update_step(gradient, variable, learning_rate)
            variable.assign(before + factor * (variable - before))

    Scaled.__name__ = kind.__name__
    scaled = Scaled.from_config(optimizer.get_config())
    if scaled.weight_decay:  # Keras's own decay comes before the update, where it cannot be scaled.
        scaled.exclude_from_weight_decay(var_list=[*(variable for variable, _ in factors), *undecayed])
    return scaled


def _scale_on_torch(
    optimizer: keras.Optimizer, factors: Sequence[tuple[keras.Variable, float]], undecayed: Sequence[keras.Variable]
) -> keras.Optimizer:
    """The same where Keras updates all variables at once, and asks for none of them by itself."""
    if optimizer.use_ema:
        raise UsageFault("On torch a phase has rates or average_epochs, not both: leave one out, or train on another.")

    class Scaled(type(optimizer)):  # type: ignore[misc]
        def apply(self, grads: Any, trainable_variables: Any = None) -> None:
            before = [keras.ops.copy(variable) for variable, _ in factors]
            super().apply(grads, trainable_variables)
            for (variable, factor), old in zip(factors, before, strict=True):
                variable.assign(old + factor * (variable - old))

    Scaled.__name__ = type(optimizer).__name__
    scaled = Scaled.from_config(optimizer.get_config())
    if scaled.weight_decay:
        scaled.exclude_from_weight_decay(var_list=list(undecayed))
    return scaled


def rates_by_layer(phase: Phase, model: keras.Model) -> dict[str, float]:
    """The factors of a phase's discriminative rates, by the name of each layer that trains and has one.

    Args:
        phase: Gives the rates by glob or stage; the first that matches a layer counts.
        model: The whole network, with the phase's layers thawed.

    Raises:
        UsageFault: When a glob or stage names no layer that trains.
    """
    trained = [layer.name for layer in model.layers if layer.trainable_weights]
    factors: dict[str, float] = {}
    for pattern, factor in phase.rates.items():
        matched = _trained(pattern, trained, model)
        if not matched:
            raise UsageFault(
                f"The glob {pattern!r} in the rates of phase {phase.name!r} matches no layer that trains. "
                f"There are: {', '.join(trained)}."
            )
        factors = dict.fromkeys(matched, factor) | factors
    return factors


def _trained(pattern: str, trained: Sequence[str], model: keras.Model) -> list[str]:
    """Those of some layers that a glob or a stage names."""
    if not pattern.startswith(stages.PREFIX):
        return fnmatch.filter(trained, pattern)
    try:
        return [name for name in stages.named(model, pattern) if name in trained]
    except ValueError as error:
        raise UsageFault(str(error)) from error


def _factors(phase: Phase, model: keras.Model) -> list[tuple[keras.Variable, float]]:
    factors = rates_by_layer(phase, model)
    return [
        (variable, factors[layer.name])
        for layer in model.layers
        if layer.name in factors
        for variable in layer.trainable_weights
    ]


def _handle(variable: Any) -> Any:
    """What tells variables apart: Keras hands some optimizers its own variables and others TensorFlow's."""
    if keras.config.backend() != "tensorflow":
        return id(variable)
    return (variable.value if isinstance(variable, keras.Variable) else variable).ref()


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
