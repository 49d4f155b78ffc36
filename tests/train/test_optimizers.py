"""Discriminative rates: the update is scaled, for every optimizer of Keras."""

import math

import keras
import numpy as np
import pytest
from conftest import tiny_recipe

import zoo
from recipes import Augment, Phase
from recipes.errors import UsageFault
from recipes.freeze import thaw
from recipes.recipe.phase import OPTIMIZERS, SCHEDULES
from recipes.train import engine
from recipes.train.optimizers import optimizer_for, rates_by_layer, scale_updates

EVERY_OPTIMIZER = sorted(
    name
    for name, kind in vars(keras.optimizers).items()
    if isinstance(kind, type)
    and issubclass(kind, keras.Optimizer)
    and name not in ("Optimizer", "LossScaleOptimizer", "MultiOptimizer")
)


@pytest.mark.parametrize("decay", [None, 0.1])
@pytest.mark.parametrize("name", EVERY_OPTIMIZER)
def test_the_first_update_is_scaled_exactly_and_so_is_its_decay(name, decay):
    moved = []
    for factor in (1.0, 0.1):
        variable = keras.Variable(np.ones((4, 3), "float32"), name="kernel")
        other = keras.Variable(np.ones((4, 3), "float32"), name="other_kernel")
        settings = {"learning_rate": 0.5} | ({"weight_decay": decay} if decay else {})
        optimizer = scale_updates(getattr(keras.optimizers, name)(**settings), [(variable, factor)])
        optimizer.build([variable, other])
        optimizer.apply([keras.ops.full((4, 3), 0.3)] * 2)
        moved.append((variable.numpy() - 1, other.numpy() - 1))
    (whole, _), (tenth, other) = moved
    assert abs(whole).min() > 0
    np.testing.assert_allclose(tenth, 0.1 * whole, atol=1e-6)
    if name != "Muon":  # Its decay goes its own ways.
        np.testing.assert_allclose(other, whole, atol=1e-6)


KERAS_DEFAULTS = {
    "adadelta": {"rho": 0.95, "epsilon": 1e-7},
    "adam": {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "amsgrad": False},
    "adamw": {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "amsgrad": False},
    "lion": {"beta_1": 0.9, "beta_2": 0.99},
    "rmsprop": {"rho": 0.9, "momentum": 0.0, "epsilon": 1e-7, "centered": False},
    "sgd": {"momentum": 0.9, "nesterov": True},
}
NOT_USED = {
    "clipnorm": None,
    "global_clipnorm": None,
    "clipvalue": None,
    "ema_overwrite_frequency": None,
    "loss_scale_factor": None,
    "gradient_accumulation_steps": None,
}


@pytest.fixture(scope="module")
def small():
    """Two dense layers, both with a kernel and a bias; one is called as a variable that does not decay."""
    image = keras.Input((4,))
    return keras.Model(image, keras.layers.Dense(2, name="b")(keras.layers.Dense(3, name="beta")(image)))


@pytest.mark.parametrize("rates", [{}, {"beta": 0.5}])
@pytest.mark.parametrize("average", [0.0, 2.0])
@pytest.mark.parametrize("decay", [0.0, 0.3])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_is_what_its_phase_says(small, name, decay, average, rates):
    """Every setting, and none by a default of Keras that nobody named."""
    phase = Phase("a", 3, optimizer=name, learning_rate=0.25, weight_decay=decay, average_epochs=average, rates=rates)
    config = optimizer_for(phase, 5, small).get_config()
    del config["name"]
    assert (config.pop("weight_decay") or 0.0) == decay
    assert config.pop("use_ema") == bool(average)
    momentum = config.pop("ema_momentum")
    assert not average or momentum == pytest.approx(math.exp(-1 / 10))
    assert config == {"learning_rate": 0.25} | KERAS_DEFAULTS[name] | NOT_USED


def test_an_optimizer_is_added_by_one_entry(small, monkeypatch):
    monkeypatch.setitem(OPTIMIZERS, "nadam", {"beta_1": 0.5})
    optimizer = optimizer_for(Phase("a", 1, optimizer="nadam", weight_decay=0.1), 5, small)
    config = optimizer.get_config()
    assert (type(optimizer).__name__, config["beta_1"], config["weight_decay"]) == ("Nadam", 0.5, 0.1)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_rate_follows_its_schedule(small, schedule):
    phase = Phase("a", 2, learning_rate=0.25, schedule=schedule)
    rate = optimizer_for(phase, 50, small).get_config()["learning_rate"]
    if schedule == "constant":
        assert rate == 0.25
        return
    schedule = keras.optimizers.schedules.deserialize(rate)
    found = [float(schedule(step)) for step in (0, 30, 100)]
    expected = {"cosine": [0.25, 0.25 * (1 + math.cos(0.3 * math.pi)) / 2, 0.0], "one_cycle": [0.01, 0.25, 0.0]}
    assert found == pytest.approx(expected[phase.schedule], abs=1e-6)


@pytest.mark.parametrize("rates", [{}, {"beta": 0.5}])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_weights_without_a_gradient_stay_unless_the_phase_decays_them(small, name, rates):
    for decay in (0.0, 0.1):
        optimizer = optimizer_for(
            Phase("a", 1, optimizer=name, learning_rate=0.5, weight_decay=decay, rates=rates), 1, small
        )
        optimizer.build(small.trainable_variables)
        for variable in small.trainable_variables:
            variable.assign(keras.ops.ones(variable.shape))
        optimizer.apply([keras.ops.zeros(variable.shape) for variable in small.trainable_variables])
        found = {variable.path: float(variable.numpy().mean()) for variable in small.trainable_variables}
        kept = 1 - 0.5 * decay
        expected = {
            "beta/kernel": 1 - 0.5 * decay * rates.get("beta", 1),
            "beta/bias": 1,
            "b/kernel": kept,
            "b/bias": 1,
        }
        assert found == pytest.approx(expected, abs=1e-6)


def test_rates_are_given_by_globs_and_the_first_that_matches_counts():
    model = zoo.get("fashion_cnn")
    thaw(model, ("conv2", "dense", "probabilities"))
    phase = Phase("a", 1, optimizer="sgd", learning_rate=1.0, rates={"conv*": 0.1, "*": 0.5, "dense": 0.01})
    optimizer = optimizer_for(phase, 1, model)
    optimizer.build(model.trainable_variables)
    before = [variable.numpy() for variable in model.trainable_variables]
    optimizer.apply([keras.ops.ones(variable.shape) for variable in model.trainable_variables])
    moved = {
        variable.path.split("/")[0]: float((old - variable.numpy()).mean())
        for old, variable in zip(before, model.trainable_variables, strict=True)
    }
    step = 1.9  # Nesterov momentum of 0.9.
    assert moved == pytest.approx({"conv2": 0.1 * step, "dense": 0.5 * step, "probabilities": 0.5 * step}, rel=1e-4)


def test_a_rate_for_a_stage_is_that_of_its_layers_that_train():
    model = zoo.get("vgg16_finetune", input_shape=(32, 32, 3), weights=None)
    thaw(model, ("stage:-1", "block4_conv3", "head_*"))
    phase = Phase("a", 1, rates={"block5_conv3": 0.5, "stage:-1": 0.1, "stage:3": 0.2})
    assert rates_by_layer(phase, model) == {
        "block5_conv1": 0.1, "block5_conv2": 0.1, "block5_conv3": 0.5, "block4_conv3": 0.2,
    }  # fmt: skip
    optimizer_for(phase, 1, model)
    for pattern, words in (("stage:0", "'stage:0' in the rates of phase 'a' matches no"), ("stage:9", "no 'stage:9'")):
        with pytest.raises(UsageFault, match=words):
            optimizer_for(Phase("a", 1, rates={pattern: 0.1}), 1, model)


@pytest.mark.parametrize("views", [0, 1])
def test_a_rate_for_a_stage_is_counted_in_the_whole_network_where_the_frozen_part_is_cut_off(fashion, views):
    """The part above the frontier has one stage less."""

    def trained(rates):
        model = zoo.get("fashion_cnn", weights=None)
        model.set_weights([np.random.default_rng(0).normal(0, 0.05, array.shape) for array in model.get_weights()])
        phase = Phase("a", 1, ("conv2", "dense", "probabilities"), rates, optimizer="sgd", learning_rate=0.01)
        recipe = tiny_recipe(phases=(phase,), augment=Augment(), engine="keras", views=views)
        return engine.train(recipe, fashion, model, seed=1).model.get_weights()

    for array, expected in zip(trained({"stage:1": 0.01}), trained({"conv2": 0.01}), strict=True):
        np.testing.assert_array_equal(array, expected)


def test_a_rate_for_layers_that_do_not_train_is_an_error():
    model = zoo.get("fashion_cnn")
    thaw(model, ("dense", "probabilities"))
    with pytest.raises(
        UsageFault, match="'conv.' in the rates of phase 'a' matches no layer that trains. There are: de"
    ):
        optimizer_for(Phase("a", 1, rates={"conv*": 0.1}), 1, model)


@pytest.mark.parametrize("factor", [0, -1, 2, float("nan"), "fast", True])
def test_a_factor_is_above_0_and_at_most_1(factor):
    with pytest.raises(UsageFault, match="'rates' of the phase 'a' must be factors above 0, at most 1"):
        tiny_recipe(phases=(Phase("a", 1, rates={"*": factor}),))
