"""Thawing, the frontier and the cut, on flat and branching networks."""

import keras
import numpy as np
import pytest

import zoo
from recipes.errors import UsageFault
from recipes.freeze.layers import digests, frontier, moving_variables, prove_frozen, split_at, thaw


@pytest.fixture(scope="module")
def mobilenet():
    """A base with branches and BatchNormalization, random weights, under a head."""
    keras.utils.set_random_seed(1)  # With unlucky weights a layer gives zeros, and does not move.
    base = keras.applications.MobileNetV2(
        include_top=False, weights=None, alpha=0.35, input_tensor=keras.Input((32, 32, 3)), pooling="avg"
    )
    x = keras.layers.Dropout(0.3, name="head_dropout")(base.output)
    return keras.Model(base.input, keras.layers.Dense(1, activation="sigmoid", name="head_out")(x))


@pytest.mark.parametrize(
    ("patterns", "border"),
    [
        (("head_*",), "head_flatten"),
        (("block5_*", "head_*"), "block4_pool"),
        (("block4_conv3", "head_*"), "block4_conv2"),
        (("head_probabilities",), "head_dense"),
        (("*",), None),
        (("block1_conv1",), None),
    ],
)
def test_the_frontier_is_found_from_what_is_thawed(patterns, border):
    model = zoo.get("vgg16_finetune", input_shape=(32, 32, 3), weights=None)
    thaw(model, patterns)
    assert frontier(model) == border


@pytest.mark.parametrize(
    ("patterns", "border"),
    [
        (("head_*",), "global_average_pooling2d"),
        (("block_16*", "head_*"), "block_15_add"),
        # Inside a block with a way around it, the cut is below the block.
        (("block_15_project", "head_*"), "block_14_add"),
        (("block_16_project", "head_*"), "block_16_depthwise_relu"),
    ],
)
def test_no_path_leads_around_the_frontier(mobilenet, patterns, border):
    thaw(mobilenet, patterns)
    assert frontier(mobilenet).startswith(border)
    prefix, suffix = split_at(mobilenet, frontier(mobilenet))
    images = np.random.default_rng(0).uniform(0, 255, (4, 32, 32, 3)).astype("float32")
    whole = mobilenet(images, training=False)
    np.testing.assert_allclose(suffix(prefix(images, training=False), training=False), whole, atol=1e-6)


def test_what_draws_random_numbers_or_keeps_statistics_is_above_the_frontier():
    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, name="conv")(image)
    x = keras.layers.GaussianNoise(0.1, name="noise")(x)
    x = keras.layers.Conv2D(4, 3, name="conv_above")(x)
    x = keras.layers.BatchNormalization(scale=False, center=False, name="norm")(x)
    model = keras.Model(image, keras.layers.Dense(2, name="dense")(keras.layers.Flatten()(x)))
    thaw(model, ("dense",))
    assert frontier(model) == "conv"
    without_noise = keras.Model(image, model.get_layer("norm")(model.get_layer("conv").output))
    model.get_layer("norm").trainable = True  # It has no weight that trains, and yet it would update its statistics.
    assert frontier(without_noise) == "conv"


def test_a_sequential_model_can_be_cut():
    model = keras.Sequential(
        [keras.Input((8, 8, 1)), keras.layers.Conv2D(2, 3, name="conv"), keras.layers.Flatten(name="flat"),
         keras.layers.Dense(2, name="dense")]
    )  # fmt: skip
    thaw(model, ("dense",))
    assert frontier(model) == "flat"
    prefix, suffix = split_at(model, "flat")
    assert (prefix.output_shape, suffix.output_shape) == ((None, 72), (None, 2))


def test_both_parts_share_their_weights_with_the_whole():
    model = zoo.get("fashion_cnn")
    prefix, suffix = split_at(model, "pool2")
    assert prefix.get_layer("conv1") is model.get_layer("conv1")
    before = digests(model)
    suffix.get_layer("dense").set_weights([weight + 1 for weight in suffix.get_layer("dense").get_weights()])
    changed = {path for path, digest in digests(model).items() if before[path] != digest}
    assert changed == {"dense/kernel", "dense/bias"}


def test_what_a_layer_of_ones_own_holds_inside_stays_held_when_it_is_thawed_again():
    class Pair(keras.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.parts = [keras.layers.Dense(2, name="free"), keras.layers.Dense(2, name="held")]
            self.parts[1].trainable = False

        def build(self, shape):
            for part in self.parts:
                part.build(shape)

        def call(self, x):
            return self.parts[0](x) + self.parts[1](x)

    image = keras.Input((4,))
    model = keras.Model(image, keras.layers.Dense(2, name="dense")(Pair(name="pair")(image)))
    for patterns, trained in ((("*",), 2), (("dense",), 0), (("pair",), 2), (("dense",), 0), (("*",), 2)):
        thaw(model, patterns)
        pair = model.get_layer("pair")
        assert len(pair.trainable_weights) == trained
        assert not pair.parts[1].trainable


def test_a_cut_that_cannot_be_made_is_refused(mobilenet):
    with pytest.raises(UsageFault, match="has no layer 'block_2_ad'. Did you mean .*'block_2_add'.*There are: "):
        split_at(mobilenet, "block_2_ad")
    with pytest.raises(UsageFault, match="cannot be cut behind 'block_2_project_BN': a path leads around it"):
        split_at(mobilenet, "block_2_project_BN")


def test_batch_normalization_in_a_base_is_held_in_every_phase(mobilenet):
    keras.utils.set_random_seed(1)
    images = np.random.default_rng(0).uniform(0, 255, (16, 32, 32, 3))
    for patterns in (("head_*",), ("block_16*", "head_*"), ("*",)):
        thawed = thaw(mobilenet, patterns)
        assert not any("BN" in name or name.startswith("bn_") for name in thawed)
        before = digests(mobilenet)
        mobilenet.compile("adam", "binary_crossentropy", run_eagerly=True)  # One step, which is not worth a trace.
        mobilenet.fit(images, np.arange(16) % 2, verbose=0)
        changed = {path for path, digest in digests(mobilenet).items() if before[path] != digest}
        assert not any("moving" in path or "gamma" in path for path in changed)
        assert {path.split("/")[-2] for path in changed} == set(thawed)


def test_a_network_of_ones_own_without_a_head_trains_its_batch_normalization():
    image = keras.Input((8, 8, 1))
    x = keras.layers.BatchNormalization(name="norm")(image)
    model = keras.Model(image, keras.layers.Dense(2, name="dense")(keras.layers.Flatten()(x)))
    assert thaw(model, ("*",)) == ["norm", "dense"]


def test_statistics_of_a_layer_that_trains_may_move_and_those_of_a_held_one_may_not():
    image = keras.Input((8, 8, 1))
    x = keras.layers.BatchNormalization(name="held")(image, training=False)
    x = keras.layers.BatchNormalization(center=False, scale=False, name="bare")(x)
    x = keras.layers.BatchNormalization(name="norm")(keras.layers.Conv2D(2, 3, name="conv")(x))
    model = keras.Model(image, keras.layers.Dense(2, name="dense")(keras.layers.Flatten()(x)))
    assert thaw(model, ("*",)) == ["conv", "norm", "dense"]
    weights, _ = moving_variables(model, [("*",)])
    assert {weight.path.split("/")[0] for weight in weights} == {"bare", "conv", "norm", "dense"}
    before = digests(model)
    model.compile("sgd", "mse")
    model.fit(np.random.default_rng(0).uniform(0, 9, (16, 8, 8, 1)), np.eye(2)[np.arange(16) % 2], verbose=0)
    assert prove_frozen(model, before) == []
    moved = {path for path, digest in digests(model).items() if digest != before[path]}
    assert {"bare/moving_mean", "norm/moving_variance"} <= moved
    assert not any(path.startswith("held") for path in moved)
    model.get_layer("held").moving_mean.assign([1.0])
    with pytest.raises(RuntimeError, match="frozen: held/moving_mean"):
        prove_frozen(model, before)
    with pytest.raises(UsageFault, match="Nothing would train in .*: what 'held' names is held"):
        thaw(model, ("held",))


def test_a_layer_that_is_called_twice_is_no_place_to_cut():
    image = keras.Input((8, 8, 2))
    twice = keras.layers.Conv2D(2, 3, padding="same", name="twice")
    x = keras.layers.ReLU(name="above")(twice(twice(image)))
    x = keras.layers.Flatten(name="flatten")(x)
    model = keras.Model(image, keras.layers.Dense(2, name="dense")(x))
    thaw(model, ("dense",))
    assert frontier(model) == "flatten"
    with pytest.raises(UsageFault, match="cannot be cut behind 'twice': it is called 2 times"):
        split_at(model, "twice")
    thaw(model, ("twice",))
    assert frontier(model) is None


def test_weights_of_equal_paths_are_told_apart():
    class Pair(keras.layers.Layer):
        """Two layers that are built outside of build(), and so share their paths."""

        def __init__(self):
            super().__init__()
            self.parts = [keras.layers.Dense(2, name="part"), keras.layers.Dense(2, name="part")]
            for part in self.parts:
                part.build((None, 2))

        def call(self, x):
            return self.parts[0](x) + self.parts[1](x)

    pair, image = Pair(), keras.Input((2,))
    model = keras.Model(image, pair(image))
    assert len({weight.path for weight in model.weights}) < len(model.weights)
    before = digests(model)
    assert len(before) == len(model.weights)
    pair.parts[1].kernel.assign(pair.parts[1].kernel + 1)
    assert [path for path, digest in digests(model).items() if digest != before[path]] == ["part/kernel (2)"]
