"""The run folder: locked, atomic, closed with a manifest."""

import hashlib
import json
import os
import subprocess
import time
from pathlib import Path

import pytest
from conftest import PYTHON, subprocess_environment

from recipes.errors import BusyFault, CorruptFault, DiskFault, UsageFault
from recipes.files import atomic, run_folder


def test_new_gives_every_run_its_own_folder(tmp_path):
    folders = {run_folder.new(tmp_path, "한글 이름 🐱", 1) for _ in range(3)}
    assert len(folders) == 3
    assert all(folder.is_dir() and "-seed1" in folder.name for folder in folders)


def test_a_recipe_of_a_module_gives_a_name_that_windows_takes(tmp_path):
    assert run_folder.new(tmp_path, "mine.book:RECIPE", 1).parent.name == "mine.book.RECIPE"


def test_write_replaces_whole_files_and_leaves_no_temporary(tmp_path):
    path = tmp_path / "a.json"
    atomic.write_json(path, {"label": "고양이"})
    atomic.write_json(path, {"label": "개"})
    assert atomic.read_json(path) == {"label": "개"}
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.json"]


def test_a_writer_that_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "model.keras"
    path.write_text("good")
    with pytest.raises(RuntimeError), atomic.atomic_path(path) as temporary:  # noqa: PT012
        assert temporary.suffix == ".keras"
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "good"
    assert len(list(tmp_path.iterdir())) == 1


def test_what_a_process_that_is_gone_half_wrote_of_a_file_goes_when_that_is_written(tmp_path):
    ended = subprocess.Popen(["true"])
    ended.wait()
    for process in (ended.pid, os.getppid()):
        (tmp_path / f".{process}.tmp.a.json").write_text("half")
    atomic.write_json(tmp_path / "a.json", 1)
    assert {path.name for path in tmp_path.iterdir()} == {"a.json", f".{os.getppid()}.tmp.a.json"}


def test_a_full_disk_that_hdf5_tells_of_in_words_is_6(tmp_path):
    words = (
        "Disable slist on flush dest failure failed (file write failed: errno = 28, error message = 'No space left')"
    )
    for error in (RuntimeError(words), OSError(words)):
        with (
            pytest.raises(DiskFault, match=r"a.h5 cannot be written: the disk is full"),
            atomic.disk_faults(Path("a.h5")),
        ):
            raise error
    with pytest.raises(RuntimeError, match="something else"), atomic.disk_faults(Path("a.h5")):
        raise RuntimeError("something else")


def test_claimed_refuses_strangers_files_and_places_that_cannot_be_written(tmp_path):
    (tmp_path / "photo.jpg").write_text("mine")
    with pytest.raises(UsageFault, match="holds other files .photo.jpg"):
        take(tmp_path)
    with pytest.raises(DiskFault, match="a file is in the way"):
        take(tmp_path / "photo.jpg" / "run")
    with pytest.raises(DiskFault, match="a file is in the way"):
        take(tmp_path / "photo.jpg")
    assert (tmp_path / "photo.jpg").read_text() == "mine"


def test_a_process_killed_as_it_claims_a_folder_leaves_nothing_in_the_way(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.unlink", lambda path, **_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt), run_folder.claimed(tmp_path):
            pass
    assert list(tmp_path.iterdir())
    with run_folder.owned(tmp_path), run_folder.claimed(tmp_path):
        pass


def test_a_claim_that_comes_to_nothing_leaves_no_folder(tmp_path):
    with pytest.raises(ZeroDivisionError):
        take(tmp_path / "run", lambda: 1 / 0)
    assert not (tmp_path / "run").exists()
    take(tmp_path / "run")
    assert (tmp_path / "run").is_dir()


def take(folder, then=lambda: None):
    with run_folder.claimed(folder):
        then()


def test_clear_empties_only_run_folders(tmp_path):
    (tmp_path / "photo.jpg").write_text("mine")
    with pytest.raises(UsageFault, match="not a run folder"):
        run_folder.clear(tmp_path)
    (tmp_path / run_folder.STARTED).write_text("{}")
    (tmp_path / "state").mkdir()
    run_folder.clear(tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_is_set_aside_comes_back_unless_another_run_begins(tmp_path):
    (tmp_path / run_folder.STARTED).write_text("old")
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "model").write_text("old")

    def begin(then=lambda: None):
        with run_folder.owned(tmp_path), run_folder.set_aside(tmp_path):
            assert not (tmp_path / "export").exists()
            (tmp_path / run_folder.STARTED).write_text("new")
            (tmp_path / "log.txt").write_text("new")
            then()

    def fail():
        raise KeyboardInterrupt

    def names():
        return {path.name for path in tmp_path.iterdir()} - {run_folder.LOCK}

    with pytest.raises(KeyboardInterrupt):
        begin(fail)
    assert (tmp_path / run_folder.STARTED).read_text() == "old"
    assert names() == {run_folder.STARTED, "export"}

    # A kill while it is set aside, and one before another run began.
    for moved in (["export"], ["export", run_folder.STARTED]):
        (tmp_path / run_folder.ASIDE).mkdir()
        for name in moved:
            (tmp_path / name).rename(tmp_path / run_folder.ASIDE / name)
        with run_folder.owned(tmp_path):
            assert names() == {run_folder.STARTED, run_folder.OWNER, "export"}
    # A kill after one began: it can go on; begun anew and failed, the run before both comes back.
    (tmp_path / run_folder.ASIDE).mkdir()
    for name in ("export", run_folder.STARTED):
        (tmp_path / name).rename(tmp_path / run_folder.ASIDE / name)
    (tmp_path / run_folder.STARTED).write_text("begun")
    with run_folder.owned(tmp_path):
        assert (tmp_path / run_folder.STARTED).read_text() == "begun"
    with pytest.raises(KeyboardInterrupt):
        begin(fail)
    assert (tmp_path / run_folder.STARTED).read_text() == "old"
    begin()
    assert names() == {run_folder.STARTED, "log.txt"}
    assert (tmp_path / run_folder.STARTED).read_text() == "new"


HOLDER = """
import sys
from pathlib import Path
from recipes.files import atomic, run_folder
with run_folder.owned(Path(sys.argv[1])):
    print("ready", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def another_process(tmp_path):
    process = subprocess.Popen(
        [PYTHON, "-c", HOLDER, str(tmp_path)],
        env=subprocess_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout.readline() == "ready\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_owner_is_told_the_firsts_pid_at_once(tmp_path, another_process):
    began = time.monotonic()
    with pytest.raises(BusyFault, match=f"process {another_process.pid}"), run_folder.owned(tmp_path):
        pass
    assert time.monotonic() - began < 1


def test_a_dead_owners_lock_is_free(tmp_path, another_process):
    another_process.kill()
    another_process.wait()
    with run_folder.owned(tmp_path):
        assert (tmp_path / run_folder.OWNER).read_text() == str(os.getpid())


def test_close_drops_the_state_and_hashes_every_file(tmp_path):
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "state-000001.npz").write_text("x")
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "01.h5").write_text("weights")
    (tmp_path / "log.txt").write_text("line")
    run_folder.close(tmp_path, {"seed": 1})
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["seed"] == 1
    assert manifest["files"] == {
        "checkpoints/01.h5": hashlib.sha256(b"weights").hexdigest(),
        "log.txt": hashlib.sha256(b"line").hexdigest(),
    }
    assert not (tmp_path / "state").exists()


def test_read_json_names_a_damaged_file(tmp_path):
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(CorruptFault, match="run.json is missing or damaged"):
        atomic.read_json(tmp_path / "run.json")


def test_last_and_a_recipes_name_stand_for_runs_below_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for age, (name, ended) in enumerate([("mine", True), ("mine", True), ("other", True), ("mine", False)]):
        folder = Path("runs") / name / str(age)
        folder.mkdir(parents=True)
        for file in (run_folder.STARTED, *([run_folder.MANIFEST] if ended else [])):
            (folder / file).touch()
            os.utime(folder / file, (age, age))
    assert run_folder.given(Path("last")) == Path("runs/other/2")
    assert run_folder.given(Path("mine")) == Path("runs/mine/1")
    assert run_folder.given(Path("nothing")) == Path("nothing")
    assert run_folder.stopped(Path("last")) == Path("runs/mine/3")
    (Path("runs/mine/3") / run_folder.MANIFEST).touch()
    with pytest.raises(UsageFault, match="No run was stopped"):
        run_folder.stopped(Path("last"))


def test_what_a_killed_process_half_wrote_is_swept(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / ".4711.tmp.epoch-3.keras").write_bytes(b"half")
    (tmp_path / ".4711.tmp.run.json").write_bytes(b"half")
    (tmp_path / "checkpoints" / "epoch-2.keras").write_bytes(b"whole")
    with run_folder.owned(tmp_path):
        assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["epoch-2.keras"]
        assert not (tmp_path / ".4711.tmp.run.json").exists()
