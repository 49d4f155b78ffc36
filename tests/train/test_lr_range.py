"""A sweep of learning rates leaves the network as it was, and finds the rates at which it learns."""

import numpy as np
import pytest
from conftest import tiny_recipe

import zoo
from recipes import Augment
from recipes.train.lr_range import _steepest, sweep_rates


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


def test_a_loss_that_never_falls_gives_no_suggestion():
    rates = np.geomspace(1e-7, 10, 50)
    assert _steepest(rates, np.linspace(1, 4, 50)) is None
    falling = np.where(rates < 1e-3, 2.0, 2.0 - np.log(rates / 1e-3) / 10)
    assert _steepest(rates, falling) >= 1e-3
