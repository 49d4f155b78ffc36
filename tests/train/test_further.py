"""A further phase, added where folds say that it helps."""

import time

import numpy as np
import pytest

from recipes import book
from recipes.data import Images
from recipes.errors import UsageFault
from recipes.train.heads import further

PHOTOS = Images(
    np.zeros((60, 4, 4, 3), "uint8"), np.arange(60) % 2, np.array([f"photo {number}" for number in range(60)])
)


def trial(before, after, minutes=10.0, all_images=60):
    """A trial whose folds have these (accuracy, loss); gives it, and what was trained."""
    trained = []

    def train(recipe, fold, until):
        trained.append((recipe, fold))
        accuracy, loss = (before if len(recipe.phases) == 1 else after)[len(trained) // 2 - len(recipe.phases) // 2]
        return [{"phase": phase.name, "val_accuracy": accuracy, "val_loss": loss} for phase in recipe.phases]

    found = further.tried(
        book.get("own_photos"), PHOTOS, np.arange(60) // 2, ("cat", "dog"), all_images=all_images, minutes=minutes,
        train=train,
    )  # fmt: skip
    return found, trained


def test_phase_helps_where_every_fold_has_a_lower_loss_and_more_photos_are_right():
    worse = [(0.8, 0.5)] * 3
    assert trial(worse, [(0.9, 0.4)] * 3)[0].helps
    assert not trial(worse, [(0.8, 0.4)] * 3)[0].helps
    assert not trial(worse, [(0.9, 0.4), (0.9, 0.4), (0.9, 0.6)])[0].helps


def test_trial_compares_the_recipe_and_the_phase_on_one_stage():
    found, trained = trial([(0.8, 0.5)] * 3, [(0.9, 0.4)] * 3)
    assert (found.images, found.right_before, found.right_after) == (60, 48, 54)
    recipes = [recipe for recipe, _ in trained]
    assert [[phase.name for phase in recipe.phases] for recipe in recipes[:2]] == [["head"], ["head", "finetune"]]
    assert (recipes[0].model["stages"], recipes[1].model["stages"]) == (2, 1)
    assert recipes[1].phases[1].keep == "last", "else the photos that judge would choose the epoch"
    for _, fold in trained:  # Two photos each look alike.
        train, rest = ({int(name.split()[1]) // 2 for name in images.ids} for images in (fold.train, fold.validation))
        assert train.isdisjoint(rest)


def test_trial_ends_when_it_would_take_too_long(monkeypatch, caplog):
    clock = iter(range(0, 6000, 60))
    monkeypatch.setattr("recipes.train.heads.further.time.monotonic", lambda: next(clock))
    found, trained = trial([(0.8, 0.5)] * 3, [(0.9, 0.4)] * 3, minutes=4.0, all_images=80)
    assert len(trained) == 2
    assert not found.helps
    assert found.minutes == pytest.approx(3 + 2)  # A minute a fold, and a minute for 40 photos, of which there are 80.


@pytest.mark.parametrize("ended", [0, 1, 2, 4])
def test_fold_that_is_not_done_in_time_is_ended_and_the_phase_left_out(caplog, ended):
    trained = []

    def train(recipe, fold, until):
        trained.append(until)
        row = {"val_accuracy": 0.9, "val_loss": 0.4}
        return [row] if len(trained) <= ended else None

    caplog.set_level("INFO", "recipes")
    found = further.tried(
        book.get("own_photos"), PHOTOS, np.arange(60) // 2, ("cat", "dog"), all_images=60, minutes=3.0, train=train,
    )  # fmt: skip
    further.say(found, 3.0)
    assert len(trained) == ended + 1
    assert trained[0] == pytest.approx(time.monotonic() + 180, abs=60)
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
