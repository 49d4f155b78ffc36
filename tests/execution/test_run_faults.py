"""What goes wrong on the way of a run: one line that says what to change, an exit code, and nothing half-done."""

import os
import re
import shutil
import subprocess
import time

import pytest
from conftest import FULL_DATA, PYTHON, ROOT, needs_posix, subprocess_environment

from recipes.files import run_folder
from recipes.train import engine


def test_a_recipe_that_makes_no_sense_is_stopped_by_the_linter(tmp_path, monkeypatch, run_cli):
    from recipes import lint

    finding = lint.Finding("input-range", True, "The batch lies in 0 to 1.")
    monkeypatch.setattr(lint, "inspect", lambda *_, **__: [finding])
    code, _, err = run_cli("fashion_cnn", "--smoke", "--out", tmp_path / "run")
    assert (code, "Phase 'train': The batch lies in 0 to 1. See https://" in err) == (2, True)


def test_openvino_where_it_is_not_installed_is_said_at_once(tmp_path, monkeypatch, run_cli):
    from recipes.freeze import frozen_runner

    find = frozen_runner.importlib.util.find_spec
    monkeypatch.setattr(
        frozen_runner.importlib.util, "find_spec", lambda name: None if name == "openvino" else find(name)
    )
    out = tmp_path / "run"
    arguments = ("--smoke", "--set", "image_size=32", "--weights", "none", "--set", "engine=openvino")
    code, _, err = run_cli("vgg16_finetune", *arguments, "--out", out)
    assert (code, "pip install 'keras-zoo-recipes[fast]'" in err) == (4, True)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "Which recipe? --list shows them all"),
        (["fashion_cn"], 2, "Did you mean 'fashion_cnn'"),
        (["fashion_cnn", "--set", "phases.trian.epochs=3"], 2, "Did you mean 'train'"),
        (["fashion_cnn", "--set", "phases.train.epochs=-1"], 2, "an integer of 1 or more. Got -1"),
        (["fashion_cnn", "--set", "phases.train.learning_rate=nan"], 2, "a number above 0"),
        (["fashion_cnn", "--set", "batch_size"], 2, "--set wants path=value"),
        (["fashion_cnn", "--data", "photos"], 2, "--data must be one of auto, full, sample"),
        (["fashion_cnn", "--data-dir", "/nowhere"], 2, "--data-dir must be a folder"),
        (["fashion_cnn", "--data", "full"], 4, "cannot be reached"),
        (["fashion_cnn", "--set", "data=no_such_set"], 4, "'no_such_set' is not prepared under"),
        (["fashion_cnn", "--weights", "/nowhere.keras"], 4, "No weights file at /nowhere.keras"),
        (["fashion_cnn", "--weights", "imagenet", "--data", "sample"], 2, "has no pretrained weights"),
        (["fashion_cnn", "--set", "model.droput=0.1", "--data", "sample"], 2, "no keyword 'droput'"),
        (["fashion_cnn", "--set", "phases.train.train=dens", "--data", "sample"], 2, "Did you mean 'dense'"),
        (["fashion_cnn", "--set", "architecture=mnist_functionl", "--data", "sample"], 2, "'mnist_functional'"),
        (["fashion_cnn", "--variant", "best"], 2, "invalid choice: 'best'"),
        (["fashion_cnn", "--sede", "3"], 2, "unrecognized arguments: --sede 3"),
        (["fashion_cnn", "--seed", "-1"], 2, "must be an integer from 0 to 4294967295. Got '-1'"),
        (["--resume", "/nowhere"], 2, "is not the folder of a run"),
        (["json:loads"], 2, "not a recipes.Recipe"),
    ],
)
def test_what_a_user_gets_wrong_is_one_line_and_a_code(arguments, code, words, tmp_path, monkeypatch, run_cli):
    monkeypatch.chdir(tmp_path)
    found, _, err = run_cli(*arguments)
    assert (found, err.count("\n"), err.startswith("error: ")) == (code, 1, True), err
    assert words in err
    assert "Traceback" not in err


def test_the_process_ends_with_the_code_of_the_fault():
    words = [PYTHON, "-m", "recipes.run", "fashion_cn"]
    ended = subprocess.run(words, env=subprocess_environment(), cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1), ended.stderr


def test_a_run_that_could_not_begin_leaves_no_folder(tmp_path, monkeypatch, run_cli):
    monkeypatch.chdir(tmp_path)
    assert run_cli("fashion_cnn", "--data", "full")[0] == 4
    assert run_cli("fashion_cnn", "--data", "full", "--out", "mine")[0] == 4
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not (tmp_path / "mine").exists()


def test_debug_shows_the_traceback(run_cli):
    code, _, err = run_cli("fashion_cn", "--debug")
    assert code == 2
    assert "Traceback" in err


@needs_posix
def test_an_output_that_cannot_be_written_is_found_before_data_loads(tmp_path, monkeypatch, run_cli):
    monkeypatch.setattr("recipes.data.read", lambda *_: pytest.fail("data was read"))
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "thesis.txt").write_text("mine")
    code, _, err = run_cli("fashion_cnn", "--out", tmp_path / "file" / "run")
    assert (code, "a file is in the way" in err) == (6, True)
    code, _, err = run_cli("fashion_cnn", "--out", tmp_path / "documents", "--overwrite")
    assert (code, "holds other files (thesis.txt)" in err) == (2, True)
    assert (tmp_path / "documents" / "thesis.txt").read_text() == "mine"
    code, _, err = run_cli("fashion_cnn", "--out", "/proc/run")
    assert code == 6


def test_a_folder_another_run_owns_is_left_alone(tmp_path, run_cli):
    with run_folder.owned(tmp_path):
        began = time.monotonic()
        code, _, err = run_cli("fashion_cnn", "--out", tmp_path)
        assert (code, f"process {os.getpid()}" in err) == (5, True)
        assert time.monotonic() - began < 1


def test_a_truncated_tfrecord_is_named_with_exit_code_3(tmp_path, run_cli):
    if not FULL_DATA.is_dir():
        pytest.skip("skipped: the full data sets are not beside this checkout (shared/tfds)")
    shutil.copytree(FULL_DATA / "mnist", tmp_path / "mnist", copy_function=shutil.copyfile)
    shard = next((tmp_path / "mnist").glob("*/*train*"))
    with shard.open("rb+") as file:
        file.truncate(1_000_000)
    code, _, err = run_cli("mnist_functional", "--data-dir", tmp_path, "--out", tmp_path / "run", "--quiet")
    assert (code, shard.name in err, "Delete" in err) == (3, True, True)


def test_a_run_refused_for_its_photos_begins_again_once_they_are_mended(tmp_path, clothes, one_layer, run_cli):
    photos = tmp_path / "photos"
    shutil.copytree(clothes, photos)
    damaged = sorted(photos.rglob("*.png"))[::5]
    for path in damaged:
        path.write_bytes(b"no picture")
    command = ("one_layer:MINE", "--import", "one_layer", "--data", photos, "--out", tmp_path / "run")
    code, _, err = run_cli(*command)
    assert (code, "20 of 100 files are damaged" in err) == (3, True), err
    for path in damaged:
        path.unlink()
    code, _, err = run_cli(*command)
    assert (code, (tmp_path / "run" / run_folder.MANIFEST).is_file()) == (0, True), err


def test_tensorboard_that_is_not_installed_is_said_before_anything_is_read(run_cli, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    code, _, err = run_cli("fashion_cnn", "--tensorboard", "--out", tmp_path / "run")
    assert (code, "keras-zoo-recipes[tensorboard]" in err) == (4, True)
    assert not (tmp_path / "run").exists()


def test_a_loss_that_is_not_a_number_is_7(tmp_path, clothes, run_cli):
    high = ["--set", "phases.train.learning_rate=1e38"]
    code, _, err = run_cli("fashion_cnn", "--data", clothes, "--out", tmp_path / "a", "--variant", "published", *high)
    assert code == 7
    assert re.search("The loss became (nan|inf) in phase 'train', epoch 1, by step", err)
    assert "at a learning rate of 1e+38. Try a lower one: --set phases.train.learning_rate=1e+37" in err
    assert "No epoch had ended" in err
    assert not (tmp_path / "a" / "model.keras").exists()


def test_best_weights_are_kept_when_a_later_epoch_diverges(tmp_path, clothes, monkeypatch, run_cli):
    real = engine._Guard.on_train_batch_end

    def poisoned(self, batch, logs=None):
        real(self, batch, {**logs, "loss": float("nan")} if self.state.epoch == 1 else logs)

    monkeypatch.setattr(engine._Guard, "on_train_batch_end", poisoned)
    code, _, err = run_cli("fashion_cnn", "--variant", "published", "--data", clothes, "--out", tmp_path / "a")
    assert (code, "The best epoch so far (1) is kept in" in err) == (7, True)
    import keras

    assert keras.models.load_model(tmp_path / "a" / "best.keras").count_params() == 333_526


@needs_posix
def test_a_full_disk_is_6_and_leaves_nothing_half_written(tmp_path, run_cli):
    folder = tmp_path / "run"
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_024_000, before[1]))
    try:
        code, _, err = run_cli("fashion_cnn", "--smoke", "--out", folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert code == 6, err
    assert "cannot be written" in err
    assert not run_folder.is_finished(folder)
    assert not [path for path in folder.rglob("*") if "tmp" in path.name]
