"""Which layers of a network compute in which number format."""

import keras
import numpy as np
import pytest
from conftest import NETWORKS
from keras import layers

import zoo
from recipes import precision
from recipes.errors import UsageFault
from zoo.testing import small_shape


@keras.saving.register_keras_serializable(package="test_precision")
class Forgetful(layers.Layer):
    """Takes settings and does not give them back."""

    def __init__(self, units):
        super().__init__()
        self.units = units

    def call(self, inputs):
        return inputs


def formats(model):
    return {layer.name: layer.compute_dtype for layer in model.layers if not isinstance(layer, layers.InputLayer)}


def branching():
    """A layer called twice, two branches, a batch normalisation that is held, operations with keywords."""
    image = keras.Input((8, 8, 1))
    shared = layers.Conv2D(4, 3, padding="same", name="shared")
    maps = shared(layers.Conv2D(4, 1, name="first")(image))
    left = layers.BatchNormalization(name="held")(shared(maps), training=False)
    right = layers.Conv2D(4, 1, dtype="float32", name="exact")(maps)
    mean = keras.ops.mean(layers.Add(name="both")([left, right]), axis=(1, 2), keepdims=False)
    logits = layers.Dense(3, name="logits")(mean)
    exponents = keras.ops.exp(logits - keras.ops.max(logits, axis=-1, keepdims=True))
    return keras.Model(image, exponents / keras.ops.sum(exponents, axis=-1, keepdims=True))


def test_a_layers_own_format_is_kept_in_every_copy():
    model = precision.keep_own(branching())
    copy = precision.cast(precision.cast(model, "bfloat16"), "bfloat16")
    assert formats(copy) == {
        "shared": "bfloat16", "first": "bfloat16", "held": "bfloat16", "exact": "float32", "both": "bfloat16",
        "logits": "float32",
    }  # fmt: skip
    assert set(formats(precision.cast(model, "float32")).values()) == {"float32"}


def test_the_output_is_float32_where_operations_make_it():
    model = precision.keep_own(branching())
    model.get_layer("held").set_weights([np.full(4, value) for value in (1.5, 0.5, 0.2, 2.0)])
    images = np.random.default_rng(0).uniform(0, 1, (4, 8, 8, 1)).astype("float32")
    exact, copy = precision.cast(model, "float32"), precision.cast(model, "bfloat16")
    assert copy.output.dtype == "float32"
    np.testing.assert_array_equal(exact(images), model(images))
    np.testing.assert_allclose(copy(images), model(images), atol=0.02)
    (held,) = (entry for entry in copy.get_config()["layers"] if entry["name"] == "held")
    assert held["inbound_nodes"][0]["kwargs"] == {"training": False}
    assert [layer.name for layer in copy.layers] == [layer.name for layer in model.layers]
    for before, after in zip(model.get_weights(), copy.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


@keras.saving.register_keras_serializable(package="test_precision")
class Gate(layers.Layer):
    """Makes a layer inside, which nobody told the format."""

    def build(self, shape):
        self.weigh = layers.Dense(shape[-1], activation="sigmoid")
        self.weigh.build(shape)

    def call(self, inputs):
        return inputs * self.weigh(inputs)


def test_a_layer_of_ones_own_computes_in_float32_unless_it_was_given_another():
    image = keras.Input((8,))
    told = layers.Dense(4, name="below")(image)
    for gate in (Gate(name="gate"), layers.Dense(4, name="between"), Gate(name="given", dtype="float32")):
        told = gate(told)
    model = precision.keep_own(keras.Model(image, layers.Dense(2, name="last")(told)))
    copy = precision.cast(model, "bfloat16")
    assert formats(copy) == {
        "below": "bfloat16", "gate": "float32", "between": "bfloat16", "given": "float32", "last": "float32",
    }  # fmt: skip
    x = np.random.default_rng(0).uniform(0, 1, (4, 8)).astype("float32")
    np.testing.assert_allclose(copy(x), model(x), atol=0.03)


def test_what_activities_add_to_the_loss_is_float32():
    image = keras.Input((8, 8, 1))
    maps = layers.Conv2D(2, 3, name="sparse", activity_regularizer="l1")(image)
    flat = layers.Flatten(name="flat")(layers.ActivityRegularization(l2=0.1, name="small")(maps))
    model = keras.Model(image, layers.Dense(2, activation="softmax", name="out")(flat))
    copy = precision.cast(precision.keep_own(model), "bfloat16")
    assert formats(copy) == {"sparse": "float32", "small": "float32", "flat": "bfloat16", "out": "float32"}
    copy.compile("sgd", "sparse_categorical_crossentropy")
    assert np.isfinite(copy.train_on_batch(np.ones((2, 8, 8, 1)), np.array([0, 1])))


@pytest.mark.parametrize("name", NETWORKS)
def test_no_layer_of_the_zoo_asks_for_a_format_of_its_own(name):
    model = precision.keep_own(zoo.get(name, input_shape=small_shape(name), weights=None))
    found = formats(precision.cast(model, "bfloat16"))
    assert found.pop(model.output_names[0]) == "float32"
    assert set(found.values()) == {"bfloat16"}


def test_a_network_read_from_its_configuration_computes_in_bfloat16_too():
    model = precision.keep_own(keras.models.clone_model(zoo.get("fashion_cnn")))
    assert "bfloat16" in formats(precision.cast(model, "bfloat16")).values()


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (Forgetful(3), r"The layer 'forgetful' \(Forgetful\) cannot be made anew.*get_config"),
        (layers.Lambda(lambda x: x + 1, name="more"), r"The layer 'more' \(Lambda\).*Make it a layer of your own"),
    ],
)
def test_a_layer_that_cannot_be_copied_is_named_with_the_mend(layer, words):
    image = keras.Input((8,))
    with pytest.raises(UsageFault, match=words):
        precision.cast(keras.Model(image, layers.Dense(2)(layer(image))), "bfloat16")


def test_a_persons_format_survives_the_way_into_the_one_flat_graph(monkeypatch):
    from recipes import Phase, Recipe
    from recipes.train import network

    class Mixed(keras.Model):
        def __init__(self):
            super().__init__()
            self.exact = layers.Dense(8, dtype="float32", name="exact")
            self.base = keras.Sequential(
                [layers.Dense(8, name="loose"), layers.Dense(4, dtype="float32", name="tight")]
            )
            self.last = layers.Dense(10, activation="softmax", name="last")

        def call(self, images):
            return self.last(self.base(self.exact(keras.ops.reshape(images, (-1, 784)))))

    monkeypatch.setitem(
        zoo.registry._registered, "mixed", (zoo.Info("mixed", "", ""), lambda input_shape, classes: Mixed())
    )
    recipe = Recipe(name="mixed", architecture="mixed", data="mnist", phases=(Phase("train", epochs=1),))
    found = formats(precision.cast(network.build(recipe, (28, 28, 1), 10, 0, None), "bfloat16"))
    assert found == {"exact": "float32", "loose": "bfloat16", "tight": "float32", "last": "float32"}
