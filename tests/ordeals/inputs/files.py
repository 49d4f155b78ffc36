"""Files of the first kinds: photos, tables, training states, and what runs and bundles say of themselves."""

import json
import shutil

import numpy as np
from photo_files import encoded
from PIL import Image
from run_files import STARTED, manifest_of

from ordeals.inputs.changes import bytes_changed, value_changed
from ordeals.layer import state
from recipes.data.decode import decode
from recipes.data.photos.listing import list_photos
from recipes.execution import record
from recipes.files import manifest
from recipes.inference.bundle import check, formats
from recipes.train import checkpoint
from zoo.checksum import sha256_of


class Files:
    """Sound files of each kind, and what reads them."""

    def __init__(self, folder):
        self.folder = folder
        picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (24, 24, 3), "uint8"))
        self.photos = [encoded(picture, kind) for kind in ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF")]
        checkpoint.save(folder / "sound", state(3))
        (sound,) = (folder / "sound").iterdir()
        self.state = sound.read_bytes()
        with np.load(sound) as file:
            self.arrays = {name: file[name] for name in file.files}
        self.facts = json.loads(self.arrays.pop("facts").tobytes())
        self.table = "path,label,split\n" + "".join(f"a/{n}.jpg,옷{n % 2},train\n" for n in range(9))
        self._make_bundle(folder / "bundle")

    def _make_bundle(self, bundle):
        (bundle / "golden").mkdir(parents=True)
        Image.new("RGB", (8, 8)).save(bundle / "golden" / "0.png")
        (bundle / "model.stub").write_bytes(b"model")
        files = {name: sha256_of(bundle / name) for name in ("golden/0.png", "model.stub")}
        self.bundle = {
            "format": "stub", "files": files, "golden": [{"file": "golden/0.png", "probabilities": [0.5, 0.5]}],
            "class_names": ["a", "b"], "originals": [],
            "input": {"shape": [8, 8, 3], "square": "squash", "decoder": "x"},
        }  # fmt: skip

        def load(path, modules):
            return lambda batch: [np.full((len(batch), 2), 0.5)]

        formats.RUNTIMES["stub"] = formats.Runtime("model.stub", "stub", ("json",), lambda model, path: None, load)

    def photo(self, draw):
        """A photo with changed bytes."""
        content = bytes_changed(draw.choice(self.photos), draw)
        try:
            decode(content, (16, 16))
        except ValueError:
            return "refused"
        return "read"

    def changed_state(self, draw):
        """A training state with changed bytes, or one changed value."""
        folder = self.folder / "state"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        path = folder / "state-000003.npz"
        if draw.random() < 0.5:
            path.write_bytes(bytes_changed(self.state, draw))
        else:
            facts = json.dumps(value_changed(self.facts, draw)).encode()
            np.savez(path, **self.arrays, facts=np.frombuffer(facts, "uint8"))
        checkpoint.load(folder)
        return "read"

    def changed_json(self, name, value, read, draw):
        """A file of JSON with changed bytes, or one changed value."""
        content = json.dumps(value, ensure_ascii=False).encode()
        if draw.random() < 0.3:
            content = bytes_changed(content, draw)
        else:
            content = json.dumps(value_changed(value, draw), ensure_ascii=False).encode()
        (self.folder / name).write_bytes(content)
        read(self.folder)
        return "read"

    def changed_table(self, draw):
        """A table with changed bytes."""
        path = self.folder / "table.csv"
        path.write_bytes(bytes_changed(self.table.encode(), draw))
        list_photos(path)
        return "read"

    def readers(self):
        """By kind of input, what changes one and reads it."""
        return {
            "photo": self.photo,
            "training state": self.changed_state,
            "table": self.changed_table,
            "manifest.json": lambda draw: self.changed_json("manifest.json", manifest_of(), manifest.read, draw),
            "run.json": lambda draw: self.changed_json("run.json", STARTED, record.read_started, draw),
            "bundle.json": lambda draw: self.changed_json(
                "bundle/bundle.json", self.bundle, lambda folder: check.verify(folder / "bundle"), draw
            ),
        }
