"""None of these: the rate that is stated holds, what is unlike is refused, and what cannot be told is said."""

from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from photo_files import crops
from scipy.stats import binom
from sklearn.datasets import load_digits

import zoo
from recipes.data.splits import Images, Origin, Splits
from recipes.errors import CorruptFault, UsageFault
from recipes.evaluate import likeness, none_of_these
from recipes.evaluate.none_of_these import Known


@pytest.mark.parametrize("rate", [0.02, 0.05, 0.1])
def test_the_stated_rate_holds_on_photos_that_did_not_fix_it(rate):
    random = np.random.default_rng(5)
    refused, photos, rounds = 0, 50, 400
    for _ in range(rounds):
        known = Known(np.ones((1, 1), "float16"), np.sort(random.beta(5, 2, 99)).astype("float32"))
        refused += int(known.refused(known.as_unlike(random.beta(5, 2, photos)), rate).sum())
    # Photos of a round share their validation photos: the spread is that of the rounds, not of the photos alone.
    spread = (rate * (1 - rate) * (1 / photos + 1 / 99) / rounds) ** 0.5
    assert abs(refused / (photos * rounds) - rate) < 4 * spread


def test_the_least_likeness_and_the_share_refuse_the_same():
    random = np.random.default_rng(0)
    known = Known(np.ones((1, 1), "float16"), np.sort(random.random(57)).astype("float32"))
    photos = np.concatenate([random.random(500).astype("float32"), known.validation])
    for rate in (known.lowest_rate, 0.05, 0.2):
        np.testing.assert_array_equal(known.refused(known.as_unlike(photos), rate), photos < known.least(rate))
    _, refused = none_of_these.fixed(known.photos, known.validation, photos)
    assert refused.validation == (1, 57)
    assert refused.rate == 0.05


@pytest.mark.parametrize(
    ("rate", "words"),
    [
        (0.05, "9 validation photos tell no rate of false alarms of 0.05. Give 0.1 or more."),
        (0, "Give 0.1 or more"),
        (-1, "Give 0.1 or more"),
        (float("nan"), "must be below 1"),
        (1, "must be below 1. Got 1; 0.05 is usual."),
    ],
)
def test_a_rate_that_cannot_be_told_is_refused(rate, words):
    known = Known(np.ones((1, 1), "float16"), np.linspace(0, 1, 9, dtype="float32"))
    for ask in (known.require, known.least, lambda rate: known.refused(np.ones(1), rate)):
        with pytest.raises(UsageFault) as fault:
            ask(rate)
        assert words in str(fault.value)


def test_as_many_photos_of_each_class_are_kept_as_go():
    labels = np.array([0] * 3000 + [1] * 10 + [2] * 500)
    places = likeness.chosen(labels, 1280)
    assert np.bincount(labels[places]).tolist() == [495, 10, 495]
    assert len(likeness.chosen(labels, 100_000)) == 20
    assert likeness.chosen(labels[:7], 10).tolist() == list(range(7))


def test_nearest_are_the_photos_with_the_largest_cosine():
    from recipes.evaluate.predictions import NEAREST, predict

    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 1))
    features = keras.layers.Dense(6, name="features")(keras.layers.Flatten()(image))
    model = keras.Model(image, keras.layers.Dense(1, activation="sigmoid", name="answer")(features))
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (40, 8, 8, 1)).astype("uint8")
    images = Images(pixels, np.arange(40) % 2, np.arange(40).astype(str))
    found = keras.Model(image, features).predict(pixels, verbose=0)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    photos = found[:25].astype("float16")
    table = predict(likeness.compared(model, photos), images, ("a", "b"), likenesses=25)
    cosines = found @ photos.astype("float32").T
    np.testing.assert_array_equal(table.nearest, np.argsort(-cosines, axis=1)[:, :NEAREST])
    np.testing.assert_allclose(table.likeness, cosines.max(axis=1), atol=1e-4)
    assert table.nearest[:25, 0].tolist() == list(range(25))
    joined = predict(likeness.extended(model, photos, joined=True), images, ("a", "b"), likenesses=1)
    np.testing.assert_allclose(joined.likeness, table.likeness, atol=1e-6)
    np.testing.assert_allclose(joined.probabilities, table.probabilities, atol=1e-6)
    assert joined.nearest is None


def test_digits_are_refused_far_more_often_than_crops_of_the_photos_learned_from():
    keras.utils.set_random_seed(0)
    model = zoo.get("transfer", backbone="efficientnet_lite0", weights=None, input_shape=(64, 64, 3))
    pictures = [np.asarray(picture.convert("RGB").resize((64, 64))) for _, picture in crops(100, seed=2)]
    crops_of = np.random.default_rng(1).permutation(np.stack(pictures))
    digits = np.kron(load_digits().images[:100] * 255 / 16, np.ones((1, 8, 8)))
    digits = np.repeat(digits[..., np.newaxis], 3, axis=-1).astype("uint8")
    parts = [Images(part, np.zeros(len(part), "int64"), np.arange(len(part)).astype(str)) for part in
             (crops_of[:100], crops_of[100:200], crops_of[200:], digits)]  # fmt: skip
    photos = likeness.learned(model, None, Splits(*parts[:3], ("a",), Origin("photos", "crops", Path())))
    network = likeness.extended(model, photos, joined=True)
    validation, test, others = (network.predict(part.pixels, verbose=0)[:, -1] for part in parts[1:])
    known, refused = none_of_these.fixed(photos, validation, test)
    # The rate of one division is drawn twice: with its validation photos and with its test photos.
    assert refused.test[0] <= binom.ppf(0.999, 100, 0.05) + 5
    assert known.refused(known.as_unlike(others), 0.05).mean() > 0.5


@pytest.mark.parametrize("architecture", ["fashion_cnn", "mnist_functional", "mnist_wide", "keras_mat_lenet"])
def test_the_second_output_is_the_cosine_to_the_most_alike(architecture):
    model = zoo.get(architecture, weights=None)
    images = np.random.default_rng(0).integers(0, 256, (6, *model.input_shape[1:])).astype("float32")
    found = keras.Model(model.inputs[0], likeness.features(model)).predict(images, verbose=0)
    directions = found / np.linalg.norm(found, axis=1, keepdims=True)
    photos = directions[:4].astype("float16")
    answers, alike = likeness.extended(model, photos, joined=False).predict(images, verbose=0)
    np.testing.assert_allclose(alike[:, 0], (directions @ photos.T.astype("float32")).max(axis=1), atol=1e-5)
    np.testing.assert_allclose(alike[:4, 0], 1, atol=2e-3)
    np.testing.assert_allclose(answers, model.predict(images, verbose=0), atol=1e-6)
    joined = likeness.extended(model, photos, joined=True).predict(images, verbose=0)
    np.testing.assert_allclose(joined, np.hstack([answers, alike]), atol=1e-6)
    with pytest.raises(CorruptFault, match="is of another network"):
        likeness.extended(model, photos[:, :-1], joined=True)


def test_validation_images_pass_again_where_eight_bits_blurred_them():
    keras.utils.set_random_seed(0)
    model = zoo.get("fashion_cnn", weights=None)
    pixels = np.random.default_rng(0).integers(0, 256, (40, *model.input_shape[1:])).astype("uint8")
    images = Images(pixels, np.arange(40) % 10, np.arange(40).astype(str))
    splits = Splits(images, images, images, tuple("abcdefghij"), Origin("photos", "noise", Path()))
    kept = {name: SimpleNamespace(facts={"engine": name}) for name in ("openvino int8", "openvino bfloat16")}
    coarse, fine = (SimpleNamespace(layer="no such layer", train=[], validation=rows) for rows in kept.values())
    assert (likeness.is_exact(None), likeness.is_exact(coarse), likeness.is_exact(fine)) == (False, False, True)
    photos = likeness.learned(model, coarse, splits)
    table = SimpleNamespace(likeness=np.full(40, 0.3))
    again = likeness.of_validation(SimpleNamespace(model=model, last=coarse), photos, table, images)
    np.testing.assert_allclose(again, 1, atol=2e-3)  # Each is the most alike to itself.
    for last in (None, fine):
        told = likeness.of_validation(SimpleNamespace(model=model, last=last), photos, table, images)
        np.testing.assert_array_equal(told, table.likeness)


def test_a_file_comes_back_and_a_damaged_one_is_refused(tmp_path):
    path = tmp_path / none_of_these.FILE
    known = Known(np.eye(3, dtype="float16"), np.array([0.1, 0.5], "float32"))
    none_of_these.save(path, known)
    back = none_of_these.read(path)
    np.testing.assert_array_equal(back.photos, known.photos)
    np.testing.assert_array_equal(back.validation, known.validation)
    for content in (b"", b"PK\x03\x04 nothing", path.read_bytes()[:100]):
        path.write_bytes(content)
        with pytest.raises(CorruptFault, match="is missing or damaged"):
            none_of_these.read(path)
    none_of_these.save(path, Known(known.photos, np.array([np.nan], "float32")))
    with pytest.raises(CorruptFault, match="is damaged"):
        none_of_these.read(path)
