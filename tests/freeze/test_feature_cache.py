"""Training above a frozen part: the same as training it whole, and never on activations of something else."""

import copy
import dataclasses
import importlib.util
import shutil
import subprocess
from collections import Counter

import keras
import numpy as np
import pytest
from conftest import PYTHON, subprocess_environment, tiny_recipe

import zoo
from recipes import Augment, Phase, Split, data
from recipes.errors import DiskFault, EnvironmentFault, UsageFault
from recipes.freeze import digests, feature_cache, frontier, frozen_runner, layers, split_at, thaw
from recipes.freeze.cache_key import network_key
from recipes.freeze.feature_cache import cache
from recipes.train import engine, phase
from recipes.train.engine import Hooks, StopRequested
from recipes.train.phase import Phases

needs_openvino = pytest.mark.skipif(
    importlib.util.find_spec("openvino") is None, reason="skipped: the extra 'fast' is not installed"
)

# Two phases of transfer: the head alone, then the last convolution with it.
PHASES = (
    Phase("head", epochs=2, train=("dense", "probabilities"), optimizer="rmsprop"),
    Phase("conv2", epochs=2, train=("conv2", "dense", "probabilities"), rates={"conv2": 0.1}),
)


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_ZOO_CACHE", str(tmp_path / "cache"))


def frozen_recipe(**changes):
    return tiny_recipe(**({"phases": PHASES, "augment": Augment(), "engine": "keras", "views": 1} | changes))


def network(seed=7):
    keras.utils.set_random_seed(seed)
    return zoo.get("fashion_cnn")


def train(recipe, splits, model=None, **keywords):
    return engine.train(recipe, splits, model or network(), seed=7, **keywords)


def figures(outcome):
    return [[row["loss"], row["val_loss"]] for row in outcome.history]


@pytest.fixture(scope="module")
def online(fashion):
    """A training that keeps nothing of the frozen part."""
    return train(frozen_recipe(views=0), fashion)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float16", 1e-2)])
def test_cached_and_uncached_training_give_the_same_losses(fashion, online, dtype, tolerance):
    cached = train(frozen_recipe(cache_dtype=dtype), fashion)
    np.testing.assert_allclose(figures(cached), figures(online), rtol=tolerance)
    assert online.boundary == {}
    assert {name: facts["layer"] for name, facts in cached.boundary.items()} == {"head": "flatten", "conv2": "pool1"}


def test_the_bulk_of_the_network_runs_once_for_both_phases(fashion):
    outcome = train(frozen_recipe(views=3, augment=Augment(flip=True)), fashion)
    images = 3 * len(fashion.train) + len(fashion.validation)
    assert outcome.boundary["head"]["images_passed"] == images
    assert outcome.boundary["conv2"]["images_passed"] == 0
    assert outcome.boundary["head"]["views"] == 3
    again = train(frozen_recipe(views=3, augment=Augment(flip=True)), fashion)
    assert again.boundary["head"]["images_passed"] == 0
    assert again.history == outcome.history


def test_after_each_phase_frozen_weights_are_the_same_bytes_and_thawed_ones_moved(fashion):
    model, after = network(), {}
    start = digests(model)
    hooks = Hooks(on_epoch=lambda phase, row, worker, best: after.update({phase.name: digests(worker)}))
    outcome = train(frozen_recipe(augment=Augment(flip=True), views=2), fashion, model, hooks=hooks)

    def moved(before, now):
        return {path.split("/")[0] for path in before if before[path] != now[path]}

    assert moved(start, after["head"]) == {"dense", "probabilities"}
    assert moved(after["head"], after["conv2"]) == {"conv2", "dense", "probabilities"}
    assert moved(start, digests(outcome.model)) == {"conv2", "dense", "probabilities"}


def test_a_frozen_weight_that_moves_is_found_out(fashion):
    def sabotage(phase, row, worker, best):
        kernel = worker.get_layer("conv1").kernel
        kernel.assign(kernel + 1)

    with pytest.raises(RuntimeError, match="Training changed weights that were frozen: conv1/kernel"):
        train(frozen_recipe(), fashion, hooks=Hooks(on_epoch=sabotage))


def test_views_take_turns(fashion):
    from recipes.data.pipeline import training_batches

    views = [np.full((len(fashion.train), 1), number, "float32") for number in range(3)]
    recipe = frozen_recipe(batch_size=len(fashion.train))
    batches = training_batches(fashion.train, recipe, seed=1, targets=lambda labels: labels, views=views)
    seen = []
    for epoch in range(3):
        ((batch, labels),) = batches(0, epoch, 0)
        order = np.random.default_rng([1, 0, epoch]).permutation(len(fashion.train))
        np.testing.assert_array_equal(labels, fashion.train.labels[order])
        seen.append(np.empty(len(order)))
        seen[-1][order] = batch[:, 0]
    assert len(set(seen[0])) == 3
    np.testing.assert_array_equal(np.sort(seen, axis=0), np.repeat([[0], [1], [2]], len(fashion.train), axis=1))


def test_a_stopped_pass_goes_on_where_it_was_and_ends_the_same(fashion, monkeypatch):
    monkeypatch.setattr("recipes.files.sharded_array.SHARD_BYTES", 64 * 14 * 14 * 32 * 2)
    recipe = frozen_recipe(phases=PHASES[1:])
    whole = train(recipe, fashion)
    shutil.rmtree(feature_cache.cache_folder())

    done = []
    hooks = Hooks(on_pass=lambda phase, images, total: done.append(images), stop_requested=lambda: done[-1:] >= [300])
    with pytest.raises(StopRequested):
        train(recipe, fashion, hooks=hooks)
    again = train(recipe, fashion)
    total = len(fashion.train) + len(fashion.validation)
    assert again.boundary["conv2"]["images_passed"] == total - 256  # Whole shards of 64 are kept.
    assert again.history == whole.history


def test_a_stop_in_a_phase_above_the_frontier_resumes_exactly(fashion, monkeypatch):
    monkeypatch.setattr(phase, "steps_per_call", lambda *_: 1)  # So that a stop can fall between any two.
    recipe = frozen_recipe(views=2, augment=Augment(flip=True, rotation=0.1))
    whole = train(recipe, fashion)
    state, done = None, 0
    for stop_at in (3, 15, 23, 34):  # One training, stopped and resumed at every point.
        state, done = _state_after(stop_at - done, recipe, fashion, state), stop_at
    again = train(recipe, fashion, state=state)
    np.testing.assert_allclose(figures(again), figures(whole), rtol=1e-6)
    for one, other in zip(again.model.get_weights(), whole.model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def _state_after(stop_at, recipe, fashion, state):
    saved, steps = [], []
    hooks = Hooks(
        on_save=lambda state: saved.append(copy.deepcopy(state)),
        on_step=lambda *_: steps.append(1),
        stop_requested=lambda: len(steps) >= stop_at,
    )
    with pytest.raises(StopRequested):
        train(recipe, fashion, state=state, hooks=hooks)
    return saved[-1]


@pytest.fixture
def parts(fashion):
    model = network()
    thaw(model, ("dense", "probabilities"))
    prefix_network, _ = split_at(model, frontier(model))
    return model, prefix_network, fashion.validation.pixels[:70].copy()


def test_the_cache_holds_what_the_prefix_gives(parts):
    _, network, images = parts
    seen = []
    kept = cache(network, images, engine="keras", dtype="float32", watch=lambda *of: seen.append(of))
    np.testing.assert_allclose(kept[:], network.predict(images, verbose=0), rtol=1e-5, atol=1e-5)
    assert seen == [(32, 70), (64, 70), (70, 70)]
    cache(network, images, engine="keras", dtype="float32", watch=lambda *_: pytest.fail("computed again"))


SCRIPT = """
import keras, time, zoo
from recipes import Split, data
from recipes.files import sharded_array
from recipes.freeze import feature_cache, split_at

sharded_array.SHARD_BYTES = 32 * 3136 * 2
keras.utils.set_random_seed(7)
prefix, _ = split_at(zoo.get("fashion_cnn"), "flatten")
images = data.read(data.find("fashion_mnist", "sample"), Split()).take(320, 1, 1).train.pixels

def slowly(done, total):
    print(done, flush=True)
    time.sleep(0.2)

feature_cache.cache(prefix, images, engine="keras", watch=slowly)
"""


def test_what_a_killed_process_has_finished_is_used(monkeypatch):
    monkeypatch.setattr("recipes.files.sharded_array.SHARD_BYTES", 32 * 3136 * 2)
    process = subprocess.Popen(
        [PYTHON, "-c", SCRIPT], env=subprocess_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    for line in process.stdout:
        if line.strip() == "96":
            process.kill()
    process.communicate()

    network_again, _ = split_at(network(), "flatten")
    images = data.read(data.find("fashion_mnist", "sample"), Split()).take(320, 1, 1).train.pixels
    computed = []
    kept = cache(network_again, images, engine="keras", watch=lambda done, total: computed.append(done))
    assert 0 < computed[-1] <= 320 - 64  # Two shards at least had been finished.
    np.testing.assert_allclose(kept[:], network_again.predict(images, verbose=0), rtol=1e-2, atol=1e-1)


def test_a_stale_cache_is_never_used(parts):
    """When anything that the activations depend on changes they are computed again, and only then."""
    model, network, images = parts
    settings = {"engine": "keras", "augment": Augment(flip=True, rotation=0.1), "seed": 3, "view": 1}
    first = cache(network, images, **settings)

    def computed(network=network, images=images, **changes):
        passed = []
        rows = cache(network, images, **(settings | changes), watch=lambda done, total: passed.append(done))
        assert bool(passed) == (rows.key != first.key)
        return bool(passed)

    assert not computed()
    assert computed(network=split_at(keras.models.clone_model(model), "flatten")[0])  # Other weights.
    same = zoo.get("fashion_cnn")
    same.set_weights(model.get_weights())
    assert not computed(network=split_at(same, "flatten")[0])  # Other names of unnamed parts, other trainable flags.
    assert computed(seed=4)
    assert computed(view=2)
    assert computed(dtype="float32")
    assert computed(precision="bfloat16")
    assert computed(augment=Augment(flip=True, rotation=0.2))
    assert computed(augment=None)
    one_pixel = images.copy()
    one_pixel[5, 3, 3, 0] ^= 1
    assert computed(images=one_pixel)
    assert computed(images=images[:-1])
    assert computed(network=split_at(model, "pool2")[0])
    kernel = model.get_layer("conv1").kernel.numpy()
    kernel[0, 0, 0, 0] += 1e-3
    model.get_layer("conv1").kernel.assign(kernel)
    assert computed()


def test_another_structure_with_the_same_weights_is_another_key():
    image = keras.Input((8, 8, 1))
    one, two = keras.layers.Conv2D(2, 3, padding="same"), keras.layers.Conv2D(2, 3, padding="same")
    a, b = one(image), two(image)
    plus = keras.Model(image, keras.layers.Add()([keras.layers.ReLU()(a), b]))
    swapped = keras.Model(image, keras.layers.Add()([a, keras.layers.ReLU()(b)]))
    assert network_key(plus) != network_key(swapped)
    strided = keras.Model(image, keras.layers.MaxPooling2D(2, strides=1)(a))
    assert network_key(strided) != network_key(keras.Model(image, keras.layers.MaxPooling2D(2, strides=2)(a)))


def test_a_cache_larger_than_the_free_disk_is_refused_before_anything_runs(fashion, monkeypatch):
    full = shutil._ntuple_diskusage(10**9, 10**9 - 10**6, 10**6)
    monkeypatch.setattr(feature_cache.shutil, "disk_usage", lambda path: full)
    monkeypatch.setattr(frozen_runner, "build", lambda *_: pytest.fail("the frozen part ran"))
    with pytest.raises(DiskFault, match=r"need 0\.0\d GB in .* at most 70% are used.*--set views=1.*KERAS_ZOO_CACHE"):
        train(frozen_recipe(), fashion)
    assert not feature_cache.cache_folder().exists()


def test_class_weights_count_every_class_the_same(fashion):
    few = np.concatenate([np.flatnonzero(fashion.train.labels != 9), np.flatnonzero(fashion.train.labels == 9)[:3]])
    unbalanced = dataclasses.replace(fashion, train=fashion.train.select(few))
    plain = train(frozen_recipe(), unbalanced)
    weighted = train(frozen_recipe(class_weights="balanced"), unbalanced)
    share = [np.mean(outcome.model.predict(fashion.test.pixels, verbose=0)[:, 9]) for outcome in (plain, weighted)]
    assert share[1] > share[0]


@needs_openvino
def test_openvino_gives_what_keras_gives(fashion, online):
    fast = train(frozen_recipe(engine="openvino"), fashion)
    assert fast.boundary["head"]["engine"].startswith("openvino")
    np.testing.assert_allclose(figures(fast), figures(online), rtol=0.02)


@needs_openvino
def test_an_engine_that_disagrees_is_refused_with_a_notice(parts, monkeypatch, caplog):
    _, network, images = parts
    monkeypatch.setattr(
        frozen_runner, "_openvino", lambda network, precision: lambda batch: -network.predict_on_batch(batch)
    )
    with caplog.at_level("WARNING", logger="recipes"):
        monkeypatch.setattr(frozen_runner.log, "propagate", True)
        kept = cache(network, images, engine="openvino")
    assert "disagrees with Keras on one batch (correlation -1.0" in caplog.text
    assert kept.facts["engine"] == "keras float32"
    np.testing.assert_allclose(kept[:], network.predict(images, verbose=0), rtol=1e-2, atol=1e-1)


@needs_openvino
def test_an_engine_that_fails_is_refused_with_a_notice(parts, monkeypatch, caplog):
    _, network, images = parts

    def unknown_layer(network, precision):
        raise RuntimeError("no such operation: Mystery\nat line 1")

    monkeypatch.setattr(frozen_runner, "_openvino", unknown_layer)
    monkeypatch.setattr(frozen_runner.log, "propagate", True)
    with caplog.at_level("WARNING", logger="recipes"):
        assert cache(network, images, engine="openvino").facts["engine"] == "keras float32"
    assert "cannot run this network (no such operation: Mystery): Keras is used" in caplog.text


@needs_openvino
def test_an_engine_that_fails_is_tried_and_said_once_for_each_stretch(fashion, monkeypatch, caplog):
    """Up to the second phase's frontier, and from there to the first's; the second phase tries nothing again."""
    tried = []

    def unknown_layer(network, precision):
        tried.append(network)
        raise RuntimeError("no such operation: Mystery")

    monkeypatch.setattr(frozen_runner, "_openvino", unknown_layer)
    monkeypatch.setattr(frozen_runner.log, "propagate", True)
    with caplog.at_level("WARNING", logger="recipes"):
        outcome = train(frozen_recipe(engine="openvino"), fashion)
    said = [record for record in set(caplog.records) if "no such operation: Mystery" in record.getMessage()]
    assert len(tried) == len(said) == 2
    assert outcome.boundary["conv2"]["images_passed"] == 0


def test_activations_too_large_for_their_number_format_are_refused(parts):
    image = keras.Input((28, 28, 1))
    huge = keras.Model(image, keras.layers.Rescaling(1e6)(image))
    with pytest.raises(UsageFault, match="do not fit float16: --set cache_dtype=float32"):
        cache(huge, parts[2], engine="keras")
    assert cache(huge, parts[2], engine="keras", dtype="float32")[:].max() > 1e8


def test_the_engine_is_chosen_by_what_is_there(monkeypatch):
    def here(openvino, bfloat16):
        monkeypatch.setattr(frozen_runner.importlib.util, "find_spec", lambda name: openvino or None)
        monkeypatch.setattr(frozen_runner.precisions, "processor_has_bfloat16", lambda: bfloat16)

    here(openvino=True, bfloat16=True)
    assert frozen_runner.choose("auto", "bfloat16") == "openvino bfloat16"
    assert frozen_runner.choose("auto", "float32") == "keras float32"  # Who asks for float32 gets it throughout.
    assert frozen_runner.choose("openvino", "float32") == "openvino bfloat16"
    assert frozen_runner.choose("keras", "bfloat16") == "keras bfloat16"
    here(openvino=True, bfloat16=False)
    assert frozen_runner.choose("auto", "float32") == "keras float32"
    assert frozen_runner.choose("openvino", "float32") == "openvino float32"
    here(openvino=False, bfloat16=True)
    assert frozen_runner.choose("auto", "bfloat16") == "keras bfloat16"
    with pytest.raises(EnvironmentFault, match=r"pip install 'keras-zoo-recipes\[fast\]'"):
        frozen_runner.choose("openvino", "bfloat16")


def _needs(recipe, splits):
    return Phases(recipe, splits, network(), seed=7, precision="float32").boundary.needs()


def test_needs_are_known_before_anything_runs(fashion):
    recipe = frozen_recipe(views=2, augment=Augment(flip=True))
    needs = _needs(recipe, fashion)
    expected = (2 * len(fashion.train) + len(fashion.validation)) * 2 * (3136 + 14 * 14 * 32)
    assert sum(rows.missing_bytes for _, rows in needs) == expected
    outcome = train(recipe, fashion)
    assert outcome.boundary["head"]["bytes"] == expected
    assert sum(rows.missing_bytes for _, rows in _needs(recipe, fashion)) == 0


def test_each_fact_is_computed_once(fashion, monkeypatch):
    """In two phases: each is thawed and compiled once, each stretch of the network and set of images hashed once."""
    counted = Counter()

    def count(owner, name):
        real = getattr(owner, name)
        monkeypatch.setattr(owner, name, lambda *args, **kwargs: counted.update([name]) or real(*args, **kwargs))

    for owner, name in (
        (layers, "thaw"),
        (feature_cache, "network_key"),
        (feature_cache, "images_key"),
        (keras.Model, "compile"),
    ):
        count(owner, name)
    outcome = train(frozen_recipe(views=3, augment=Augment(flip=True)), fashion)
    assert {name: facts["layer"] for name, facts in outcome.boundary.items()} == {"head": "flatten", "conv2": "pool1"}
    assert counted == {"thaw": 2, "network_key": 2, "images_key": 2, "compile": 2}


def test_activations_below_a_layer_that_an_earlier_phase_trained_are_computed_anew(fashion):
    phases = (
        Phase("head", epochs=1, train=("dense", "probabilities")),
        Phase("conv1", epochs=1, train=("conv1",), learning_rate=1e-2),
        Phase("head again", epochs=1, train=("dense", "probabilities")),
    )
    cached = train(frozen_recipe(phases=phases, cache_dtype="float32"), fashion)
    online = train(frozen_recipe(phases=phases, views=0), fashion)
    np.testing.assert_allclose(figures(cached), figures(online), rtol=1e-4)
    assert cached.boundary["head again"]["images_passed"] == len(fashion.train) + len(fashion.validation)
