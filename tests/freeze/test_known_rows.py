"""Images that are as they were do not pass the frozen part again, and get the same activations."""

import keras
import numpy as np
import pytest

from recipes import Augment
from recipes.freeze.feature_cache import cache, remaining


@pytest.fixture(scope="module")
def prefix():
    keras.utils.set_random_seed(3)
    image = keras.Input((12, 12, 3))
    x = keras.layers.Conv2D(8, 3, activation="relu")(keras.layers.Rescaling(1 / 255)(image))
    return keras.Model(image, keras.layers.GlobalAveragePooling2D()(x))


def images(number, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (number, 12, 12, 3), "uint8")


def passed(prefix, pixels, folder, **more):
    """What is kept of images, and how many of them passed the network for it."""
    seen = [0]
    rows = cache(prefix, pixels, folder=folder, engine="keras", watch=lambda done, total: seen.append(done), **more)
    return rows[:], seen[-1]


def test_of_a_set_that_grew_only_new_images_pass(prefix, tmp_path):
    old, new = images(70), images(9, seed=1)
    first, number = passed(prefix, old, tmp_path)
    assert number == 70
    mixed = np.concatenate([new[:4], old[::-1][:50], new[4:]])
    grown, number = passed(prefix, mixed, tmp_path)
    assert number == 9
    np.testing.assert_array_equal(grown[4:54], first[::-1][:50])
    alone, number = passed(prefix, mixed, tmp_path / "alone")
    assert number == 59
    np.testing.assert_allclose(grown, alone, atol=1e-3)
    assert passed(prefix, mixed[::-1], tmp_path)[1] == 0  # Another order is another set, of images that are known.


def test_what_would_pass_is_known_before(prefix, tmp_path, monkeypatch):
    monkeypatch.setattr("recipes.freeze.frozen_pass.cache_folder", lambda: tmp_path)
    old, new = images(40), images(9, seed=1)
    passed(prefix, old, tmp_path / "activations")
    grown = np.concatenate([new, old])
    assert remaining(prefix, grown, dtype="float16", engine="keras") == ("keras float32", 9)
    assert remaining(prefix, old, dtype="float16", engine="keras")[1] == 0
    assert remaining(prefix, grown, dtype="float32", engine="keras")[1] == 49


def test_other_networks_formats_and_augmented_views_are_not_mixed(prefix, tmp_path):
    old = images(40)
    passed(prefix, old, tmp_path)
    assert passed(prefix, old[:30], tmp_path, dtype="float32")[1] == 30
    assert passed(prefix, old[:30], tmp_path, augment=Augment(flip=True))[1] == 30
    other = keras.models.clone_model(prefix)
    assert passed(other, old[:30], tmp_path)[1] == 30


def test_rows_that_are_damaged_are_made_again(prefix, tmp_path):
    old = images(40)
    first, _ = passed(prefix, old, tmp_path)
    (shard,) = (path for path in tmp_path.rglob("000000-*.rows"))
    shard.write_bytes(b"\0" * shard.stat().st_size)
    again, number = passed(prefix, old[:30], tmp_path)
    assert number == 30
    np.testing.assert_allclose(again, first[:30], atol=1e-3)
