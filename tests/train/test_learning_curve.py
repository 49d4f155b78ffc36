"""How many photos more: measured by folds, and forecast for twice as many."""

import dataclasses
import functools
import json

import keras
import numpy as np
import pytest
from scipy.special import logit

from recipes import Phase, book
from recipes.data import Images, Origin, Splits
from recipes.freeze.boundary import Features
from recipes.train.engine import Outcome
from recipes.train.heads import learning_curve, out_of_fold, power_law

HEAD = Phase("head", epochs=1, optimizer="logistic_regression", weight_decay=10.0)
PHOTOS = np.array([25.0, 50.0, 100.0, 200.0])


def clouds(per_class, classes=3, size=20, spread=2.5):
    draw = np.random.default_rng(0)
    labels = np.repeat(np.arange(classes), per_class)
    return draw.normal(size=(classes, size))[labels] + draw.normal(scale=spread, size=(len(labels), size)), labels


def answers(errors, tested=400, seed=0):
    """(sizes, tested): photos in an order of difficulty, of which those below an error are wrong, with some chance."""
    draw = np.random.default_rng(seed)
    hard = draw.uniform(size=tested)
    return np.stack([hard + draw.normal(scale=0.02, size=tested) > error for error in errors]).astype(float)


def test_a_law_that_is_followed_is_continued():
    def error(photos):
        return 0.05 + 0.15 * (photos / 200) ** -0.5

    law = power_law.fit(PHOTOS, answers(error(PHOTOS)), np.arange(400))
    wanted = error(200) - error(400)
    assert law.gain().low < wanted < law.gain().high
    assert law.gain().middle == pytest.approx(wanted, abs=0.02)
    assert law.accuracy(400).low < 1 - error(400) < law.accuracy(400).high


def test_where_more_photos_did_nothing_they_will_do_little():
    flat = np.tile(answers([0.2])[0], (4, 1))
    assert power_law.fit(PHOTOS, flat, np.arange(400)).gain().middle < 0.01


def test_photos_that_are_all_right_gain_nothing_but_chance():
    gains = [power_law.fit(PHOTOS, np.ones((4, tested)), np.arange(tested)).gain() for tested in (60, 600)]
    assert all(gain.low < 0 < gain.high and abs(gain.middle) < 0.005 for gain in gains)
    assert gains[0].high - gains[0].low > 5 * (gains[1].high - gains[1].low)


def test_chance_is_that_of_one_head_against_another():
    """Two heads that are right on other photos, each half the time: their difference over 100 deviates by 0.07."""
    whole, half = np.tile([0.0, 1.0], 50), np.repeat([0.0, 1.0], 50)
    right = np.stack([half, half, half, whole])
    assert power_law.fit(PHOTOS, right, np.arange(100)).chance == pytest.approx(0.005**0.5, rel=0.02)
    assert power_law.fit(PHOTOS, right, np.arange(100) // 4).chance == pytest.approx(0.02**0.5, rel=0.02)


def test_look_alikes_count_as_one_photo():
    right = np.repeat(answers([0.4, 0.35, 0.3, 0.25], tested=40), 10, axis=1)
    alone, together = (
        power_law.fit(PHOTOS, right, groups).accuracy(400) for groups in (np.arange(400), np.repeat(np.arange(40), 10))
    )
    assert together.high - together.low > 1.5 * (alone.high - alone.low)


def test_a_curve_rises_and_says_what_twice_as_many_photos_bring():
    features, labels = clouds(per_class=60)
    curve = learning_curve.curve(
        features, labels, np.arange(180), ("ant", "bee", "fly"), head=HEAD, balanced=False
    )  # fmt: skip
    assert [point.share for point in curve.points] == [0.125, 0.25, 0.5, 1]
    assert [point.photos for point in curve.points] == [18, 36, 72, 144]
    assert curve.points[0].accuracy < curve.points[-1].accuracy < curve.accuracy.middle
    assert all(point.interval[0] < point.accuracy < point.interval[1] for point in curve.points)
    assert (curve.tested, curve.folds, curve.twice) == (180, 5, 288)
    assert curve.law[-1][0] == pytest.approx(288), "no promise beyond twice as many"
    assert {name: one.tested for name, one in curve.classes.items()} == {"ant": 60, "bee": 60, "fly": 60}
    assert curve.words().startswith("twice as many photos: about +")
    stored = json.loads(json.dumps(curve.as_dict()))
    assert stored["gain"]["middle"] == curve.gain.middle
    assert stored["classes"]["ant"]["gain"]["low"] == curve.classes["ant"].gain.low


def test_a_class_is_named_only_where_it_gains_more_than_the_others():
    gain, more = power_law.Band(0.0, 0.01, 0.02), power_law.Band(0.0, 0.04, 0.08)
    classes = {
        name: learning_curve.ClassCurve(20, (0.5,), band) for name, band in (("ant", gain), ("bee", more))
    }  # fmt: skip
    curve = learning_curve.LearningCurve((), 40, 5, 80, gain, gain, (), classes, 1.0)
    assert curve.words() == (
        "twice as many photos: about +1.0 points (0.0 to 2.0); most for bee: +4.0 points (0.0 to 8.0)"
    )
    alike = learning_curve.LearningCurve((), 40, 5, 80, gain, gain, (), dict(classes, bee=classes["ant"]), 1.0)
    assert alike.words() == "twice as many photos: about +1.0 points (0.0 to 2.0)"


def test_the_band_of_a_gain_is_told_in_points():
    assert learning_curve.points(power_law.Band(0.003, 0.0149, 0.024)) == "+1.5 points (0.3 to 2.4)"
    assert learning_curve.points(power_law.Band(-0.0001, 0.0, 0.01)) == "+0.0 points (0.0 to 1.0)"


def test_of_many_photos_not_every_fold_is_tested(monkeypatch):
    monkeypatch.setattr(learning_curve, "TESTED", 60)
    features, labels = clouds(per_class=50)
    found = learning_curve.measured(features, labels, np.arange(150), head=HEAD, balanced=True)
    assert (found.folds, len(found.places)) == (2, 60)
    assert found.photos[-1] == 120


@pytest.mark.parametrize("optimizer", ["lda", "logistic_regression"])
def test_few_photos_make_few_sizes(optimizer):
    features, labels = clouds(per_class=5)
    head = Phase("head", epochs=1, optimizer=optimizer, weight_decay=float(optimizer != "lda"))
    curve = learning_curve.curve(features, labels, np.arange(15), ("ant", "bee", "fly"), head=head, balanced=False)
    assert [(point.share, point.photos) for point in curve.points] == [(0.5, 6), (1.0, 12)]


def test_copies_in_two_folds_do_not_flatter_a_curve():
    draw = np.random.default_rng(0)
    features, labels = np.repeat(draw.normal(size=(24, 40)), 10, axis=0), np.repeat(draw.permutation(24) % 2, 10)
    apart, together = (
        learning_curve.measured(features, labels, groups, head=HEAD, balanced=False).right[-1].mean()
        for groups in (np.arange(240), np.repeat(np.arange(24), 10))
    )
    assert apart > 0.95
    assert together < 0.8


def splits_of(labels, names):
    images = Images(np.zeros((len(labels), 1)), labels, np.arange(len(labels)).astype(str))
    return Splits(images, images, images, names, Origin("photos", "mine", None))


def test_a_class_of_fewer_photos_than_folds_has_no_curve_and_is_named(caplog):
    caplog.set_level("INFO", "recipes")
    labels, recipe = np.repeat([0, 1], [20, 6]), book.get("own_photos")
    groups = np.arange(26)
    groups[-3:] = groups[-4]  # Four of the six look alike.
    assert learning_curve.of_run(recipe, Outcome(None, [], {}), splits_of(labels, ("cat", "dog")), groups) is None
    assert "no learning curve: 5 folds take 5 training photos that differ of each class, and dog has 3" in caplog.text


def outcome_of(features, *above):
    """A training that ended with these features of a frozen layer, and what was trained above it."""
    image = keras.Input(features.shape[1:])
    frozen = keras.layers.Activation("relu", name="frozen")(image)
    model = keras.Model(image, functools.reduce(lambda tensor, layer: layer(tensor), above, frozen))
    return Outcome(model, [], {}, last=Features("frozen", [features], features[:0], 0, 0, 0.0))


def test_a_regression_stands_in_for_a_head_that_was_trained_in_steps():
    features, labels = clouds(per_class=40, classes=2)
    places = features[:, np.newaxis, np.newaxis] + np.array([-1.0, 1.0]).reshape(1, 1, 2, 1)  # Their mean is the same.
    head = keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(8), keras.layers.Dense(1)
    recipe, splits = book.get("vgg16_feature_extract"), splits_of(labels, ("cat", "dog"))
    curve = learning_curve.of_run(recipe, outcome_of(places, *head), splits, np.arange(80))
    alone = learning_curve.curve(
        features, labels, np.arange(80), ("cat", "dog"), head=learning_curve.STAND_IN, balanced=False
    )
    assert curve.stood_in
    assert curve.points == alone.points
    assert curve.words().partition(";")[0].endswith("(by a logistic regression in place of the head)")
    assert curve.as_dict()["stood_in"]


def test_where_more_than_a_head_was_trained_there_is_no_curve_and_it_is_said(caplog):
    caplog.set_level("INFO", "recipes")
    splits = splits_of(np.repeat([0, 1], 20), ("cat", "dog"))
    above = keras.layers.Conv2D(2, 1), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(1)
    for outcome in (Outcome(None, [], {}), outcome_of(np.zeros((40, 2, 2, 3), "float32"), *above)):
        assert learning_curve.of_run(book.get("vgg16_finetune"), outcome, splits, np.arange(40)) is None
        assert "no learning curve: more than a head was trained" in caplog.text
        caplog.clear()


def test_photos_called_by_folds_are_called_by_heads_that_did_not_see_them():
    """Labels at random: a head that had seen a photo would know its label."""
    draw = np.random.default_rng(0)
    features, labels = draw.normal(size=(120, 200)), draw.integers(0, 3, 120)
    found = out_of_fold.probabilities(
        features, labels, np.arange(120), head=HEAD, classes=3, balanced=False, folds=5
    )  # fmt: skip
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert (found.argmax(axis=1) == labels).mean() < 0.5


def test_photos_called_by_folds_have_the_temperature_of_the_head():
    features, labels = clouds(per_class=30, classes=2)
    cold, hot = (
        out_of_fold.probabilities(
            features, labels, np.arange(60), head=dataclasses.replace(HEAD, temperature=temperature), classes=2,
            balanced=False, folds=5,
        )
        for temperature in (1.0, 3.0)
    )  # fmt: skip
    np.testing.assert_allclose(logit(cold[:, 1]), 3 * logit(hot[:, 1]), rtol=1e-4)
