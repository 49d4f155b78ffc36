"""Readers of weights in the layouts in which they are published.

Each takes a file and the layers of the network, in order, and gives arrays in the order of their weights. None of them
runs code of the file, whatever is in it.
"""

from __future__ import annotations

import io
import pickle
import re
import zipfile
from collections import Counter, OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    import h5py
    import keras
    import numpy as np

# torch.save's first layout: four pickles, then the numbers.
_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
_TYPES = {"FloatStorage": "<f4", "LongStorage": "<i8"}
# Numbers in an HDF5 file do not become this many times more when they are read.
MOST_TIMES, SMALL = 200, 10_000_000
# A whole file not even this many times, for trained weights hardly shrink; and its text is not longer.
MOST_TIMES_ALL, MOST_TEXT = 20, 50_000_000


class NotAsItShouldBe(ValueError):
    """A file is cut off, or laid out otherwise than it should be."""


def onnx_convolutions(path: Path, layers: Sequence[keras.Layer]) -> list[np.ndarray]:
    """The convolutions of an ONNX export by Keras: kernels stored (out, in, height, width), given (h, w, in, out)."""
    import onnx

    graph = onnx.load(str(path)).graph
    stored = {tensor.name: tensor for tensor in graph.initializer}
    arrays = []
    for layer in layers:
        kernel = onnx.numpy_helper.to_array(stored[f"functional_1/{layer.name}_1/convolution/ReadVariableOp:0"])
        bias = onnx.numpy_helper.to_array(stored[f"functional_1/{layer.name}_1/Squeeze:0"])
        arrays += [kernel.transpose(2, 3, 1, 0), bias]
    return arrays


def keras_archive(path: Path, layers: Sequence[keras.Layer]) -> list[np.ndarray]:
    """A network inside the network of a .keras file: there layers are called after their classes, and numbered."""
    import h5py

    with zipfile.ZipFile(path) as archive:
        content = io.BytesIO(archive.read("model.weights.h5"))
    arrays: list[np.ndarray] = []
    seen: Counter[str] = Counter()
    with h5py.File(content) as file:
        layers_in_file = file["layers/functional/layers"]
        for layer in layers:
            kind = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=\d)(?=[A-Z][a-z])", "_", type(layer).__name__).lower()
            weights = layers_in_file[f"{kind}_{seen[kind]}" if seen[kind] else kind]["vars"]
            arrays += [numbers(weights[str(place)], file) for place in range(len(weights))]
            seen[kind] += 1
    return arrays


def torch_state(path: Path, layers: Sequence[keras.Layer]) -> list[np.ndarray]:
    """A state dictionary as torch saved it before version 1.6; kernels are turned to Keras's order.

    Convolutions come as (out, in, height, width), depthwise ones as (channels, 1, height, width), dense layers as (out,
    in); counters of batches are left out.
    """
    import numpy as np

    with path.open("rb") as file:
        if _Tensors(file).load() != _MAGIC or _Tensors(file).load() != _PROTOCOL:
            raise NotAsItShouldBe(f"{path} is not in torch's older layout")
        _Tensors(file).load()  # What the machine was that wrote it.
        state, order = _Tensors(file).load(), _Tensors(file).load()
        used = {tensor.storage.key: tensor.storage for tensor in state.values()}
        numbers = {}
        for key in order:
            storage = used[key]
            count = int(np.frombuffer(file.read(8), "<i8")[0])
            content = file.read(count * np.dtype(storage.dtype).itemsize)
            numbers[key] = np.frombuffer(content, storage.dtype)
    arrays = []
    for name, tensor in state.items():
        if name.endswith("num_batches_tracked"):
            continue
        array = tensor.of(numbers[tensor.storage.key])
        if array.ndim == 4:
            array = array.transpose((2, 3, 0, 1) if "_depthwise_" in name else (2, 3, 1, 0))
        arrays.append(array.T if array.ndim == 2 else array)
    return arrays


class _Storage:
    """Numbers, and where in the file they stand."""

    def __init__(self, kind: str, key: str):
        self.dtype, self.key = _TYPES[kind], key


class _Tensor:
    """A view of a storage: torch writes the strides, and a shape alone would mix up the numbers."""

    def __init__(self, storage: _Storage, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any):
        self.storage, self.offset, self.size, self.stride = storage, offset, size, stride

    def of(self, numbers: np.ndarray) -> np.ndarray:
        """The array, of the storage's numbers."""
        last = self.offset + sum((size - 1) * stride for size, stride in zip(self.size, self.stride, strict=True))
        if min(self.offset, *self.stride, 0) < 0 or last >= len(numbers):
            raise NotAsItShouldBe(f"a tensor reaches beyond its {len(numbers)} numbers")
        strides = [stride * numbers.itemsize for stride in self.stride]
        import numpy as np

        return np.lib.stride_tricks.as_strided(numbers[self.offset :], self.size, strides, writeable=False)


class _Tensors(pickle.Unpickler):
    """An unpickler that knows what a state dictionary needs, and refuses everything else."""

    def find_class(self, module: str, name: str) -> Any:
        known = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): _Tensor,
            ("torch", "FloatStorage"): "FloatStorage",
            ("torch", "LongStorage"): "LongStorage",
        }
        if (module, name) not in known:
            raise NotAsItShouldBe(f"the file asks for {module}.{name}, which no weights need")
        return known[module, name]

    def persistent_load(self, pid: Any) -> _Storage:
        _, kind, key, *_ = pid
        return _Storage(kind, key)


def keras_notop(path: Path, layers: Sequence[keras.Layer]) -> list[np.ndarray]:
    """A weights file of keras.applications without the head (HDF5); a file has its layers in the network's order."""
    import h5py

    with h5py.File(path) as file:
        groups = [file[name] for name in file.attrs["layer_names"]]
        return [numbers(group[stored], file) for group in groups for stored in group.attrs["weight_names"]]


def numbers(stored: h5py.Dataset, file: h5py.File) -> np.ndarray:
    """What a part of an HDF5 file holds.

    Raises:
        NotAsItShouldBe: When that is no array of numbers, lies in another file, or claims far more than is there.
    """
    import h5py
    import numpy as np

    if not isinstance(stored, h5py.Dataset) or stored.dtype.kind not in "biuf" or stored.shape is None:
        raise NotAsItShouldBe(f"{stored.name} holds no numbers")
    if stored.file.filename != file.filename or stored.external or stored.is_virtual:
        raise NotAsItShouldBe(f"{stored.name} lies in another file")
    if stored.nbytes > SMALL + MOST_TIMES * stored.id.get_storage_size():
        raise NotAsItShouldBe(f"{stored.name} claims {stored.nbytes / 1e6:,.0f} MB, which are not in the file")
    return np.asarray(stored[()])


def refuse_bombs(path: Path) -> None:
    """Refuse a saved network or weights file that claims far more than is there, before Keras unpacks it.

    Raises:
        NotAsItShouldBe: When it does, or when numbers of it lie in another file.
    """
    with path.open("rb") as file:
        _refuse_bombs(file, path.stat().st_size)


def _refuse_bombs(file: BinaryIO, size: int) -> None:
    import h5py

    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            _refuse_claim(sum(member.file_size for member in members), size)
            for member in members:
                if member.filename.endswith(".json") and member.file_size > MOST_TEXT:
                    raise NotAsItShouldBe(f"its {member.filename} claims {member.file_size / 1e6:,.0f} MB of text")
                if member.filename.endswith((".h5", ".npz")):
                    _refuse_bombs(io.BytesIO(archive.read(member)), member.file_size)
    try:
        content = h5py.File(file)
    except OSError:
        return  # It is no HDF5 file, or a damaged one, as its reader will say.
    with content:
        _refuse_claim(_numbers_of(content), size)


def _numbers_of(file: h5py.File) -> int:
    """How many bytes an HDF5 file says that its numbers take, once for every name of them."""
    import h5py

    links: list[tuple[str, object]] = []
    file.visititems_links(lambda name, link: links.append((name, link)))  # What is raised in there is lost.
    claimed = 0
    for name, link in links:
        stored: Any = file[name] if isinstance(link, h5py.HardLink) else None
        is_data = isinstance(stored, h5py.Dataset)
        if isinstance(link, h5py.ExternalLink) or (is_data and (stored.external or stored.is_virtual)):
            raise NotAsItShouldBe(f"{name} lies in another file")
        claimed += stored.nbytes if is_data else 0
    return claimed


def _refuse_claim(claimed: int, size: int) -> None:
    if claimed > SMALL + MOST_TIMES_ALL * size:
        raise NotAsItShouldBe(f"it claims {claimed / 1e6:,.0f} MB, which are not in the file")


def is_notop(path: Path, first: str) -> bool:
    """Whether a file is laid out as `keras_notop` reads, with a layer of this name."""
    import h5py

    if not h5py.is_hdf5(path):
        return False
    with h5py.File(path) as file:
        return first in file
