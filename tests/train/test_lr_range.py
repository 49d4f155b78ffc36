"""A sweep of learning rates leaves the network as it was, and finds the rates at which it learns."""

import numpy as np
import pytest
from conftest import tiny_recipe

import zoo
from recipes import Augment
from recipes.train.lr_range import suggested, sweep_rates


def test_the_suggested_rate_learns_and_the_model_stays_as_it_was(fashion, one_layer):
    recipe = tiny_recipe(batch_size=32, augment=Augment())
    model = zoo.get("one_layer", input_shape=fashion.image_shape, classes=10)
    before = [weight.copy() for weight in model.get_weights()]
    swept = sweep_rates(recipe, fashion, model, phase=0, seed=1)
    assert all(map(np.array_equal, before, model.get_weights()))
    assert 1e-4 < swept.suggestion < 1e-1
    assert len(swept.rates) == len(swept.losses) <= 100
    assert swept.losses.min() < swept.losses[0] - 0.2
    again = sweep_rates(recipe, fashion, model, phase=0, seed=1)
    assert again.suggestion == pytest.approx(swept.suggestion)


RATES = np.geomspace(1e-7, 10, 100)


def curve(start, best, *, fall=1.0, noise=0.0, blows_up=True, seed=0):
    """A smoothed loss that falls from one rate to another by as much, and rises again."""
    progress = np.clip(np.log(RATES / start) / np.log(best / start), 0, 1)
    losses = 2.3 - fall * progress
    if blows_up:
        losses = losses + np.clip(np.log(RATES / best), 0, None) ** 2
    raw = losses + np.random.default_rng(seed).normal(0, noise, len(RATES))
    averages, average = [], 0.0
    for step, loss in enumerate(raw, start=1):
        average = 0.9 * average + 0.1 * loss
        averages.append(average / (1 - 0.9**step))
    return np.array(averages)


@pytest.mark.parametrize(
    ("start", "best", "noise"),
    [(1e-5, 1e-2, 0.0), (1e-5, 1e-2, 0.05), (1e-4, 1e-1, 0.05), (1e-3, 1.0, 0.05), (1e-6, 1e-4, 0.02)],
)
def test_the_suggested_rate_lies_where_the_loss_falls_and_well_below_where_it_is_lowest(start, best, noise):
    for seed in range(10):
        losses = curve(start, best, noise=noise, seed=seed)
        rate = suggested(RATES, losses)
        assert start / 2 <= rate <= RATES[losses.argmin()] / 10


def test_a_lucky_first_batch_suggests_nothing():
    """The steepest fall is in the first steps, where the average is of few batches: it said 1.2e-7."""
    losses = curve(1e-4, 1e-1, noise=0.05)
    losses[:4] += [1.5, 0.9, 0.5, 0.2]
    assert suggested(RATES, losses) > 1e-5


def test_a_loss_that_never_falls_gives_no_suggestion():
    assert suggested(RATES, np.linspace(1, 4, 100)) is None
    assert suggested(RATES[:15], np.linspace(2, 1, 15)) is None
    for seed in range(10):
        assert suggested(RATES, curve(1.0, 20.0, fall=0.0, noise=0.05, blows_up=False, seed=seed)) is None
    falling = np.where(RATES < 1e-3, 2.0, 2.0 - np.log(np.maximum(RATES, 1e-3) / 1e-3) / 10)
    assert suggested(RATES, falling) >= 5e-4
