"""A run that is stopped, killed or left by its reader, and how it goes on."""

import csv
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time

import pytest
from conftest import PYTHON, ROOT, needs_posix, subprocess_environment

from recipes.files import run_folder
from recipes.run import main
from recipes.train import checkpoint

EPOCHS = 6


@pytest.fixture(scope="module")
def short(clothes):
    """What is asked of every run that is stopped."""
    values = (f"phases.train.epochs={EPOCHS}", "batch_size=16")
    return "fashion_cnn", "--data", str(clothes), *(word for value in values for word in ("--set", value))


@pytest.fixture(scope="module")
def whole(short, tmp_path_factory):
    """The same run, left to itself."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    assert main([*short, "--quiet", "--out", str(folder)]) == 0
    return folder


def assert_same_history(folder, other):
    rows, expected = (list(csv.DictReader((place / "history.csv").open())) for place in (folder, other))
    assert len(rows) == len(expected) == EPOCHS
    for row, wanted in zip(rows, expected, strict=True):
        assert row.pop("phase") == wanted.pop("phase")
        assert [float(value) for value in row.values()] == pytest.approx(
            [float(value) for value in wanted.values()], rel=1e-6, abs=1e-6
        )


def wait_for_epoch(process):
    for line in process.stdout:
        if "epoch" in line and "val_loss" in line:
            return
    pytest.fail(process.stderr.read())


def started(short, folder):
    return subprocess.Popen(
        [PYTHON, "-m", "recipes.run", *short, "--out", str(folder)],
        env=subprocess_environment(), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@needs_posix
def test_a_process_that_lost_its_reader_and_gets_a_signal_ends_with_its_code(tmp_path, short):
    folder = tmp_path / "run"
    process = started(short, folder)
    wait_for_epoch(process)
    process.stdout.close()
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 143
    err = process.stderr.read()
    assert f"python -m recipes.run --resume {folder}" in err
    assert "Broken pipe" not in err


def test_a_killed_run_goes_on_to_the_same_end(tmp_path, short, whole, run_cli):
    """Killed at a random moment it goes on, and the end is the uninterrupted run's."""
    folder = tmp_path / "run"
    process = started(short, folder)
    wait_for_epoch(process)
    time.sleep(random.uniform(0, 1))
    process.kill()
    process.communicate()
    if run_folder.is_finished(folder):
        pytest.skip("skipped: the run ended before it could be killed")
    saved = checkpoint.load(folder / run_folder.STATE)
    assert saved.epoch >= 1
    assert len(saved.history) == saved.epoch

    code, _, err = run_cli(*short, "--out", folder)
    assert (code, f"python -m recipes.run --resume {folder}" in err) == (2, True)
    code, _, err = run_cli("--resume", folder, "--set", "batch_size=32")
    assert (code, "batch_size: 16 -> 32" in err) == (2, True)
    code, out, err = run_cli("--resume", folder)
    assert code == 0, err
    assert f"resume after epoch {saved.epoch} of phase 'train'" in out
    assert_same_history(folder, whole)
    assert (folder / "predictions.csv").read_text() == (whole / "predictions.csv").read_text()


@needs_posix
def test_a_signal_saves_and_says_how_to_go_on(tmp_path, short, whole, run_cli):
    folder = tmp_path / "run"
    history = folder / "history.csv"

    def epochs():
        return history.read_text().count("\n") - 1 if history.is_file() else 0

    def signalled(number, *arguments):
        """Call the command, and send this process a signal when the command has ended an epoch."""
        before, ended = epochs(), threading.Event()

        def send():
            while not ended.wait(0.01) and epochs() == before:
                pass
            if not ended.is_set():
                os.kill(os.getpid(), number)

        sender = threading.Thread(target=send)
        sender.start()
        try:
            return run_cli(*arguments)
        finally:
            ended.set()
            sender.join()

    for number, ends_with, arguments in (
        (signal.SIGTERM, 143, (*short, "--out", folder)),
        (signal.SIGINT, 130, ("--resume", folder)),
    ):
        code, _, err = signalled(number, *arguments)
        assert code == ends_with
        assert f"python -m recipes.run --resume {folder}" in err
        assert 1 <= epochs() < EPOCHS
    assert run_cli("--resume", folder, "--quiet")[0] == 0
    assert_same_history(folder, whole)


def test_a_resumed_run_may_have_more_epochs_but_no_fewer(tmp_path, clothes, run_cli, monkeypatch):
    folder = tmp_path / "run"

    def save_then_fail(path, current):
        state_save(path, current)
        raise KeyboardInterrupt

    state_save = checkpoint.save
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "save", save_then_fail)
        arguments = ("--variant", "published", "--data", clothes, "--set", "phases.train.epochs=2")
        arguments += ("--set", "phases.train.schedule=cosine")
        assert run_cli("fashion_cnn", *arguments, "--out", folder)[0] == 130
    code, _, err = run_cli("--resume", folder, "--set", "phases.train.epochs=1")
    assert (code, "phases.train.epochs: 2 -> 1" in err) == (2, True)

    saved = checkpoint.load(folder / run_folder.STATE)
    assert saved.seconds > 0
    saved.seconds = 1000.0
    checkpoint.save(folder / run_folder.STATE, saved)
    code, out, _ = run_cli("--resume", folder, "--set", "phases.train.epochs=3")
    assert code == 0
    assert len((folder / "history.csv").read_text().splitlines()) == 4
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["seconds"]["train"] > 1000
    assert manifest["schedule_changes"] == [{"phase": "train", "from_epoch": 2, "epochs_before": 2, "epochs": 3}]


TWO_PHASES = """
from recipes import Phase, Recipe
MINE = Recipe(
    name="mine", architecture="mnist_functional", data="mnist",
    phases=(Phase("head", epochs=1, train=("dense*", "prob*"), patience=1), Phase("all", epochs=1)),
)
"""


def test_more_epochs_for_a_phase_that_has_ended_are_refused(tmp_path, clothes, monkeypatch, run_cli):
    (tmp_path / "recipe_of_two.py").write_text(TWO_PHASES)
    monkeypatch.syspath_prepend(tmp_path)
    save = checkpoint.save

    def save_and_stop(folder, state):
        save(folder, state)
        if state.phase == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "save", save_and_stop)
        assert run_cli("recipe_of_two:MINE", "--data", clothes, "--out", tmp_path / "run")[0] == 130
    code, _, err = run_cli("--resume", tmp_path / "run", "--set", "phases.head.epochs=2")
    assert (code, "Phase 'head' of" in err) == (2, True), err
    assert "has ended ('all' trains now): --set phases.head.epochs=2 cannot change it" in err
    assert run_cli("--resume", tmp_path / "run", "--set", "phases.all.epochs=2", "--quiet")[0] == 0
    assert len((tmp_path / "run" / "history.csv").read_text().splitlines()) == 4


def test_a_run_does_not_go_on_with_other_pretrained_weights(tmp_path, run_cli, monkeypatch):
    folder = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr("recipes.train.engine.train", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        assert run_cli("fashion_cnn", "--smoke", "--out", folder)[0] == 130
    started = json.loads((folder / "run.json").read_text())
    assert started["weights"] is None
    (folder / "run.json").write_text(json.dumps(started | {"weights": "0" * 64}))
    code, _, err = run_cli("--resume", folder)
    assert (code, "The pretrained weights changed since" in err) == (2, True)


def test_a_reader_that_leaves_does_not_stop_the_run(tmp_path, clothes, monkeypatch, run_cli):
    """As `| head -1` leaves: stdout is a pipe, flushed and closed when the process ends."""
    folder, read = tmp_path / "run", []
    receiving, sending = os.pipe()

    def head():
        with os.fdopen(receiving) as lines:
            read.append(lines.readline())

    reader = threading.Thread(target=head)
    reader.start()
    with os.fdopen(sending, "w", buffering=1) as stdout, monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", stdout)
        code, _, err = run_cli("fashion_cnn", "--smoke", "--out", folder)
    reader.join()
    assert (code, err) == (0, "")
    assert read[0].startswith("fashion_cnn, tuned, seed 42")
    assert run_folder.is_finished(folder)
