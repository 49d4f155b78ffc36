"""The one place that builds a network: what it describes, makes flat, checks and refuses."""

import json

import keras
import numpy as np
import pytest

from recipes.train import network


def small(filters=4, *, extra=False):
    image = keras.Input((8, 8, 1), name="image")
    x = keras.layers.Conv2D(filters, 3, name="conv")(image)
    if extra:
        x = keras.layers.ReLU(name="relu")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    return keras.Model(image, keras.layers.Dense(3, activation="softmax", name="out")(x))


def test_description_is_the_same_for_the_same_network_and_names_what_differs():
    before = json.loads(json.dumps(network.describe(small())))
    assert network.differences(before, network.describe(small())) == []
    assert network.differences(before, network.describe(small(8))) == [
        "filters of the layer 'conv' was 4 and is 8",
    ]
    assert network.differences(before, network.describe(small(extra=True))) == [
        "inputs of the layer 'flatten' was ['conv'] and is ['relu']",
        "the layer 'relu' (ReLU) is new",
    ]
    assert network.differences(network.describe(small(extra=True)), before)[0] == "the layer 'relu' (ReLU) is gone"


def test_description_does_not_depend_on_what_trains_and_in_which_number_format():
    model = small()
    before = network.describe(model)
    model.get_layer("conv").trainable = False
    assert network.describe(model) == before
    assert len(json.dumps(before)) < 2000


CALLS = {
    "true_divide": (lambda x: x / 255.0, lambda x: x / 127.5, "'_, 255.0'", "'_, 127.5'"),
    "get_item": (lambda x: x[:, :4], lambda x: x[:, 4:], "stop=4", "start=4"),
    "bn": (
        keras.layers.BatchNormalization(name="bn"),
        lambda x: keras.layers.BatchNormalization(name="bn")(x, training=False),
        "None",
        "'_, training=False'",
    ),
    "add": (lambda x: x + np.zeros((8, 8, 1)), lambda x: x + np.ones((8, 8, 1)), "sha256", "sha256"),
}


@pytest.mark.parametrize("name", CALLS)
def test_description_tells_what_a_call_is_given_beside_tensors(name):
    def calling(call):
        keras.utils.clear_session()
        image = keras.Input((8, 8, 1), name="image")
        return network.describe(keras.Model(image, keras.layers.Flatten(name="flatten")(call(image))))

    one, other, was, now = CALLS[name]
    before = calling(one)
    assert network.differences(before, calling(one)) == []
    (told,) = network.differences(before, calling(other))
    assert told.startswith(f"arguments of the layer {name!r} was ")
    first, _, second = told.partition(" and is ")
    assert was in first
    assert now in second
    assert len(told) < 300
