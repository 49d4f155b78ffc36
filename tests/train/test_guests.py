"""Networks of one's own: each way to bring one trains and can be used, or is refused before data is read."""

import importlib
import os
import subprocess
import sys

import guest_networks
import keras
import numpy as np
import pytest
from conftest import PYTHON, ROOT, subprocess_environment
from photo_files import write_photos

import zoo
from recipes import Phase, Recipe, data, precision
from recipes.errors import UsageFault
from recipes.execution.prepare import find_weights
from recipes.run import main
from recipes.train import network

pytestmark = pytest.mark.usefixtures("few_images")
PAGE = ROOT / "docs" / "en" / "own-networks.md"


@pytest.fixture(scope="module")
def registered():
    """What guest_recipes registers, for as long as these tests run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("zoo.registry._registered", {})
        yield importlib.import_module("guest_recipes")
    del sys.modules["guest_recipes"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return tmp_path_factory.mktemp("guests")


def recipe(build, **changes):
    """A recipe for a builder; it must be registered."""
    settings = {"name": "own", "architecture": build, "data": "fashion_mnist", "phases": (Phase("train", epochs=1),)}
    return Recipe(**(settings | changes))


def built(build, image_shape=(28, 28, 1), classes=10, **changes):
    return network.build(recipe(build, **changes), image_shape, classes, 1, None)


@pytest.fixture
def run_of(registered, runs, capsys):
    """The finished run of a network; each is made once."""

    def made(build):
        folder = runs / build.__name__
        if not folder.exists():
            code = main([f"guest_recipes:{build.__name__.upper()}", "--smoke", "--quiet", "--out", str(folder)])
            assert code == 0, capsys.readouterr().err
        return folder

    return made


DRAWN = guest_networks.base_called_twice


@pytest.mark.parametrize(
    "build",
    [pytest.param(build, marks=[pytest.mark.drawn] if build is DRAWN else []) for build in guest_networks.TRAIN],
    ids=lambda build: build.__name__,
)
def test_a_network_of_ones_own_trains(build, run_of):
    assert len((run_of(build) / "history.csv").read_text().splitlines()) == 2


@pytest.mark.parametrize(("build", "words"), guest_networks.REFUSED.items(), ids=lambda it: getattr(it, "__name__", ""))
def test_a_network_that_cannot_work_is_refused_before_data_is_read(build, words, registered, runs, capsys, monkeypatch):
    monkeypatch.setattr(data, "read", lambda *_, **__: pytest.fail("data was read"))
    code = main([f"guest_recipes:{build.__name__.upper()}", "--smoke", "--out", str(runs / build.__name__)])
    told = capsys.readouterr().err
    assert code == 2
    assert words in told
    assert "bug" not in told


def test_saved_networks_load_predict_and_export_in_a_fresh_process(registered, runs):
    """Plain Keras loads them; of this project nothing, and of the person only the module with the layers."""
    folders = sorted(path.parent for path in runs.glob("*/model.keras"))
    if not folders:
        pytest.skip("the runs of the tests above are not there")
    program = """
import sys, guest_networks, numpy as np, recipes, tensorflow as tf
from recipes import export
tf.config.run_functions_eagerly(True)  # Two predictions of each network are not worth a trace.
pictures = np.random.default_rng(0).integers(0, 256, (3, 28, 28, 1)).astype("uint8")
for folder in sys.argv[1:]:
    answer = recipes.load(folder).predict(pictures).probabilities
    assert answer.shape == (3, 10), folder
    assert np.allclose(answer.sum(axis=1), 1, atol=1e-3), folder
    assert export.main([folder]) == 0, folder
print("loaded", len(sys.argv) - 1)
"""
    environment = subprocess_environment(PYTHONPATH=f"{ROOT}{os.pathsep}{ROOT / 'tests' / 'train'}")
    ran = subprocess.run(
        [PYTHON, "-c", program, *map(str, folders)], env=environment, capture_output=True, text=True, check=False
    )
    assert ran.stdout.endswith(f"loaded {len(folders)}\n"), ran.stderr[-2000:]


@pytest.mark.drawn
def test_a_run_draws_and_counts_a_network_whose_layers_are_shared(run_of):
    assert "stem" in (run_of(DRAWN) / "report.html").read_text()


def test_two_classes_train_one_sigmoid_unit(registered, tmp_path, capsys):
    write_photos(tmp_path / "photos", number=12)
    three = sorted((tmp_path / "photos").iterdir())
    for path in three[2].iterdir():
        path.unlink()
    three[2].rmdir()
    code = main(["guest_recipes:ONE_SIGMOID_UNIT", "--data", str(tmp_path / "photos"), "--smoke", "--quiet",
                 "--set", "image_size=28", "--out", str(tmp_path / "run")])  # fmt: skip
    assert code == 0, capsys.readouterr().err
    assert keras.models.load_model(tmp_path / "run" / "model.keras").output_shape == (None, 1)


def test_an_installed_package_brings_network_and_recipe_by_entry_points(runs, tmp_path, monkeypatch, capsys):
    package = tmp_path / "theirs-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text(
        "[zoo.architectures]\ntheir_net = guest_networks:networks_three_deep\n"
        "[recipes.book]\ntheir_net = theirs:TUNED\n"
    )
    (tmp_path / "theirs.py").write_text(
        "from recipes import Phase, Recipe\n"
        "TUNED = Recipe(name='their_net', architecture='their_net', data='fashion_mnist', phases=(Phase('t', 1),))"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert "their_net" in zoo.names()
    code = main(["their_net", "--smoke", "--quiet", "--out", str(runs / "their_net")])
    assert code == 0, capsys.readouterr().err


def test_weights_that_a_builder_ignores_are_refused(registered, runs, tmp_path, capsys):
    file = tmp_path / "theirs.weights.h5"
    network.build(recipe("unnamed_layers"), (28, 28, 1), 10, 2, None).save_weights(file)
    code = main(
        ["guest_recipes:UNNAMED_LAYERS", "--weights", str(file), "--seed", "2", "--smoke", "--out", str(tmp_path / "a")]
    )
    assert code == 2
    assert "does not use the weights" in capsys.readouterr().err
    code = main(["guest_recipes:BATCH_NORMALIZATION", "--weights", str(file), "--smoke", "--out", str(tmp_path / "b")])
    assert code == 2
    assert "has no keyword 'weights'" in capsys.readouterr().err


def test_an_earlier_model_of_other_classes_gets_a_new_head_where_it_is_asked_for(registered, tmp_path):
    def as_the_page_writes_it(*, input_shape, classes, weights=None):
        model = guest_networks.batch_normalization(input_shape=input_shape, classes=classes)
        return zoo.weights.load_weights(model, weights)

    zoo.register("as_the_page_writes_it")(as_the_page_writes_it)
    earlier = built("as_the_page_writes_it")
    earlier.save(file := tmp_path / "model.keras")

    def started_from(weights):
        own = recipe("as_the_page_writes_it", weights=weights)
        return network.build(own, (28, 28, 1), 3, 2, find_weights(own))

    with pytest.raises(UsageFault, match="dense: 10 classes .*, 3 wanted. Start .* --weights base:") as caught:
        started_from(str(file))
    assert str(caught.value).endswith(str(file))
    other = started_from(f"base:{file}")
    np.testing.assert_array_equal(other.get_layer("conv2d").kernel, earlier.get_layer("conv2d").kernel)
    assert other.get_layer("dense").units == 3


def test_a_builders_own_weights_that_do_not_count_are_said(monkeypatch, caplog):
    def pretrained(*, input_shape, classes, weights="imagenet"):
        return guest_networks.unnamed_layers(input_shape=input_shape, classes=classes)

    monkeypatch.setattr("zoo.registry._registered", {})
    zoo.register("pretrained")(pretrained)
    zoo.register("plain")(guest_networks.unnamed_layers)
    assert find_weights(recipe("plain")) is None
    assert not caplog.text
    assert find_weights(recipe("pretrained")) is None
    assert "random weights, without its builder's own weights='imagenet'" in caplog.text
    assert find_weights(recipe("pretrained", weights="imagenet")).kind == "builder"


def test_names_and_weights_are_the_same_on_every_build(registered):
    first, other = built("networks_three_deep"), built("networks_three_deep")
    assert [layer.name for layer in first.layers] == [layer.name for layer in other.layers]
    assert network.differences(network.describe(first), network.describe(other)) == []
    for weight, again in zip(first.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, again)
    assert built("compiled").layers[2].name == "conv2d"


def test_a_network_may_have_a_korean_name(registered):
    def korean(*, input_shape, classes):
        image = keras.Input(input_shape)
        out = keras.layers.Dense(classes, activation="softmax")(keras.layers.Flatten()(image))
        return keras.Model(image, out, name="내_모델")

    zoo.register("내_모델")(korean)
    assert built("내_모델").name == "network"


def test_a_base_that_its_author_holds_is_held(registered):
    """Its BatchNormalization keeps its statistics though all else trains; its dropout is gone, so it can be cut at."""
    from recipes.freeze import layers

    model = built("frozen_base")
    assert "drop" not in [layer.name for layer in model.layers]
    assert layers.thaw(model, ("*",)) == ["stem", "conv", "classifier"]
    layers.thaw(model, ("classifier",))
    assert layers.frontier(model) == "global_average_pooling2d"


def test_dropout_below_a_head_is_held_where_nothing_below_it_trains(registered):
    def flat_base_under_a_head(*, input_shape, classes):
        image = keras.Input(input_shape)
        x = keras.layers.Dropout(0.1, name="early")(keras.layers.Conv2D(2, 3, name="conv1")(image))
        x = keras.layers.Dropout(0.1, name="late")(keras.layers.Conv2D(2, 3, name="conv2")(x))
        x = keras.layers.Dropout(0.1, name="head_dropout")(keras.layers.GlobalMaxPooling2D()(x))
        return keras.Model(image, keras.layers.Dense(classes, activation="softmax", name="head_out")(x))

    zoo.register("flat_base_under_a_head")(flat_base_under_a_head)
    phases = (Phase("head", epochs=1, train=("head_*",)), Phase("all", epochs=1, train=("conv2", "head_*")))
    left = {layer.name for layer in built("flat_base_under_a_head", phases=phases).layers}
    assert "early" not in left
    assert {"late", "head_dropout"} <= left
    assert "late" not in {layer.name for layer in built("flat_base_under_a_head", phases=phases[:1]).layers}


@pytest.mark.parametrize("name", ["fashion_cnn", "keras_mat_lenet", "dogs_vs_cats_aug"])
def test_a_network_of_the_zoo_has_the_weights_it_always_had(name):
    info = zoo.info(name)
    keras.utils.set_random_seed(5)
    wanted = zoo.get(name, weights=None).get_weights()
    found = network.build(recipe(name), info.input_shape, info.classes, 5, None).get_weights()
    for weight, other in zip(wanted, found, strict=True):
        np.testing.assert_array_equal(weight, other)


def test_the_page_lists_every_way():
    rows = ["| A network with | what a recipe does with it |", "| --- | --- |"]
    for build, what in guest_networks.TRAIN.items():
        rows.append(f"| {build.__doc__.rstrip('.')} | trains, {what} |")
    for build, words in guest_networks.REFUSED.items():
        rows.append(f"| {build.__doc__.rstrip('.')} | refused: {words.replace('|', '')} |")
    assert "\n".join(rows) in PAGE.read_text(encoding="utf-8"), "Put this table into the page:\n" + "\n".join(rows)


def test_a_network_that_bfloat16_cannot_compute_stays_in_float32(registered, monkeypatch, caplog):
    monkeypatch.setattr(precision, "processor_has_bfloat16", lambda: True)
    model = built("singular_values")
    assert "'singular_values' computes in float32: in bfloat16 a step fails. Value passed to" in caplog.text
    assert {layer.compute_dtype for layer in precision.cast(model, "bfloat16").layers} == {"float32"}
    assert precision.computes_in(model, "bfloat16") == "float32"
    assert precision.computes_in(built("compiled"), "bfloat16") == "bfloat16"
    assert "bfloat16" in {layer.compute_dtype for layer in precision.cast(built("compiled"), "bfloat16").layers}
    assert caplog.text.count("NOTICE") == 1
