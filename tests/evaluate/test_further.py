"""A further phase, added where folds say that it helps."""

import dataclasses
import time

import numpy as np
import pytest

from recipes import book
from recipes.data import Images
from recipes.errors import UsageFault
from recipes.evaluate import further
from recipes.evaluate.predictions import Predictions

PHOTOS = Images(
    np.zeros((60, 4, 4, 3), "uint8"), np.arange(60) % 2, np.array([f"photo {number}" for number in range(60)])
)
RECIPE = book.get("own_photos")
LONGER = RECIPE.override("phases", "head,finetune")


def answers(images, right):
    """Of images of two classes, the first so many called by their names."""
    sure = np.where(np.arange(len(images)) < right, 0.8, 0.2)
    rows = np.where(images.labels[:, None] == [0, 1], sure[:, None], 1 - sure[:, None])
    return Predictions(images.ids, images.labels, rows, ("cat", "dog"))


def trial(before, after, minutes=10.0, whole=1.0, ended=6):
    """A trial whose folds have so many of 20 right, of which some end in time; gives it, and what was trained."""
    trained = []

    def train(name, right):
        def one(fold, until):
            trained.append((name, fold, until))
            return answers(fold.validation, right[(len(trained) - 1) // 2]) if len(trained) <= ended else None

        return one

    sides = (further.Side(RECIPE, PHOTOS, train("before", before)), further.Side(LONGER, PHOTOS, train("after", after)))
    found = further.tried(
        *sides, np.arange(60) // 2, ("cat", "dog"), minutes=minutes, whole=lambda images: whole,
    )  # fmt: skip
    return found, trained


def test_phase_helps_where_more_photos_are_right_than_chance_explains():
    assert trial([10] * 3, [14] * 3)[0].helps
    found = trial([10] * 3, [14, 11, 9])[0]
    assert (found.right_before, found.right_after) == (30, 34)
    assert found.p_value == pytest.approx(0.21875), "5 against 1"
    assert not found.helps
    assert not trial([14] * 3, [10] * 3)[0].helps


def test_phase_does_not_help_where_rare_classes_pay_for_it():
    found = trial([10] * 3, [14] * 3)[0]
    assert found.balanced_after == pytest.approx(14 / 20)
    assert not dataclasses.replace(found, balanced_before=0.8).helps


def test_trial_tells_the_recipe_from_the_phase_on_the_same_photos():
    found, trained = trial([16] * 3, [18] * 3)
    assert (found.phase, found.backbone, found.size) == ("finetune", "efficientnet_lite0", 4)
    assert (found.images, found.right_before, found.right_after) == (60, 48, 54)
    right, wrong = -np.log(0.8), -np.log(0.2)
    assert found.losses_before == pytest.approx([0.8 * right + 0.2 * wrong] * 3)
    assert found.temperature == pytest.approx(np.log(4) / np.log(9), abs=1e-4), "0.9 are right, and 0.8 said of each"
    assert found.losses_after == pytest.approx([-0.9 * np.log(0.9) - 0.1 * np.log(0.1)] * 3)
    assert [name for name, *_ in trained] == ["before", "after"] * 3
    for _, fold, _ in trained:  # Two photos each look alike.
        train, rest = ({int(name.split()[1]) // 2 for name in images.ids} for images in (fold.train, fold.validation))
        assert train.isdisjoint(rest)


def test_photos_of_a_fold_choose_no_epoch_in_it():
    asked = LONGER.override("phases.finetune.keep", "best").override("phases.finetune.patience", 2)
    in_fold = further.for_folds(asked)
    assert [(phase.keep, phase.patience) for phase in in_fold.phases] == [("last", None)] * 2
    assert in_fold.phases[1].learning_rate == LONGER.phases[1].learning_rate


def test_trial_ends_when_it_would_take_too_long(monkeypatch):
    clock = iter(range(0, 6000, 60))
    monkeypatch.setattr("recipes.evaluate.further.time.monotonic", lambda: next(clock))
    found, trained = trial([10] * 3, [20] * 3, minutes=4.0, whole=1.5)
    assert len(trained) == 2
    assert not found.helps
    assert found.minutes == pytest.approx(3 + 1.5), "a minute a fold, and 1.5 for all photos"


@pytest.mark.parametrize("ended", [0, 1, 2, 4])
def test_fold_that_is_not_done_in_time_is_ended_and_the_phase_left_out(caplog, ended):
    caplog.set_level("INFO", "recipes")
    found, trained = trial([10] * 3, [20] * 3, minutes=3.0, ended=ended)
    further.say(found, 3.0)
    assert len(trained) == ended + 1
    assert trained[0][2] == pytest.approx(time.monotonic() + 180, abs=60)
    assert (found.helps, len(found.losses_after)) == (False, ended // 2)
    assert ("in which the first fold did not end" in caplog.text) == (ended < 2)
    assert "is left out" in caplog.text


def test_phases_are_chosen_by_name():
    recipe = book.get("own_photos").override("phases.finetune.epochs", 2)
    assert [phase.name for phase in recipe.phases] == ["head"]
    both = recipe.override("phases", "head,finetune")
    assert [(phase.name, phase.epochs) for phase in both.phases] == [("head", 1), ("finetune", 2)]
    assert both.override("phases.finetune.epochs", 3).phases[1].epochs == 3
    with pytest.raises(UsageFault, match=r"no phase 'finetuen'\. There are: phases\.head, phases\.finetune"):
        recipe.override("phases", "head,finetuen")
