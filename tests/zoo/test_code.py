"""What somebody's own code in a network computes, told by a digest: `zoo.structure.code`."""

import importlib
import sys

import keras
import numpy as np
import pytest

from recipes.freeze.cache_key import network_key
from recipes.train import network
from zoo.structure.code import code_digest

MODULE = """
import keras
import numpy as np
import their_helper
from their_helper import gain

STRENGTH = 3.0
TABLE = np.arange(4.0)
CALLED = {}


@keras.saving.register_keras_serializable("theirs")
def bend(x):
    return keras.ops.tanh(x)


class Parent(keras.layers.Layer):
    def call(self, x):
        return gain(x) * STRENGTH


@keras.saving.register_keras_serializable("theirs")
class Child(Parent):
    def compute_output_shape(self, shape):
        return shape


@keras.saving.register_keras_serializable("theirs")
class Looked(keras.layers.Layer):
    def call(self, x, how=bend, *, by=CALLED):
        CALLED["it"] = id(x)  # What changes from run to run tells nothing, nor does where in memory a default lies.
        return x * [their_helper.shift(one) for one in (1.0,)][0] + TABLE.sum()
"""
HELPER = """
def gain(x):
    return x * 2.0


def shift(x):
    return x + 1.0


def never_used(x):
    return x
"""


@pytest.fixture
def theirs(tmp_path, monkeypatch):
    """Write their module and its helper with something replaced, and give the three networks made of it."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(old="", new=""):
        assert old in MODULE + HELPER
        for name, text in (("their_helper", HELPER), ("their_layers", MODULE)):
            (tmp_path / f"{name}.py").write_text(text.replace(old, new) if old else text)
            sys.modules.pop(name, None)
        importlib.invalidate_caches()
        module = importlib.import_module("their_layers")
        image = keras.Input((4, 4, 1), name="image")
        layers = (
            module.Child(name="it"),
            module.Looked(name="it"),
            keras.layers.Dense(2, activation=module.bend, name="it"),
        )
        return [keras.Model(image, layer(image)) for layer in layers]

    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield write
    for name in ("their_helper", "their_layers"):
        sys.modules.pop(name, None)
    registered = keras.saving.get_custom_objects()
    for name in [name for name in registered if name.startswith("theirs>")]:
        del registered[name]


# What is edited, and the networks whose answers may change by it: a child, one that looks up, an activation.
EDITS = {
    "a constant": ("STRENGTH = 3.0", "STRENGTH = 4.0", (True, False, False)),
    "a table": ("np.arange(4.0)", "np.arange(1, 5.0)", (False, True, False)),
    "the class it inherits from": ("gain(x) * STRENGTH", "gain(x) / STRENGTH", (True, False, False)),
    "a function of another module": ("x * 2.0", "x * 9.0", (True, False, False)),
    "one that is looked up in a module": ("x + 1.0", "x + 5.0", (False, True, False)),
    "an activation": ("ops.tanh", "ops.sin", (False, False, True)),
    "a comment": ("STRENGTH = 3.0", "STRENGTH = 3.0  # As in the paper.", (False, False, False)),
    "what nothing uses": ("def never_used", "def not_used", (False, False, False)),
    "nothing": ("", "", (False, False, False)),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_is_told_where_it_may_change_what_is_computed(theirs, edit):
    old, new, changes = EDITS[edit]
    before = [network.describe(model) for model in theirs()]
    now = [network.describe(model) for model in theirs(old, new)]
    told = [network.differences(was, is_now) for was, is_now in zip(before, now, strict=True)]
    assert [bool(one) for one in told] == list(changes)
    assert all(one.startswith("code of the layer 'it' was ") for some in told for one in some)


def test_what_was_kept_of_a_layer_is_not_found_again_once_it_is_edited(theirs):
    first, again = theirs()[0], theirs()[0]
    edited = theirs("x * 2.0", "x * 9.0")[0]
    assert network_key(first) == network_key(again)
    assert network_key(edited) != network_key(first)
    picture = np.ones((1, 4, 4, 1), "float32")
    assert np.ptp(np.asarray(edited(picture)) - np.asarray(first(picture))) == 0  # All of it is multiplied,
    assert np.asarray(edited(picture)).max() == 27 > np.asarray(first(picture)).max() == 6  # and by something else.


def test_layers_of_keras_have_no_code_of_ones_own():
    assert code_digest(keras.layers.Dense(2, activation="relu", kernel_regularizer="l2")) == ""
