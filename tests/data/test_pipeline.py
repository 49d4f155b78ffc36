"""Batches: every image once an epoch, and no epoch that waits for a thread of tf.data."""

import dataclasses

import numpy as np
import tensorflow as tf

from recipes.book.fashion_cnn import PUBLISHED
from recipes.data import pipeline
from recipes.data.augment import augment
from recipes.data.pipeline import ordered_batches, training_batches
from recipes.data.splits import Images
from recipes.recipe import Augment

IMAGES = Images(np.arange(50, dtype="uint8").reshape(50, 1, 1, 1), np.arange(50) % 10, np.arange(50).astype(str))


def shuffled(epoch: int, first_step: int = 0) -> tf.data.Dataset:
    recipe = dataclasses.replace(PUBLISHED, batch_size=8)
    return training_batches(IMAGES, recipe, seed=1, targets=tf.identity)(0, epoch, first_step)


def pixels(batches: tf.data.Dataset) -> list[int]:
    return [int(pixel) for images, _ in batches for pixel in np.ravel(images)]


def test_an_epoch_brings_every_image_once_in_an_order_of_its_own():
    assert sorted(pixels(shuffled(0))) == sorted(pixels(shuffled(1))) == list(range(50))
    assert pixels(shuffled(0)) == pixels(shuffled(0)) != pixels(shuffled(1))
    for images, labels in shuffled(0):
        assert np.array_equal(np.ravel(images) % 10, labels)


def test_the_rest_of_an_epoch_is_its_end():
    assert pixels(shuffled(0, first_step=3)) == pixels(shuffled(0))[24:]


def test_a_last_image_takes_one_along_where_statistics_are_kept():
    recipe = dataclasses.replace(PUBLISHED, batch_size=7)
    sizes = {}
    for in_company in (False, True):
        batches = training_batches(IMAGES, recipe, seed=1, targets=tf.identity, in_company=in_company)(0, 0, 0)
        sizes[in_company] = [len(labels) for _, labels in batches]
        assert sorted(pixels(batches)) == list(range(50))
    assert sizes == {False: [7] * 7 + [1], True: [7] * 6 + [6, 2]}


def test_ordered_batches_keep_the_order():
    assert pixels(ordered_batches(IMAGES, 8)) == list(range(50))


def test_no_data_set_is_autotuned():
    for batches in (shuffled(0), ordered_batches(IMAGES, 8), ordered_batches(IMAGES, 8).map(lambda *both: both)):
        assert batches.options().autotune.enabled is False


def test_random_changes_are_traced_once_for_all_epochs(monkeypatch):
    traced = []
    monkeypatch.setattr(pipeline, "augment", lambda *given: traced.append(given) or augment(*given))
    recipe = dataclasses.replace(PUBLISHED, batch_size=8, augment=Augment(shift=0.5))
    epochs = training_batches(IMAGES, recipe, seed=1, targets=tf.identity)
    seen = [[images.numpy().tolist() for images, _ in epochs(0, epoch, 0)] for epoch in (0, 1, 0)]
    assert seen[0] == seen[2] != seen[1]
    assert len(traced) == 1
