"""A network with layers of one's own, from the run that trained it to the verbs that load it."""

import json
import pickle
import shutil
import sys
import zipfile

import keras
import numpy as np
import pytest
from conftest import main
from PIL import Image

from recipes import explain, export, predict, verify
from recipes.errors import CorruptFault, UsageFault
from recipes.files import manifest
from recipes.files.model_file import own_parts, read

PAGE = '''
import keras
import zoo
from recipes import Phase, Recipe


@keras.saving.register_keras_serializable(package="shades")
class Halve(keras.layers.Layer):
    def call(self, inputs):
        return inputs / 2


@keras.saving.register_keras_serializable(package="shades")
def squash(inputs):
    return keras.ops.tanh(inputs)


@zoo.register("shades")
def build(*, input_shape=(28, 28, 1), classes=10, weights=None):
    """Two things of one's own, and an output that an operation makes."""
    image = keras.Input(input_shape)
    maps = Halve(name="half")(keras.layers.Rescaling(1 / 255, name="scale")(image))
    maps = keras.layers.Conv2D(4, 3, strides=3, activation=squash, name="conv")(maps)
    logits = keras.layers.Dense(classes, name="logits")(keras.layers.Flatten(name="flat")(maps))
    return keras.Model(image, keras.ops.softmax(logits, axis=-1))


RECIPE = Recipe(name="shades", architecture="shades", data="fashion_mnist", phases=(Phase("train", epochs=1),))
'''


@pytest.fixture(scope="module")
def shades(tmp_path_factory):
    """A finished run of it, and the folder with its module."""
    folder = tmp_path_factory.mktemp("shades")
    (folder / "shades.py").write_text(PAGE)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        run = folder / "run"
        assert main(["shades:RECIPE", "--smoke", "--out", str(run), "--precision", "bfloat16", "--quiet"]) == 0
    Image.fromarray(np.arange(28 * 28, dtype="uint8").reshape(28, 28)).save(folder / "shade.png")
    forget()
    return folder


@pytest.fixture
def elsewhere(shades):
    """As in another process that cannot find the module."""
    forget()
    yield shades
    forget()


@pytest.fixture
def findable(elsewhere, monkeypatch):
    """As in another process that can."""
    monkeypatch.syspath_prepend(elsewhere)
    return elsewhere


def forget():
    from zoo import registry

    for module in ("shades", "moved"):
        sys.modules.pop(module, None)
    for name in ("shades>Halve", "shades>squash"):
        keras.saving.get_custom_objects().pop(name, None)
    registry._registered.pop("shades", None)


def test_a_run_names_the_modules_that_its_network_needs(shades):
    assert json.loads((shades / "run" / "manifest.json").read_text())["modules"] == ["shades"]


def test_later_verbs_import_the_module_that_the_run_names(findable, call):
    run, photo = findable / "run", findable / "shade.png"
    code, out, err = call(predict, run, photo, "--json")
    assert code == 0, err
    assert sum(one["probability"] for one in json.loads(out)["images"][0]["top"]) <= 1
    forget()
    code, _, err = call(explain, run, photo, "--out", findable / "seen")
    assert code == 0, err
    assert (findable / "seen" / "shade-gradcam.png").is_file()


def test_a_keras_bundle_says_which_module_it_needs_and_finds_it(findable, call, tmp_path):
    bundle = tmp_path / "bundle"
    code, _, err = call(export, findable / "run", "--out", bundle)
    assert code == 0, err
    card = (bundle / "README.md").read_text()
    assert "layers of its own (`shades>Halve`, `shades>squash`): `import shades` before it is loaded" in card
    forget()
    assert call(verify, bundle)[0] == 0


def test_a_module_that_moved_is_named_on_the_command_line(elsewhere, call, tmp_path, monkeypatch):
    run, photo = elsewhere / "run", elsewhere / "shade.png"
    code, _, err = call(predict, run, photo)
    assert code == 2
    assert (
        "model.keras holds 'Halve'. The module 'shades' cannot be imported: ModuleNotFoundError: No module named 's"
        in err
    )
    assert "--import MODULE" in err
    shutil.copy(elsewhere / "shades.py", tmp_path / "moved.py")
    monkeypatch.syspath_prepend(tmp_path)
    assert call(predict, run, photo, "--import", "moved")[0] == 0
    code, _, err = call(predict, run, photo, "--import", "nowhere.at_all")
    assert code == 2
    assert "The module 'nowhere.at_all' cannot be imported: ModuleNotFoundError: No module named 'nowhere'" in err


def test_a_format_that_lacks_what_a_layer_needs_is_refused_by_name(shades, call, tmp_path, monkeypatch):
    import tensorflow as tf

    from recipes.inference import predictor, saved

    @keras.saving.register_keras_serializable(package="test_own_layers")
    class Beta(keras.layers.Layer):
        def call(self, inputs):
            return tf.math.betainc(1.0, 1.0, tf.sigmoid(inputs))

    image = keras.Input((28, 28, 1))
    answer = keras.layers.Dense(10, activation="softmax")(keras.layers.Flatten()(Beta(name="beta")(image)))
    one = predictor.Predictor(keras.Model(image, answer), tuple("abcdefghij"), manifest.read(shades / "run"))
    monkeypatch.setattr(saved, "load", lambda run: one)
    for kind in ("litert", "onnx"):
        code, _, err = call(export, shades / "run", "--to", kind, "--out", tmp_path / "bundle")
        assert code == 9
        assert f"cannot be written as {kind}, which has no Betainc. Look at the layer 'beta' (Beta)" in err
    assert not list(tmp_path.iterdir())


def test_a_network_that_augments_answers_alike_in_every_format(shades, call, tmp_path, monkeypatch):
    from recipes.inference import predictor, saved

    image = keras.Input((28, 28, 1))
    maps = keras.layers.GaussianNoise(0.5)(keras.layers.RandomFlip()(keras.layers.Rescaling(1 / 255)(image)))
    answer = keras.layers.Dense(10, activation="softmax")(keras.layers.Flatten()(maps))
    one = predictor.Predictor(keras.Model(image, answer), tuple("abcdefghij"), manifest.read(shades / "run"))
    monkeypatch.setattr(saved, "load", lambda run: one)
    for kind in ("saved_model", "litert", "onnx"):
        code, _, err = call(export, shades / "run", "--to", kind, "--out", tmp_path / kind)
        assert code == 0, err


def saved(path, *inner, activation="softmax"):
    image = keras.Input((8, 8, 1))
    maps = keras.layers.Conv2D(2, 3, name="conv")(image)
    for layer in inner:
        maps = layer(maps)
    keras.Model(image, keras.layers.Dense(3, activation=activation)(keras.layers.Flatten()(maps))).save(path)
    return path


class Unsigned(keras.layers.Layer):
    """Registered by nobody."""

    def call(self, inputs):
        return inputs


@pytest.mark.parametrize("ending", ["keras", "h5"])
@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (Unsigned(), r"it holds 'Unsigned', which no imported module registers. Put @keras.saving.register"),
        (keras.layers.Lambda(lambda x: x), r"it holds a Lambda layer.*Make it a layer of your own"),
    ],
)
def test_a_file_whose_layer_cannot_be_loaded_says_which_and_what_to_do(tmp_path, ending, layer, words):
    with pytest.raises(CorruptFault, match=words):
        read(saved(tmp_path / f"model.{ending}", layer), ["json"])


def test_an_error_without_words_is_told_by_its_kind(tmp_path, monkeypatch):
    def silent(*arguments, **keywords):
        raise EOFError

    monkeypatch.setattr(keras.saving, "load_model", silent)
    (tmp_path / "model.keras").write_bytes(b"x")
    with pytest.raises(CorruptFault, match=r"model.keras cannot be loaded: EOFError"):
        read(tmp_path / "model.keras")


def test_a_module_that_raises_is_refused_in_words(tmp_path, monkeypatch):
    (tmp_path / "broken_module.py").write_text("raise RuntimeError('no luck')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UsageFault, match=r"holds 'Unsigned'. The module 'broken_module' .*RuntimeError: no luck"):
        read(saved(tmp_path / "model.keras", Unsigned()), ["broken_module"])


HOSTILE = {
    "a function of the system": {"module": "os", "class_name": "function", "config": "system", "registered_name": "x"},
    "a class that runs commands": {"module": "subprocess", "class_name": "Popen", "config": {"args": "touch written"}},
    "code by name": {"module": "builtins", "class_name": "exec", "config": {"source": "open('written', 'w')"}},
    "a Lambda": {
        "module": "keras.layers", "class_name": "Lambda", "registered_name": None,
        "config": {"name": "x", "function": {"class_name": "__lambda__", "config": {"code": "AAAA"}}},
    },
    "no network": [1, 2],
}  # fmt: skip


@pytest.mark.parametrize("config", HOSTILE.values(), ids=HOSTILE)
def test_a_file_that_asks_for_code_is_refused_and_nothing_is_run(tmp_path, monkeypatch, config):
    monkeypatch.chdir(tmp_path)
    layer = {"module": "keras", "class_name": "Sequential", "registered_name": None}
    inside = layer | {"config": {"name": "net", "layers": [config], "trainable": True}}
    for number, whole in enumerate((config, inside)):
        path = tmp_path / f"{number}.keras"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("metadata.json", json.dumps({"keras_version": keras.__version__}))
            archive.writestr("config.json", json.dumps(whole))
            archive.writestr("model.weights.h5", b"")
        with pytest.raises(CorruptFault, match=f"{path.name} cannot be loaded"):
            read(path)
    assert not (tmp_path / "written").exists()


class Runs:
    """What a pickle does when it is read."""

    def __reduce__(self):
        return (open, ("written", "w"))


@pytest.mark.parametrize("name", ["model.keras", "model.h5", "model.pkl"])
def test_a_pickle_is_never_read(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(pickle.dumps(Runs()))
    with pytest.raises(CorruptFault, match=f"{name} cannot be loaded"):
        read(tmp_path / name)
    assert not (tmp_path / "written").exists()


def test_kerass_own_layers_need_no_module():
    assert own_parts(keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, activation="relu")])) == {}
