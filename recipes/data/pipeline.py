"""From images to batches, in tf.data.

The order of the training images and every random change to them are a function of (seed, phase, epoch, step), never of
what ran before: that is what makes a resumed run equal to an uninterrupted one.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf
from sklearn.utils.class_weight import compute_sample_weight

from recipes.data.augment import augment
from recipes.data.splits import Images
from recipes.files.sharded_array import Rows
from recipes.recipe import Augment, Recipe

# Batches in the making at a time; more would only fill the memory.
THREADS = min(os.cpu_count() or 1, 8)


def steps_per_epoch(images: Images, batch_size: int) -> int:
    """Batches in one pass; the last may be smaller."""
    return math.ceil(len(images) / batch_size)


def training_batches(
    images: Images,
    recipe: Recipe,
    *,
    seed: int,
    targets: Callable[[tf.Tensor], tf.Tensor],
    views: Sequence[np.ndarray | Rows] = (),
    in_company: bool = False,
) -> Callable[[int, int, int], tf.data.Dataset]:
    """Shuffled batches of the training images: augmented pixels, or activations kept from an earlier pass.

    Args:
        images: The training images.
        recipe: Gives batch size, augmentation and class weights.
        seed: The run's seed.
        targets: Turns (batch,) labels into what the loss wants.
        views: Activations of the images, a set for each augmented view, in place of pixels. Every image's turn comes
            to each view once in as many epochs as there are views.
        in_company: A last image that would be a batch alone takes the one before it along: statistics of one image,
            as BatchNormalization keeps them, say that nothing varies.

    Returns:
        A function of (phase, epoch, first step) that gives the rest of that epoch: batches of
        (pixels in 0-255 or activations, targets), with a weight for each image where classes are balanced.
    """
    steps = steps_per_epoch(images, recipe.batch_size)
    borders = np.minimum(np.arange(steps + 1) * recipe.batch_size, len(images))
    if in_company and steps > 1 and len(images) % recipe.batch_size == 1:
        borders[-2] -= 1
    labels = tf.constant(images.labels)
    weights = tf.constant(compute_sample_weight("balanced", images.labels), "float32") if recipe.class_weights else None
    changes = recipe.augment != Augment() and not views
    sources = views or [images.pixels]

    # A function of its own, which is traced once: what a data set maps is traced anew in every epoch.
    @tf.function(
        input_signature=(
            tf.TensorSpec((None, *images.pixels.shape[1:]), images.pixels.dtype),
            tf.TensorSpec(2, tf.int32),
        )
    )
    def changed(pixels: tf.Tensor, step_seed: tf.Tensor) -> tf.Tensor:
        return augment(pixels, step_seed, recipe.augment)

    def epoch_batches(phase: int, epoch: int, first_step: int) -> tf.data.Dataset:
        key = [seed, phase, epoch]
        order = np.random.default_rng(key).permutation(len(images))
        step_seeds = tf.constant(np.random.SeedSequence(key).generate_state(2 * steps).view("int32").reshape(steps, 2))
        turn = (np.random.default_rng(seed).integers(len(sources), size=len(images)) + epoch) % len(sources)

        def read(indices: np.ndarray) -> np.ndarray:
            if len(sources) == 1:
                return sources[0][indices]
            return np.stack([sources[turn[index]][index : index + 1][0] for index in indices])

        def load(step: tf.Tensor) -> tuple[tf.Tensor, ...]:
            indices = tf.constant(order)[tf.constant(borders)[step] : tf.constant(borders)[step + 1]]
            batch = _read(read, indices, sources[0])
            if changes:
                batch = tf.ensure_shape(changed(batch, step_seeds[step]), batch.shape)
            found = targets(tf.gather(labels, indices))
            return (batch, found) if weights is None else (batch, found, tf.gather(weights, indices))

        numbers = tf.data.Dataset.range(first_step, steps)
        return _ahead(numbers.map(load, num_parallel_calls=THREADS, deterministic=True))

    return epoch_batches


def ordered_batches(images: Images, batch_size: int) -> tf.data.Dataset:
    """All images once, in order, unchanged: batches of (pixels, labels)."""
    labels = tf.constant(images.labels)
    places = tf.data.Dataset.range(len(images)).batch(batch_size)
    return _ahead(
        places.map(
            lambda place: (_read(lambda rows: images.pixels[rows], place, images.pixels), tf.gather(labels, place))
        )
    )


def validation_batches(
    images: Images, recipe: Recipe, batch_size: int, targets: Callable[[tf.Tensor], tf.Tensor]
) -> tf.data.Dataset:
    """The validation images once, in order, weighed as the training images are.

    Args:
        images: Pixels, or activations kept from an earlier pass.
        recipe: Says whether classes are balanced.
        batch_size: Images at a time.
        targets: Turns (batch,) labels into what the loss wants.

    Returns:
        Batches of (pixels or activations, targets), with a weight for each image where classes are balanced.
    """
    batches = ordered_batches(images, batch_size).map(lambda inputs, labels: (inputs, targets(labels)))
    if not recipe.class_weights:
        return batches
    weights = compute_sample_weight("balanced", images.labels).astype("float32")
    weight_batches = tf.data.Dataset.from_tensor_slices(weights).batch(batch_size)
    return tf.data.Dataset.zip(batches, weight_batches).map(lambda batch, weight: (*batch, weight))


def _ahead(batches: tf.data.Dataset) -> tf.data.Dataset:
    """The same batches, made ready two ahead, and without tf.data's autotuning.

    Its thread sleeps twice as long each time, and a data set that ends may have to wait until it wakes: an epoch of
    eleven seconds, ten more.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return batches.prefetch(2).with_options(options)


def _read(read: Callable[[np.ndarray], np.ndarray], rows: tf.Tensor, source: np.ndarray | Rows) -> tf.Tensor:
    """Rows of an array, in memory or on disk, as a tensor of known shape."""
    batch = tf.numpy_function(read, [rows], source.dtype, stateful=False)
    if source.dtype == "float16":  # Kept on disk in half the space; no network here computes in it.
        batch = tf.cast(batch, "float32")
    return tf.ensure_shape(batch, [None, *source.shape[1:]])
