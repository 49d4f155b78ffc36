"""Augmentation: what each setting does to pixels, and that a seed fixes it."""

import numpy as np
import pytest

from recipes import Augment
from recipes.augment import GREY, augment


@pytest.fixture(scope="module")
def photos():
    """Sixteen copies of a real photograph's crop, 40x60."""
    from sklearn.datasets import load_sample_image

    return np.repeat(load_sample_image("china.jpg")[100:140, 200:260][np.newaxis], 16, axis=0)


def changed(photos, seed=(1, 2), **settings):
    return augment(photos, np.array(seed, "int32"), Augment(**settings)).numpy()


def test_augment_without_settings_changes_nothing(photos):
    np.testing.assert_array_equal(changed(photos), photos)


def test_augment_flip_mirrors_about_half(photos):
    out = changed(photos, flip=True)
    mirrored = [np.array_equal(one, photo[:, ::-1]) for one, photo in zip(out, photos, strict=True)]
    kept = [np.array_equal(one, photo) for one, photo in zip(out, photos, strict=True)]
    assert all(one != other for one, other in zip(mirrored, kept, strict=True))
    assert 3 <= sum(mirrored) <= 13


def test_augment_shift_moves_by_whole_pixels_and_reflects(photos):
    out = changed(photos, shift=0.1)
    moves = set()
    for one, photo in zip(out, photos, strict=True):
        padded = np.pad(photo, ((4, 4), (6, 6), (0, 0)), mode="symmetric")
        found = [
            (dy, dx) for dy in range(9) for dx in range(13) if np.array_equal(one, padded[dy : dy + 40, dx : dx + 60])
        ]
        assert found
        moves.add(found[0])
    assert len(moves) > 8


@pytest.mark.parametrize("settings", [{"rotation": 0.1}, {"zoom": 0.2}, {"flip": True, "shift": 0.1, "zoom": 0.1}])
def test_augment_stays_within_range_and_keeps_the_mean(photos, settings):
    out = changed(photos, **settings)
    assert out.min() >= 0
    assert out.max() <= 255
    assert np.abs(out - photos).mean() > 1
    assert abs(out.mean() - photos.mean()) < 12


def test_augment_rotation_turns_around_the_centre():
    spot = np.zeros((64, 21, 21, 1), "uint8")
    spot[:, 9:12, 9:12] = 255
    out = changed(spot, rotation=0.5)
    assert (out[:, 10, 10, 0] > 200).all()


def test_augment_erase_covers_a_grey_square(photos):
    out = changed(photos, erase=0.5)
    covered = (out == GREY).all(axis=-1).mean(axis=(1, 2))
    assert (covered > 0.05).all()
    assert (covered < 0.30).all()


def test_augment_is_fixed_by_its_seed(photos):
    settings = {"flip": True, "shift": 0.1, "rotation": 0.1, "zoom": 0.2, "erase": 0.2}
    np.testing.assert_array_equal(changed(photos, **settings), changed(photos, **settings))
    assert np.abs(changed(photos, **settings) - changed(photos, seed=(1, 3), **settings)).mean() > 1


def test_augment_strength_scales(photos):
    np.testing.assert_array_equal(changed(photos, rotation=0.2, strength=0.0), photos)
    weak, strong = changed(photos, rotation=0.2, strength=0.2), changed(photos, rotation=0.2)
    assert np.abs(weak - photos).mean() < np.abs(strong - photos).mean()
