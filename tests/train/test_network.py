"""The one place that builds a network: what it describes, makes flat, checks and refuses."""

import json

import keras

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
