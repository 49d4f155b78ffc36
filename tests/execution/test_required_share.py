"""A recall or precision that is asked of a class, from the command line to what is answered elsewhere."""

import csv
import importlib
import io
import json
import sys

import numpy as np
import pytest
from PIL import Image

import recipes
import zoo.registry
from recipes import export, predict, verify
from recipes.pages.classify import ClassifyPage
from recipes.run import main

SOLVED = ("solved_layer:MINE", "--set", "image_size=32")


@pytest.fixture(scope="module")
def solved_layer():
    """The architecture `solved_layer`, registered for these tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zoo.registry, "_registered", dict(zoo.registry._registered))
        patch.delitem(sys.modules, "solved_layer", raising=False)
        yield importlib.import_module("solved_layer")


@pytest.fixture(scope="module")
def pointed(photos, solved_layer, tmp_path_factory):
    """A run on photos with a recall asked of one of three classes; it was killed before its report, and resumed."""
    from recipes.execution import artifacts

    folder = tmp_path_factory.mktemp("pointed") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(artifacts, "write_results", lambda *_: (_ for _ in ()).throw(RuntimeError("killed")))
        assert main([*SOLVED, "--data", str(photos), "--out", str(folder), "--require-recall", "temple=0.8"]) == 1
    assert main(["--resume", str(folder)]) == 0
    return folder


def rows(folder):
    """(photos, classes), the probabilities of the test photos, and their truth."""
    table = list(csv.DictReader((folder / "predictions.csv").open(encoding="utf-8")))
    names = [name.removeprefix("probability ") for name in table[0] if name.startswith("probability ")]
    return np.array([[float(row[f"probability {name}"]) for name in names] for row in table]), table, names


def test_a_run_keeps_its_operating_point_and_says_what_it_is_worth(pointed):
    manifest = json.loads((pointed / "manifest.json").read_text())
    point, counts = manifest["operating_point"], manifest["data"]["counts"]
    assert json.loads((pointed / "metrics.json").read_text())["operating_point"] == point
    assert (point["class_name"], point["figure"], point["wanted"]) == ("temple", "recall", 0.8)
    assert (point["folds"], point["validation"]) == (sum(counts["train"].values()), sum(counts["validation"].values()))
    probabilities, table, names = rows(pointed)
    said = probabilities[:, names.index("temple")] >= point["threshold"]
    is_class = np.array([row["truth"] == "temple" for row in table])
    assert point["recall"] == [int((said & is_class).sum()), int(is_class.sum())]
    assert point["precision"] == [int((said & is_class).sum()), int(said.sum())]
    assert point["false_alarms"] == [int((said & ~is_class).sum()), int((~is_class).sum())]
    assert "--require-recall temple=0.8" in manifest["command"]
    log, page = (pointed / "log.txt").read_text(), (pointed / "report.html").read_text()
    assert f"operating point: temple from a probability of {point['threshold']:.4g} on, for a recall of 0.8" in log
    for words in ("Operating point", "false alarms: of the others", f"{point['recall'][0]} of {point['recall'][1]})"):
        assert words in page


def test_the_class_is_answered_from_its_probability_on(pointed, photos, call, tmp_path):
    manifest = json.loads((pointed / "manifest.json").read_text())
    threshold = manifest["operating_point"]["threshold"]
    code, _, err = call(predict, pointed, photos, "--csv", tmp_path / "table.csv")
    assert code == 0
    assert f"temple is said from a probability of {threshold:.4g} on" in err
    table = [row for row in csv.DictReader((tmp_path / "table.csv").open(encoding="utf-8")) if not row["problem"]]
    assert len({row["prediction"] for row in table}) > 1
    for row in table:
        others = {name: float(row[f"probability {name}"]) for name in ("flower", "옷")}
        passes = float(row["probability temple"]) >= threshold
        assert row["prediction"] == ("temple" if passes else max(others, key=others.get))
        assert row["probability"] == row[f"probability {row['prediction']}"]
    moved = [row for row in table if float(row["probability"]) < max(float(row[f"probability {n}"]) for n in others)]
    assert moved, "the most probable class is not always the answer"
    path = moved[0]["path"]
    assert call(predict, pointed, path)[1].split()[1] == moved[0]["prediction"] or " " in path
    image = json.loads(call(predict, pointed, path, "--top", 3, "--json")[1])["images"][0]
    assert image["prediction"] == image["top"][0]["class"] == moved[0]["prediction"]
    page = ClassifyPage(recipes.load(pointed))
    content = io.BytesIO()
    Image.open(path).convert("RGB").save(content, "PNG")
    assert page.classify(content.getvalue())["classes"][0]["name"] == moved[0]["prediction"]
    assert '"point": {"name": "temple", "threshold": "' in page.html.decode()


def test_a_bundle_carries_it_and_its_model_answers_so(pointed, photos, call, tmp_path):
    point = json.loads((pointed / "manifest.json").read_text())["operating_point"]
    assert call(export, pointed, "--to", "keras", "--out", tmp_path / "bundle")[0] == 0
    facts = json.loads((tmp_path / "bundle" / "bundle.json").read_text())["operating_point"]
    assert {name: facts[name] for name in point} == point
    assert "threshold or more, else the most probable of the other classes" in facts["answer"]
    assert "operating point: temple is the answer from a probability of" in (tmp_path / "bundle/README.md").read_text()
    assert call(verify, tmp_path / "bundle")[0] == 0
    some = sorted((photos / "flower").glob("0*.jpg"))
    for model in (tmp_path / "bundle" / "model.keras", pointed / "model.keras"):
        assert recipes.load(model).predict(some).predictions == recipes.load(pointed).predict(some).predictions


def test_another_share_is_another_request(pointed, photos, run_cli, solved_layer):
    asked = (*SOLVED, "--data", photos, "--out", pointed)
    code, out, err = run_cli(*asked, "--require-recall", "temple=0.8")
    assert (code, "already done" in out + err) == (0, True), err
    code, _, err = run_cli(*asked, "--require-recall", "temple=0.7")
    assert (code, "holds the run of another request: require_recall" in err) == (2, True), err
    code, _, err = run_cli("--resume", pointed, "--require-recall", "temple=0.7")
    assert (code, "--require-recall cannot change it" in err) == (2, True), err


def test_where_no_probability_serves_the_run_ends_with_7_and_exports_nothing(clothes, run_cli, tmp_path, one_layer):
    arguments = ("one_layer:MINE", "--data", clothes, "--out", tmp_path / "run", "--set", "phases.train.epochs=1")
    code, _, err = run_cli(*arguments, "--require-recall", "Coat=0.99", "--export", "keras")
    assert code == 7
    assert "No operating point: 2 photos of Coat tell no recall of 0.99: ask for 0.666 or less, or add photos." in err
    assert " Nothing was exported." in err
    point = json.loads((tmp_path / "run" / "manifest.json").read_text())["operating_point"]
    assert (point["threshold"], point["folds"], point["validation"]) == (None, 0, 20), "by validation alone"
    assert not (tmp_path / "run" / "export").exists()
    assert run_cli("--resume", tmp_path / "run")[0] == 7
    assert recipes.load(tmp_path / "run").point is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--require-recall", "tempel=0.9"], "no class is named 'tempel'. Did you mean 'temple'?"),
        (["--require-precision", "temple=1.5"], "must be CLASS=SHARE, the share above 0, at most 1"),
        (["--require-recall", "temple"], "must be CLASS=SHARE"),
        (["--require-recall", "temple=0.9", "--require-precision", "temple=0.9"], "not allowed with argument"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_words(photos, run_cli, tmp_path, solved_layer, options, words):
    code, _, err = run_cli(*SOLVED, "--data", photos, "--out", tmp_path / "run", *options)
    assert (code, words in err) == (2, True), err


def test_of_data_that_is_no_ones_the_class_is_checked_before_an_image_is_read(run_cli):
    code, _, err = run_cli("fashion_cnn", "--data", "sample", "--plan", "--require-precision", "Coats=0.9")
    assert (code, "Did you mean 'Coat'" in err) == (2, True), err
