"""Certified figures: several seeds, intervals, and a check that they still hold."""

import csv
import dataclasses
import json

import pytest
from conftest import ROOT
from photo_files import write_photos

import recipes
from recipes import certify, results, run
from recipes.study import results_table, seeds
from recipes.study.results_words import UNCERTIFIED
from recipes.train import engine


@pytest.fixture
def call(capsys, monkeypatch):
    monkeypatch.setattr("recipes.console.signals.Signals.listen", lambda self: None)

    def certified(*arguments):
        code = certify.main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return certified


@pytest.mark.parametrize("name", ["fashion_cnn", "mnist_functional"])
def test_the_certified_short_setting_still_holds(name, tmp_path, call):
    code, out, err = call("--check", name, "--smoke", "--into", ROOT / "results", "--runs", tmp_path)
    assert code == 0, err
    assert "is within the certified interval" in out
    assert (tmp_path / f"{name}-check" / "report.html").is_file(), "the report told of is gone"


def test_seeds_are_run_once_and_written_with_their_spread(tmp_path, call, monkeypatch, one_layer, few_images):
    monkeypatch.setattr(seeds, "SHORT_EPOCHS", "1")
    train = engine.train
    arguments = ("one_layer:MINE", "--smoke", "--seeds", 2, "--runs", tmp_path / "runs", "--into", tmp_path)
    arguments += ("--import", "one_layer")
    assert call(*arguments)[0] == 0
    group = json.loads((tmp_path / "smoke" / "one_layer.MINE.json").read_text())
    accuracies = [one["test_accuracy"] for one in group["runs"]]
    assert [one["seed"] for one in group["runs"]] == [42, 43]
    low, high = group["image_interval"]
    assert low < min(accuracies) <= group["mean"] <= max(accuracies) < high
    assert group["seed_interval"][0] < group["mean"] < group["seed_interval"][1]
    assert (
        group["certified"]["command"] == "python -m recipes.certify one_layer:MINE --seeds 2 --import one_layer --smoke"
    )
    assert group["certified"]["commit"]

    def trained_again(*_, **__):
        raise RuntimeError("trained again")

    monkeypatch.setattr(engine, "train", trained_again)
    assert call(*arguments)[0] == 0
    code, _, err = call("fashion_cnn", *arguments[1:])
    assert code == 1, err  # Another recipe has folders of its own, and would train.

    group["image_interval"] = [0.0, 0.1]
    (tmp_path / "smoke" / "one_layer.MINE.json").write_text(json.dumps(group))
    with monkeypatch.context() as patch:
        patch.setattr(seeds, "SHORT_EPOCHS", "3")
        code, _, err = call("--check", *arguments)
    assert code == 2  # And nothing was trained for it.
    assert "changed since" in err
    monkeypatch.setattr(engine, "train", train)
    code, _, err = call("--check", *arguments)
    assert code == 7
    assert "lies outside of the certified 0.0000 to 0.1000" in err


@pytest.fixture
def tiny_photos(tmp_path, monkeypatch):
    """60 photos of two classes as a prepared TFDS set, with the file names that a choice goes by."""
    import numpy as np
    import tensorflow_datasets as tfds

    random, features = np.random.default_rng(0), tfds.features
    examples = [
        {
            "image": random.integers(100 * label, 100 * label + 99, (16, 16, 3)).astype("uint8"),
            "label": label,
            "image/filename": f"{'cat' if label == 0 else 'dog'}.{number}.jpg",
        }
        for number in range(30)
        for label in (0, 1)
    ]
    kinds = {"image": features.Image(shape=(None, None, 3)), "label": features.ClassLabel(names=["cat", "dog"])}
    kinds["image/filename"] = features.Text()
    tfds.dataset_builders.store_as_tfds_dataset(
        "tiny_photos",
        "1.0.0",
        features.FeaturesDict(kinds),
        {"train": list(enumerate(examples))},
        data_dir=tmp_path / "tfds",
    )
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))


@pytest.fixture
def on_photos(tiny_photos, one_layer, monkeypatch):
    """A recipe for them."""
    recipe = dataclasses.replace(
        one_layer.MINE, data="tiny_photos", split=recipes.Choice(train=24, validation=12, test=12), image_size=16,
        phases=(recipes.Phase("train", epochs=1),), batch_size=8,
    )  # fmt: skip
    monkeypatch.setattr(one_layer, "MINE", recipe)
    return recipe


def test_every_answer_of_every_seed_is_kept_and_what_none_has_right_is_shown(on_photos, tmp_path, call):
    arguments = ("one_layer:MINE", "--seeds", 2, "--runs", tmp_path / "runs", "--into", tmp_path)
    assert call(*arguments, "--import", "one_layer")[0] == 0
    name = "mine-tiny_photos-tuned"
    measured = json.loads((tmp_path / f"{name}.json").read_text())
    table = tmp_path / "answers" / f"{name}.csv"
    rows = list(csv.DictReader(table.open(encoding="utf-8")))
    assert list(rows[0]) == ["seed", "id", "truth", "probability cat", "probability dog"]
    for one in measured["runs"]:
        mine = [row for row in rows if row["seed"] == str(one["seed"])]
        right = sum((float(row["probability dog"]) > 0.5) == (row["truth"] == "dog") for row in mine)
        assert (len(mine), right / 12) == (12, pytest.approx(one["test_accuracy"]))

    # The epochs are kept too, as the runs wrote them.
    epochs = list(csv.DictReader((tmp_path / "histories" / f"{name}.csv").open(encoding="utf-8")))
    assert [(row["seed"], row["phase"], row["epoch"]) for row in epochs] == [("42", "train", "1"), ("43", "train", "1")]
    for row, one in zip(epochs, measured["runs"], strict=True):
        assert float(row["val_accuracy"]) == pytest.approx(one["validation_accuracy"], abs=1e-5)

    # One that all seeds have wrong, one that a single seed has right, and the others right.
    wrong, half = sorted({row["id"] for row in rows})[:2]
    for row in rows:
        is_dog = row["truth"] == "dog"
        if row["id"] == wrong or (row["id"] == half and row["seed"] == "42"):
            is_dog = not is_dog
        row |= {"probability cat": f"{0.75 - 0.5 * is_dog}", "probability dog": f"{0.25 + 0.5 * is_dog}"}
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    page = tmp_path / "pages" / "wrong.html"
    assert results.main(["--wrong", str(page), "--of", "tiny_photos", "--into", str(tmp_path)]) == 0
    text = page.read_text(encoding="utf-8")
    assert text.count("<figure") == text.count('src="data:image') == 1
    assert f"{wrong}, labelled <b>{wrong[:3]}</b>" in text
    assert f"seed 43: {'dog' if wrong[:3] == 'cat' else 'cat'} 75.0%" in text
    assert half not in text


def test_folds_test_every_image_once_and_keep_every_answer(on_photos, tmp_path, call, one_layer, monkeypatch):
    arguments = ("one_layer:MINE", "--folds", 3, "--runs", tmp_path / "runs", "--into", tmp_path)
    arguments += ("--import", "one_layer")
    code, out, err = call(*arguments)
    assert code == 0, err
    name = "one_layer.MINE-tiny_photos-tuned"
    found = json.loads((tmp_path / "folds" / f"{name}.json").read_text())
    rows = list(csv.DictReader((tmp_path / "folds" / f"{name}.csv").open(encoding="utf-8")))
    assert len({row["id"] for row in rows}) == len(rows) == found["images"]["test"] == 60
    assert [row["fold"] for row in rows] == ["0"] * 20 + ["1"] * 20 + ["2"] * 20
    right = sum((float(row["probability dog"]) > 0.5) == (row["truth"] == "dog") for row in rows)
    assert found["accuracy"] == pytest.approx(right / 60)
    assert found["image_interval"][0] < found["accuracy"] <= found["image_interval"][1]
    assert found["certified"]["command"] == "python -m recipes.certify one_layer:MINE --folds 3 --import one_layer"
    assert f"test accuracy {right / 60:.4f} on 60 images" in out

    file = tmp_path / "folds" / f"{name}.json"
    reached = found["runs"][0]["test_accuracy"]
    found["runs"][0]["test_accuracy"] = float(reached < 0.5)
    file.write_text(json.dumps(found))
    code, _, err = call("one_layer:MINE", "--verify", file, "--runs", tmp_path / "again", "--import", "one_layer")
    assert (code, f"{reached:.4f} lies outside of" in err) == (7, True)
    monkeypatch.setattr(one_layer, "MINE", dataclasses.replace(on_photos, batch_size=4))
    code, _, err = call("one_layer:MINE", "--verify", file, "--runs", tmp_path / "again", "--import", "one_layer")
    assert (code, "changed since" in err) == (2, True)


def test_photos_of_ones_own_are_tested_by_folds(one_layer, tmp_path, call):
    write_photos(tmp_path / "photos", 10)
    arguments = ("one_layer:OF_PHOTOS", "--import", "one_layer", "--runs", tmp_path / "runs", "--into", tmp_path)
    code, out, err = call(*arguments, "--folds", 3, "--data", tmp_path / "photos")
    assert code == 0, err
    found = json.loads((tmp_path / "folds" / "one_layer.OF_PHOTOS-photos-tuned.json").read_text())
    rows = list(csv.DictReader((tmp_path / "folds" / "one_layer.OF_PHOTOS-photos-tuned.csv").open(encoding="utf-8")))
    names = {str(path.relative_to(tmp_path / "photos")) for path in (tmp_path / "photos").rglob("*.jpg")}
    assert len(rows) == found["images"]["test"] == len(names)
    assert {row["id"] for row in rows} == names
    assert f"--folds 3 --data {tmp_path / 'photos'}" in found["certified"]["command"]
    assert f"on {len(names)} images" in out
    code, _, err = call(*arguments, "--folds", 11, "--data", tmp_path / "photos")
    assert (code, "11 folds take 11 photos of each class" in err) == (3, True), err
    code, _, err = call(*arguments, "--data", tmp_path / "photos")
    assert (code, "--data goes with --folds" in err) == (2, True)


def test_what_cannot_be_certified_is_refused(tmp_path, call):
    assert call()[0] == 2
    assert call("fashion_cn", "--smoke")[0] == 2
    assert call("fashion_cnn", "--seeds", 0)[0] == 2
    assert call("fashion_cnn", "--set", "batch_size=3")[0] == 2
    assert call("--check", "fashion_cnn")[0] == 2
    assert call("fashion_cnn", "--folds", 1)[0] == 2
    assert call("dogs_vs_cats_aug", "--folds", 5, "--readme", tmp_path / "README.md")[0] == 2
    code, _, err = call("fashion_cnn", "--folds", 5)
    assert (code, "--folds is for recipes that choose a number of images" in err) == (2, True)
    assert call("--verify", tmp_path / "nothing.json")[0] == 9
    assert call("--check", "fashion_cnn", "--smoke", "--into", tmp_path)[0] == 2
    code, _, err = call("fashion_cnn", "--runs", tmp_path / "runs", "--into", tmp_path)
    assert code == 4, err  # A certification never takes the sample.


def test_a_folder_of_another_run_is_not_taken_for_a_seed(tmp_path, call, capsys, few_images):
    folder = tmp_path / "runs" / "fashion_cnn-smoke-seed42"
    assert run.main(["fashion_cnn", "--smoke", "--data", "sample", "--out", str(folder)]) == 0
    code, _, err = call("fashion_cnn", "--smoke", "--runs", tmp_path / "runs", "--into", tmp_path)
    assert code == 2
    assert "holds the run of another request" in err


def test_an_uncertified_figure_is_marked():
    group = {
        "recipe": "tiny", "variant": "tuned", "dataset": "mnist", "notice": "", "published_accuracy": None, "mean": 0.9,
        "standard_deviation": None, "images": {"train": 1, "validation": 1, "test": 1},
        "runs": [{"seed": 1, "seconds": {"train": 60}}],
        "settings": {"stand_in": "small", "model": {"backbone": "small"}},
    }  # fmt: skip
    assert "[2] On small, which stood in" in results_table.table({"tiny": group})
    assert f"[1] {UNCERTIFIED['en']}" in results_table.table({"tiny": group})
    assert UNCERTIFIED["en"] not in results_table.table({"tiny": group | {"certified": {"commit": "abc"}}})
