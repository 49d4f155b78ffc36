"""A run on photos that grew, after an earlier one: what passes, what is tested, what is said."""

import csv
import json
import shutil

import pytest
from photo_files import write_clothes

from recipes import export
from recipes.errors import UsageFault
from recipes.execution.request import Request
from recipes.files import earlier_run
from recipes.run import main

HEARD = ("--weights", "none", "--set", "audition=small@32,other@32")

pytestmark = pytest.mark.usefixtures("small_bases")


def sides(run):
    """The split of each photo that a run used, by the sha256 of its file."""
    return {photo.sha256: photo.split for photo in earlier_run.read_division(run)}


@pytest.fixture(scope="module")
def grown(small_bases, tmp_path_factory):
    """Photos, the folder of a run on some of them, and of one after it: with more, a new class, and a renamed one."""
    root = tmp_path_factory.mktemp("grown")
    photos, more = root / "photos", root / "more"
    write_clothes(photos, number=8)
    write_clothes(more, number=12)
    shutil.rmtree(photos / "Sandal")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setenv("KERAS_ZOO_CACHE", str(root / "cache"))  # Nothing of an earlier session is there.
        assert main(["--data", str(photos), *HEARD]) == 0
        (first,) = (root / "runs" / "own_photos").iterdir()
        shutil.copytree(more, photos, dirs_exist_ok=True)  # Four more in each of nine classes, and twelve sandals.
        (photos / "Coat").rename(photos / "Jacket")
        tested = [photo for photo in earlier_run.read_division(first) if photo.split == "train"]
        gone = next(photo.name for photo in tested if photo.label == "Bag")
        (photos / gone).unlink()
        patch.setattr("recipes.train.heads.audition.hold", lambda *_: pytest.fail("no base is heard again"))
        assert main(["--data", str(photos), "--after", "last", "--out", str(root / "second"), "--export", "keras"]) == 0
    return photos, first, root / "second"


def test_only_new_photos_pass_the_base(grown):
    _, first, second = grown
    before, after = (json.loads((run / "manifest.json").read_text()) for run in (first, second))
    learned = {file for file, side in sides(second).items() if side != "test"}
    new = learned - set(sides(first))
    assert 0 < len(new) < len(learned) / 2
    assert before["boundary"]["head"]["images_passed"] == sum(side != "test" for side in sides(first).values())
    assert after["boundary"]["head"]["images_passed"] == len(new)


def test_a_plan_knows_what_passed_before(grown, run_cli, monkeypatch):
    photos, first, second = grown
    monkeypatch.setenv("KERAS_ZOO_CACHE", str(second.parent / "cache"))
    code, out, err = run_cli("--data", photos, "--after", first, "--plan", "--json")
    assert code == 0, err
    plan = json.loads(out)
    assert plan["frozen_pass"]["images"] == 0
    assert plan["minutes_of"]["scoring"] == 0, "the test photos passed too"
    assert "audition" not in plan["minutes_of"]


def test_what_was_tested_stays_in_test_and_what_trained_does_not_enter_it(grown):
    _, first, second = grown
    before, after = sides(first), sides(second)
    assert len(before.keys() - after.keys()) == 1
    assert all(after[file] == side for file, side in before.items() if file in after)
    assert {side for file, side in after.items() if file not in before} == {"train", "validation", "test"}


def test_it_says_what_is_new_and_whether_it_is_better(grown):
    _, first, second = grown
    manifest = json.loads((second / "manifest.json").read_text())
    answers = {row["id"]: row for row in csv.DictReader((first / "predictions.csv").open(encoding="utf-8"))}
    old = sum(row["truth"] == row["prediction"] for row in answers.values())
    found = manifest["after"]
    assert (found["added"], found["gone"], found["new_classes"]) == (48, 1, ["Sandal"])
    assert found["lost_classes"] == {"Coat": "Jacket"}
    assert (found["test"], found["right_before"]) == (len(answers), old)
    head = f"+48 photos, 1 photo gone, 1 class, class 'Coat' is now 'Jacket': on the {len(answers)} old test photos "
    assert manifest["why"].startswith(f"{head}{old / len(answers):.3f} -> ")
    assert "(McNemar p = " in manifest["why"]
    log = (second / "log.txt").read_text()
    assert f"version 2: {manifest['why']}" in log
    assert "its recipe and what its folds chose hold (model.backbone=" in log
    assert manifest["chosen"] == json.loads((first / "manifest.json").read_text())["chosen"]


def test_a_bundle_has_a_version_and_says_why(grown, call, tmp_path):
    _, first, second = grown
    facts = json.loads((second / "export" / "keras" / "bundle.json").read_text())
    assert facts["version"] == 2
    assert facts["why"] == json.loads((second / "manifest.json").read_text())["why"]
    assert call(export, first, "--out", tmp_path / "bundle")[0] == 0
    facts = json.loads((tmp_path / "bundle" / "bundle.json").read_text())
    assert facts["version"] == 1
    assert facts["why"].startswith("the first, on ")


def test_its_command_and_a_resume_ask_for_the_same(grown, run_cli, tmp_path, monkeypatch):
    from recipes.execution import artifacts

    photos, first, second = grown
    command = json.loads((second / "manifest.json").read_text())["command"]
    assert f"--after {first}" in command
    assert run_cli("--data", photos, "--after", first, "--out", second)[0] == 0  # It is done already.
    with monkeypatch.context() as patch:
        patch.setattr(artifacts, "write_results", lambda *_: (_ for _ in ()).throw(RuntimeError("killed")))
        words = command.split()[3:]
        assert run_cli(*words, "--out", tmp_path / "run")[0] == 1
    assert run_cli("--resume", tmp_path / "run")[0] == 0
    assert (tmp_path / "run" / "predictions.csv").read_bytes() == (second / "predictions.csv").read_bytes()


def test_runs_that_none_can_come_after_are_named(grown, run_cli, tmp_path, monkeypatch):
    photos, first, second = grown
    monkeypatch.chdir(tmp_path)

    def refused(run, data=photos):
        code, _, err = run_cli("--data", data, "--after", run, "--out", tmp_path / "out")
        assert code == 2, err
        return err

    assert "no run on" in refused("last")
    assert "There is no run at" in refused(tmp_path / "nothing")
    shutil.copytree(first, tmp_path / "unfinished")
    (tmp_path / "unfinished" / "manifest.json").unlink()
    assert f"--resume {tmp_path / 'unfinished'}" in refused(tmp_path / "unfinished")
    shutil.copytree(first, tmp_path / "older")
    (tmp_path / "older" / "division.json").unlink()
    assert "it has no division.json" in refused(tmp_path / "older")
    manifest = json.loads((first / "manifest.json").read_text())
    manifest["data"] |= {"kind": "sample", "dataset": "fashion_mnist"}
    (tmp_path / "older" / "manifest.json").write_text(json.dumps(manifest))
    assert "learned from the data set 'fashion_mnist'" in refused(tmp_path / "older")
    code, _, err = run_cli("fashion_cnn", "--data", "sample", "--after", first)
    assert (code, "--after is for photos of your own" in err) == (2, True), err


def test_photos_of_which_the_earlier_run_knows_none_are_refused(grown, run_cli, photos, tmp_path):
    code, _, err = run_cli("--data", photos, "--after", grown[1], "--out", tmp_path / "run")
    assert (code, "photos of the run in" in err) == (2, True), err
    assert not (tmp_path / "run").exists()


def test_what_is_not_asked_otherwise_is_that_of_the_earlier_run():
    was = Request(
        "own_photos", data="/a", weights="none", overrides=(("square", "crop"),), chosen=(("image_size", "32"),)
    )
    follows = Request("own_photos", data="/a", after="/run").following(was)
    assert (follows.weights, follows.overrides, follows.chosen) == ("none", was.overrides, was.chosen)
    assert follows.following(was) == follows
    other = Request("own_photos", data="/a", after="/run", overrides=(("model.backbone", "xception"),)).following(was)
    assert other.overrides == (*was.overrides, ("model.backbone", "xception"))
    assert other.chosen == ()
    assert other.following(was) == other


def test_last_is_a_folder_where_one_is_called_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageFault, match="has ended below runs/"):
        earlier_run.given("last", tmp_path)
    (tmp_path / "last").mkdir()
    assert earlier_run.given("last", tmp_path) == tmp_path / "last"
