"""What a run's network calls none of its classes: on the command line, in Python, on the page and in bundles."""

import csv
import json
import shutil

import keras
import numpy as np
import pytest
from sklearn.datasets import load_digits

import recipes
from recipes import export, predict
from recipes.errors import CorruptFault, UsageFault
from recipes.evaluate.none_of_these import FILE
from recipes.pages.classify import ClassifyPage

RATE = 0.1


@pytest.fixture(scope="module")
def digit():
    """A written digit, eight pixels wide, as an array of 96 x 96."""
    return np.kron(load_digits().images[0] * 255 / 16, np.ones((12, 12))).astype("uint8")


@pytest.fixture
def before(trained, tmp_path):
    """That run as it would be from before runs kept what they learned from."""
    shutil.copytree(trained, tmp_path / "before")
    (tmp_path / "before" / FILE).unlink()
    manifest = json.loads((tmp_path / "before" / "manifest.json").read_text())
    del manifest["files"][FILE], manifest["none_of_these"]
    (tmp_path / "before" / "manifest.json").write_text(json.dumps(manifest))
    return tmp_path / "before"


def test_a_run_says_how_often_it_refuses_its_own(trained):
    manifest = json.loads((trained / "manifest.json").read_text())
    told = manifest["none_of_these"]
    known = recipes.load(trained).known
    assert len(known.validation) == told["validation"][1]
    assert told["rate"] == pytest.approx(max(0.05, known.lowest_rate))
    assert told["validation"][0] / told["validation"][1] <= told["rate"]
    assert told["test"][1] == sum(manifest["data"]["counts"]["test"].values())
    assert (trained / FILE).stat().st_size < 4_200_000
    assert "can be called none of these" in (trained / "report.html").read_text(encoding="utf-8")


def test_paths_arrays_and_the_run_itself_agree(trained, photos):
    predictor = recipes.load(trained)
    rows = list(csv.DictReader((trained / "predictions.csv").open(encoding="utf-8")))
    from_paths = predictor.predict([photos / row["id"] for row in rows], none_of_these=RATE)
    bytes_of = [(photos / row["id"]).read_bytes() for row in rows]
    np.testing.assert_allclose(predictor.predict(bytes_of).as_unlike, from_paths.as_unlike)
    told = json.loads((trained / "manifest.json").read_text())["none_of_these"]
    assert int(predictor.predict(bytes_of, none_of_these=told["rate"]).refused.sum()) == told["test"][0]
    validation = list(csv.DictReader((trained / "predictions_validation.csv").open(encoding="utf-8")))
    shares = np.sort(predictor.predict([photos / row["id"] for row in validation]).as_unlike)
    np.testing.assert_allclose(shares, (np.arange(len(shares)) + 2) / (len(shares) + 1), atol=1.01 / len(shares))


def test_a_command_says_it_when_asked_and_nothing_else_changes(trained, photos, digit, call, tmp_path, caplog):
    odd = tmp_path / "digit.png"
    keras.utils.save_img(odd, np.repeat(digit[..., np.newaxis], 3, axis=2), scale=False)
    shares = recipes.load(trained).predict([odd, photos / "flower" / "00.jpg"]).as_unlike
    asked = [trained, odd, photos / "flower" / "00.jpg", "--none-of-these", 0.99]
    code, out, _ = call(predict, *asked)
    assert code == 0
    assert out.splitlines()[0].startswith(f"{odd}  none of these (")
    code, out, _ = call(predict, *asked, "--json")
    for image, share in zip(json.loads(out)["images"], shares, strict=True):
        assert image["none_of_these"] == bool(share <= 0.99)
        assert image["as_unlike"] == pytest.approx(share)
    assert call(predict, *asked, "--csv", tmp_path / "table.csv")[0] == 0
    table = list(csv.DictReader((tmp_path / "table.csv").open(encoding="utf-8")))
    assert [row["none of these"] for row in table] == ["yes" if share <= 0.99 else "no" for share in shares]
    code, out, _ = call(predict, *asked[:-2], "--csv", tmp_path / "plain.csv")
    assert code == 0
    plain = list(csv.DictReader((tmp_path / "plain.csv").open(encoding="utf-8")))
    assert plain == [{name: row[name] for name in plain[0]} for row in table]
    assert list(plain[0])[-1] == "problem"
    frame = recipes.load(trained).predict(odd, none_of_these=0.99).to_pandas()
    assert list(frame.columns[:3]) == ["prediction", "none of these", "as unlike"]


def test_photos_beyond_all_validation_photos_are_hinted_at(trained, call, tmp_path, caplog):
    noise = np.random.default_rng(0).integers(0, 256, (96, 96, 3)).astype("uint8")
    keras.utils.save_img(tmp_path / "noise.png", noise, scale=False)
    share = recipes.load(trained).predict(noise).as_unlike[0]
    code, out, _ = call(predict, trained, tmp_path / "noise.png")
    assert code == 0
    assert "none of these" not in out
    hinted = "1 of 1 photos is less like the training photos than all 12 validation photos" in caplog.text
    assert hinted == (share <= recipes.load(trained).known.lowest_rate + 1e-9)


@pytest.mark.parametrize(
    ("rate", "words"),
    [(0, "must be above 0 and below 1"), (1, "Got 1."), (-0.1, "Got -0.1"), ("nan", "Got nan"), (0.001, "Give 0.0")],
)
def test_bad_rates_are_refused_in_words(trained, photos, call, rate, words):
    code, out, err = call(predict, trained, photos / "flower" / "00.jpg", f"--none-of-these={rate}")
    assert (code, out) == (2, "")
    assert words in err


def test_a_run_from_before_answers_as_it_did_and_says_that_it_cannot_tell(before, trained, photos, call):
    photo = photos / "flower" / "00.jpg"
    np.testing.assert_allclose(
        recipes.load(before).predict(photo).probabilities, recipes.load(trained).predict(photo).probabilities, atol=1e-6
    )
    code, _, err = call(predict, before, photo, "--none-of-these", 0.1)
    assert code == 2
    assert "tells what is none of the classes" in err
    assert call(predict, before, photo)[0] == 0
    with pytest.raises(UsageFault, match="Train it again"):
        recipes.load(before).predict(photo, none_of_these=0.1)
    assert ClassifyPage(recipes.load(before)).classify(photo.read_bytes())["none_of_these"] is False


def test_a_file_that_is_not_what_the_run_wrote_is_refused(trained, tmp_path):
    shutil.copytree(trained, tmp_path / "run")
    (tmp_path / "run" / FILE).write_bytes(b"another")
    with pytest.raises(CorruptFault, match="is not what the run wrote"):
        recipes.load(tmp_path / "run")


def test_the_page_says_it(trained, photos):
    predictor = recipes.load(trained)
    page = ClassifyPage(predictor)
    content = (photos / "flower" / "00.jpg").read_bytes()
    told = page.classify(content)["none_of_these"]
    assert told == predictor.predict(content, none_of_these=max(0.05, predictor.known.lowest_rate)).refused[0]
    assert b'"rate": null' not in page.html


def test_a_bundle_takes_it_along(trained, photos, call, tmp_path):
    assert call(export, trained, "--to", "keras", "--out", tmp_path / "bundle")[0] == 0
    predictor = recipes.load(trained)
    some = sorted((photos / "flower").glob("0*.jpg"))
    for path in (tmp_path / "bundle" / "model.keras", trained / "model.keras"):
        told = recipes.load(path).predict(some, none_of_these=RATE)
        np.testing.assert_allclose(told.as_unlike, predictor.predict(some).as_unlike)
    facts = json.loads((tmp_path / "bundle" / "bundle.json").read_text())["none_of_these"]
    assert facts["least"]["0.1"] == pytest.approx(predictor.known.least(0.1))
    assert "`none_of_these` in `bundle.json`" in (tmp_path / "bundle" / "README.md").read_text()
    shutil.copyfile(trained / "model.keras", tmp_path / "model.keras")
    with pytest.raises(UsageFault, match="that takes the folder of a run"):
        recipes.load(tmp_path / "model.keras").predict(some, none_of_these=RATE)
