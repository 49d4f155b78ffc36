"""Discriminative rates: the update is scaled, for every optimizer of Keras."""

import keras
import numpy as np
import pytest

import zoo
from recipes import Phase
from recipes.errors import UsageFault
from recipes.freeze import thaw
from recipes.optimizers import optimizer_for, scale_updates

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


def test_a_rate_for_layers_that_do_not_train_is_an_error():
    model = zoo.get("fashion_cnn")
    thaw(model, ("dense", "probabilities"))
    with pytest.raises(
        UsageFault, match="'conv.' in the rates of phase 'a' matches no layer that trains. There are: de"
    ):
        optimizer_for(Phase("a", 1, rates={"conv*": 0.1}), 1, model)


@pytest.mark.parametrize("factor", [0, -1, 2, float("nan"), "fast", True])
def test_a_factor_is_above_0_and_at_most_1(factor):
    from conftest import tiny_recipe

    with pytest.raises(UsageFault, match="'rates' of the phase 'a' must be factors above 0, at most 1"):
        tiny_recipe(phases=(Phase("a", 1, rates={"*": factor}),))
