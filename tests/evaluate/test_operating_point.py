"""From which probability on a class is said: how it is fixed, and what is answered then."""

import numpy as np
import pytest

from recipes.errors import UsageFault
from recipes.evaluate import operating_point
from recipes.evaluate.operating_point import OperatingPoint, Point, Wanted, fixed, parse, threshold_for
from recipes.evaluate.predictions import Predictions

NAMES = ("fine", "defect")


def table(scores, truth):
    scores = np.asarray(scores, float)
    return Predictions(
        np.arange(len(scores)).astype(str), np.asarray(truth), np.stack([1 - scores, scores], axis=1), NAMES
    )  # fmt: skip


def drawn(number, seed):
    """Scores of two kinds of photos that overlap, and which is which."""
    draw = np.random.default_rng(seed)
    truth = draw.integers(0, 2, number)
    return 1 / (1 + np.exp(-draw.normal(loc=3 * truth - 1.5, scale=1.5))), truth


@pytest.mark.parametrize("text", ["defect", "=0.9", "defect=", "defect=much", "defect=0", "defect=1.1", "defect=nan"])
def test_what_is_no_class_with_a_share_is_refused(text):
    with pytest.raises(UsageFault, match=r"--require-recall must be CLASS=SHARE.*such as defect=0.95"):
        parse(text, "recall")


def test_a_class_may_have_an_equals_sign_in_its_name():
    assert parse("a=b=0.9", "precision") == Wanted("a=b", "precision", 0.9)


def test_a_class_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(
        UsageFault, match=r"no class is named 'defekt'. Did you mean 'defect'\? The classes are fine, d"
    ):
        Wanted("defekt", "recall", 0.9).require(NAMES)


@pytest.mark.parametrize("recall", [0.8, 0.95])
def test_a_recall_holds_for_new_photos_in_the_mean(recall):
    found = []
    for seed in range(200):
        threshold, _ = threshold_for(Wanted("defect", "recall", recall), *bool_of(drawn(200, seed)))
        scores, truth = drawn(1000, seed + 1000)
        found.append((scores[truth == 1] >= threshold).mean())
    assert recall <= np.mean(found) < recall + 0.02


def bool_of(pair):
    return pair[0], pair[1] == 1


def test_a_recall_takes_the_highest_probability_that_serves():
    own = np.linspace(0.1, 0.9, 9)
    threshold, reason = threshold_for(Wanted("defect", "recall", 0.8), own, np.ones(9, bool))
    assert (threshold, reason) == (pytest.approx(0.15), "")  # Of nine, two may be missed; halfway to the next.


def test_so_few_photos_tell_no_such_recall():
    threshold, reason = threshold_for(Wanted("defect", "recall", 0.95), np.linspace(0, 1, 9), np.ones(9, bool))
    assert threshold is None
    assert reason == "9 photos of defect tell no recall of 0.95: ask for 0.9 or less, or add photos"
    assert threshold_for(Wanted("defect", "recall", 0.9), np.linspace(0, 1, 9), np.ones(9, bool))[0] is not None


def test_a_precision_takes_the_lowest_probability_that_serves():
    scores = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9])
    is_class = np.array([0, 0, 1, 0, 1, 1, 1, 1, 1], bool)
    # From 0.5 on five of five are right, and one alarm more makes 5/6; from 0.3 on it is 6/8.
    threshold, _ = threshold_for(Wanted("defect", "precision", 0.83), scores, is_class)
    assert threshold == pytest.approx(0.45)
    assert threshold_for(Wanted("defect", "precision", 0.75), scores, is_class)[0] == pytest.approx(0.25)


def test_a_precision_that_none_gives_is_said():
    scores, is_class = np.array([0.2, 0.8, 0.9]), np.array([1, 1, 0], bool)
    threshold, reason = threshold_for(Wanted("defect", "precision", 0.9), scores, is_class)
    assert threshold is None
    assert "no probability gives defect a precision of 0.9, 0.5 at best" in reason


def test_the_answer_is_the_class_or_the_best_of_the_others():
    rows = np.array([[0.5, 0.3, 0.2], [0.5, 0.1, 0.4], [0.2, 0.6, 0.2], [0.1, 0.25, 0.65], [0.05, 0.9, 0.05]])
    early, late = Point(1, 0.25), Point(1, 0.7)
    assert early.ranked(rows).tolist() == [[1, 0, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [1, 0, 2]]
    assert late.ranked(rows).tolist() == [[0, 1, 2], [0, 2, 1], [0, 1, 2], [2, 1, 0], [1, 0, 2]]
    assert operating_point.ranked(rows).tolist() == np.argsort(-rows, axis=1, kind="stable").tolist()
    assert early.ranked(np.zeros((0, 3))).shape == (0, 3)


def test_test_photos_have_no_part_in_it():
    wanted, validation = Wanted("defect", "recall", 0.9), table(*drawn(200, 0))
    points = [
        fixed(wanted, {"validation": validation, "test": table(scores, truth)}, None, np.array([]))
        for scores, truth in (drawn(200, 1), (np.zeros(200), np.tile([0, 1], 100)))
    ]
    assert points[0].threshold == points[1].threshold
    assert points[0].recall[0] > 0
    assert points[1].recall == (0, 100)
    assert points[1].precision == (0, 0)
    assert "precision unknown, of no photo" in points[1].words()[1]


def test_training_photos_by_folds_count_with_those_of_validation():
    (scores, truth), (more, labels) = drawn(60, 0), drawn(240, 1)
    tables = {"validation": table(scores, truth), "test": table(*drawn(100, 2))}
    found = fixed(Wanted("defect", "recall", 0.9), tables, np.stack([1 - more, more], axis=1), labels)
    wanted, _ = threshold_for(
        Wanted("defect", "recall", 0.9), np.concatenate([more, scores]), np.concatenate([labels, truth]) == 1
    )
    assert (found.threshold, found.folds, found.validation) == (wanted, 240, 60)
    assert "(by 240 training photos by folds and 60 validation photos)" in found.words()[0]


def test_what_it_is_worth_is_told_with_intervals():
    point = OperatingPoint("defect", "recall", 0.9, 0.25, "", 0, 50, (45, 50), (45, 60), (15, 100))
    first, second = point.words()
    assert first == (
        "operating point: defect from a probability of 0.25 on, for a recall of 0.9 (by 50 validation photos)"
    )
    assert "recall 0.900 (0.786 to 0.957; 45 of 50)" in second
    assert "false alarms 0.150 (0.093 to 0.233; 15 of 100)" in second
