"""Files are whole or not there, and are written nowhere else than where they belong."""

import os
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np
import pytest

from recipes.files import atomic
from zoo import weights


@pytest.mark.parametrize("planted", [Path, atomic.half_written], ids=["file", "temporary file"])
def test_a_planted_link_is_replaced_and_never_written_through(tmp_path, planted):
    (tmp_path / "mine.txt").write_text("mine")
    planted(tmp_path / "notes.json").symlink_to(tmp_path / "mine.txt")
    atomic.write_json(tmp_path / "notes.json", {"a": 1})
    assert (tmp_path / "mine.txt").read_text() == "mine"
    assert not (tmp_path / "notes.json").is_symlink()
    assert atomic.read_json(tmp_path / "notes.json") == {"a": 1}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.txt", "notes.json"]


@pytest.mark.parametrize("planted", ["net.npz", ".net.npz"])
def test_kept_weights_are_not_written_through_a_planted_link(tmp_path, planted):
    (tmp_path / "mine.txt").write_text("mine")
    (tmp_path / planted).symlink_to(tmp_path / "mine.txt")
    weights._keep([np.arange(3)], tmp_path / "net.npz")
    assert (tmp_path / "mine.txt").read_text() == "mine"
    with np.load(tmp_path / "net.npz") as kept:
        np.testing.assert_array_equal(kept["arr_0"], np.arange(3))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.txt", "net.npz"]


def test_a_name_that_is_not_utf_8_is_written_with_question_marks(tmp_path):
    atomic.write_json(tmp_path / "notes.json", {"command": "--out " + os.fsdecode(b"caf\xe9")})
    assert atomic.read_json(tmp_path / "notes.json") == {"command": "--out caf?"}


def test_a_folder_of_windows_that_is_called_dev_is_no_device():
    for path in ("C:/dev/runs/table.csv", "//server/dev/table.csv", "D:/proc/x"):
        assert not atomic.is_of_the_system(PureWindowsPath(path))
    assert atomic.is_of_the_system(PurePosixPath("/dev/full"))
    assert not atomic.is_of_the_system(PurePosixPath("/dev/shm/table.csv"))  # noqa: S108
    assert not atomic.is_of_the_system(PurePosixPath("/device/table.csv"))


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="skipped: there are no devices here")
def test_a_device_is_written_into_and_never_replaced(tmp_path, capfd):
    """As root, a rename would put a file in the place of /dev/stdout."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    atomic.write(pipe, "through a pipe")
    assert os.read(reading, 99) == b"through a pipe"
    os.close(reading)
    assert pipe.is_fifo()
    with pytest.raises(atomic.DiskFault, match="the disk is full"):
        atomic.write(Path("/dev/full"), "x")
    assert Path("/dev/full").is_char_device()
    with pytest.raises(atomic.DiskFault, match="a device is in the way"), atomic.atomic_path(Path("/dev/null")):
        pass
    assert Path("/dev/null").is_char_device()
    assert not atomic.is_stream(Path("/dev/shm/table.csv"))  # noqa: S108
    assert not atomic.is_stream(tmp_path / "table.csv")


def test_a_folder_in_the_way_is_said(tmp_path):
    with pytest.raises(atomic.DiskFault, match="a folder or a device is in the way"):
        atomic.write(tmp_path, "x")


def test_a_name_that_no_disk_takes_is_said(tmp_path):
    with pytest.raises(atomic.DiskFault, match="the name is too long"):
        atomic.write(tmp_path / ("x" * 300), "a")
