"""From images in memory to batches, in tf.data.

The order of the training images and every random change to them are a function of (seed, phase, epoch, step), never of
what ran before: that is what makes a resumed run equal to an uninterrupted one.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from recipes.augment import augment
from recipes.data.splits import Images
from recipes.recipe import Augment, Recipe


def steps_per_epoch(images: Images, batch_size: int) -> int:
    """Batches in one pass; the last may be smaller."""
    return math.ceil(len(images) / batch_size)


def training_batches(
    images: Images, recipe: Recipe, *, seed: int, targets: Callable[[tf.Tensor], tf.Tensor]
) -> Callable[[int, int, int], tf.data.Dataset]:
    """Shuffled, augmented batches of the training images.

    Args:
        images: The training images.
        recipe: Gives batch size and augmentation.
        seed: The run's seed.
        targets: Turns (batch,) labels into what the loss wants.

    Returns:
        A function of (phase, epoch, first step) that gives the rest of that epoch: batches of
        ((batch, height, width, channels) pixels in 0-255, targets).
    """
    steps = steps_per_epoch(images, recipe.batch_size)
    pixels, labels = tf.constant(images.pixels), tf.constant(images.labels)

    def epoch_batches(phase: int, epoch: int, first_step: int) -> tf.data.Dataset:
        key = [seed, phase, epoch]
        order = tf.constant(np.random.default_rng(key).permutation(len(images)))
        step_seeds = tf.constant(np.random.SeedSequence(key).generate_state(2 * steps).view("int32").reshape(steps, 2))

        def load(step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            indices = order[step * recipe.batch_size : (step + 1) * recipe.batch_size]
            batch = tf.gather(pixels, indices)
            if recipe.augment != Augment():
                batch = augment(batch, step_seeds[step], recipe.augment)
            batch = tf.ensure_shape(batch, [None, *images.pixels.shape[1:]])
            return batch, targets(tf.gather(labels, indices))

        numbers = tf.data.Dataset.range(first_step, steps)
        return numbers.map(load, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).prefetch(tf.data.AUTOTUNE)

    return epoch_batches


def ordered_batches(images: Images, batch_size: int) -> tf.data.Dataset:
    """All images once, in order, unchanged: batches of (pixels, labels)."""
    pixels, labels = tf.constant(images.pixels), tf.constant(images.labels)
    places = tf.data.Dataset.range(len(images)).batch(batch_size)
    return places.map(lambda place: (tf.gather(pixels, place), tf.gather(labels, place))).prefetch(2)
