"""What a training leaves in memory when it is over."""

import ctypes
import gc

import keras
import numpy as np
import psutil
import pytest
import tensorflow as tf
from conftest import tiny_recipe

import zoo
from recipes import Augment, Phase
from recipes.console.signals import Signals
from recipes.recipe.search_space import LogFloat
from recipes.study.searches import search, trial
from recipes.train import optimizers


def settled() -> int:
    """The bytes this process holds, without what Python and the allocator will use again."""
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    return psutil.Process().memory_info().rss


WEIGHTS = 4 * 3_975_010  # bytes


@pytest.fixture
def wide():
    """An architecture of four million weights, registered for this test."""

    @zoo.register("wide")
    def build(input_shape, classes, weights=None, activation="relu"):
        """Four million weights."""
        image = keras.Input(input_shape, name="image")
        flat = keras.layers.Flatten(name="flatten")(keras.layers.Rescaling(1 / 255, name="scale")(image))
        hidden = keras.layers.Dense(5_000, activation=activation, name="dense")(flat)
        return keras.Model(image, keras.layers.Dense(classes, activation="softmax", name="probabilities")(hidden))

    return "wide"


@pytest.mark.skipif(not psutil.LINUX, reason="skipped: asks glibc for its memory")
@pytest.mark.parametrize(
    ("activation", "trials", "may_grow"),
    # What twenty trials would keep is less than the weights of one. Of an activation that brings its own gradient
    # TensorFlow keeps the graph, but not the weights.
    [("relu", 6, WEIGHTS / 20), ("silu", 3, WEIGHTS)],
)
def test_a_search_keeps_nothing_of_the_networks_it_tried(fashion, tmp_path, wide, activation, trials, may_grow):
    recipe = tiny_recipe(
        architecture=wide, model={"activation": activation}, augment=Augment(), phases=(Phase("train", epochs=1),),
        tune={"phases.train.learning_rate": LogFloat(1e-4, 1e-2)},
    )  # fmt: skip
    held: list[int] = []
    splits = fashion.take(train=64, validation=32, test=0)
    trainer = trial.Trainer(splits, None, "float32", Signals())
    search.Search(
        recipe, trainer, tmp_path, tuner="random", trials=trials, on_trial=lambda trial: held.append(settled())
    ).run()
    # The second trial still finds caches of libraries to fill.
    assert (held[-1] - held[1]) / (trials - 2) < may_grow, held


def test_an_optimizer_leaves_no_graph_behind():
    def graphs():
        gc.collect()
        return sum(isinstance(thing, tf.Graph) for thing in gc.get_objects())

    def fit():
        image = keras.Input((4,))
        model = keras.Model(image, keras.layers.Dense(2, activation="softmax")(image))
        model.compile(optimizers.optimizer_for(Phase("train", epochs=1), 1, model), "categorical_crossentropy")
        model.fit(np.ones((2, 4)), np.eye(2), verbose=0)
        keras.utils.clear_session()

    fit()
    before = graphs()
    fit()
    assert graphs() <= before
