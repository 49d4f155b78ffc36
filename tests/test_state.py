"""The state of an unfinished training survives what a disk and a kill can do to it."""

import logging
import random
import subprocess
import time

import numpy as np
import pytest
from conftest import PYTHON, subprocess_environment

from recipes import state
from recipes.errors import CorruptFault, DiskFault
from recipes.state import TrainingState


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
    assert state.load(tmp_path / "state") is None
    for epoch in (1, 2, 3):
        state.save(tmp_path / "state", example(epoch))
    assert_equal(state.load(tmp_path / "state"), example(3))
    assert len(list((tmp_path / "state").iterdir())) == 2


@pytest.mark.parametrize("damage", ["truncated", "empty", "flipped"])
def test_a_damaged_state_costs_one_step_back_with_a_warning(tmp_path, damage, caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("recipes"), "propagate", True)
    for epoch in (1, 2):
        state.save(tmp_path, example(epoch))
    newest = max(tmp_path.glob("state-*.npz"))
    content = bytearray(newest.read_bytes())
    if damage == "flipped":
        content[len(content) // 2] ^= 0xFF
    newest.write_bytes({"truncated": content[: len(content) // 2], "empty": b"", "flipped": content}[damage])
    assert_equal(state.load(tmp_path), example(1))
    assert f"{newest} is damaged" in caplog.text


def test_without_a_readable_state_nothing_starts_over_silently(tmp_path):
    state.save(tmp_path, example(1))
    for path in tmp_path.glob("state-*.npz"):
        path.write_bytes(b"")
    with pytest.raises(CorruptFault, match="No readable training state is left"):
        state.load(tmp_path)


SAVER = """
import sys
from pathlib import Path
import numpy as np
from recipes import state
epoch = 0
while True:
    epoch += 1
    arrays = {"model": [np.full(200_000, epoch, "float32")]}
    state.save(Path(sys.argv[1]), state.TrainingState(epoch=epoch, arrays=arrays))
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
        found = state.load(folder)
        assert found.epoch >= max([1, *map(int, said)])
        assert (found.arrays["model"][0] == found.epoch).all()


def test_a_run_folder_that_was_deleted_is_said(tmp_path):
    with pytest.raises(DiskFault, match="its folder does not exist or was deleted"):
        state.save(tmp_path / "deleted" / "state", example(1))


def test_a_full_disk_leaves_the_old_state_as_it_was(tmp_path):
    import resource

    state.save(tmp_path, example(1))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
    try:
        with pytest.raises(DiskFault, match="cannot be written"):
            state.save(tmp_path, example(2))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert_equal(state.load(tmp_path), example(1))
