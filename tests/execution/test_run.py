"""The command line: a run from end to end, what it leaves in its folder, and what that folder answers."""

import csv
import hashlib
import json
import shutil
import webbrowser

import keras
import numpy as np
import pytest

import zoo
from recipes.evaluate import predictions
from recipes.execution import artifacts
from recipes.recipe import with_defaults


def test_run_writes_the_whole_folder(finished):
    folder, _ = finished
    names = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    expected = {
        "manifest.json", "run.json", "log.txt", "history.csv", "metrics.json", "predictions.csv",
        "predictions_validation.csv", "confusion_matrix.csv", "confusion_matrix.png", "curves.png", "model.keras",
        "none_of_these.npz", "report.html",
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


def test_a_finished_folder_without_its_network_is_not_said_to_be_done(finished, run_cli, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(finished[0], folder)
    (folder / "model.keras").unlink()
    code, out, err = run_cli(*SAME, "--out", folder)
    assert (code, out) == (9, "")
    assert "run has lost its model.keras. --overwrite trains again" in err


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


def test_a_finished_folder_does_not_answer_for_another_backend(finished, run_cli, monkeypatch):
    folder, _ = finished
    monkeypatch.setattr("recipes.execution.record.chosen", lambda: "jax")
    code, out, err = run_cli(*SAME, "--out", folder)
    assert (code, out) == (2, "")
    assert f"{folder} was started on tensorflow, and Keras is set to jax. Ask for it with KERAS_BACKEND=" in err


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


def test_overwrite_trains_again_to_the_same_history_and_scores_the_test_images_once(
    finished, tmp_path, run_cli, monkeypatch
):
    scored = []
    real = predictions.predict

    def counted(model, images, *arguments, **more):
        scored.append(images)
        return real(model, images, *arguments, **more)

    monkeypatch.setattr(predictions, "predict", counted)
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
    assert sum(images.ids[0].startswith("test") for images in scored) == 1


@pytest.mark.drawn
@pytest.mark.skipif(shutil.which("dot") is None, reason="graphviz is not installed")
def test_a_network_with_residual_paths_is_drawn(tmp_path):
    """Right angles, Keras's own choice, abort graphviz on this part of EfficientNet-Lite0."""
    model = zoo.get("efficientnet_lite0", input_shape=(64, 64, 3), weights=None)
    artifacts.draw_architecture(keras.Model(model.inputs[0], model.get_layer("block2b_add").output), tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 10_000


def test_open_shows_the_report_and_its_failure_is_a_note(finished, run_cli, monkeypatch):
    folder, opened = finished[0], []

    class Browser:
        def open(self, address):
            opened.append(address)
            return True

    monkeypatch.setattr("webbrowser.get", Browser)
    code, out, err = run_cli("--resume", folder, "--open")
    assert (code, "NOTICE" in out + err) == (0, False)
    assert opened == [(folder / "report.html").resolve().as_uri()]

    def none():
        raise webbrowser.Error("could not locate runnable browser")

    monkeypatch.setattr("webbrowser.get", none)
    code, out, err = run_cli("--resume", folder, "--open")
    assert code == 0
    assert "report.html is not opened: no browser here can show it (could not locate runnable browser)." in out + err
    monkeypatch.setattr("webbrowser.get", lambda: webbrowser.GenericBrowser("lynx"))
    code, out, err = run_cli("--resume", folder, "--open")
    assert (code, "no browser here can show it" in out + err) == (0, True)
