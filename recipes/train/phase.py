"""Set up the phases of a recipe on a network: in one way for training, for timing and for the sweep of rates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from recipes import precision as precisions
from recipes.data.pipeline import steps_per_epoch, training_batches
from recipes.data.splits import Splits
from recipes.files.sharded_array import Rows
from recipes.freeze.boundary import Boundary
from recipes.freeze.layers import frontier, keeps_statistics, moving_variables, set_trainable, split_at
from recipes.recipe import Phase, Recipe
from recipes.train.memory import release
from recipes.train.optimizers import optimizer_for
from zoo.structure.macs import count_macs

EpochBatches = Callable[[int, int, int], tf.data.Dataset]

FEW_STEPS = 128


@dataclass(frozen=True)
class Trainee:
    """A phase that is ready to train.

    Attributes:
        phase: The phase.
        model: What trains, compiled: the whole network, or what is above the frontier where activations are kept.
        cuts: The layers behind which activations are kept; empty where the whole network trains.
        steps: Steps in an epoch.
        targets: From (batch,) class indices to what the loss compares.
    """

    phase: Phase
    model: keras.Model
    cuts: list[str]
    steps: int
    targets: Callable[[tf.Tensor], tf.Tensor]

    def fit(self, batches: tf.data.Dataset, *callbacks: keras.callbacks.Callback, epoch: int = 0) -> dict[str, list]:
        """Train one epoch, or what is left of it, on batches in the order they come.

        Args:
            batches: The epoch's batches.
            *callbacks: Told of every call into TensorFlow, which may be several steps.
            epoch: Counted from 0.

        Returns:
            Keras's history of the epoch.
        """
        fitted = self.model.fit(
            batches, initial_epoch=epoch, epochs=epoch + 1, shuffle=False, verbose=0, callbacks=list(callbacks)
        )
        return fitted.history


@dataclass(frozen=True)
class _Thawed:
    """Facts of a thawed network: the flag of each layer, where the frozen part ends, and which weights move."""

    flags: list[bool]
    frontier: str | None
    moving: set[int]


class Phases:
    """The phases of a recipe on one network. What each of them thaws is told once.

    Args:
        recipe: Gives the phases.
        splits: The images; those to test are not looked at.
        network: The flat network that trains, in the run's number format.
        seed: The run's seed.
        precision: As the run was asked for: `"auto"`, `"float32"` or `"bfloat16"`.

    Attributes:
        boundary: What is kept of the frozen part.

    Raises:
        UsageFault: When a phase names a layer that there is not.
    """

    def __init__(self, recipe: Recipe, splits: Splits, network: keras.Model, *, seed: int, precision: str):
        self.recipe, self.splits, self.network, self.seed = recipe, splits, network, seed
        self._thawed: list[_Thawed] = []
        self._random_state: list[keras.Variable] = []
        self._slots: list[keras.Variable] = []
        for phase in recipe.phases:
            weights, self._random_state = moving_variables(network, [phase.train])  # It leaves the phase thawed.
            flags = [layer.trainable for layer in network.layers]
            self._thawed.append(_Thawed(flags, frontier(network), set(map(id, weights))))
        frontiers = [thawed.frontier for thawed in self._thawed]
        self.boundary = Boundary(recipe, splits, seed, precision, network, frontiers)

    def moving(self, index: int) -> tuple[list[keras.Variable], list[keras.Variable]]:
        """What training may have changed by the end of a phase: weights, and the state of random layers."""
        moved = set().union(*(thawed.moving for thawed in self._thawed[: index + 1]))
        weights = [weight for layer in self.network.layers for weight in layer.weights if id(weight) in moved]
        return weights, self._random_state

    def set_up(self, index: int, *, one_by_one: bool = False) -> Trainee:
        """Thaw and freeze the network for a phase and compile what trains, with a fresh optimizer.

        Args:
            index: Of the phase.
            one_by_one: Call TensorFlow for each step, so that a callback can do something between two.

        Raises:
            UsageFault: When the phase's rates name a layer that does not train.
        """
        phase = self.recipe.phases[index]
        set_trainable(self.network, self._thawed[index].flags)
        cuts = self.boundary.cuts(index)
        model = split_at(self.network, cuts[-1])[1] if cuts else self.network
        steps = steps_per_epoch(self.splits.train, self.recipe.batch_size)
        optimizer = optimizer_for(phase, steps, self.network)
        per_call = 1 if one_by_one else steps_per_call(model, self.recipe.batch_size, steps, phase.epochs)
        compile_for(model, self.recipe, optimizer, per_call)
        optimizer.build(model.trainable_variables)
        self._slots += optimizer.variables
        return Trainee(phase, model, cuts, steps, targets_for(self.network))

    def release(self) -> None:
        """Give back the memory of the network and its optimizers, when nobody reads them again."""
        release([*self.network.variables, *self._slots])

    def batches(self, trainee: Trainee, views: Sequence[np.ndarray | Rows] = ()) -> EpochBatches:
        """The training batches by (phase, epoch, first step): pixels, or where the trainee has cuts, activations."""
        return training_batches(
            self.splits.train, self.recipe, seed=self.seed, targets=trainee.targets, views=views,
            in_company=keeps_statistics(trainee.model),
        )  # fmt: skip


def compile_for(model: keras.Model, recipe: Recipe, optimizer: keras.Optimizer, per_call: int) -> None:
    """Compile a network, or what of it trains, with a recipe's loss.

    Args:
        model: Ends in a softmax, or in one sigmoid unit.
        recipe: Gives label smoothing and class weights.
        optimizer: Fresh.
        per_call: Steps per call into TensorFlow.
    """
    # A metric by its name makes its variables while the first step is traced, which then is traced again.
    loss: keras.losses.Loss
    accuracy: keras.metrics.Metric
    if _has_sigmoid(model):
        loss = keras.losses.BinaryCrossentropy(label_smoothing=recipe.label_smoothing)
        accuracy = keras.metrics.BinaryAccuracy(name="accuracy")
    else:
        loss = keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing)
        accuracy = keras.metrics.CategoricalAccuracy(name="accuracy")
    model.compile(
        optimizer,
        loss,
        metrics=None if recipe.class_weights else [accuracy],
        weighted_metrics=[accuracy] if recipe.class_weights else None,
        jit_compile=precisions.compiles(),
        steps_per_execution=per_call,
    )


def steps_per_call(model: keras.Model, batch_size: int, steps: int, epochs: int) -> int:
    """Training steps per call into TensorFlow: many for small nets, where the call costs more than the step.

    A call is kept to about a second on two cores, so that progress shows and a stop is heard. A phase of few steps
    takes them one by one: to trace the loop around them would take longer than it saves.

    Args:
        model: What trains.
        batch_size: Images in a step.
        steps: Steps in an epoch.
        epochs: Of the phase, at most.
    """
    if steps * epochs <= FEW_STEPS or keras.config.backend() == "torch":  # There Keras takes single steps.
        return 1
    macs_per_step = 3 * count_macs(model) * batch_size + 6 * model.count_params()
    return max(1, min(64, steps, round(50e9 / macs_per_step)))


def seed_torch(*numbers: int) -> None:
    """On torch, give a step random numbers of its own: dropout draws there from a stream that no saved state holds."""
    if keras.config.backend() == "torch":
        import torch

        torch.manual_seed(int(np.random.SeedSequence(numbers).generate_state(1)[0]))


def targets_for(model: keras.Model) -> Callable[[tf.Tensor], tf.Tensor]:
    """A function from (batch,) class indices to what the model's loss compares: one-hot rows, or a 0/1 column."""
    if _has_sigmoid(model):
        return lambda labels: tf.cast(labels, tf.float32)[:, tf.newaxis]
    return lambda labels: tf.one_hot(labels, model.output_shape[-1])


def _has_sigmoid(model: keras.Model) -> bool:
    return model.output_shape[-1] == 1
