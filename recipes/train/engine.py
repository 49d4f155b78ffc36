"""Train a network as a recipe says.

Each phase thaws its layers, compiles afresh with a fresh optimizer (`recipes.train.phase`) and fits: the whole
network, or, where the recipe keeps views of the frozen part, only what is above the frontier. At the end of every
epoch, with averaged weights swapped in where the recipe wants them, the validation images are scored, the best weights
remembered and the state saved; a saved state resumes exactly.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from recipes import lint
from recipes import precision as precisions
from recipes.data.pipeline import validation_batches
from recipes.data.splits import Images, Splits
from recipes.errors import CorruptFault, UsageFault
from recipes.freeze.boundary import Features
from recipes.freeze.frozen_pass import refuse_large
from recipes.freeze.layers import digests, moving_variables, prove_frozen, set_trainable
from recipes.recipe import Phase, Recipe
from recipes.train.checkpoint import TrainingState
from recipes.train.heads import solver
from recipes.train.heads.temperature import divide_scores, require_scores
from recipes.train.history import diverged, epoch_row, is_over, judge, kept_epochs, say_what_is_kept
from recipes.train.memory import check_memory, evaluation_batch
from recipes.train.optimizers import rates_by_layer
from recipes.train.phase import Phases, Trainee, seed_torch

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
        last: What the last phase trained on; `None` where it trained the whole network, or was not trained now.
        solved: What the last phase found in the images whose head is solved for; `None` where there is none, it trained
            the whole network, or it was not trained now.
        schedule_changes: Where a resumed training drew a schedule anew, for more epochs; see `TrainingState`.
    """

    model: keras.Model
    history: list[dict[str, Any]]
    kept: dict[str, int]
    boundary: dict[str, dict[str, Any]] = field(default_factory=dict)
    last: Features | None = None
    schedule_changes: list[dict[str, Any]] = field(default_factory=list)
    solved: Features | None = None


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
        precision: `"float32"`, `"bfloat16"` or `"auto"`.
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
    if recipe.class_weights:
        log.info(
            "class_weights=%s: every class weighs the same in loss and val_loss, accuracy and val_accuracy; compare "
            "them with each other, and not with a run without class weights",
            recipe.class_weights,
        )
    stretch = Phases(recipe, splits, worker, seed=seed, precision=precision)
    refuse_large(sum(rows.missing_bytes for _, rows in stretch.boundary.needs()))
    if state.arrays:
        moving = sum(stretch.moving(state.phase), [])
        _assign(moving, state.arrays["model"])
        stretch.boundary.forget(moving)
    passes: dict[str, dict[str, Any]] = {}
    features = solved = None
    try:
        for index in range(state.phase, len(recipe.phases[:phases])):
            if index > state.phase:
                state = TrainingState(phase=index, history=state.history, schedule_changes=state.schedule_changes)
            features = _run_phase(stretch, state, hooks)
            if features is not None:
                passes[recipe.phases[index].name] = features.facts()
            solved = features if recipe.phases[index].is_solved else solved
        flags = {layer.name: layer.trainable for layer in worker.layers}
        set_trainable(model, [flags[layer.name] for layer in model.layers])
        model.set_weights(worker.get_weights())
    finally:
        stretch.release()
    kept = kept_epochs(recipe.phases[:phases], state.history)
    return Outcome(model, state.history, kept, passes, features, state.schedule_changes, solved)


def restore_best(model: keras.Model, recipe: Recipe, state: TrainingState) -> None:
    """Put the best weights of an unfinished phase into a freshly built network."""
    weights, _ = _moving(model, recipe, state.phase)
    _assign(weights, state.arrays["best"])


def _run_phase(phases: Phases, state: TrainingState, hooks: Hooks) -> Features | None:
    """Train one phase, from wherever `state` stands in it, and leave the kept weights in the network.

    Returns:
        What was kept of the frozen part; `None` where the whole network trained.
    """
    recipe, splits, worker = phases.recipe, phases.splits, phases.network
    weights, random_state = phases.moving(state.phase)
    moving = weights + random_state
    epochs_before = len(state.history)
    trainee = phases.set_up(state.phase)
    phase, model, optimizer = trainee.phase, trainee.model, trainee.model.optimizer
    before = digests(worker)
    # Where it was resumed within the phase, its own weights have moved too.
    moved, _ = phases.moving(state.phase if state.arrays else state.phase - 1)
    _inspect(recipe, worker, trainee, splits, moved)
    _note_schedule(phase, state)
    check_memory(model, min(recipe.batch_size, len(splits.train)))

    validation_images, features = splits.validation, None
    if trainee.cuts:
        features = phases.boundary.features(state.phase, lambda done, total: _watch_pass(phase, hooks, done, total))
        validation_images = Images(features.validation, splits.validation.labels, splits.validation.ids)
    if state.arrays:
        _assign(optimizer.variables, state.arrays["optimizer"])

    epoch_batches = phases.batches(trainee, features.train if features else ())
    validation = validation_batches(validation_images, recipe, evaluation_batch(model), trainee.targets)
    if state.step:
        model.evaluate(validation.take(1), verbose=0)  # Keras makes the running figures, to be restored, only now.
    while not is_over(phase, state):
        if phase.is_solved:
            fitted, arrays = _solve(recipe, worker, trainee, features, splits), {}
        else:
            guard = _Guard(phase, state, hooks, trainee.steps, moving, phases.seed)
            fitted = trainee.fit(epoch_batches(state.phase, state.epoch, state.step), guard, epoch=state.epoch)
            arrays = guard.arrays
        # When a fit ends, Keras leaves the averaged weights (if the phase averages) in the model: these are scored.
        scores = model.evaluate(validation, verbose=0, return_dict=True)
        row = epoch_row(recipe, phase, state.epoch, fitted, scores, _rate(model))
        is_best = judge(phase, row, state)
        if is_best:
            state.arrays["best"] = _values(weights)
        hooks.on_epoch(phase, row, worker, is_best)
        arrays = arrays or {"model": _values(moving), "optimizer": _values(optimizer.variables)}
        _assign(moving, arrays["model"])
        if phase.average_epochs:  # On JAX the averages share memory with the weights that a scoring gives away.
            _assign(optimizer.variables, arrays["optimizer"])

        state.arrays |= arrays
        state.arrays.pop("metrics", None)
        state.history.append(row)
        state.epoch, state.step = state.epoch + 1, 0
        hooks.on_save(state)
        if hooks.stop_requested():
            raise StopRequested

    if phase.average_epochs:
        optimizer.finalize_variable_values(model.trainable_variables)
    if phase.keep == "best":
        _assign(weights, state.arrays["best"])
    if not phase.is_solved:
        say_what_is_kept(phase, state.history, len(splits.validation))
        if phase.temperature != 1:
            divide_scores(worker, phase.temperature)
    phases.boundary.forget(weights)
    still = prove_frozen(worker, before)
    if still and len(state.history) > epochs_before:
        log.warning("warning: phase %r did not move %s, although it trains them.", phase.name, ", ".join(still))
    return features


def _solve(
    recipe: Recipe, worker: keras.Model, trainee: Trainee, features: Features | None, splits: Splits
) -> dict[str, list[float]]:
    """Write the solution of a phase into the last layer; gives what Keras's history gives of an epoch."""
    phase, model = trainee.phase, trainee.model
    prefix, suffix = solver.parts(worker, phase)
    views = [view[:] for view in features.train] if features else [prefix.predict(splits.train.pixels[:], verbose=0)]
    kernel, bias = solver.solve(
        phase.optimizer, phase.weight_decay, phase.temperature,
        np.concatenate(views), np.tile(splits.train.labels, len(views)),
        classes=len(splits.class_names), balanced=recipe.class_weights is not None,
    )  # fmt: skip
    suffix.layers[-1].set_weights([kernel, bias])
    seen = Images(features.train[0] if features else splits.train.pixels, splits.train.labels, splits.train.ids)
    batches = validation_batches(seen, recipe, evaluation_batch(model), trainee.targets)
    return {name: [value] for name, value in model.evaluate(batches, verbose=0, return_dict=True).items()}


def _moving(worker: keras.Model, recipe: Recipe, phase: int) -> tuple[list[keras.Variable], list[keras.Variable]]:
    return moving_variables(worker, [earlier.train for earlier in recipe.phases[: phase + 1]])


def _inspect(
    recipe: Recipe, worker: keras.Model, trainee: Trainee, splits: Splits, moved: list[keras.Variable]
) -> None:
    """Let the linter look at the whole network as the phase would train it, where training has moved some of it.

    Raises:
        UsageFault: When the training would be worthless.
    """
    phase, model = trainee.phase, trainee.model
    if phase.temperature != 1:
        require_scores(worker, phase)
    rates = rates_by_layer(phase, worker)
    found = lint.inspect(worker, model.optimizer, model.loss, splits.train.pixels[:8], rates=rates, moved=moved)
    for finding in found:
        if finding.stops:
            raise UsageFault(f"Phase {phase.name!r}: {finding}")
        # Whether its rate undoes more than it teaches, folds say of a further phase.
        if finding.code != "high-rate" or phase.name not in {one.name for one in recipe.then}:
            log.warning("warning: phase %r: %s", phase.name, finding)


def _note_schedule(phase: Phase, state: TrainingState) -> None:
    """Say, and note in the state, when a resumed phase has other epochs than its schedule was drawn for."""
    if phase.schedule != "constant" and state.epochs not in (0, phase.epochs):
        change: dict[str, str | int] = {
            "phase": phase.name,
            "from_epoch": state.epoch + 1,
            "epochs_before": state.epochs,
        }
        state.schedule_changes.append(change | {"epochs": phase.epochs})
        log.warning(
            "warning: phase %r: from epoch %d%s on the %s schedule is drawn for %d epochs; before, it was drawn for "
            "%d. A run of %d epochs from the start has other learning rates.",
            phase.name, state.epoch + 1, f", step {state.step + 1}," if state.step else "", phase.schedule,
            phase.epochs, state.epochs, phase.epochs,
        )  # fmt: skip
    state.epochs = phase.epochs


def _watch_pass(phase: Phase, hooks: Hooks, done: int, total: int) -> None:
    hooks.on_pass(phase, done, total)
    if hooks.stop_requested():
        raise StopRequested


class _Guard(keras.callbacks.Callback):
    """Watches the steps of one epoch: reports them, refuses bad numbers, saves and stops when asked.

    Attributes:
        arrays: At the epoch's end, weights and optimizer as the last step left them, before averaging.
    """

    def __init__(
        self,
        phase: Phase,
        state: TrainingState,
        hooks: Hooks,
        steps: int,
        moving: list[keras.Variable],
        seed: int,
    ):
        super().__init__()
        self.phase, self.state, self.hooks, self.steps, self.moving = phase, state, hooks, steps, moving
        self.seed = seed
        self.first_step = state.step
        self.arrays: dict[str, list[np.ndarray]] = {}

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if self.first_step:
            _assign(self.model.metrics_variables, self.state.arrays["metrics"])

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        seed_torch(self.seed, self.state.phase, self.state.epoch, self.first_step + batch)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
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

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.arrays = self._arrays()

    def _arrays(self) -> dict[str, list[np.ndarray]]:
        """Copies of everything a step changes: weights, random-number state, optimizer."""
        model = self.model  # On JAX this brings the variables back, which a fit takes away: before they are read.
        return {"model": _values(self.moving), "optimizer": _values(model.optimizer.variables)}


def _rate(model: keras.Model) -> float:
    return float(keras.ops.convert_to_numpy(model.optimizer.learning_rate))


def _values(variables: list[keras.Variable]) -> list[np.ndarray]:
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def _assign(variables: list[keras.Variable], arrays: list[np.ndarray]) -> None:
    """Put arrays of a state into the variables they were taken from.

    Raises:
        CorruptFault: When they do not fit: a state of an earlier version may have been changed unnoticed.
    """
    wanted, found = [tuple(variable.shape) for variable in variables], [array.shape for array in arrays]
    if wanted != found or any(array.dtype.kind in "OSUV" for array in arrays):
        at = next((at for at, pair in enumerate(zip(wanted, found, strict=False)) if pair[0] != pair[1]), None)
        what = (
            f"{len(found)} arrays for {len(wanted)} variables"
            if at is None
            else (f"an array of shape {found[at]} for {variables[at].path}, which has {wanted[at]}")
        )
        raise CorruptFault(
            f"The saved state of the training is damaged: it holds {what}. Start again with --overwrite."
        )
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)
