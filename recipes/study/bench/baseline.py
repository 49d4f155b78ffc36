"""A published protocol as its source writes it: compile and fit, every image through every layer in every epoch.

This is what the recipes are measured against. Nothing else uses it.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from recipes.data import Splits
from recipes.errors import UsageFault
from recipes.freeze.layers import thaw
from recipes.recipe import Augment, Recipe, stored
from recipes.study.bench.clock import Clock
from recipes.train.optimizers import optimizer_for

# What a plain script does, or what makes no difference to one: how the frozen part is run, and what is kept at the end.
RECIPE = (
    "name", "architecture", "data", "phases", "split", "image_size", "square", "batch_size", "augment", "model",
    "weights", "published_accuracy", "on_data", "tune", "views", "cache_dtype", "engine", "stand_in",
)  # fmt: skip
AUGMENT = ("flip", "rotation", "zoom", "strength")
PHASE = ("name", "epochs", "train", "optimizer", "learning_rate", "monitor", "patience", "keep", "save_every_epoch")


def train(recipe: Recipe, splits: Splits, model: keras.Model, *, clock: Clock, epochs: int | None) -> None:
    """Train a network with plain Keras, in float32.

    Args:
        recipe: Gives phases, optimizers, batches and augmentation.
        splits: The images.
        model: Its network.
        clock: Told of every epoch, and asked whether to stop.
        epochs: Stop each phase after so many; `None` for all.

    Raises:
        UsageFault: When the recipe wants what a plain script does not do.
    """
    if beyond := beyond_plain(recipe):
        raise UsageFault(
            f"The published variant of {recipe.name!r} is no plain protocol to measure against: a plain script "
            f"does not do {', '.join(beyond)}. Leave these settings of PUBLISHED at their defaults."
        )
    inputs = keras.Input(model.input_shape[1:])
    whole = keras.Model(inputs, model(_augmented(inputs, recipe.augment)))
    one_unit = model.output_shape[-1] == 1
    train_images, validation_images = (np.asarray(part.pixels[:]) for part in (splits.train, splits.validation))
    for phase in recipe.phases:
        thaw(model, phase.train)
        whole.compile(
            optimizer_for(phase, -(-len(train_images) // recipe.batch_size), model),
            "binary_crossentropy" if one_unit else "sparse_categorical_crossentropy",
            metrics=["accuracy"],
        )
        callbacks: list[keras.callbacks.Callback] = [_Told(clock, phase.name, model)]
        if phase.patience is not None:
            callbacks.append(keras.callbacks.EarlyStopping(phase.monitor, patience=phase.patience))
        whole.fit(
            train_images,
            splits.train.labels,
            batch_size=recipe.batch_size,
            epochs=min(phase.epochs, epochs or phase.epochs),
            validation_data=(validation_images, splits.validation.labels),
            callbacks=callbacks,
            verbose=0,
        )


def beyond_plain(recipe: Recipe) -> list[str]:
    """What a recipe wants and a plain script does not do, as `path=value`.

    Whatever is not known here is refused, unless it has its default value.
    """
    parts = [("", recipe, RECIPE), ("augment.", recipe.augment, AUGMENT)]
    trained = tuple(name for name in PHASE if name != "optimizer")
    parts += [(f"phases.{phase.name}.", phase, trained if phase.is_solved else PHASE) for phase in recipe.phases]
    return [
        f"{path}{name}={value!r}"
        for path, part, known in parts
        for name, value in stored.sparse(part).items()
        if name not in known
    ]


def _augmented(images: keras.KerasTensor, augment: Augment) -> keras.KerasTensor:
    if augment.flip:
        images = keras.layers.RandomFlip("horizontal")(images)
    if augment.rotation:
        images = keras.layers.RandomRotation(augment.strength * augment.rotation)(images)
    if augment.zoom:
        images = keras.layers.RandomZoom(augment.strength * augment.zoom)(images)
    return images


class _Told(keras.callbacks.Callback):
    """Tells the clock of every epoch, after its validation."""

    def __init__(self, clock: Clock, phase: str, trained: keras.Model):
        super().__init__()
        self.clock, self.phase, self.trained = clock, phase, trained

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.clock.epoch_ended(self.phase, self.trained)
        self.model.stop_training = self.model.stop_training or self.clock.is_over()
