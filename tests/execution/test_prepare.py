"""What a run needs is prepared once, and what cannot work is refused before an image is read."""

import json
import os
import sys

import keras
import pytest
from conftest import needs_posix
from PIL import Image

import zoo
from recipes import data
from recipes.console.screen import Screen
from recipes.data import tfds
from recipes.errors import DataFault, EnvironmentFault
from recipes.execution import examination, prepare
from recipes.execution.request import Request

units = 8


def edited_net(input_shape=(28, 28, 1), classes=10, weights=None):
    """A network whose author cannot leave it alone."""
    image = keras.Input(input_shape, name="image")
    x = keras.layers.Flatten(name="flatten")(keras.layers.Rescaling(1 / 255, name="scale")(image))
    x = keras.layers.Dense(units, activation="relu", name="hidden")(x)
    return keras.Model(image, keras.layers.Dense(classes, activation="softmax", name="probabilities")(x))


@pytest.fixture
def _nothing_is_read(monkeypatch):
    monkeypatch.setattr(data, "read", lambda *_, **__: pytest.fail("images were read"))
    monkeypatch.setattr(examination, "examine", lambda *_, **__: pytest.fail("photos were examined"))


@pytest.mark.usefixtures("_nothing_is_read")
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (["phases.train.train=dens"], "'dens' matches no layer with weights in fashion_cnn. Did you mean 'dense'"),
        (["phases.train.rates.conv9=0.1"], "'conv9' in the rates of phase 'train' matches no layer that trains"),
        (["model.droput=0.1"], "no keyword 'droput'"),
        (["architecture=vgg16_finetune", "image_size=16"], "vgg16"),
    ],
)
@pytest.mark.parametrize("source", ["sample", "photos"])
def test_what_cannot_work_is_refused_before_an_image_is_read(changes, words, source, tmp_path, run_cli, request):
    where = request.getfixturevalue("photos") if source == "photos" else "sample"
    options = [part for change in changes for part in ("--set", change)]
    code, _, err = run_cli("fashion_cnn", "--data", where, "--out", tmp_path / "run", *options)
    assert (code, words in err) == (2, True), err
    assert not (tmp_path / "run").exists()


def test_the_network_is_built_once_for_images_that_are_known(monkeypatch):
    built = []
    real = prepare.build
    monkeypatch.setattr(prepare, "build", lambda *given: built.append(given) or real(*given))
    ready = prepare.prepare(Request("fashion_cnn", data="sample", smoke=True), Screen(quiet=True))
    assert len(built) == 1
    assert all(layer.trainable for layer in ready.model.layers)


@pytest.mark.parametrize("dataset", ["fashion_mnist", "mnist", "cats_vs_dogs"])
def test_a_sample_is_as_it_is_described(dataset):
    origin = data.find(dataset, "sample")
    splits = data.read(origin, prepare.Recipe.split)
    assert data.describe(origin, None, (180, 180, 3)) == data.Description(splits.image_shape, splits.class_names)


@pytest.mark.parametrize(
    ("dataset", "size", "shape", "classes"),
    [
        ("mnist", None, (28, 28, 1), 10),
        ("cats_vs_dogs", None, (180, 180, 3), 2),
        ("rock_paper_scissors", 64, (64, 64, 3), 3),
    ],
)
def test_a_data_set_to_be_downloaded_is_described_before(dataset, size, shape, classes, tmp_path):
    described = data.describe(data.Origin("download", dataset, tmp_path), size, (180, 180, 3))
    assert (described.image_shape, len(described.class_names)) == (shape, classes)


def test_a_data_set_that_tfds_cannot_describe_is_not_guessed_at(tmp_path):
    for dataset in ("rock_paper_scissors", "no_such_set"):
        assert data.describe(data.Origin("download", dataset, tmp_path), None, (180, 180, 3)) is None
    with pytest.raises(DataFault, match="imdb_reviews is not a set of labelled images: it has text, label"):
        data.describe(data.Origin("download", "imdb_reviews", tmp_path), None, (180, 180, 3))


def test_a_phase_that_names_no_layer_is_refused_before_a_download(run_cli, monkeypatch):
    monkeypatch.setattr("recipes.data.origins.reachable", lambda url: True)
    monkeypatch.setattr("recipes.data.tfds.download", lambda *_: pytest.fail("it was downloaded"))
    code, _, err = run_cli("fashion_cnn", "--set", "phases.train.train=dens")
    assert (code, "Did you mean 'dense'" in err) == (2, True)


def test_photos_are_as_they_are_described(photos):
    origin = data.find("own", str(photos))
    described = data.describe(origin, 40, (180, 180, 3))
    splits = data.read(origin, prepare.Shares(), 40)
    assert described == data.Description(splits.image_shape, splits.class_names)


@needs_posix
def test_the_size_of_photos_is_guessed_from_the_first_that_is_one(tmp_path):
    for label in ("ant", "bee"):
        (tmp_path / label).mkdir()
    os.mkfifo(tmp_path / "ant" / "1.jpg")
    (tmp_path / "ant" / "2.jpg").write_bytes(b"not a photo")
    Image.new("L", (30, 20)).save(tmp_path / "bee" / "3.png")
    described = data.describe(data.find("own", str(tmp_path)), None, (180, 180, 1))
    assert described == data.Description((20, 30, 1), ("ant", "bee"))
    assert data.describe(data.find("own", str(tmp_path)), 64, (180, 180, 3)).image_shape == (64, 64, 3)


def test_a_network_edited_between_kill_and_resume_is_refused_by_name(tmp_path, run_cli, monkeypatch):
    zoo.register("edited_net", input_shape=(28, 28, 1), classes=10)(edited_net)  # Forgotten when the test ends.
    folder = tmp_path / "run"
    edit = ("--set", "architecture=edited_net", "--variant", "published", "--smoke")
    with monkeypatch.context() as patch:
        patch.setattr("recipes.train.engine.train", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        assert run_cli("fashion_cnn", *edit, "--out", folder)[0] == 130
    assert "hidden" in json.loads((folder / "run.json").read_text())["network"]["layers"]
    monkeypatch.setattr(sys.modules[__name__], "units", 9)
    code, _, err = run_cli("--resume", folder)
    assert (code, "The network changed since" in err) == (2, True)
    assert "units of the layer 'hidden' was 8 and is 9" in err


def test_a_finished_run_does_not_answer_for_a_network_that_was_edited_since(tmp_path, run_cli, monkeypatch):
    zoo.register("edited_net", input_shape=(28, 28, 1), classes=10)(edited_net)  # Forgotten when the test ends.
    folder = tmp_path / "run"
    asked = ("fashion_cnn", "--set", "architecture=edited_net", "--variant", "published", "--smoke")
    assert run_cli(*asked, "--out", folder)[0] == 0
    code, out, err = run_cli(*asked, "--out", folder, "--tensorboard")
    assert (code, "already done: test accuracy" in out) == (0, True), err
    assert "NOTICE --tensorboard writes while a run trains, and this one has ended" in out + err
    monkeypatch.setattr(sys.modules[__name__], "units", 9)
    code, _, err = run_cli(*asked, "--out", folder, "--require-accuracy", "0")
    assert (code, "holds the run of another network" in err) == (2, True)
    assert "units of the layer 'hidden' was 8 and is 9. Choose another --out, or train anew" in err


@pytest.mark.parametrize(
    ("changes", "code"),
    [(["--set", "phases.train.train=dens"], 2), (["--data", "full"], 4), (["--weights", "/nowhere.keras"], 4)],
)
def test_overwrite_takes_nothing_away_where_the_request_is_refused(changes, code, tmp_path, run_cli):
    write_earlier(tmp_path)
    assert run_cli("fashion_cnn", "--data", "sample", "--out", tmp_path, "--overwrite", *changes)[0] == code
    assert_earlier(tmp_path)


def test_overwrite_takes_nothing_away_where_images_cannot_be_read(tmp_path, run_cli, monkeypatch):
    write_earlier(tmp_path)

    def damaged(*_, **__):
        raise DataFault("shard 3 is truncated")

    monkeypatch.setattr("recipes.data.read", damaged)
    code, _, err = run_cli("fashion_cnn", "--data", "sample", "--out", tmp_path, "--overwrite")
    assert (code, "shard 3 is truncated" in err) == (3, True)
    assert_earlier(tmp_path)
    assert not (tmp_path / "log.txt").exists()


EARLIER = ("run.json", "manifest.json", "model.keras", "checkpoints/01.weights.h5")


def write_earlier(folder):
    (folder / "checkpoints").mkdir()
    for name in EARLIER:
        (folder / name).write_text("earlier")


def assert_earlier(folder):
    for name in EARLIER:
        assert (folder / name).read_text() == "earlier"


@keras.saving.register_keras_serializable("prepare")
class HalfFrozen(keras.layers.Layer):
    """A layer of somebody's own that freezes a part of itself."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.fixed, self.free = keras.layers.Dense(4, name="fixed"), keras.layers.Dense(4, name="free")
        self.fixed.trainable = False

    def build(self, shape):
        self.fixed.build(shape)
        self.free.build((shape[0], 4))

    def call(self, x):
        return self.free(self.fixed(x))


def half_frozen(*, input_shape, classes):
    """Its author freezes a part of a layer, and a whole one."""
    image = keras.Input(input_shape)
    x = HalfFrozen(name="half")(keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(image)))
    x = keras.layers.Dense(4, name="held", trainable=False)(x)
    return keras.Model(image, keras.layers.Dense(classes, activation="softmax")(x))


def test_what_an_own_layer_freezes_inside_stays_frozen_and_the_notice_comes_once(tmp_path, run_cli):
    zoo.register("half_frozen")(half_frozen)  # Forgotten when the test ends.
    code, out, err = run_cli(
        "fashion_cnn", "--set", "architecture=half_frozen", "--smoke", "--variant", "published", "--out", tmp_path / "a"
    )
    assert code == 0, err
    assert (out + err).count("also the 1 that the builder of 'half_frozen' froze: 'held'") == 1
    ready = prepare.prepare(
        Request("fashion_cnn", "published", (("architecture", "half_frozen"),), data="sample", smoke=True),
        Screen(quiet=True),
    )
    trained = keras.models.load_model(tmp_path / "a" / "model.keras")
    assert [layer.trainable for layer in (ready.model.get_layer("half").fixed, trained.get_layer("half").fixed)] == [
        False, False,
    ]  # fmt: skip
    assert not ready.model.get_layer("held").trainable


@pytest.mark.parametrize(("raised", "words"), [(OSError("no\nroute"), "failed: no$"), (OSError(), "failed: OSError$")])
def test_a_download_that_fails_is_told_even_without_words(monkeypatch, tmp_path, raised, words):
    def failing(*_, **__):
        raise raised

    monkeypatch.setattr("tensorflow_datasets.builder", failing)
    with pytest.raises(EnvironmentFault, match=words):
        tfds.download("cifar10", tmp_path)
