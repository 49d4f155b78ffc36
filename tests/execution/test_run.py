"""The command line: a run from end to end, and everything that can go wrong on the way."""

import csv
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import time

import numpy as np
import pytest
import tensorflow as tf
from conftest import FULL_DATA, PYTHON, ROOT, needs_full_data, subprocess_environment
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from recipes.evaluate import predictions
from recipes.files import run_folder
from recipes.recipe import with_defaults
from recipes.run import main
from recipes.train import checkpoint, engine

RUN = [PYTHON, "-m", "recipes.run"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A smoke run, in a folder whose name has spaces, Korean and an emoji."""
    folder = tmp_path_factory.mktemp("runs") / "내 사진 🐱 run"
    result = subprocess.run(
        [*RUN, "fashion_cnn", "--smoke", "--out", str(folder), "--seed", "3", "--set", "batch_size=32", "--json"],
        env=subprocess_environment(), cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return folder, result


def test_run_writes_the_whole_folder(finished):
    folder, _ = finished
    names = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    expected = {
        "manifest.json", "run.json", "log.txt", "history.csv", "metrics.json", "predictions.csv",
        "predictions_validation.csv", "confusion_matrix.csv", "confusion_matrix.png", "curves.png", "model.keras",
        "report.html",
    }  # fmt: skip
    assert names - {"architecture.png", "golden"} == expected
    if shutil.which("dot"):
        assert "architecture.png" in names
    else:
        assert "apt-get install graphviz" in (folder / "log.txt").read_text()


def test_run_says_what_runs_and_what_came_out(finished):
    folder, result = finished
    for words in (
        "fashion_cnn, tuned, seed 3",
        "NOTICE 7,000-image Fashion-MNIST sample: not comparable with published results",
        "512 train, 256 validation, 256 test",
        "train epoch  1/1",
        "test accuracy 0.",
        "published on the full data: 0.9094",
        f"report {folder / 'report.html'}",
        "next   python -m recipes.run fashion_cnn --variant published --seed 3 --set batch_size=32\n",
    ):
        assert words in result.stderr
        assert words in (folder / "log.txt").read_text()
    assert result.stderr.count("NOTICE") == (folder / "log.txt").read_text().count("NOTICE") == 1
    assert "\x1b[" not in result.stderr
    assert "cuda" not in result.stderr.lower()
    printed = json.loads(result.stdout)
    assert printed["folder"] == str(folder)
    assert printed["result"] == json.loads((folder / "manifest.json").read_text())["result"]


def test_manifest_has_the_conditions_and_every_files_hash(finished):
    folder, _ = finished
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["overrides"] == [["batch_size", "32"]]
    assert with_defaults(manifest["settings"])["batch_size"] == 32
    assert manifest["seed"] == 3
    assert manifest["versions"]["keras"]
    assert manifest["hardware"]["cores"]
    assert manifest["data"]["kind"] == "sample"
    assert sum(manifest["data"]["counts"]["train"].values()) == 512
    assert manifest["weights"] is None
    assert set(manifest["seconds"]) == {"data", "model", "train", "evaluate", "report"}
    assert "--smoke" in manifest["command"]
    assert "--set batch_size=32" in manifest["command"]
    for name, digest in manifest["files"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    assert {"model.keras", "log.txt", "report.html", "predictions.csv"} <= manifest["files"].keys()


def test_every_figure_follows_from_predictions_csv(finished):
    folder, _ = finished
    rows = list(csv.DictReader((folder / "predictions.csv").open(encoding="utf-8")))
    accuracy = np.mean([row["truth"] == row["prediction"] for row in rows])
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["test"]["accuracy"] == pytest.approx(accuracy)
    assert metrics["validation"]["images"] == 256
    matrix = list(csv.reader((folder / "confusion_matrix.csv").open(encoding="utf-8")))
    for line in matrix[1:]:
        for name, count in zip(matrix[0][1:], line[1:], strict=True):
            assert int(count) == sum(row["truth"] == line[0] and row["prediction"] == name for row in rows)


def test_saved_model_gives_the_reported_probabilities(finished):
    """In float32, whatever it trained in."""
    import keras

    from recipes import data
    from recipes.execution.request import SMOKE_IMAGES
    from recipes.recipe import values

    folder, _ = finished
    model = keras.models.load_model(folder / "model.keras")
    assert all(weight.dtype == "float32" for weight in model.weights)
    splits = data.read(data.find("fashion_mnist", "sample"), values.Split()).take(**SMOKE_IMAGES)
    rows = list(csv.DictReader((folder / "predictions.csv").open(encoding="utf-8")))
    assert [row["id"] for row in rows] == splits.test.ids.tolist()
    reported = [[float(row[f"probability {name}"]) for name in splits.class_names] for row in rows]
    np.testing.assert_allclose(model.predict(splits.test.pixels, verbose=0), reported, atol=1e-5)


SAME = ("fashion_cnn", "--smoke", "--seed", "3", "--set", "batch_size=32")


def test_running_again_into_a_finished_folder_only_says_so(finished, run_cli):
    folder, _ = finished
    before = (folder / "manifest.json").read_bytes()
    code, out, _ = run_cli(*SAME, "--set", "batch_size=32", "--out", folder)
    assert code == 0
    assert "already done: test accuracy" in out
    code, out, _ = run_cli("--resume", folder, "--quiet")
    assert code == 0
    assert "already done" in out
    code, _, err = run_cli(*SAME, "--out", folder, "--require-accuracy", "1")
    assert (code, "is below the required 1" in err) == (7, True)
    assert (folder / "manifest.json").read_bytes() == before


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (("mnist_functional", *SAME[1:]), "name: 'fashion_cnn' -> 'mnist_functional'"),
        ((*SAME, "--seed", "4", "--json"), "seed: 3 -> 4"),
        ((*SAME, "--set", "batch_size=64", "--require-accuracy", "0"), "batch_size: 32 -> 64"),
        ((*SAME, "--set", "phases.train.learning_rate=1e-4"), "phases.train.learning_rate: "),
        ((*SAME, "--set", "data=mnist"), "data: 'fashion_mnist' -> 'mnist'"),
        ((*SAME, "--data", "sample"), "data: 'auto' -> 'sample'"),
        ((*SAME, "--variant", "published"), "variant: 'tuned' -> 'published'"),
        ((*SAME, "--precision", "float32"), "precision: 'auto' -> 'float32'"),
        ((SAME[0], *SAME[2:]), "smoke: True -> False"),
    ],
)
def test_a_finished_folder_does_not_answer_for_another_request(finished, run_cli, changes, words):
    folder, _ = finished
    code, out, err = run_cli(*changes, "--out", folder)
    assert (code, out) == (2, "")
    assert f"{folder} holds the run of another request: " in err
    assert words in err
    assert "It was: python -m recipes.run fashion_cnn --seed 3 --smoke --set batch_size=32." in err
    assert f"Asked now: python -m recipes.run {changes[0]} " in err
    assert "Choose another --out, or train anew there with --overwrite." in err


def test_an_unfinished_folder_does_not_answer_for_another_request(tmp_path, run_cli, monkeypatch):
    folder = tmp_path / "run"
    monkeypatch.setattr("recipes.train.engine.train", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    assert run_cli(*SAME, "--out", folder)[0] == 130
    code, _, err = run_cli(*SAME, "--seed", "4", "--out", folder)
    assert (code, "holds the run of another request: seed: 3 -> 4" in err) == (2, True)
    code, _, err = run_cli(*SAME, "--out", folder)
    assert (code, "holds an unfinished run. Go on with: " in err) == (2, True)


def test_a_bundle_that_is_asked_of_a_finished_run_is_made(finished, tmp_path, run_cli):
    folder = tmp_path / "copy"
    shutil.copytree(finished[0], folder)
    code, out, err = run_cli(*SAME, "--out", folder, "--export", "keras")
    assert (code, "already done" in out) == (0, True), err
    assert (folder / "export" / "keras" / "bundle.json").is_file()
    code, out, _ = run_cli("--resume", folder, "--export", "keras")
    assert (code, f"bundle {folder / 'export' / 'keras'} is there already" in out) == (0, True)
    assert run_cli("--resume", folder, "--export", "keras", "--require-accuracy", "1")[0] == 7


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--set", "phases.train.epochs=9"), "has ended, and --set phases.train.epochs=9 cannot change it"),
        (("--set", "phases.trian.epochs=9"), "Did you mean 'train'"),
        (("--set", "batch_size=32"), "has ended, and --set batch_size=32 cannot change it"),
        (("--seed", "42"), "as it was started: --seed cannot change it"),
        (("mnist_wide", "--data", "auto", "--data-dir", "."), "mnist_wide, --data, --data-dir cannot change it"),
        (("--variant", "tuned", "--smoke", "--overwrite"), "--variant, --overwrite, --smoke cannot change it"),
        (("--plan",), "--plan cannot change it"),
    ],
)
def test_what_a_resume_would_pass_over_is_refused(finished, run_cli, arguments, words):
    code, out, err = run_cli("--resume", finished[0], *arguments)
    assert (code, out) == (2, "")
    assert words in err


def test_overwrite_trains_again_and_the_same_seed_gives_the_same_history(finished, tmp_path, run_cli):
    folder = tmp_path / "copy"
    shutil.copytree(finished[0], folder)
    (folder / "history.csv").write_text("")
    arguments = ["fashion_cnn", "--smoke", "--out", folder, "--seed", 3, "--set", "batch_size=32", "--overwrite"]
    code, out, _ = run_cli(*arguments, "--quiet")
    assert code == 0
    assert "test accuracy" in out
    assert "train epoch" not in out
    assert (folder / "history.csv").read_text() == (finished[0] / "history.csv").read_text()
    assert (folder / "predictions.csv").read_text() == (finished[0] / "predictions.csv").read_text()


def test_the_test_images_are_scored_once(tmp_path, monkeypatch, run_cli):
    scored = []
    real = predictions.predict

    def counted(model, images, class_names):
        scored.append(images)
        return real(model, images, class_names)

    monkeypatch.setattr(predictions, "predict", counted)
    assert run_cli("fashion_cnn", "--smoke", "--set", "phases.train.epochs=2", "--out", tmp_path / "run")[0] == 0
    assert sum(images.ids[0].startswith("test") for images in scored) == 1


@pytest.mark.parametrize("name", ["mnist_functional", "mnist_wide", "keras_mat_lenet"])
def test_every_recipe_runs_published_on_its_sample(name, tmp_path, run_cli):
    folder = tmp_path / name
    code, out, err = run_cli(name, "--variant", "published", "--smoke", "--out", folder)
    assert (code, err) == (0, "")
    assert "5,000-image MNIST sample: not comparable" in out
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["data"]["dataset"] == "mnist"
    if name == "keras_mat_lenet":  # Its section 4.2 is the protocol for MNIST.
        assert manifest["settings"]["phases"][0]["optimizer"] == "rmsprop"
    if name == "mnist_functional":  # A checkpoint every epoch, named by epoch and validation accuracy.
        (checkpoint,) = (folder / "checkpoints").iterdir()
        accuracy = float(list(csv.DictReader((folder / "history.csv").open()))[0]["val_accuracy"])
        assert checkpoint.name == f"01-{accuracy:.4f}.weights.h5"


def test_dogs_vs_cats_aug_runs_published_on_its_sample(tmp_path, run_cli):
    small = ["--smoke", "--set", "image_size=96"]
    code, out, err = run_cli("dogs_vs_cats_aug", "--variant", "published", *small, "--out", tmp_path / "run")
    assert (code, err) == (0, "")
    assert "140 crops of two photographs: not comparable" in out
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert manifest["model"]["input_shape"] == [96, 96, 3]
    assert manifest["boundary"] == {}


SMALL_PHOTOS = ["--smoke", "--set", "image_size=64", "--set", "views=2", "--set", "batch_size=8"]
QUICK_HEAD = ["--set", "phases.head.learning_rate=1e-3", "--set", "phases.head.weight_decay=0"]


@pytest.mark.drawn
def test_vgg16_is_fine_tuned_with_its_real_base(tmp_path, run_cli):
    """The five steps on real ImageNet weights: only block 5 and the head are not as they came."""
    import zoo

    folder = tmp_path / "run"
    code, out, err = run_cli("vgg16_finetune", *SMALL_PHOTOS, *QUICK_HEAD, "--out", folder)
    assert (code, err) == (0, "")
    assert "weights from offline extra" in out
    manifest = json.loads((folder / "manifest.json").read_text())
    boundary = manifest["boundary"]
    assert [(name, facts["layer"]) for name, facts in boundary.items()] == [
        ("head", "head_flatten"), ("block5", "block4_pool"),
    ]  # fmt: skip
    # Every view of the training crops and one of the validation crops, once for both phases.
    counts = {name: sum(split.values()) for name, split in manifest["data"]["counts"].items()}
    images = 2 * counts["train"] + counts["validation"]
    assert f"frozen part: {images}/{images} images" in out
    assert [facts["images_passed"] for facts in boundary.values()] == [images, 0]
    assert manifest["result"]["test_accuracy"] > 0.9
    assert "2 cached views of each image" in (folder / "report.html").read_text()

    import keras

    model = keras.models.load_model(folder / "model.keras")
    original = zoo.get("vgg16_finetune", input_shape=(64, 64, 3))
    for layer in original.layers:
        if layer.weights and not layer.name.startswith("head_"):
            same = all(map(np.array_equal, layer.get_weights(), model.get_layer(layer.name).get_weights()))
            assert same == (not layer.name.startswith("block5_")), layer.name

    again = tmp_path / "again"
    code, out, _ = run_cli("vgg16_finetune", *SMALL_PHOTOS, *QUICK_HEAD, "--out", again)
    assert code == 0
    assert "frozen part:" not in out  # All was there already.
    assert (again / "predictions.csv").read_text() == (folder / "predictions.csv").read_text()


def test_plan_says_how_much_is_kept_of_the_frozen_part(tmp_path, monkeypatch, run_cli):
    monkeypatch.setenv("KERAS_ZOO_CACHE", str(tmp_path / "cache"))
    code, out, _ = run_cli("vgg16_feature_extract", *SMALL_PHOTOS, "--weights", "none", "--plan", "--json")
    assert code == 0
    plan = json.loads(out)
    images = 2 * plan["data"]["counts"]["train"]["china"] * 2 + sum(plan["data"]["counts"]["validation"].values())
    assert plan["frozen_pass"]["bytes"] == plan["frozen_pass"]["missing_bytes"] == images * 2 * 2 * 512 * 2
    assert plan["minutes"] > plan["frozen_pass"]["minutes"] > 0
    assert not (tmp_path / "cache").exists()


def test_a_recipe_that_makes_no_sense_is_stopped_by_the_linter(tmp_path, monkeypatch, run_cli):
    from recipes import lint

    finding = lint.Finding("input-range", True, "The batch lies in 0 to 1.")
    monkeypatch.setattr(lint, "inspect", lambda *_, **__: [finding])
    code, _, err = run_cli("fashion_cnn", "--smoke", "--out", tmp_path / "run")
    assert (code, "Phase 'train': The batch lies in 0 to 1. See https://" in err) == (2, True)


def test_openvino_where_it_is_not_installed_is_said_at_once(tmp_path, monkeypatch, run_cli):
    from recipes.freeze import frozen_runner

    monkeypatch.setattr(frozen_runner.importlib.util, "find_spec", lambda name: None)
    out = tmp_path / "run"
    code, _, err = run_cli(
        "vgg16_finetune", *SMALL_PHOTOS, "--weights", "none", "--set", "engine=openvino", "--out", out
    )
    assert (code, "pip install 'keras-zoo-recipes[fast]'" in err) == (4, True)


def test_plan_says_what_would_run_and_writes_nothing(tmp_path, monkeypatch, run_cli):
    monkeypatch.chdir(tmp_path)
    code, out, _ = run_cli("fashion_cnn", "--data", "sample", "--plan", "--set", "phases.train.epochs=2")
    assert code == 0
    for words in ("333,526 parameters", "4,800 train", "2 epochs at most of 75 steps", "minutes of training"):
        assert words in out
    assert not list(tmp_path.iterdir())


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


def test_a_recipe_of_ones_own_runs(tmp_path, monkeypatch, run_cli):
    (tmp_path / "own_recipes_for_test.py").write_text(
        "from recipes import Phase, Recipe\n"
        "MINE = Recipe(name='mine', architecture='mnist_functional', data='mnist', phases=(Phase('a', epochs=1),))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    code, out, _ = run_cli("own_recipes_for_test:MINE", "--smoke")
    assert code == 0
    assert "report runs/mine/" in out
    assert re.search(r"next   python -m recipes.predict runs/mine/\S+ IMAGE_OR_FOLDER", out), "it has no variants"


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


def test_a_loss_that_is_not_a_number_is_7(tmp_path, run_cli):
    high = ["--set", "phases.train.learning_rate=1e38"]
    code, _, err = run_cli("fashion_cnn", "--data", "sample", "--out", tmp_path / "a", "--variant", "published", *high)
    assert code == 7
    assert "The loss became nan in phase 'train', epoch 1, by step" in err
    assert "at a learning rate of 1e+38. Try a lower one: --set phases.train.learning_rate=1e+37" in err
    assert "No epoch had ended" in err
    assert not (tmp_path / "a" / "model.keras").exists()


def test_best_weights_are_kept_when_a_later_epoch_diverges(tmp_path, monkeypatch, run_cli):
    real = engine._Guard.on_train_batch_end

    def poisoned(self, batch, logs=None):
        real(self, batch, {**logs, "loss": float("nan")} if self.state.epoch == 1 else logs)

    monkeypatch.setattr(engine._Guard, "on_train_batch_end", poisoned)
    code, _, err = run_cli("fashion_cnn", "--variant", "published", "--data", "sample", "--out", tmp_path / "a")
    assert (code, "The best epoch so far (1) is kept in" in err) == (7, True)
    import keras

    assert keras.models.load_model(tmp_path / "a" / "best.keras").count_params() == 333_526


def test_a_full_disk_is_6_and_leaves_nothing_half_written(tmp_path):
    folder = tmp_path / "run"
    command = f"ulimit -f 1000; exec {' '.join(RUN)} fashion_cnn --smoke --out {folder}"
    result = subprocess.run(
        ["bash", "-c", command], env=subprocess_environment(), cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 6, result.stderr
    assert "cannot be written" in result.stderr
    assert not run_folder.is_finished(folder)
    assert not [path for path in folder.rglob("*") if "tmp" in path.name]


# Stopping and going on, in processes of their own.

SHORT = ["--data", "sample", "--precision", "float32", "--set", "phases.train.epochs=4", "--set", "batch_size=64"]
SHORT += ["--set", "split.validation=0.7"]  # 1,800 images to train.


def started(folder):
    return subprocess.Popen(
        [*RUN, "fashion_cnn", *SHORT, "--out", str(folder)],
        env=subprocess_environment(), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def wait_for_epoch(process):
    for line in process.stdout:
        if "epoch" in line and "val_loss" in line:
            return
    pytest.fail(process.stderr.read())


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "run"
    assert main(["fashion_cnn", *SHORT, "--quiet", "--out", str(folder)]) == 0
    return folder


def assert_same_history(folder, other):
    rows, expected = (list(csv.DictReader((place / "history.csv").open())) for place in (folder, other))
    assert len(rows) == len(expected)
    for row, wanted in zip(rows, expected, strict=True):
        assert row.pop("phase") == wanted.pop("phase")
        assert [float(value) for value in row.values()] == pytest.approx(
            [float(value) for value in wanted.values()], rel=1e-6, abs=1e-6
        )


def test_a_killed_run_goes_on_to_the_same_end(tmp_path, whole, run_cli):
    """Killed at a random moment it goes on, and the end is the uninterrupted run's."""
    folder = tmp_path / "run"
    process = started(folder)
    wait_for_epoch(process)
    time.sleep(random.uniform(0, 1))
    process.kill()
    process.communicate()
    if run_folder.is_finished(folder):
        pytest.skip("skipped: the run ended before it could be killed")
    saved = checkpoint.load(folder / run_folder.STATE)
    assert saved.epoch >= 1
    assert len(saved.history) == saved.epoch

    code, _, err = run_cli("fashion_cnn", *SHORT, "--out", folder)
    assert (code, f"python -m recipes.run --resume {folder}" in err) == (2, True)
    code, _, err = run_cli("--resume", folder, "--set", "batch_size=32")
    assert (code, "batch_size: 64 -> 32" in err) == (2, True)
    code, out, err = run_cli("--resume", folder)
    assert code == 0, err
    assert f"resume after epoch {saved.epoch} of phase 'train'" in out
    assert_same_history(folder, whole)
    assert (folder / "predictions.csv").read_text() == (whole / "predictions.csv").read_text()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_saves_and_says_how_to_go_on(tmp_path, whole, number, code, run_cli):
    folder = tmp_path / "run"
    process = started(folder)
    wait_for_epoch(process)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert f"python -m recipes.run --resume {folder}" in err
    assert run_cli("--resume", folder, "--quiet")[0] == 0
    assert_same_history(folder, whole)


def test_a_resumed_run_may_have_more_epochs_but_no_fewer(tmp_path, run_cli, monkeypatch):
    folder = tmp_path / "run"
    short = ["--data", "sample", "--set", "phases.train.epochs=2", "--set", "batch_size=512"]

    def save_then_fail(path, current):
        state_save(path, current)
        raise KeyboardInterrupt

    state_save = checkpoint.save
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "save", save_then_fail)
        assert run_cli("fashion_cnn", "--variant", "published", *short, "--out", folder)[0] == 130
    code, _, err = run_cli("--resume", folder, "--set", "phases.train.epochs=1")
    assert (code, "phases.train.epochs: 2 -> 1" in err) == (2, True)

    saved = checkpoint.load(folder / run_folder.STATE)
    assert saved.seconds > 0
    saved.seconds = 1000.0
    checkpoint.save(folder / run_folder.STATE, saved)
    code, out, _ = run_cli("--resume", folder, "--set", "phases.train.epochs=3")
    assert code == 0
    assert len((folder / "history.csv").read_text().splitlines()) == 4
    assert json.loads((folder / "manifest.json").read_text())["seconds"]["train"] > 1000


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


def test_a_reader_that_leaves_does_not_stop_the_run(tmp_path):
    folder = tmp_path / "run"
    command = f"{' '.join(RUN)} fashion_cnn --smoke --out {folder} | head -1; exit ${{PIPESTATUS[0]}}"
    result = subprocess.run(
        ["bash", "-c", command], env=subprocess_environment(), cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("\n") == 1
    assert "Broken pipe" not in result.stderr
    assert run_folder.is_finished(folder)


@needs_full_data
def test_the_full_data_set_is_used_when_it_is_there(tmp_path, run_cli):
    code, out, _ = run_cli(
        "fashion_cnn", "--smoke", "--data", "full", "--data-dir", FULL_DATA, "--out", tmp_path / "run"
    )
    assert code == 0
    assert "NOTICE" not in out
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert (manifest["data"]["kind"], manifest["data"]["notice"]) == ("tfds", "")


def test_find_lr_suggests_a_rate_for_each_phase_and_trains_nothing_else(run_cli, tmp_path):
    arguments = ("vgg16_finetune", *SMALL_PHOTOS, "--weights", "none", "--set", "views=1", "--precision", "float32")
    arguments += ("--set", "image_size=32")
    arguments += ("--smoke", "--find-lr", "--out", tmp_path / "lr", "--json")
    code, out, err = run_cli(*arguments)
    assert code == 0, err
    found = json.loads(out.splitlines()[-1])
    assert list(found) == ["head", "block5"]
    for name, facts in found.items():
        assert facts["suggestion"] is None or 1e-7 <= facts["suggestion"] <= 1
        assert (tmp_path / "lr" / f"{name}.png").read_bytes()[:4] == b"\x89PNG"
    assert "block5 begins where head ended" in err
    assert sorted(path.name for path in (tmp_path / "lr").iterdir()) == ["block5.png", "head.png"]


def test_a_training_can_be_watched(run_cli, tmp_path):
    arguments = ("fashion_cnn", "--data", "sample", "--set", "phases.train.epochs=2", "--set", "batch_size=256")
    code, out, err = run_cli(*arguments, "--tensorboard", "--out", tmp_path / "run")
    assert code == 0, err
    lines = [line for line in out.splitlines() if line.startswith("train epoch")]
    assert len(lines) == 2
    assert re.search(r"s  \d+:\d\d left  best$", lines[0])
    assert "left" not in lines[1]
    events = EventAccumulator(str(tmp_path / "run" / "tensorboard" / "validation")).Reload()
    rows = list(csv.DictReader((tmp_path / "run" / "history.csv").open()))
    assert [event.step for event in events.Tensors("epoch_accuracy")] == [1, 2]
    written = [float(tf.make_ndarray(event.tensor_proto)) for event in events.Tensors("epoch_accuracy")]
    assert written == pytest.approx([float(row["val_accuracy"]) for row in rows])


def test_history_is_on_disk_while_a_training_runs(run_cli, tmp_path, monkeypatch):
    from recipes.train import history_files

    seen = []
    write = history_files.write_history

    def watched(folder, history):
        write(folder, history)
        seen.append(len((folder / "history.csv").read_text().splitlines()))

    monkeypatch.setattr(history_files, "write_history", watched)
    arguments = ("mnist_functional", "--data", "sample", "--set", "phases.train.epochs=2", "--set", "batch_size=512")
    assert run_cli(*arguments, "--out", tmp_path / "run")[0] == 0
    assert seen[:2] == [2, 3]


def test_tensorboard_that_is_not_installed_is_said_before_anything_is_read(run_cli, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    code, _, err = run_cli("fashion_cnn", "--tensorboard", "--out", tmp_path / "run")
    assert (code, "keras-zoo-recipes[tensorboard]" in err) == (4, True)
    assert not (tmp_path / "run").exists()
