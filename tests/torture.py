"""Kill, starve and mutate the layer of files: nothing may be lost, and no input may end as a bug of ours.

    python tests/torture.py
    python tests/torture.py --kills 1000 --mutations 100000 --seed 7 --out results/reliability.json

What is saved is a training state and a JSON file; a child saves without end, and is killed by SIGKILL, SIGTERM or
SIGINT at a random moment, or runs into a limit of file size. What is mutated, by bytes and by values, are photos,
tables, training states, manifest.json, run.json and bundle.json. No network is trained.
"""

from __future__ import annotations

import argparse
import copy
import json
import logging
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parent.parent)]

from photo_files import encoded  # noqa: E402
from run_files import STARTED, manifest_of  # noqa: E402

from recipes.data.decode import decode  # noqa: E402
from recipes.data.photos.listing import list_photos  # noqa: E402
from recipes.errors import DiskFault, Fault  # noqa: E402
from recipes.execution import environment, record  # noqa: E402
from recipes.files import atomic, manifest, run_folder  # noqa: E402
from recipes.inference.bundle import check, formats  # noqa: E402
from recipes.train import checkpoint  # noqa: E402
from zoo.checksum import sha256_of  # noqa: E402

LONGEST_DELAY = 0.03
STOPS = (signal.SIGINT, signal.SIGTERM)
ODD = [
    None,
    True,
    -1,
    0,
    1,
    2**40,
    1e308,
    float("nan"),
    "",
    "x",
    "../../etc",
    [],
    {},
    [[]],
    {"a": None},
    "=cmd()",
    "옷" * 99,
]


def state(number):
    """A training state that follows from its number."""
    arrays = {"model": [np.full(5000, number, "float32")], "optimizer": [np.int64(number)]}
    return checkpoint.TrainingState(epoch=number, history=[{"phase": "a", "epoch": number}], arrays=arrays)


def save_without_end(folder, first):
    """Own the folder and save states and a file of JSON, until something ends the process."""
    with run_folder.owned(folder):
        for number in range(first, 10**6):
            checkpoint.save(folder / "state", state(number))
            atomic.write_json(folder / "run.json", {"number": number, "more": "x" * 5000})


def newest(folder):
    """The number of the newest state, which must be whole and alone with the one before it."""
    with run_folder.owned(folder):
        found = checkpoint.load(folder / "state")
        number = 0 if found is None else found.epoch
        assert found is None or (found.arrays["model"][0] == number).all()
        if (folder / "run.json").exists():  # Written after its state: kills in between leave it behind, and whole.
            said = json.loads((folder / "run.json").read_text())
            assert said["number"] <= number
            assert said["more"] == "x" * 5000
        strays = [path.name for path in folder.rglob("*") if ".tmp." in path.name]
        assert not strays, strays
    return number


def child(work):
    """Fork a process that works, and ends with the exit code of its fault."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)  # Python itself is no place to be stopped in.
    pid = os.fork()
    if pid:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
        return pid
    code = 1
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
        work()
        code = 0
    except Fault as fault:
        code = fault.exit_code
    finally:
        os._exit(code)


def kill(kills, draw, folder):
    """Kill a saving process so many times; gives how often by each signal."""
    done, number = Counter(), 0
    for _ in range(kills):
        pid = child(lambda first=number + 1: save_without_end(folder, first))
        time.sleep(draw.uniform(0, LONGEST_DELAY))
        chosen = draw.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
        os.kill(pid, chosen)
        until = time.monotonic() + 0.5
        while os.waitpid(pid, os.WNOHANG) == (0, 0):
            time.sleep(0.002)
            if time.monotonic() > until:  # Python drops what is raised in a destructor: who waits sends it again.
                os.kill(pid, chosen)
                until += 0.5
        after = newest(folder)
        assert after >= number, f"{number - after} saves were lost"
        number = after
        done[chosen.name] += 1
    return {**done, "saves": number}


def starve(times, draw, folder):
    """Save with a limit on the size of files: what was there stays, byte for byte, and the code is 6."""
    checkpoint.save(folder / "state", state(1))
    atomic.write_json(folder / "run.json", {"number": 1, "more": "x" * 5000})
    before = {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}

    def work(limit):
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        checkpoint.save(folder / "state", state(2))

    for _ in range(times):
        limit = draw.randrange(1, 20_000)
        _, status = os.waitpid(child(lambda limit=limit: work(limit)), 0)
        assert os.waitstatus_to_exitcode(status) == DiskFault.exit_code
        assert {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()} == before
    return times


def bytes_changed(content, draw):
    """Bytes with a few flipped, cut out, doubled or put in."""
    content = bytearray(content)
    for _ in range(draw.choice([1, 1, 2, 8])):
        place = draw.randrange(len(content) + 1)
        kind = draw.choice(["flip", "cut", "double", "put", "end"])
        if kind == "flip" and place < len(content):
            content[place] ^= 1 << draw.randrange(8)
        elif kind == "cut":
            del content[place : place + draw.randrange(1, 64)]
        elif kind == "double":
            content[place:place] = content[place : place + 64]
        elif kind == "put":
            content[place:place] = draw.randbytes(draw.randrange(1, 16))
        elif kind == "end":
            del content[place:]
    return bytes(content)


def value_changed(value, draw):
    """JSON with one value at any depth replaced, removed or moved."""
    value = copy.deepcopy(value)
    place = value
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return value
        key = draw.choice(keys)
        if isinstance(place[key], dict | list) and place[key] and draw.random() < 0.8:
            place = place[key]
            continue
        if draw.random() < 0.2:
            del place[key]
        else:
            place[key] = draw.choice(ODD)
        return value


class Inputs:
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


def mutate(mutations, draw, folder):
    """Read so many changed inputs; gives by kind how many were read and refused, and each that was neither."""
    readers, said, bugs = Inputs(folder).readers(), {}, []
    slowest = 0.0
    for number in range(mutations):
        kind = list(readers)[number % len(readers)]
        began = time.monotonic()
        try:
            end = readers[kind](draw)
        except Fault as fault:
            end = f"exit {fault.exit_code}"
        except Exception as error:  # What this command looks for.
            end = "bug"
            bugs.append(f"{kind} {number}: {type(error).__name__}: {error}"[:300])
        slowest = max(slowest, time.monotonic() - began)
        said.setdefault(kind, Counter())[end] += 1
    return {"by_kind": said, "bugs": bugs, "slowest_seconds": round(slowest, 3)}


def _peak_memory_mb():
    """The most memory this program had; getrusage would give that of the one that started it, where that had more."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return round(int(status.partition("VmHWM:")[2].split()[0]) / 1024)


def torture(kills, mutations, seed):
    """Do it all; gives the figures, JSON-ready."""
    logging.getLogger("recipes").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")  # Of readers of images.
    draw, began = random.Random(seed), time.monotonic()  # noqa: S311 (nothing secret)
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name) / part for part in ("killed", "starved", "mutated")]
        for folder in folders:
            folder.mkdir()
        figures = {
            "kills": kill(kills, draw, folders[0]),
            "full_disks": starve(max(1, kills // 4), draw, folders[1]),
            "mutations": mutate(mutations, draw, folders[2]),
        }
    return figures | {
        "seed": seed,
        "seconds": round(time.monotonic() - began, 1),
        "most_memory_mb": _peak_memory_mb(),
        "command": f"python tests/torture.py --kills {kills} --mutations {mutations} --seed {seed}",
        "versions": environment.versions(),
    }


def main():
    """Read the command line; 0 where nothing was lost and nothing ended as a bug, else 1."""
    parse = argparse.ArgumentParser("python tests/torture.py")
    parse.add_argument("--kills", type=int, default=40)
    parse.add_argument("--mutations", type=int, default=3000)
    parse.add_argument("--seed", type=int, default=1)
    parse.add_argument("--out", type=Path)
    options = parse.parse_args()
    figures = torture(options.kills, options.mutations, options.seed)
    text = json.dumps(figures, indent=2, ensure_ascii=False) + "\n"
    print(text, end="")
    if options.out is not None:
        options.out.write_text(text, encoding="utf-8")
    return 1 if figures["mutations"]["bugs"] else 0


if __name__ == "__main__":
    sys.exit(main())
