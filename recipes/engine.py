"""Train a network as a recipe says. The only place that compiles and fits.

Each phase thaws its layers, compiles afresh with a fresh optimizer and fits: the whole network, or, where the recipe
keeps views of the frozen part, only what is above the frontier. At the end of every epoch, with averaged weights
swapped in where the recipe wants them, the validation images are scored, the best weights remembered and the state
saved; a saved state resumes exactly.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from recipes import lint
from recipes import precision as precisions
from recipes.boundary import Boundary, Features, refuse_large
from recipes.data.splits import Images, Splits
from recipes.data.stream import ordered_batches, steps_per_epoch, training_batches
from recipes.errors import UsageFault
from recipes.freeze import digests, moving_variables, prove_frozen, split_at, thaw
from recipes.history import diverged, epoch_row, is_over, judge, kept_epochs
from recipes.memory import check_memory, evaluation_batch
from recipes.optimizers import optimizer_for
from recipes.recipe import Phase, Recipe
from recipes.state import TrainingState
from zoo.macs import count_macs

log = logging.getLogger("recipes")


@dataclass
class Hooks:
    """What a training tells its surroundings, and asks of them.

    Attributes:
        on_save: Called with the state after every epoch, and when a stop was requested.
        on_step: Called with (phase, epoch, steps done, steps in the epoch, running figures) during an epoch.
        on_pass: Called with (phase, images done, images to do) while the frozen part runs over the images.
        on_epoch: Called with the phase, the epoch's row of the history, the model as validated, and whether it
            is the best so far.
        stop_requested: Asked after every few steps; when true the state is saved and `StopRequested` raised.
    """

    on_save: Callable[[TrainingState], None] = lambda state: None
    on_step: Callable[[Phase, int, int, int, dict[str, float]], None] = lambda *_: None
    on_pass: Callable[[Phase, int, int], None] = lambda *_: None
    on_epoch: Callable[[Phase, dict[str, Any], keras.Model, bool], None] = lambda *_: None
    stop_requested: Callable[[], bool] = lambda: False


class StopRequested(Exception):
    """Training stopped between two steps because the hooks asked for it; the state is saved."""


@dataclass
class Outcome:
    """What a training gives.

    Attributes:
        model: The trained network, in float32 and with every layer as the last phase left it.
        history: One row per epoch.
        kept: For each phase, the epoch (counted from 1) whose weights were kept.
        boundary: For each phase that trained above a frontier, what was kept of the frozen part and what it cost.
        schedule_changes: Where a resume with more epochs drew a phase's learning-rate schedule anew: its `phase`,
            `from_epoch`, `epochs_before` and `epochs`.
    """

    model: keras.Model
    history: list[dict[str, Any]]
    kept: dict[str, int]
    boundary: dict[str, dict[str, Any]] = field(default_factory=dict)
    schedule_changes: list[dict[str, Any]] = field(default_factory=list)


def train(
    recipe: Recipe,
    splits: Splits,
    model: keras.Model,
    *,
    seed: int,
    precision: str = "float32",
    state: TrainingState | None = None,
    hooks: Hooks | None = None,
    phases: int | None = None,
) -> Outcome:
    """Train `model` as `recipe` says, from the start or from a saved state.

    Args:
        recipe: What to do.
        splits: The images; the test images are not looked at.
        model: A fresh float32 network that fits the images; it is trained in place.
        seed: Fixes data order, augmentation and dropout.
        precision: `"float32"` or `"bfloat16"`.
        state: A state saved by an earlier call with the same recipe, images and seed.
        hooks: How to follow and stop the training.
        phases: Train only so many of the recipe's phases, the first ones.

    Raises:
        DivergedFault: When the loss is not a finite number.
        DiskFault: When the activations of the frozen part would take too much of the disk.
        MemoryFault: When a step would not fit into memory.
        StopRequested: When the hooks asked to stop.
    """
    keras.utils.set_random_seed(seed)
    worker = precisions.cast(model, precision)
    state = state or TrainingState()
    hooks = hooks or Hooks()
    boundary = Boundary(recipe, splits, seed, precision)
    refuse_large(sum(rows.missing_bytes for _, rows in boundary.needs(worker)))
    if state.arrays:
        _assign(sum(_moving(worker, recipe, state.phase), []), state.arrays["model"])
    passes: dict[str, dict[str, Any]] = {}
    for index in range(state.phase, len(recipe.phases[:phases])):
        if index > state.phase:
            state = TrainingState(phase=index, history=state.history)
        features = _run_phase(recipe, splits, worker, state, hooks, boundary)
        if features is not None:
            passes[recipe.phases[index].name] = features.facts()
    for layer in worker.layers:
        model.get_layer(layer.name).trainable = layer.trainable
    model.set_weights(worker.get_weights())
    return Outcome(model, state.history, kept_epochs(recipe.phases[:phases], state.history), passes)


def restore_best(model: keras.Model, recipe: Recipe, state: TrainingState) -> None:
    """Put the best weights of an unfinished phase into a freshly built network."""
    weights, _ = _moving(model, recipe, state.phase)
    _assign(weights, state.arrays["best"])


def _run_phase(
    recipe: Recipe, splits: Splits, worker: keras.Model, state: TrainingState, hooks: Hooks, boundary: Boundary
) -> Features | None:
    """Train one phase, from wherever `state` stands in it, and leave the kept weights in `worker`.

    Returns:
        What was kept of the frozen part; `None` where the whole network trained.
    """
    phase = recipe.phases[state.phase]
    weights, random_state = _moving(worker, recipe, state.phase)
    moving = weights + random_state
    epochs_before = len(state.history)
    cuts = boundary.cuts(worker, state.phase)
    thaw(worker, phase.train)
    before = digests(worker)
    steps = steps_per_epoch(splits.train, recipe.batch_size)
    _inspect(worker, recipe, phase, splits, steps)

    trainee, validation_images, features = worker, splits.validation, None
    if cuts:
        features = boundary.features(worker, cuts, lambda done, total: _watch_pass(phase, hooks, done, total))
        _, trainee = split_at(worker, cuts[-1])
        validation_images = Images(features.validation, splits.validation.labels, splits.validation.ids)
    check_memory(trainee, min(recipe.batch_size, len(splits.train)))
    optimizer = optimizer_for(phase, steps, trainee)
    compile_for(trainee, recipe, optimizer, steps)
    optimizer.build(trainee.trainable_variables)
    if state.arrays:
        _assign(optimizer.variables, state.arrays["optimizer"])

    targets = targets_for(worker)
    views = features.train if features else ()
    epoch_batches = training_batches(splits.train, recipe, seed=boundary.seed, targets=targets, views=views)
    validation = ordered_batches(validation_images, evaluation_batch(trainee)).map(
        lambda inputs, labels: (inputs, targets(labels))
    )
    if state.step:
        trainee.evaluate(validation.take(1), verbose=0)  # Keras makes the running figures, to be restored, only now.
    while not is_over(phase, state):
        guard = _Guard(phase, state, hooks, steps, moving)
        batches = epoch_batches(state.phase, state.epoch, state.step)
        fitted = trainee.fit(
            batches, initial_epoch=state.epoch, epochs=state.epoch + 1, shuffle=False, verbose=0, callbacks=[guard]
        )
        # When a fit ends, Keras leaves the averaged weights (if the phase averages) in the model: these are scored.
        scores = trainee.evaluate(validation, verbose=0, return_dict=True)
        row = epoch_row(phase, state.epoch, fitted.history, scores, _rate(trainee))
        is_best = judge(phase, row, state)
        if is_best:
            state.arrays["best"] = _values(weights)
        hooks.on_epoch(phase, row, worker, is_best)
        _assign(moving, guard.arrays["model"])

        state.arrays |= guard.arrays
        state.arrays.pop("metrics", None)
        state.history.append(row)
        state.epoch, state.step = state.epoch + 1, 0
        hooks.on_save(state)
        if hooks.stop_requested():
            raise StopRequested

    if phase.average_epochs:
        optimizer.finalize_variable_values(trainee.trainable_variables)
    if phase.keep == "best":
        _assign(weights, state.arrays["best"])
    still = prove_frozen(worker, before)
    if still and len(state.history) > epochs_before:
        log.warning("warning: phase %r did not move %s, although it trains them.", phase.name, ", ".join(still))
    return features


def _moving(worker: keras.Model, recipe: Recipe, phase: int) -> tuple[list[keras.Variable], list[keras.Variable]]:
    return moving_variables(worker, [earlier.train for earlier in recipe.phases[: phase + 1]])


def _inspect(worker: keras.Model, recipe: Recipe, phase: Phase, splits: Splits, steps: int) -> None:
    """Let the linter look at the whole network as the phase would train it.

    Raises:
        UsageFault: When the training would be worthless.
    """
    compile_for(worker, recipe, optimizer_for(phase, steps, worker), steps)
    for finding in lint.check(worker, splits.train.pixels[:8], rates=phase.rates):
        if finding.stops:
            raise UsageFault(f"Phase {phase.name!r}: {finding}")
        log.warning("warning: phase %r: %s", phase.name, finding)


def _watch_pass(phase: Phase, hooks: Hooks, done: int, total: int) -> None:
    hooks.on_pass(phase, done, total)
    if hooks.stop_requested():
        raise StopRequested


class _Guard(keras.callbacks.Callback):
    """Watches the steps of one epoch: reports them, refuses bad numbers, saves and stops when asked.

    Attributes:
        arrays: At the epoch's end, weights and optimizer as the last step left them, before averaging.
    """

    def __init__(self, phase: Phase, state: TrainingState, hooks: Hooks, steps: int, moving: list[keras.Variable]):
        super().__init__()
        self.phase, self.state, self.hooks, self.steps, self.moving = phase, state, hooks, steps, moving
        self.first_step = state.step
        self.arrays: dict[str, list[np.ndarray]] = {}

    def on_epoch_begin(self, epoch, logs=None):
        if self.first_step:
            _assign(self.model.metrics_variables, self.state.arrays["metrics"])

    def on_train_batch_end(self, batch, logs=None):
        done = min(self.first_step + batch + 1, self.steps)
        figures = {name: float(value) for name, value in logs.items()}
        if not math.isfinite(figures["loss"]):
            raise diverged(self.phase, f"The loss became {figures['loss']}", self.state.epoch, done, _rate(self.model))
        self.hooks.on_step(self.phase, self.state.epoch, done, self.steps, figures)
        if done < self.steps and self.hooks.stop_requested():
            self.state.step = done
            self.state.arrays |= self._arrays()
            self.state.arrays["metrics"] = _values(self.model.metrics_variables)
            self.hooks.on_save(self.state)
            raise StopRequested

    def on_epoch_end(self, epoch, logs=None):
        self.arrays = self._arrays()

    def _arrays(self) -> dict[str, list[np.ndarray]]:
        """Copies of everything a step changes: weights, random-number state, optimizer."""
        return {"model": _values(self.moving), "optimizer": _values(self.model.optimizer.variables)}


def compile_for(model: keras.Model, recipe: Recipe, optimizer: keras.Optimizer, steps: int) -> None:
    """Compile a network, or what of it trains, with a recipe's loss.

    Args:
        model: Ends in a softmax, or in one sigmoid unit.
        recipe: Gives label smoothing and batch size.
        optimizer: Fresh.
        steps: Steps in an epoch.
    """
    loss: keras.losses.Loss
    if _has_sigmoid(model):
        loss = keras.losses.BinaryCrossentropy(label_smoothing=recipe.label_smoothing)
    else:
        loss = keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing)
    model.compile(
        optimizer,
        loss,
        metrics=["accuracy"],
        # XLA makes small convolutions several times slower on a CPU.
        jit_compile="auto" if tf.config.list_physical_devices("GPU") else False,
        steps_per_execution=steps_per_call(model, recipe.batch_size, steps),
    )


def steps_per_call(model: keras.Model, batch_size: int, steps: int) -> int:
    """Training steps per call into TensorFlow: many for small nets, where the call costs more than the step.

    A call is kept to about a second on two cores, so that progress shows and a stop is heard.
    """
    macs_per_step = 3 * count_macs(model) * batch_size + 6 * model.count_params()
    return max(1, min(64, steps, round(50e9 / macs_per_step)))


def targets_for(model: keras.Model) -> Callable[[tf.Tensor], tf.Tensor]:
    """A function from (batch,) class indices to what the model's loss compares: one-hot rows, or a 0/1 column."""
    if _has_sigmoid(model):
        return lambda labels: tf.cast(labels, tf.float32)[:, tf.newaxis]
    return lambda labels: tf.one_hot(labels, model.output_shape[-1])


def _has_sigmoid(model: keras.Model) -> bool:
    return model.output_shape[-1] == 1


def _rate(model: keras.Model) -> float:
    return float(keras.ops.convert_to_numpy(model.optimizer.learning_rate))


def _values(variables: list[keras.Variable]) -> list[np.ndarray]:
    return [variable.numpy() for variable in variables]


def _assign(variables: list[keras.Variable], arrays: list[np.ndarray]) -> None:
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)
