"""The state of an unfinished training survives what a disk and a kill can do to it."""

import json
import random
import subprocess
import time

import numpy as np
import pytest
from conftest import PYTHON, needs_posix, subprocess_environment

from recipes import Phase, Recipe
from recipes.errors import CorruptFault, DiskFault
from recipes.train import checkpoint
from recipes.train.checkpoint import TrainingState


def example(epoch):
    arrays = {"model": [np.full(1000, epoch, "float32"), np.arange(12.0).reshape(3, 4)], "optimizer": [np.int64(epoch)]}
    history = [{"phase": "train", "epoch": epoch, "loss": 0.1 + 0.2}]
    return TrainingState(phase=1, epoch=epoch, step=3, history=history, best=0.5, best_epoch=2, waited=1, arrays=arrays)


def assert_equal(one, other):
    assert {**vars(one), "arrays": 0} == {**vars(other), "arrays": 0}
    assert one.arrays.keys() == other.arrays.keys()
    for group in one.arrays:
        for array, expected in zip(one.arrays[group], other.arrays[group], strict=True):
            np.testing.assert_array_equal(array, expected)


def test_load_gives_back_what_save_was_given(tmp_path):
    assert checkpoint.load(tmp_path / "state") is None
    for epoch in (1, 2, 3):
        checkpoint.save(tmp_path / "state", example(epoch))
    assert_equal(checkpoint.load(tmp_path / "state"), example(3))
    assert len(list((tmp_path / "state").iterdir())) == 2


@pytest.mark.parametrize("damage", ["truncated", "empty", "flipped"])
def test_a_damaged_state_costs_one_step_back_with_a_warning(tmp_path, damage, caplog):
    for epoch in (1, 2):
        checkpoint.save(tmp_path, example(epoch))
    newest = max(tmp_path.glob("state-*.npz"))
    content = bytearray(newest.read_bytes())
    if damage == "flipped":
        content[len(content) // 2] ^= 0xFF
    newest.write_bytes({"truncated": content[: len(content) // 2], "empty": b"", "flipped": content}[damage])
    assert_equal(checkpoint.load(tmp_path), example(1))
    assert f"{newest} is damaged" in caplog.text


def test_without_a_readable_state_nothing_starts_over_silently(tmp_path):
    checkpoint.save(tmp_path, example(1))
    for path in tmp_path.glob("state-*.npz"):
        path.write_bytes(b"")
    with pytest.raises(CorruptFault, match="No readable training state is left"):
        checkpoint.load(tmp_path)


SAVER = """
import sys
from pathlib import Path
import numpy as np
from recipes import Phase, Recipe
from recipes.train import checkpoint
epoch = 0
while True:
    epoch += 1
    arrays = {"model": [np.full(200_000, epoch, "float32")]}
    checkpoint.save(Path(sys.argv[1]), checkpoint.TrainingState(epoch=epoch, arrays=arrays))
    print(epoch, flush=True)
"""


def test_a_state_is_readable_after_a_kill_at_any_moment(tmp_path):
    for attempt in range(12):
        folder = tmp_path / str(attempt)
        process = subprocess.Popen(
            [PYTHON, "-c", SAVER, str(folder)], env=subprocess_environment(), stdout=subprocess.PIPE, text=True
        )
        process.stdout.readline()
        time.sleep(random.uniform(0, 0.05))
        process.kill()
        said = process.communicate()[0].split()
        found = checkpoint.load(folder)
        assert found.epoch >= max([1, *map(int, said)])
        assert (found.arrays["model"][0] == found.epoch).all()


def test_a_run_folder_that_was_deleted_is_said(tmp_path):
    with pytest.raises(DiskFault, match="its folder does not exist or was deleted"):
        checkpoint.save(tmp_path / "deleted" / "state", example(1))


def test_what_else_lies_beside_states_stays(tmp_path):
    others = {tmp_path / "photo.jpg", tmp_path / "state-mine.npz", tmp_path / "model.keras"}
    for path in others:
        path.write_bytes(b"mine")
    for epoch in (1, 2, 3, 4):
        checkpoint.save(tmp_path, example(epoch))
    assert {path for path in tmp_path.iterdir() if path.read_bytes() == b"mine"} == others
    assert_equal(checkpoint.load(tmp_path), example(4))
    assert len(list(tmp_path.iterdir())) == len(others) + 2


@needs_posix
def test_a_full_disk_leaves_the_old_state_as_it_was(tmp_path):
    import resource

    checkpoint.save(tmp_path, example(1))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
    try:
        with pytest.raises(DiskFault, match="cannot be written"):
            checkpoint.save(tmp_path, example(2))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert_equal(checkpoint.load(tmp_path), example(1))


RECIPE = Recipe(
    name="tiny", architecture="fashion_cnn", data="fashion_mnist", batch_size=10,
    phases=(Phase("head", epochs=2), Phase("all", epochs=4), Phase("last", epochs=2)),
)  # fmt: skip
IMAGES = 95


def row(phase, epoch):
    figures = {"loss": 0.5, "accuracy": 0.6, "val_loss": 1 / epoch, "val_accuracy": 0.5, "learning_rate": 1e-3}
    return {"phase": phase, "epoch": epoch, **figures}


def sound(step=4):
    """A state in the middle of the second phase's third epoch, or at the end of its second."""
    history = [row("head", 1), row("head", 2), row("all", 1), row("all", 2)]
    arrays = {name: [np.ones((2, 3), "float32"), np.ones(3, "float32")] for name in ("model", "optimizer", "best")}
    if step:
        arrays["metrics"] = [np.ones(1, "float32")]
    return TrainingState(1, 2, step, history, best=0.5, best_epoch=2, waited=0, seconds=3.0, arrays=arrays)


def edit(path, change):
    """Change the facts or the arrays of a state's file."""
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    facts = json.loads(arrays.pop("facts").tobytes())
    change(facts, arrays)
    np.savez(path, **arrays, facts=np.frombuffer(json.dumps(facts).encode(), "uint8"))


def fact(name, value):
    return pytest.param(lambda facts, arrays: facts.update({name: value}), id=f"{name}={value}")


def of_row(name, value):
    return pytest.param(lambda facts, arrays: facts["history"][2].update({name: value}), id=f"{name}={value}")


def array(name, value):
    return pytest.param(lambda facts, arrays: arrays.update({name: value}), id=f"{name}={value!r:.30}")


@pytest.mark.parametrize(
    "change",
    [
        *(fact("phase", value) for value in (-1, 0, 2, 3, 99, "1", 1.5, None, True)),
        *(fact("epoch", value) for value in (-1, 0, 1, 3, 10**9, "2", 2.5, None)),
        *(fact("step", value) for value in (-4, 10, 10**9, "4", 4.5, None)),
        *(fact("history", value) for value in ([], [{}], [1], {}, None, "rows", [row("head", 1)])),
        *(fact("best", value) for value in (None, 0.7, "0.5", float("nan"), float("inf"))),
        *(fact("best_epoch", value) for value in (None, 0, 1, 3, -2, "2")),
        *(fact("waited", value) for value in (-1, 1, 99, "0", None)),
        *(fact("seconds", value) for value in (-1.0, "3", None, float("nan"))),
        *(fact("shapes", value) for value in ([], 5, {"model/0": [2]})),
        fact("format", 2),
        *(fact("epochs", value) for value in (-1, 99, "4", None)),
        *(fact("schedule_changes", value) for value in (5, [1], [{}], [{"phase": "all"}])),
        *(of_row("epoch", value) for value in (0, 2, "1", None)),
        *(of_row("phase", value) for value in ("head", "other", 3, None)),
        *(of_row("loss", value) for value in ("low", None, float("nan"), -1)),
        *(of_row("val_accuracy", value) for value in (1.5, "high", None)),
        of_row("learning_rate", -1),
        array("model/0", np.ones((3, 2), "float32")),
        array("model/0", np.full((2, 3), np.nan, "float32")),
        array("optimizer/1", np.full(3, np.inf, "float32")),
        array("best/0", np.ones(7, "float32")),
        array("model/9", np.ones(3, "float32")),
        array("strange", np.ones(3, "float32")),
        *(
            pytest.param(lambda facts, arrays, name=name: arrays.pop(name), id=f"no {name}")
            for name in ("model/0", "optimizer/1", "best/0", "metrics/0")
        ),
        *(
            pytest.param(lambda facts, arrays, name=name: facts.pop(name), id=f"no {name}")
            for name in ("phase", "epoch", "history", "best", "best_epoch")
        ),
    ],
)
def test_a_state_edited_in_one_value_costs_one_step_back_with_a_warning(tmp_path, change, caplog):
    checkpoint.save(tmp_path, sound(0))
    checkpoint.save(tmp_path, sound(4))
    assert checkpoint.load(tmp_path, RECIPE, IMAGES).step == 4
    newest = max(tmp_path.glob("state-*.npz"))
    edit(newest, change)
    assert checkpoint.load(tmp_path, RECIPE, IMAGES).step == 0
    assert f"{newest} is damaged (" in caplog.text
    min(tmp_path.glob("state-*.npz")).unlink()
    with pytest.raises(CorruptFault, match="No readable training state is left"):
        checkpoint.load(tmp_path, RECIPE, IMAGES)


def test_a_state_of_an_earlier_version_is_read(tmp_path):
    checkpoint.save(tmp_path, sound())
    edit(next(tmp_path.iterdir()), lambda facts, arrays: [facts.pop(name) for name in ("format", "shapes")])
    assert_equal(checkpoint.load(tmp_path, RECIPE, IMAGES), sound())
