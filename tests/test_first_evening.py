"""The first evening from a wheel: album, sorting, run, report, a class more, answers in folders, bundle."""

import csv
import json
import os
import subprocess
import sys
import zipfile

import pytest
from chromium import launched, needs_chromium
from conftest import ROOT
from photo_files import crops

SCRIPT = ROOT / "tests" / "first_evening.py"
PAGES = ("install.md", "my-photo-answered.md")


@pytest.fixture(scope="module")
def evening(lite0_weights, tmp_path_factory):
    """A temporary home after the walk, and what was seen on it."""
    home = tmp_path_factory.mktemp("home")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", home / "dist"]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = (home / "dist").glob("*.whl")
    into = ("--no-deps", "--no-index", "--target", home / "site")
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", *into, wheel], check=True, capture_output=True)

    work, named = home / "work", []
    for folder in ("album", "more"):
        (work / folder).mkdir(parents=True)
    for number, (label, picture) in enumerate(crops(100, seed=7)):
        known = label in ("flower", "temple")
        path = work / ("album" if known else "more") / f"IMG_{number:04d}.jpg"
        picture.convert("RGB").save(path, quality=92)
        if known and number < 60:
            named.append((path.name, label))
    with (work / "named.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("path", "label"), *named])
    (work / "quarter" / "album").mkdir(parents=True)
    pictures = [picture for label, picture in crops(5, seed=7) if label in ("flower", "temple")]
    for number, picture in enumerate(pictures, 1):
        picture.save(work / "quarter" / "album" / f"IMG_{number:04d}.jpg", quality=92)
    pictures[1].save(work / "quarter" / "photo.jpg", quality=92)
    environment = os.environ | {"PYTHONPATH": str(home / "site"), "HOME": str(home), "PYTHONSAFEPATH": "1"}
    ended = subprocess.run(
        [sys.executable, SCRIPT, home / "site", *(ROOT / "docs" / "en" / page for page in PAGES)],
        cwd=work, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-3000:]
    return work, json.loads(ended.stdout.splitlines()[-1]), ended.stdout + ended.stderr


def test_it_runs_from_the_wheel(evening):
    assert evening[1]["from"] == ["True", "True"]


def test_the_album_is_sorted_and_answered_into_folders(evening):
    work, seen, _ = evening
    assert len(list((work / "album").iterdir())) == 200
    assert sum(seen["sorted"].values()) == 200
    assert set(seen["sorted"]) == {"flower", "temple"}
    assert sum(seen["answers"].values()) == 200
    assert (work / "answers" / "answers.csv").is_file()


def test_a_class_more_keeps_the_old_test_photos(evening):
    work, _, said = evening
    first, second = (json.loads((work / run / "manifest.json").read_text()) for run in ("first", "second"))
    assert second["data"]["class_names"] == ["flower", "temple", "옷"]
    tested, trained = (
        {row["id"] for row in csv.DictReader((work / run / "predictions.csv").open(encoding="utf-8"))}
        for run in ("first", "second")
    )
    assert tested <= trained, "an old test photo is no test photo any more"
    assert "1 class" in said
    assert first["result"]["test_accuracy"] > 0.8


@needs_chromium
def test_a_cell_of_the_report_is_clicked_and_shows_its_photos(evening):
    with launched() as browser:
        page = browser.new_page()
        page.goto((evening[0] / "second" / "report.html").as_uri())
        assert page.get_by_role("heading", name="A map of what it finds").is_visible()
        number = page.locator("table.matrix a").first
        cell = page.locator(number.get_attribute("href"))
        assert not cell.is_visible()
        number.click()
        assert cell.is_visible()
        assert cell.locator("figure").count() > 0


def test_the_notebooks_cell_ends_with_a_bundle(evening):
    work, seen, _ = evening
    assert seen["fetched"] == ["bundle.zip"]
    with zipfile.ZipFile(work / "bundle.zip") as bundle:
        assert {"bundle.json", "model.onnx"} <= {name.rpartition("/")[2] for name in bundle.namelist()}
    assert (work / "run" / "report.html").is_file()


def test_each_command_of_the_page_of_fifteen_minutes_does_what_it_says(evening):
    work, seen, said = evening
    verbs = ["predict", "sort", "sort", "sort", "run", "predict", "explain", "export", "verify"]
    assert seen["walked"] == [f"recipes.{verb}" for verb in verbs]
    answers = [line.split("  ")[1:] for line in said.splitlines() if line.startswith("photo.jpg  ")]
    assert [len(names) for names in answers] == [3, 1], "three names first, and then one"
    assert answers[1][0].split()[0] in ("flower", "temple")
    assert len(list((work / "quarter" / "sorted").glob("*/*.jpg"))) == 10
    assert len(list((work / "quarter" / "runs" / "own_photos").glob("*/report.html"))) == 1
    assert (work / "quarter" / "explained" / "photo-gradcam.png").stat().st_size > 10_000
    assert (work / "quarter" / "bundle" / "model.keras").is_file()
