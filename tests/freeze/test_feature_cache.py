"""Training above a frozen part: the same as training it whole, and never on activations of something else."""

import copy
import dataclasses
import importlib.util
import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import keras
import numpy as np
import pytest
from conftest import PYTHON, ROOT, subprocess_environment, tiny_recipe

from recipes import Augment, Phase, Split, data
from recipes.errors import DiskFault, EnvironmentFault, UsageFault
from recipes.freeze import boundary, digests, frontier, frozen_pass, frozen_runner, layers, split_at, thaw
from recipes.freeze.cache_key import images_key, network_key
from recipes.freeze.feature_cache import cache
from recipes.train import engine, phase
from recipes.train.engine import Hooks, StopRequested
from recipes.train.phase import Phases
from zoo.cache import cache_folder

needs_openvino = pytest.mark.skipif(
    importlib.util.find_spec("openvino") is None, reason="skipped: the extra 'fast' is not installed"
)

# Two phases of transfer: the head alone, then the last convolution with it.
PHASES = (
    Phase("head", epochs=2, train=("dense", "probabilities"), optimizer="rmsprop"),
    Phase("conv2", epochs=2, train=("conv2", "dense", "probabilities"), rates={"conv2": 0.1}),
)


FLATTENED, POOLED = 7 * 7 * 4, 14 * 14 * 4


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_ZOO_CACHE", str(tmp_path / "cache"))


def frozen_recipe(**changes):
    return tiny_recipe(**({"phases": PHASES, "augment": Augment(), "engine": "keras", "views": 1} | changes))


def network(seed=7):
    """fashion_cnn with few filters and units."""
    keras.utils.set_random_seed(seed)
    x = image = keras.Input((28, 28, 1), name="image")
    x = keras.layers.Rescaling(1 / 255, name="scale")(x)
    for stage in (1, 2):
        x = keras.layers.Conv2D(4, 3, padding="same", activation="relu", name=f"conv{stage}")(x)
        x = keras.layers.MaxPooling2D(2, name=f"pool{stage}")(x)
    x = keras.layers.Dense(32, activation="relu", use_bias=False, name="dense")(keras.layers.Flatten(name="flatten")(x))
    x = keras.layers.Dropout(0.4, name="dropout")(x)
    return keras.Model(image, keras.layers.Dense(10, activation="softmax", name="probabilities")(x), name="small")


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


@dataclasses.dataclass
class Told:
    """What a training above the frontier told.

    Attributes:
        outcome: Its outcome.
        cache: The folder that it filled.
        counted: How often what each fact of a network comes from was called.
        start: Digests of the weights before it.
        after: And after each phase.
        needs: What was missing before it, in bytes.
    """

    outcome: engine.Outcome
    cache: Path
    counted: Counter
    start: dict
    after: dict
    needs: int


# Mirrored images in three views.
VIEWS = {"views": 3, "augment": Augment(flip=True)}


@pytest.fixture(scope="module")
def told(fashion, tmp_path_factory):
    """A training in two phases on three views."""
    folder, counted, after = tmp_path_factory.mktemp("told"), Counter(), {}
    recipe, model = frozen_recipe(**VIEWS), network()
    hooks = Hooks(on_epoch=lambda phase, row, worker, best: after.update({phase.name: digests(worker)}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_ZOO_CACHE", str(folder))
        needs, start = _missing_bytes(recipe, fashion), digests(model)

        def count(owner, name):
            real = getattr(owner, name)
            patch.setattr(owner, name, lambda *args, **kwargs: counted.update([name]) or real(*args, **kwargs))

        for owner, name in (
            (layers, "thaw"),
            (frozen_pass, "network_key"),
            (boundary, "images_key"),
            (keras.Model, "compile"),
        ):
            count(owner, name)
        outcome = train(recipe, fashion, model, hooks=hooks)
    return Told(outcome, folder, counted, start, after, needs)


def _missing_bytes(recipe, splits):
    needs = Phases(recipe, splits, network(), seed=7, precision="float32").boundary.needs()
    return sum(rows.missing_bytes for _, rows in needs)


def test_the_bulk_of_the_network_runs_once_for_both_phases(fashion, told, monkeypatch):
    images = 3 * len(fashion.train) + len(fashion.validation)
    boundary = told.outcome.boundary
    assert {name: facts["images_passed"] for name, facts in boundary.items()} == {"head": images, "conv2": 0}
    assert boundary["head"]["views"] == 3
    monkeypatch.setenv("KERAS_ZOO_CACHE", str(told.cache))
    again = train(frozen_recipe(**VIEWS), fashion)
    assert again.boundary["head"]["images_passed"] == 0
    assert again.history == told.outcome.history


def test_needs_are_known_before_anything_runs(fashion, told, monkeypatch):
    expected = (3 * len(fashion.train) + len(fashion.validation)) * 2 * (FLATTENED + POOLED)
    assert told.needs == told.outcome.boundary["head"]["bytes"] == expected
    monkeypatch.setenv("KERAS_ZOO_CACHE", str(told.cache))
    assert _missing_bytes(frozen_recipe(**VIEWS), fashion) == 0


def test_each_fact_is_computed_once(told):
    """In two phases: each is thawed and compiled once, each stretch of the network and set of images hashed once."""
    layer_of = {name: facts["layer"] for name, facts in told.outcome.boundary.items()}
    assert layer_of == {"head": "flatten", "conv2": "pool1"}
    assert told.counted == {"thaw": 2, "network_key": 2, "images_key": 2, "compile": 2}


def test_after_each_phase_frozen_weights_are_the_same_bytes_and_thawed_ones_moved(told):
    def moved(before, now):
        return {path.split("/")[0] for path in before if before[path] != now[path]}

    assert moved(told.start, told.after["head"]) == {"dense", "probabilities"}
    assert moved(told.after["head"], told.after["conv2"]) == {"conv2", "dense", "probabilities"}
    assert moved(told.start, digests(told.outcome.model)) == {"conv2", "dense", "probabilities"}


def test_a_frozen_weight_that_moves_is_found_out(fashion):
    def sabotage(phase, row, worker, best):
        kernel = worker.get_layer("conv1").kernel
        kernel.assign(kernel + 1)

    with pytest.raises(RuntimeError, match="Training changed weights that were frozen: conv1/kernel"):
        train(frozen_recipe(), fashion, hooks=Hooks(on_epoch=sabotage), phases=1)


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
    monkeypatch.setattr("recipes.files.sharded_array.SHARD_BYTES", 64 * FLATTENED * 2)
    recipe = frozen_recipe(phases=PHASES[:1])
    whole = train(recipe, fashion)
    shutil.rmtree(cache_folder())

    done = []
    hooks = Hooks(on_pass=lambda phase, images, total: done.append(images), stop_requested=lambda: done[-1:] >= [300])
    with pytest.raises(StopRequested):
        train(recipe, fashion, hooks=hooks)
    again = train(recipe, fashion)
    total = len(fashion.train) + len(fashion.validation)
    assert again.boundary["head"]["images_passed"] == total - 256  # Whole shards of 64 are kept.
    assert again.history == whole.history


def test_a_stop_in_a_phase_above_the_frontier_resumes_exactly(fashion, told, monkeypatch):
    """One training, stopped and resumed in the second epoch of the head and in the first of the phase above."""
    monkeypatch.setattr(phase, "steps_per_call", lambda *_: 1)  # So that a stop can fall between any two.
    recipe, whole = frozen_recipe(**VIEWS), told.outcome
    state = _state_after(15, recipe, fashion, None)
    state = _state_after(23 - 15, recipe, fashion, state)
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
import time
from test_feature_cache import FLATTENED, network
from recipes import Split, data
from recipes.files import sharded_array
from recipes.freeze import feature_cache, split_at

sharded_array.SHARD_BYTES = 32 * FLATTENED * 2
prefix, _ = split_at(network(), "flatten")
images = data.read(data.find("fashion_mnist", "sample"), Split()).take(320, 1, 1).train.pixels

def slowly(done, total):
    print(done, flush=True)
    time.sleep(0.2)

feature_cache.cache(prefix, images, engine="keras", watch=slowly)
"""


def test_what_a_killed_process_has_finished_is_used(monkeypatch):
    monkeypatch.setattr("recipes.files.sharded_array.SHARD_BYTES", 32 * FLATTENED * 2)
    path = os.pathsep.join(map(str, (ROOT, ROOT / "tests", ROOT / "tests" / "freeze")))
    process = subprocess.Popen(
        [PYTHON, "-c", SCRIPT],
        env=subprocess_environment(PYTHONPATH=path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
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
    model, prefix, images = parts
    settings = {"engine": "keras", "augment": Augment(flip=True, rotation=0.1), "seed": 3, "view": 1}
    first = cache(prefix, images, **settings)

    def computed(network=prefix, images=images, **changes):
        passed = []
        rows = cache(network, images, **(settings | changes), watch=lambda done, total: passed.append(done))
        assert bool(passed) == (rows.key != first.key)
        return bool(passed)

    assert not computed()
    assert computed(network=split_at(keras.models.clone_model(model), "flatten")[0])  # Other weights.
    same = network(seed=8)
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
    monkeypatch.setattr(frozen_pass.shutil, "disk_usage", lambda path: full)
    monkeypatch.setattr(frozen_runner, "build", lambda *_: pytest.fail("the frozen part ran"))
    with pytest.raises(DiskFault, match=r"need 0\.01 GB in .* at most 70% are used.*--set views=1.*KERAS_ZOO_CACHE"):
        train(frozen_recipe(views=20, augment=Augment(flip=True)), fashion)
    assert not cache_folder().exists()


def test_class_weights_count_every_class_the_same(fashion):
    few = np.concatenate([np.flatnonzero(fashion.train.labels != 9), np.flatnonzero(fashion.train.labels == 9)[:3]])
    unbalanced = dataclasses.replace(fashion, train=fashion.train.select(few))
    plain = train(frozen_recipe(), unbalanced, phases=1)
    weighted = train(frozen_recipe(class_weights="balanced"), unbalanced, phases=1)
    share = [np.mean(np.array(outcome.model(fashion.test.pixels))[:, 9]) for outcome in (plain, weighted)]
    assert share[1] > share[0]


@needs_openvino
def test_openvino_gives_what_keras_gives(fashion, online):
    fast = train(frozen_recipe(engine="openvino"), fashion)
    assert fast.boundary["head"]["engine"].startswith("openvino")
    np.testing.assert_allclose(figures(fast), figures(online), rtol=0.02)


@needs_openvino
def test_openvino_does_not_report_its_use():
    """Where it finds the package for it, each import and conversion sends a notice to its maker."""
    from openvino.tools.ovc import convert_impl

    assert convert_impl.tm.__name__ == "openvino.tools.ovc.telemetry_stub"


@needs_openvino
def test_an_engine_that_disagrees_is_refused_with_a_notice(parts, monkeypatch, caplog):
    _, network, images = parts
    monkeypatch.setattr(frozen_runner, "_openvino", lambda network, *_: lambda batch: -network.predict_on_batch(batch))
    with caplog.at_level("WARNING", logger="recipes"):
        kept = cache(network, images, engine="openvino")
    assert "disagrees with Keras on one batch (correlation -1.0" in caplog.text
    assert kept.facts["engine"] == "keras float32"
    np.testing.assert_allclose(kept[:], network.predict(images, verbose=0), rtol=1e-2, atol=1e-1)


@needs_openvino
def test_an_engine_that_fails_is_refused_with_a_notice(parts, monkeypatch, caplog):
    _, network, images = parts

    def unknown_layer(network, *_):
        raise RuntimeError("no such operation: Mystery\nat line 1")

    monkeypatch.setattr(frozen_runner, "_openvino", unknown_layer)
    with caplog.at_level("WARNING", logger="recipes"):
        assert cache(network, images, engine="openvino").facts["engine"] == "keras float32"
    assert "cannot run this network (no such operation: Mystery): Keras is used" in caplog.text


@needs_openvino
def test_an_engine_that_fails_is_tried_and_said_once_for_each_stretch(fashion, monkeypatch, caplog):
    """Up to the second phase's frontier, and from there to the first's; the second phase tries nothing again."""
    tried = []

    def unknown_layer(network, *_):
        tried.append(network)
        raise RuntimeError("no such operation: Mystery")

    monkeypatch.setattr(frozen_runner, "_openvino", unknown_layer)
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


def test_the_engine_is_chosen_by_what_is_there_and_by_the_work(monkeypatch):
    def here(packages=("openvino", "nncf"), *, bfloat16, int8=True):
        monkeypatch.setattr(frozen_runner.importlib.util, "find_spec", lambda name: name in packages or None)
        monkeypatch.setattr(frozen_runner.precisions, "processor_has_bfloat16", lambda: bfloat16)
        monkeypatch.setattr(frozen_runner.precisions, "processor_has_int8", lambda: int8)

    choose = frozen_runner.choose
    here(bfloat16=True)
    assert choose("auto", "auto", int8_serves=True) == "openvino bfloat16"
    assert choose("auto", "float32", int8_serves=True) == "openvino float32"  # Who asks for float32 gets it throughout.
    assert choose("openvino", "float32") == "openvino bfloat16"
    assert choose("int8", "float32") == "openvino int8"
    assert choose("keras", "bfloat16") == "keras bfloat16"
    assert choose("auto", "auto", work=1e9) == "keras bfloat16"
    assert choose("auto", "auto", work=1e9, depthwise=True) == "keras float32"
    assert choose("auto", "bfloat16", work=1e9, depthwise=True) == "keras bfloat16"
    here(bfloat16=False)
    assert choose("auto", "auto", int8_serves=True) == "openvino int8"
    assert choose("auto", "auto", work=1e9, int8_serves=True) == "keras float32"
    assert choose("auto", "auto") == "openvino float32"
    assert choose("auto", "float32", int8_serves=True) == "openvino float32"
    assert choose("auto", "bfloat16") == "keras bfloat16"
    assert choose("openvino", "float32") == "openvino float32"
    here(bfloat16=False, int8=False)
    assert choose("auto", "auto", int8_serves=True) == "openvino float32"
    here(["openvino"], bfloat16=False)
    assert choose("auto", "auto", int8_serves=True) == "openvino float32"
    with pytest.raises(EnvironmentFault, match=r"'int8' is not installed: pip install 'keras-zoo-recipes\[fast\]'"):
        choose("int8", "auto")
    here([], bfloat16=True)
    assert choose("auto", "auto") == "keras bfloat16"
    with pytest.raises(EnvironmentFault, match=r"pip install 'keras-zoo-recipes\[fast\]'"):
        choose("openvino", "bfloat16")


def test_eight_bits_are_near_to_float32_and_kept_apart(parts):
    pytest.importorskip("nncf")
    _, network, images = parts
    exact = cache(network, images, engine="keras", dtype="float32")[:]
    eight = cache(network, images, engine="int8", dtype="float32")
    assert eight.facts["engine"] == "openvino int8"
    assert eight.facts["calibrated_on"] == images_key(images)
    assert 1e-4 < np.linalg.norm(eight[:] - exact) / np.linalg.norm(exact) < 0.1


def test_scores_are_those_of_keras_whatever_computes_them(fashion, monkeypatch, caplog):
    pytest.importorskip("openvino")
    model, batch = network(), fashion.test.pixels[:8].astype("float32")
    wanted = np.asarray(model.predict_on_batch(batch))
    assert frozen_runner.exact(model, 8, batch).name == "keras float32"  # Too little to do.
    fast = frozen_runner.exact(model, 10**12, batch)
    assert fast.name == "openvino float32"
    np.testing.assert_allclose(fast.run(batch), wanted, atol=frozen_runner.EXACT)
    monkeypatch.setattr(frozen_runner, "_openvino", lambda *_: lambda images: wanted + 1e-3)
    with caplog.at_level("WARNING", logger="recipes"):
        assert frozen_runner.exact(model, 10**12, batch).name == "keras float32"
    assert "differs from Keras by 0.001 in a probability: Keras is used" in caplog.text


def test_activations_below_a_layer_that_an_earlier_phase_trained_are_computed_anew(fashion):
    """What the last epoch scored above the frontier is what the whole network gives."""
    phases = (
        Phase("head", epochs=1, train=("dense", "probabilities")),
        Phase("conv1", epochs=1, train=("conv1",), learning_rate=1e-2),
        Phase("head again", epochs=1, train=("dense", "probabilities")),
    )
    cached = train(frozen_recipe(phases=phases, cache_dtype="float32"), fashion)
    assert cached.boundary["head again"]["images_passed"] == len(fashion.train) + len(fashion.validation)
    probabilities, labels = np.array(cached.model(fashion.validation.pixels)), fashion.validation.labels
    loss = -np.log(probabilities[np.arange(len(labels)), labels]).mean()
    assert cached.history[-1]["val_loss"] == pytest.approx(loss, rel=1e-4)
