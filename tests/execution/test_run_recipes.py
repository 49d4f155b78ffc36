"""Runs of the recipes in the book, and what the command line offers beside a run."""

import csv
import json
import re

import numpy as np
import pytest
import tensorflow as tf
from conftest import FINE_TUNE
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from recipes.files import history_files

pytestmark = pytest.mark.usefixtures("few_images")


@pytest.mark.drawn  # The pages of these runs are looked at elsewhere.
@pytest.mark.parametrize("name", ["mnist_functional", "mnist_wide", "keras_mat_lenet"])
def test_every_recipe_runs_published_on_its_sample(name, published):
    folder = published(name)
    assert "5,000-image MNIST sample: not comparable" in folder.with_name("stdout.txt").read_text(encoding="utf-8")
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["data"]["dataset"] == "mnist"
    if name == "keras_mat_lenet":  # Its section 4.2 is the protocol for MNIST.
        assert manifest["settings"]["phases"][0]["optimizer"] == "rmsprop"
    if name == "mnist_functional":  # A checkpoint every epoch, named by epoch and validation accuracy.
        (checkpoint,) = (folder / "checkpoints").iterdir()
        accuracy = float(list(csv.DictReader((folder / "history.csv").open()))[0]["val_accuracy"])
        assert checkpoint.name == f"01-{accuracy:.4f}.weights.h5"


@pytest.mark.drawn
def test_dogs_vs_cats_aug_runs_published_on_its_sample(published):
    folder = published("dogs_vs_cats_aug")
    said = folder.with_name("stdout.txt").read_text(encoding="utf-8")
    assert "140 crops of two photographs: not comparable" in said
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["model"]["input_shape"] == [96, 96, 3]
    assert manifest["boundary"] == {}


SMALL_PHOTOS = ["--smoke", "--set", "image_size=32", "--set", "views=2", "--set", "batch_size=8"]


def test_vgg16_is_fine_tuned_with_its_real_base(fine_tuned, tmp_path, run_cli, monkeypatch):
    """The five steps on real ImageNet weights: only block 5 and the head are not as they came."""
    import zoo

    folder = fine_tuned
    out = folder.with_name("stdout.txt").read_text(encoding="utf-8")
    assert "weights from package index" in out
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
    assert manifest["result"]["test_accuracy"] > 0.75  # One epoch a phase: 0.875 to 1 in two number formats and seeds.
    assert "2 cached views of each image" in (folder / "report.html").read_text()

    import keras

    model = keras.models.load_model(folder / "model.keras")
    original = zoo.get("vgg16_finetune", input_shape=(32, 32, 3))
    for layer in original.layers:
        if layer.weights and not layer.name.startswith("head_"):
            same = all(map(np.array_equal, layer.get_weights(), model.get_layer(layer.name).get_weights()))
            assert same == (not layer.name.startswith("block5_")), layer.name

    again = tmp_path / "again"
    monkeypatch.setenv("KERAS_ZOO_CACHE", str(folder.with_name("cache")))
    code, out, _ = run_cli(*FINE_TUNE, "--out", again)
    assert code == 0
    assert "frozen part:" not in out  # All was there already.
    assert (again / "predictions.csv").read_text() == (folder / "predictions.csv").read_text()


def test_plan_says_how_much_is_kept_of_the_frozen_part(tmp_path, monkeypatch, run_cli):
    monkeypatch.setenv("KERAS_ZOO_CACHE", str(tmp_path / "cache"))
    code, out, _ = run_cli("vgg16_feature_extract", *SMALL_PHOTOS, "--weights", "none", "--plan", "--json")
    assert code == 0
    plan = json.loads(out)
    images = 2 * plan["data"]["counts"]["train"]["china"] * 2 + sum(plan["data"]["counts"]["validation"].values())
    assert plan["frozen_pass"]["bytes"] == plan["frozen_pass"]["missing_bytes"] == images * 512 * 2
    assert plan["minutes"] == pytest.approx(sum(plan["minutes_of"].values()))
    assert plan["minutes_of"]["frozen pass"] == plan["frozen_pass"]["minutes"] > 0
    (million,) = plan["frozen_pass"]["million"]
    assert million["view"] == million["averages"] == 512 * 2
    assert "a million photos: 2.0 GB behind " in million["words"]
    assert " hours here" in million["words"]
    assert not (tmp_path / "cache").exists()


def test_plan_says_what_would_run_and_writes_nothing(tmp_path, monkeypatch, run_cli):
    monkeypatch.chdir(tmp_path)
    shorter = ("--set", "phases.train.epochs=2", "--set", "split.validation=0.9")
    code, out, _ = run_cli("fashion_cnn", "--data", "sample", "--plan", *shorter)
    assert code == 0
    for words in ("333,526 parameters", "600 train", "2 epochs at most of 10 steps", "minutes in all", "scoring"):
        assert words in out
    assert not list(tmp_path.iterdir())


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


RATES = """
from recipes import Phase, Recipe
MINE = Recipe(
    name="mine", architecture="fashion_cnn", data="fashion_mnist", batch_size=8, views=1,
    phases=(Phase("head", epochs=1, train=("dense", "prob*")), Phase("upper", epochs=1, train=("conv2", "dense"))),
)
"""


def test_find_lr_suggests_a_rate_for_each_phase_and_trains_nothing_else(run_cli, tmp_path, monkeypatch):
    (tmp_path / "recipe_for_rates.py").write_text(RATES)
    monkeypatch.syspath_prepend(tmp_path)
    arguments = ("recipe_for_rates:MINE", "--smoke", "--precision", "float32")
    code, out, err = run_cli(*arguments, "--find-lr", "--out", tmp_path / "lr", "--json")
    assert code == 0, err
    found = json.loads(out.splitlines()[-1])
    assert list(found) == ["head", "upper"]
    for name, facts in found.items():
        assert facts["suggestion"] is None or 1e-7 <= facts["suggestion"] <= 1
        assert (tmp_path / "lr" / f"{name}.png").read_bytes()[:4] == b"\x89PNG"
    assert "upper begins where head ended" in err
    assert sorted(path.name for path in (tmp_path / "lr").iterdir()) == ["head.png", "upper.png"]


def test_a_training_can_be_watched(run_cli, clothes, tmp_path, monkeypatch):
    """In its lines, in the history on disk, and in TensorBoard."""
    seen = []
    write = history_files.write_history

    def watched(folder, history):
        write(folder, history)
        seen.append(len((folder / "history.csv").read_text().splitlines()))

    monkeypatch.setattr(history_files, "write_history", watched)
    arguments = ("fashion_cnn", "--data", clothes, "--set", "phases.train.epochs=2")
    code, out, err = run_cli(*arguments, "--tensorboard", "--out", tmp_path / "run")
    assert code == 0, err
    lines = [line for line in out.splitlines() if line.startswith("train epoch")]
    assert len(lines) == 2
    assert re.search(r"s  \d+:\d\d left  best$", lines[0])
    assert "left" not in lines[1]
    assert seen[:2] == [2, 3]
    events = EventAccumulator(str(tmp_path / "run" / "tensorboard" / "validation")).Reload()
    rows = list(csv.DictReader((tmp_path / "run" / "history.csv").open()))
    assert [event.step for event in events.Tensors("epoch_accuracy")] == [1, 2]
    written = [float(tf.make_ndarray(event.tensor_proto)) for event in events.Tensors("epoch_accuracy")]
    assert written == pytest.approx([float(row["val_accuracy"]) for row in rows])
