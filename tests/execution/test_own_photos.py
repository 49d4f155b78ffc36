"""From a folder of photos to a run, with small networks."""

import csv
import dataclasses
import json
import re
import shutil

import keras
import pytest
from conftest import SMALL
from photo_files import CLASSES, crops, write_objects

from recipes import export, verify
from recipes.book import own_photos
from recipes.files import run_folder
from recipes.inference.bundle import FORMATS
from recipes.run import main

pytestmark = pytest.mark.usefixtures("small_bases")


def test_a_run_on_own_photos_says_what_it_found_and_learned(trained, photos):
    manifest = json.loads((trained / "manifest.json").read_text())
    assert manifest["data"]["kind"] == "photos"
    assert manifest["data"]["class_names"] == list(CLASSES)
    assert manifest["result"]["published_accuracy"] is None
    assert manifest["model"]["input_shape"] == [80, 80, 3]
    assert manifest["doctor"]["bad"]["temple/empty.jpg"] == "empty file"
    assert {"doctor.html", "bad_files.csv", "golden/00.png"} <= manifest["files"].keys()
    counts = manifest["data"]["counts"]
    assert sum(sum(row.values()) for row in counts.values()) == manifest["doctor"]["used"]
    page = (trained / "report.html").read_text()
    assert "cannot be used" in page
    assert "none printed" not in page
    ids = {row["id"] for row in csv.DictReader((trained / "predictions.csv").open(encoding="utf-8"))}
    assert all((photos / name).is_file() for name in ids)


def test_few_photos_train_as_many_steps_as_the_recipe_was_tuned_with():
    from recipes.execution.request import Request

    request = Request("vgg16_feature_extract", data="/photos")
    asked = request.recipe("photos")
    few = request.for_images(asked, {"cat": 100, "dog": 100})
    assert asked.phases[0].epochs == 12
    assert few.phases[0].epochs == 120
    assert (asked.views, few.views) == (4, 16)
    assert request.for_images(asked, {"cat": 2, "dog": 1}).phases[0].epochs == 240
    assert request.for_images(asked, {"cat": 2500, "dog": 2500}) is asked
    fixed = Request("vgg16_feature_extract", data="/photos", overrides=(("phases.head.epochs", "3"),))
    assert fixed.for_images(fixed.recipe("photos"), {"cat": 100, "dog": 100}).phases[0].epochs == 3


def test_a_class_with_more_than_twice_the_photos_of_another_weighs_the_same():
    from recipes.execution.request import Request

    def weights(counts, *overrides, data="/photos"):
        request = Request("transfer", data=data, overrides=overrides)
        return request.for_images(request.recipe("photos"), counts).class_weights

    assert weights({"cat": 90, "dog": 40}) == "balanced"
    assert weights({"cat": 80, "dog": 40, "none of these": 0}) is None
    assert weights({"cat": 90, "dog": 40}, ("class_weights", "none")) is None
    assert weights({"cat": 90, "dog": 40}, data="tfds:photos") is None


def test_a_killed_run_on_few_photos_ends_as_the_same_photos_and_seed_end(
    trained, photos, run_cli, tmp_path, monkeypatch
):
    from recipes.execution import artifacts

    with monkeypatch.context() as patch:
        patch.setattr(artifacts, "write_results", lambda *_: (_ for _ in ()).throw(RuntimeError("killed")))
        code, _, _ = run_cli("dogs_vs_cats_aug", "--data", photos, "--out", tmp_path / "run", *SMALL)
    assert code == 1
    assert run_cli("--resume", tmp_path / "run")[0] == 0
    assert run_folder.is_finished(tmp_path / "run")
    assert (tmp_path / "run" / "predictions.csv").read_bytes() == (trained / "predictions.csv").read_bytes()


def test_a_plan_examines_and_times_and_writes_nothing(photos, run_cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = run_cli("fashion_cnn", "--data", photos, "--plan", "--set", "image_size=28", "--json")
    assert code == 0, err
    found = json.loads(out)
    assert found["data"]["kind"] == "photos"
    assert found["minutes"] > 0
    assert not list(tmp_path.iterdir())


def test_photos_without_a_recipe_are_trained_with_the_one_for_photos(photos, run_cli):
    code, out, err = run_cli("--data", photos, "--weights", "none", "--set", "image_size=32", "--plan", "--json")
    assert code == 0, err
    plan = json.loads(out)
    assert (plan["recipe"], plan["settings"]["architecture"]) == ("own_photos", "transfer")
    assert "audition" not in plan["minutes_of"], "a size was named"
    assert "phase  head: solved for (logistic regression), in no steps" in err
    code, _, err = run_cli("--data", "sample")
    assert (code, "Which recipe?" in err) == (2, True)


def test_a_plan_counts_the_audition_and_does_not_hold_it(clothes, run_cli, monkeypatch):
    monkeypatch.setattr("recipes.train.heads.audition.hold", lambda *_: pytest.fail("a plan holds none"))
    monkeypatch.setattr(own_photos, "TUNED", dataclasses.replace(own_photos.TUNED, image_size=32))
    heard = (*HEARD[:2], "--set", "audition=small@32")
    code, out, err = run_cli("--data", clothes, *heard, "--minutes", "7", "--plan", "--json")
    assert code == 0, err
    plan = json.loads(out)
    assert plan["minutes_of"]["audition"] > 0
    assert plan["minutes"] == pytest.approx(sum(plan["minutes_of"].values()))
    assert plan["minutes_at_most"] > plan["minutes"] + 7 - 1
    said = re.findall(r"hears  (\w+) at 32: (\d+) of \2 photos pass it", err)
    assert [base for base, _ in said] == ["small"]
    assert "phase  finetune: where folds say that it helps, in 7 minutes" in err


def test_a_run_below_the_required_accuracy_ends_with_7_and_exports_nothing(clothes, run_cli, tmp_path, one_layer):
    arguments = ("one_layer:MINE", "--data", clothes, "--out", tmp_path / "run", "--set", "phases.train.epochs=1")
    code, _, err = run_cli(*arguments, "--require-accuracy", "1", "--export", "keras", "--seed", "5")
    accuracy = json.loads((tmp_path / "run" / "manifest.json").read_text())["result"]["test_accuracy"]
    assert accuracy < 1
    assert code == 7
    assert f"Test accuracy {accuracy:.4f} is below the required 1. Nothing was exported." in err
    assert not (tmp_path / "run" / "export").exists()
    assert run_cli("--resume", tmp_path / "run")[0] == 7
    code, _, err = run_cli(*arguments, "--require-accuracy", "0", "--export", "keras", "--overwrite", "--seed", "5")
    assert code == 0, err
    assert (tmp_path / "run" / "export" / "keras" / "bundle.json").is_file()


def test_decisions_change_a_run_and_none_is_resumed_with_others(clothes, run_cli, tmp_path, one_layer, monkeypatch):
    from recipes.execution import artifacts

    root, run = tmp_path / "clothes", tmp_path / "run"
    shutil.copytree(clothes, root)
    first, second, third = sorted(path.relative_to(root).as_posix() for path in root.glob("Coat/*.png"))[:3]
    for path in sorted(root.glob("Bag/*.png"))[4:]:
        path.unlink()
    file = root / "decisions.csv"
    file.write_text(f"path,decision,label\n{first},move,Shirt\n{second},leave_out,\n{third},keep,Coat\n")
    arguments = ("one_layer:MINE", "--data", root, "--set", "phases.train.epochs=1")
    with monkeypatch.context() as patch:
        patch.setattr(artifacts, "write_results", lambda *_: (_ for _ in ()).throw(RuntimeError("killed")))
        assert run_cli(*arguments, "--out", run)[0] == 1
    decided = file.read_text()
    file.write_text(decided.replace("move,Shirt", "keep,"))
    code, _, err = run_cli("--resume", run)
    assert (code, f"The data changed since {run} was started" in err) == (2, True), err
    file.write_text(decided.replace("keep,Coat", ","))  # It has no effect on pixels and labels.
    code, _, err = run_cli("--resume", run)
    assert code == 0, err
    manifest = json.loads((run / "manifest.json").read_text())
    assert manifest["doctor"]["decisions"] == {"moved": {first: "Coat"}, "left_out": [second], "kept": []}
    assert sum(row["Coat"] for row in manifest["data"]["counts"].values()) == 8
    assert sum(row["Shirt"] for row in manifest["data"]["counts"].values()) == 11
    log = (run / "log.txt").read_text()
    assert "decisions about labels: 1 moved, 1 left out, 0 kept" in log
    assert "class_weights=balanced: a class has more than twice the photos of another" in log
    assert re.search(r"test accuracy 0[.]\d+ [(]95% interval 0[.]\d+ to \d[.]\d+, of \d+ test photos[)]", log)
    assert "Decided by hand, in decisions.csv: 1 moved, 1 left out, 0 kept." in (run / "doctor.html").read_text()
    rows = list(csv.DictReader((run / "doubtful_labels.csv").open(encoding="utf-8")))
    assert not {first, second} & {row["path"] for row in rows}
    file.rename(tmp_path / "mine.csv")
    code, out, err = run_cli(*arguments, "--decisions", tmp_path / "mine.csv", "--plan", "--json")
    assert code == 0, err
    assert "decisions about labels: 1 moved, 1 left out, 0 kept" in err


def test_decisions_that_are_wrong_end_a_run_before_it_begins(clothes, run_cli, tmp_path, one_layer):
    root = tmp_path / "clothes"
    shutil.copytree(clothes, root)
    arguments = ("one_layer:MINE", "--data", root, "--out", tmp_path / "run")
    code, _, err = run_cli(*arguments, "--decisions", tmp_path / "none.csv")
    assert (code, "Mend or leave out --decisions." in err) == (2, True)
    code, _, err = run_cli("fashion_cnn", "--data", "sample", "--decisions", tmp_path / "none.csv")
    assert (code, "--decisions is for photos of your own" in err) == (2, True)
    (root / "decisions.csv").write_text("path,decision,label\nCoat/x.png,burn,\n")
    code, _, err = run_cli(*arguments)
    assert (code, "row 2 (Coat/x.png): the decision must be one of keep, move, leave_out" in err) == (3, True)


def test_bad_arguments_are_refused(photos, run_cli, tmp_path):
    assert run_cli("fashion_cnn", "--require-accuracy", "90")[0] == 2
    assert run_cli("fashion_cnn", "--data", tmp_path / "nothing")[0] == 2
    code, _, err = run_cli("dogs_vs_cats_aug", "--data", photos, "--out", photos / "run")
    assert code == 2
    assert "among the photos" in err


def test_another_tfds_set_is_named_when_it_is_missing(run_cli):
    code, _, err = run_cli("vgg16_feature_extract", "--data", "tfds:horses_or_humans", "--weights", "none")
    assert code == 4
    assert "'horses_or_humans' is not prepared" in err


LABELS = ("<script>alert(1)</script>", "$\\frac{$", "../x", "=cmd()", "한국어")


@pytest.fixture(scope="module")
def odd_labels(tmp_path_factory):
    """A run of fashion_cnn on small grey photos whose labels mean harm; the last of them is not in test."""
    folder = tmp_path_factory.mktemp("odd")
    rows = []
    for index, (_, picture) in enumerate(crops(25)):
        picture.convert("L").resize((24, 24)).save(folder / f"{index}.png")
        split = ("train", "train", "validation", "test", "train")[index // 5 % 5]
        label = LABELS[index % 5]
        rows.append(f'{index}.png,"{label}",{"train" if (label, split) == (LABELS[-1], "test") else split}')
    (folder / "photos.csv").write_text("path,label,split\n" + "\n".join(rows) + "\n", encoding="utf-8")
    assert main(["fashion_cnn", "--data", str(folder / "photos.csv"), "--out", str(folder / "run"), "--smoke"]) == 0
    return folder / "run"


def test_labels_that_mean_harm_stay_text(odd_labels, tmp_path, call):
    page = (odd_labels / "report.html").read_text(encoding="utf-8")
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    text = (odd_labels / "predictions.csv").read_text(encoding="utf-8")
    assert ",=cmd()" not in text
    assert "'=cmd()" in text
    assert call(export, odd_labels, "--out", tmp_path / "bundle")[0] == 0
    assert "<script>" not in (tmp_path / "bundle" / "README.md").read_text(encoding="utf-8")
    assert not (odd_labels.parent / "x").exists()
    assert not (tmp_path / "x").exists()


def test_a_class_that_is_not_in_test_still_gets_a_report(odd_labels):
    assert f"No photo of class {LABELS[-1]!r} in test" in (odd_labels / "log.txt").read_text(encoding="utf-8")
    metrics = json.loads((odd_labels / "metrics.json").read_text())["test"]
    assert metrics["per_class"][LABELS[-1]]["images"] == 0
    assert LABELS[-1] in (odd_labels / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", FORMATS)
def test_a_network_of_small_grey_photos_goes_into_every_format(odd_labels, tmp_path, call, kind):
    assert json.loads((odd_labels / "manifest.json").read_text())["model"]["input_shape"] == [24, 24, 1]
    assert call(export, odd_labels, "--to", kind, "--out", tmp_path / kind)[0] == 0
    assert call(verify, tmp_path / kind)[0] == 0


HEARD = ("--weights", "none", "--set", "audition=small@32,other@32")


@pytest.fixture(scope="module")
def auditioned(clothes, small_bases, tmp_path_factory):
    """A run whose bases and head were chosen, of two with random weights, which it joins; killed before its report."""
    from recipes.execution import artifacts

    folder = tmp_path_factory.mktemp("auditioned") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(artifacts, "write_results", lambda *_: (_ for _ in ()).throw(RuntimeError("killed")))
        patch.setattr("recipes.train.heads.audition.TWO_SIDED", -1e12)  # What random weights find is no reason.
        assert main(["--data", str(clothes), "--out", str(folder), *HEARD]) == 1
        patch.undo()
        patch.setattr("recipes.train.heads.audition.hold", lambda *_: pytest.fail("it was held already"))
        assert main(["--resume", str(folder)]) == 0
    return folder


def test_folds_choose_base_and_head_and_the_run_says_why(auditioned):
    held = json.loads((auditioned / "audition.json").read_text())
    chosen, settings = held["heard"][held["chosen"]], json.loads((auditioned / "manifest.json").read_text())["settings"]
    alone = {"small", "other"}
    assert {one["backbone"] for one in held["heard"]} == {*alone, chosen["backbone"]}
    assert set(chosen["backbone"].split("+")) == alone
    assert chosen["loss"] == min(one["loss"] for one in held["heard"] if one["backbone"] not in alone)
    assert settings["model"]["backbone"] == chosen["backbone"]
    assert settings["model"]["stages"] == chosen["stages"]
    assert settings["image_size"] == chosen["size"]
    (head,) = settings["phases"]
    assert head["optimizer"] == chosen["optimizer"]
    log = (auditioned / "log.txt").read_text()
    assert "first answer: " in log
    assert "chosen " in log
    assert f"{chosen['backbone']} at 32 is taken: its loss is" in log
    page = (auditioned / "report.html").read_text()
    assert "Audition" in page
    assert "<td>other</td>" in page
    assert "is taken: its loss is" in page
    network = keras.models.load_model(auditioned / "model.keras")
    assert len(network.inputs) == 1
    assert not any(isinstance(layer, keras.Model) for layer in network.layers)


def test_a_run_says_what_twice_as_many_photos_would_bring(auditioned):
    manifest = json.loads((auditioned / "manifest.json").read_text())
    assert "learning_curve.json" in manifest["files"]
    assert manifest["seconds"]["learning curve"] > 0
    curve = json.loads((auditioned / "learning_curve.json").read_text())
    assert curve["twice"] == pytest.approx(2 * curve["points"][-1]["photos"], abs=1)
    assert set(curve["classes"]) == set(manifest["data"]["class_names"])
    assert "twice as many photos: about " in (auditioned / "log.txt").read_text()
    page = (auditioned / "report.html").read_text()
    assert "How many photos more?" in page
    assert f"{100 * curve['gain']['middle']:+.1f} points" in page
    assert "Which class gains" in page


def test_an_audition_is_no_other_request_and_can_be_asked_for_again(auditioned, clothes, run_cli):
    code, out, err = run_cli("--data", clothes, "--out", auditioned, *HEARD)
    assert code == 0, err
    assert "already done" in err + out
    code, _, err = run_cli("--data", clothes, "--out", auditioned, *HEARD[:2])
    assert code == 2
    assert "audition" in err
    command = json.loads((auditioned / "manifest.json").read_text())["command"]
    assert "chosen" not in command
    assert "audition=" in command


def test_networks_that_were_used_before_are_heard_too(clothes, run_cli, tmp_path, monkeypatch, lite0_weights):
    def stopped(recipe, *_):
        raise ValueError(" ".join(recipe.audition[-4:]))

    monkeypatch.setattr("recipes.train.heads.audition.hold", stopped)
    used = ["MobileNet", "ResNet50", "VGG19", "Xception"]
    monkeypatch.setattr("recipes.execution.prepare.at_hand", lambda bases: used)
    code, _, err = run_cli("--data", clothes, "--out", tmp_path / "run")
    assert (code, "vgg16@224 MobileNet@224 ResNet50@224 VGG19@224" in err) == (2, True), err
    code, _, err = run_cli("--data", clothes, "--out", tmp_path / "run", "--set", "audition=small@32")
    assert (code, "audition: small@32" in err) == (2, True), err


@pytest.mark.parametrize("given", ["xception", "@224", "xception@big", "xception@0"])
def test_an_audition_wants_bases_with_sizes(photos, run_cli, given):
    code, _, err = run_cli("--data", photos, "--set", f"audition={given}")
    assert code == 2
    assert "NAME@PIXELS" in err


def test_a_table_that_begins_with_a_path_no_system_takes_names_it(photos, run_cli, tmp_path):
    table = tmp_path / "table.csv"
    there = next(photos.rglob("*.jpg"))
    table.write_text(f"path,label\n{'[' * 300}.jpg,flower\n{there},temple\n", encoding="utf-8")
    code, _, err = run_cli("dogs_vs_cats_aug", "--data", table, "--out", tmp_path / "run")
    assert (code, "1 of 2 files are damaged" in err) == (3, True), err


def test_bases_to_choose_among_beside_a_size_that_is_named_are_refused(photos, run_cli):
    code, _, err = run_cli("--data", photos, "--set", "audition=small@32", "--set", "image_size=64")
    assert (code, "image_size=64 names one: leave one of the two out" in err) == (2, True), err


def test_an_unknown_base_is_refused_before_it_is_heard(clothes, run_cli, tmp_path):
    code, _, err = run_cli("--data", clothes, "--out", tmp_path / "run", "--set", "audition=xcepton@96", *HEARD[:2])
    assert code == 2, err
    assert "Did you mean" in err


@pytest.mark.drawn
def test_minutes_add_a_phase_only_where_folds_say_that_it_helps(clothes, run_cli, tmp_path, monkeypatch):
    monkeypatch.setattr("recipes.evaluate.further.Trial.helps", True)  # On random weights it would be chance.
    short = ("--minutes", "30", "--set", "phases.finetune.epochs=1", *HEARD)
    code, _, err = run_cli("--data", clothes, "--out", tmp_path / "run", *short)
    assert code == 0, err
    trial = json.loads((tmp_path / "run" / "further.json").read_text())
    assert len(trial["losses_after"]) == 3
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert [phase["name"] for phase in manifest["settings"]["phases"]] == ["head", "finetune"]
    assert manifest["settings"]["model"] == {"backbone": "small", "stages": 1, "dropout": 0.0}
    assert (manifest["settings"]["image_size"], manifest["settings"]["augment"]["shift"]) == (32, 0.08)
    assert manifest["settings"]["phases"][1]["temperature"] == pytest.approx(trial["temperature"], rel=1e-3)
    assert set(manifest["model"]["trained_layers"]) >= {"head_probabilities", "stage5_conv"}
    assert "stage4_conv" not in manifest["model"]["trained_layers"]
    assert "--minutes 30" in manifest["command"]
    page = (tmp_path / "run" / "report.html").read_text()
    assert f"{trial['right_after']} with it" in page
    assert "It is added." in page


def test_a_phase_is_not_tried_for_longer_than_its_minutes(clothes, run_cli, tmp_path):
    many = ("--minutes", "0.001", "--set", "phases.finetune.epochs=500", *HEARD[:2], "--set", "audition=small@32")
    code, out, err = run_cli("--data", clothes, "--out", tmp_path / "run", *many)
    assert code == 0, err
    said = "the last stage of small at 32, is left out: --minutes gives 0.001, in which the first fold did not end"
    assert f"finetune, {said}" in out
    assert json.loads((tmp_path / "run" / "further.json").read_text())["losses_after"] == []


@pytest.mark.parametrize("minutes", ["0", "-3", "nan", "many"])
def test_minutes_are_a_number_above_0(photos, run_cli, minutes):
    code, _, err = run_cli("--data", photos, f"--minutes={minutes}")
    assert code == 2
    assert "must be a number above 0" in err


def test_minutes_are_refused_where_nothing_more_is_tried(photos, run_cli):
    code, _, err = run_cli("fashion_cnn", "--data", photos, "--minutes", "5")
    assert code == 2
    assert "such as own_photos. fashion_cnn trains its phases, and no more" in err


def test_a_phase_that_is_solved_for_has_no_rate_to_find(clothes, run_cli, tmp_path):
    named = ("--set", "model.backbone=small", "--set", "image_size=32", "--find-lr", "--json")
    code, out, err = run_cli("--data", clothes, "--out", tmp_path / "rates", *HEARD[:2], *named)
    assert code == 0, err
    assert json.loads(out) == {}
    assert "head: solved for (logistic_regression), in no steps: it has no rate" in err


@pytest.mark.drawn
def test_groups_share_a_fold_and_the_report_says_what_that_changes(run_cli, tmp_path):
    write_objects(tmp_path / "objects")
    arguments = ("--data", tmp_path / "objects", "--group-by", r"([^/]+)_\d+\.png$")
    short = ("--set", "audition=small@64", "--set", "square=squash")
    code, _, err = run_cli(*arguments, *short, "--out", tmp_path / "run")
    assert code == 0, err
    held = json.loads((tmp_path / "run" / "audition.json").read_text())
    by_group, by_photo = held["heard"][held["chosen"]], held["by_photo"]
    assert by_photo["interval"][0] > by_group["interval"][1]
    assert by_photo["accuracy"] > 0.95
    page = (tmp_path / "run" / "report.html").read_text()
    assert f"{by_group['accuracy']:.4f} (95% interval" in page
    assert f"<b>By photo</b>, with photos of one group on both sides, it would be {by_photo['accuracy']:.4f}" in page
    assert json.loads((tmp_path / "run" / "run.json").read_text())["request"]["group_by"] == arguments[-1]
    assert "--group-by" in json.loads((tmp_path / "run" / "manifest.json").read_text())["command"]
    code, _, err = run_cli("fashion_cnn", "--data", "sample", "--group-by", "(a)")
    assert (code, "--group-by is for photos of your own" in err) == (2, True)


def test_fewer_groups_than_folds_are_refused_in_words(run_cli, tmp_path):
    write_objects(tmp_path / "objects", objects=6, frames=4)
    arguments = ("--data", tmp_path / "objects", "--weights", "none", "--out", tmp_path / "run")
    code, _, err = run_cli(*arguments, "--group-by", r"([^/]+)_\d+\.png$")
    assert code == 3
    assert "each class must have two groups to train with, and there is one in 'bowl', 'cup'" in err


def test_a_run_goes_on_with_the_groups_that_it_was_started_with(run_cli, tmp_path, one_layer, monkeypatch):
    from recipes.execution import artifacts

    write_objects(tmp_path / "objects", objects=12, frames=4)
    run = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(artifacts, "write_results", lambda *_: (_ for _ in ()).throw(RuntimeError("killed")))
        arguments = ("--data", tmp_path / "objects", "--group-by", r"([^/]+)_\d+\.png$", "--out", run)
        assert run_cli("one_layer:MINE", *arguments, "--set", "phases.train.epochs=1")[0] == 1
    code, _, err = run_cli("--resume", run)
    assert code == 0, err
    manifest = json.loads((run / "manifest.json").read_text())
    assert manifest["doctor"]["named_groups"] == {f"object{number}": 4 for number in range(12)}
    assert all(number % 4 == 0 for row in manifest["data"]["counts"].values() for number in row.values())
