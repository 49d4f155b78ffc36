"""Augmentation: what each setting does to pixels, and that a seed fixes it."""

from dataclasses import dataclass

import numpy as np
import pytest

from recipes import Augment, Phase, Recipe
from recipes.data.augment import GREY, augment
from recipes.errors import UsageFault
from recipes.files.sharded_array import Rows
from recipes.freeze.cache_key import images_key
from recipes.freeze.frozen_pass import View
from recipes.recipe.augmentation import colour


@pytest.fixture(scope="module")
def photos():
    """Sixteen copies of a real photograph's crop, 40x60."""
    from sklearn.datasets import load_sample_image

    return np.repeat(load_sample_image("china.jpg")[100:140, 200:260][np.newaxis], 16, axis=0)


def changed(photos, seed=(1, 2), **settings):
    return augment(photos, np.array(seed, "int32"), Augment(**settings)).numpy()


# Means of eight random images after the augmentation of the first version, with its kinds one by one and all together.
MEANS = [
    ({"flip": True}, [133.222, 130.069, 129.056, 131.692, 129.514, 128.397, 129.228, 130.119]),
    ({"shift": 0.2}, [129.544, 133.181, 130.833, 130.119, 129.183, 126.647, 128.931, 127.431]),
    ({"rotation": 0.1}, [135.912, 132.16, 130.76, 133.916, 130.193, 128.907, 129.308, 129.52]),
    ({"zoom": 0.2}, [132.009, 130.981, 129.004, 131.642, 129.447, 131.536, 132.678, 129.409]),
    ({"erase": 0.3}, [132.05, 128.872, 128.836, 132.086, 127.772, 127.086, 128.869, 129.994]),
    (
        {"flip": True, "shift": 0.2, "rotation": 0.1, "zoom": 0.2, "erase": 0.3, "strength": 0.8},
        [133.663, 134.538, 130.591, 130.975, 125.688, 128.208, 132.047, 128.341],
    ),
]


@pytest.mark.parametrize(("settings", "means"), MEANS)
def test_augment_draws_as_when_the_stored_results_were_made(settings, means):
    images = np.random.default_rng(0).integers(0, 256, (8, 12, 10, 3))
    np.testing.assert_allclose(changed(images, **settings).mean(axis=(1, 2, 3)), means, atol=0.01)


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        (None, "e9c814d9dc8e42720b821856acf8e4ca28b36037d57624b8df4628a3863d971f"),
        ({"flip": True, "rotation": 0.1}, "cb42fd8a84f611f7b94198dc3bdafe7b05cec1c50fff5e35d0f6e5f93d0de9b3"),
    ],
)
def test_augment_leaves_the_keys_of_kept_activations_as_they_were(tmp_path, settings, key):
    """Keys of the first version, when there were six fields; a later field counts where it is used."""
    images = np.arange(96, dtype="uint8").reshape(2, 4, 4, 3)

    def found(**more):
        augment = Augment(**settings, **more) if settings else None
        return Rows(tmp_path, View(images, images_key(images), augment, 7, 1).facts(), 2, (3,), "float16").key

    assert found() == key
    if settings:
        assert len({found(), found(contrast=0.1), found(contrast=0.2), found(brightness=0.1)}) == 4


@pytest.mark.parametrize("kind", ["contrast", "brightness"])
def test_augment_colours_are_drawn_by_their_own_name(photos, kind):
    geometry = {"flip": True, "shift": 0.1}
    other = {"brightness": "contrast", "contrast": "brightness"}[kind]
    alone = changed(photos, **{kind: 0.3})
    assert np.abs(alone - photos).mean() > 3
    assert alone.min() >= 0
    assert alone.max() <= 255
    assert len(np.unique(alone.std(axis=(1, 2, 3)) + alone.mean(axis=(1, 2, 3)))) == len(photos)
    np.testing.assert_array_equal(alone, changed(photos, **{kind: 0.3}))
    np.testing.assert_array_equal(alone, changed(photos, **{kind: 0.6, "strength": 0.5}))
    assert np.abs(alone - changed(photos, seed=(1, 3), **{kind: 0.3})).mean() > 1
    # What it changes in a moved or otherwise coloured image is what it changes in the image alone.
    grey = np.full((16, 8, 8, 3), 128, "uint8")
    grey[:, :4] = 100
    moved = changed(grey, **{kind: 0.3}, flip=True)
    np.testing.assert_array_equal(moved, changed(grey, **{kind: 0.3}))
    both = changed(grey, **{kind: 0.1, other: 0.1})
    for measure in (np.mean, np.std):
        same = {"brightness": np.mean, "contrast": np.std}[kind] is measure
        for one, alone in zip(both, changed(grey, **{kind: 0.1}), strict=True):
            assert (measure(one) == pytest.approx(measure(alone), abs=0.01)) == same
    np.testing.assert_array_equal(changed(photos, **geometry), changed(photos, **geometry, **{kind: 0.0}))


def test_augment_contrast_keeps_the_mean_and_brightness_the_spread():
    grey = np.full((32, 8, 8, 3), 128, "uint8")
    grey[:, :4] = 100
    spread = changed(grey, contrast=0.5)
    np.testing.assert_allclose(spread.mean(axis=(1, 2, 3)), 114, atol=0.01)
    assert 0.5 * 14 <= spread.std(axis=(1, 2, 3)).min() < 0.7 * 14
    assert 1.3 * 14 < spread.std(axis=(1, 2, 3)).max() <= 1.5 * 14
    shifted = changed(grey, brightness=0.2)
    np.testing.assert_allclose(shifted.std(axis=(1, 2, 3)), 14, atol=0.01)
    assert -51 <= shifted.mean(axis=(1, 2, 3)).min() - 114 < -30
    assert 30 < shifted.mean(axis=(1, 2, 3)).max() - 114 <= 51


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"contrast": 1.0}, "'contrast' of the augment must be a number 0 or more and below 1. Got 1.0"),
        ({"brightness": -0.1}, "'brightness' of the augment must be a number 0 or more and below 1. Got -0.1"),
        ({"contrast": 0.6, "strength": 2.0}, "'contrast' of the augment must be at most 1 when multiplied by the str"),
    ],
)
def test_augment_refuses_colours_out_of_range(settings, words):
    assert any(words in fault for fault in Augment(**settings).faults())


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


def test_augment_takes_another_colour_as_one_function_and_one_field(photos):
    """Checked, overridden, drawn and in the key of kept activations, all from that one field."""

    def whiten(images, factor):
        return images + (255 - images) * abs(factor)

    @dataclass(frozen=True)
    class Hazy(Augment):
        haze: float = colour(whiten)

    recipe = Recipe("a", "fashion_cnn", "mnist", (Phase("train", 1),), augment=Hazy())
    hazy = recipe.override("augment.haze", "0.5").augment
    image = augment(photos, np.array((1, 2), "int32"), hazy).numpy()
    assert (image >= photos).all()
    assert 5 < (image - photos).mean() < 0.5 * (255 - photos).mean()
    assert hazy.key_facts() == Augment().key_facts() | {"haze": 0.5}
    with pytest.raises(UsageFault, match="'haze' of the hazy must be a number 0 or more and below 1. Got 2.0"):
        recipe.override("augment.haze", "2.0")
