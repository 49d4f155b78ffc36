"""The benchmarks run, so that they cannot rot."""

import dataclasses
import json
import re
import runpy
import shlex
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import ROOT

from recipes.book import own_photos
from recipes.errors import Fault, Interrupted
from recipes.run import main as run_recipe
from zoo.pretrained.bases import BASES


@pytest.fixture(autouse=True)
def _small_base(small_bases, monkeypatch):
    """The base that most of them look at is a small one here."""
    monkeypatch.setitem(BASES, "efficientnet_lite0", dataclasses.replace(BASES["small"], name="efficientnet_lite0"))


@pytest.fixture
def smoke(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_ZOO_CACHE", str(tmp_path))

    def run(script, *arguments):
        path = f"{ROOT}/benchmarks/{script}.py"
        monkeypatch.setattr(sys, "argv", [path, "--smoke", *arguments])
        runpy.run_path(path, run_name="__main__")
        return capsys.readouterr().out

    return run


def test_boundary_speed_compares_plain_keras_and_the_engine(smoke):
    out = smoke("boundary_speed")
    for words in ("| head alone, plain Keras |", "| block 5 and head, bfloat16 |", "| 4,000 |", "peak memory"):
        assert words in out


def test_decode_speed_compares_plain_tensorflow_and_the_decoder(smoke):
    out = smoke("decode_speed")
    for words in ("| 320x240 |", "| 4000x3000 |", "Medians of 1 turns"):
        assert words in out


def test_colour_profile_compares_photos_with_one_and_without(smoke):
    out = smoke("colour_profile")
    for words in ("| 320x240 |", "| 4000x3000 |", "Medians of 1 turns"):
        assert words in out


def test_doctor_looks_at_many_photos_at_first_and_again(smoke):
    out = smoke("doctor")
    for words in ("of 200 photos", "MB at first", "MB again"):
        assert words in out


def test_the_doctors_memory_grows_with_the_photos_and_its_page_says_what_was_measured():
    found = json.loads((ROOT / "results" / "bench" / "doctor.json").read_text())
    memory = [turns[turn]["peak_memory_mb"] for turns in found["photos"].values() for turn in ("first", "again")]
    assert max(memory) < min(2000, 4 * min(memory))
    sentence = runpy.run_path(f"{ROOT}/benchmarks/doctor.py")["sentence"](found)
    for language in ("en", "ko"):
        page = (ROOT / "docs" / language / "photos.md").read_text(encoding="utf-8")
        assert f"<!-- doctor -->\n{sentence}<!-- /doctor -->" in page


def test_suffix_precision_compares_both_formats(smoke):
    out = smoke("suffix_precision", "--seeds", "42")
    for words in ("| float32 |", "| bfloat16 |", "seeds 42:"):
        assert words in out


def test_frozen_bases_compares_formats_and_views(smoke):
    out = smoke("frozen_bases")
    for words in ("| 1, plain | keras float32 |", "| 2, augmented |", "| 4, augmented |", "accuracy by folds"):
        assert words in out


def test_whole_runs_plans_a_command_and_times_it_from_an_empty_cache(smoke, monkeypatch, tmp_path, capsys):
    (tmp_path / "weights").mkdir()
    seen = []

    def run(command, *, env, **_):
        cold = Path(env["KERAS_ZOO_CACHE"])
        seen.append([path.name for path in cold.iterdir()])
        assert cold != tmp_path
        capsys.readouterr()
        assert run_recipe(command[3:]) == 0
        return SimpleNamespace(stdout=capsys.readouterr().out)

    monkeypatch.setattr("subprocess.run", run)
    out = smoke("whole_runs")
    assert seen[0] == ["weights"]
    assert re.search(
        r"\| `python -m recipes.run mnist_functional --smoke` \| [\d.]+ \| [\d.]+ \| [\d.]+ \| 0.\d+ of 256 \|", out
    )


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_page_says_how_long_whole_commands_took(language):
    found = json.loads((ROOT / "results" / "bench" / "whole_runs.json").read_text())
    script = runpy.run_path(f"{ROOT}/benchmarks/whole_runs.py")
    commands = [f"python -m recipes.run {shlex.join(arguments)}" for arguments in script["COMMANDS"]]
    assert [row["command"] for row in found["rows"]] == commands
    minutes = {row["command"]: row["minutes"] for row in found["rows"]}
    assert minutes["python -m recipes.run vgg16_finetune"] < 15
    assert minutes["python -m recipes.run xception_finetune"] < 12
    assert all(0.7 < row["planned_minutes"] / row["minutes"] < 1.3 for row in found["rows"])
    page = (ROOT / "docs" / language / "results.md").read_text(encoding="utf-8")
    assert f"<!-- whole runs -->\n{script['markdown'](found)}<!-- /whole runs -->" in page


def test_squares_compares_what_gives_way(smoke):
    out = smoke("squares")
    for words in ("| squash |", "| crop |", "| letterbox |", "right (95% interval)"):
        assert words in out


def test_none_of_these_refuses_another_set(smoke):
    out = smoke("none_of_these")
    for words in ("false alarms (95% interval)", "| clothes refused | class left out |", "by the highest probability"):
        assert words in out


def test_learning_curve_forecasts_from_half_of_the_photos(smoke):
    out = smoke("learning_curve")
    for words in ("| accuracy held |", "| crops | 30 of 60 |", "bands of 90% hold the accuracy"):
        assert words in out


def test_forecasts_held_three_times_in_four_and_the_page_says_so():
    found = json.loads((ROOT / "results" / "bench" / "learning_curve.json").read_text())
    assert found["summary"]["sets"] >= 4
    assert min(found["summary"][f"{what}_held"] for what in ("accuracy", "gain")) >= 0.75
    markdown = runpy.run_path(f"{ROOT}/benchmarks/learning_curve.py")["markdown"](found)
    page = (ROOT / "docs" / "en" / "how-many.md").read_text(encoding="utf-8")
    assert f"<!-- learning curve -->\n{markdown}<!-- /learning curve -->" in page


def test_sorting_counts_the_keys_of_two_people(smoke):
    out = smoke("sorting")
    for words in ("| crops, 60 of 2 classes | careful |", "| hasty |", "keys a photo", "| 100.0% (100.0% to 100.0%) |"):
        assert words in out


def test_sorting_page_says_what_was_measured_and_that_is_what_was_promised():
    found = json.loads((ROOT / "results" / "bench" / "sorting.json").read_text())
    page = (ROOT / "docs" / "en" / "sort.md").read_text(encoding="utf-8")
    said = runpy.run_path(f"{ROOT}/benchmarks/sorting.py")["markdown"](found)
    assert f"<!-- sorting -->\n{said}<!-- /sorting -->" in page
    runs = [run for row in found["rows"] if row["photos"] == "cats_dogs_1000" for run in row["runs"]]
    assert {row["number"] for row in found["rows"]} == {300}
    assert all(run["keys"] < 60 and run["right"] >= 0.97 for run in runs)


def test_backbones_looks_at_a_base_from_frontier_to_a_fresh_process(smoke):
    out = smoke("backbones")
    for check in ("frontier at the head", "kept = whole", "frozen stays", "arithmetic", "Grad-CAM", "fresh process"):
        assert f"'{check}': 'yes'" in out
    assert "4 layers from block5_conv1, of 5 stages" in out


def test_own_photos_judges_what_folds_choose(clothes, monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_ZOO_CACHE", str(tmp_path))
    heard = ("small@32", "other@32")
    monkeypatch.setattr(own_photos, "TUNED", dataclasses.replace(own_photos.TUNED, audition=heard))
    script = runpy.run_path(f"{ROOT}/benchmarks/own_photos.py")
    rows = script["folds"]([clothes], weights=None, bases=heard)
    assert [row["what"] for row in rows] == [
        "own_photos", "small@32 alone", "other@32 alone",
    ]  # fmt: skip
    assert len(rows[0]["chosen"]) == 5
    rows += script["views"](clothes)
    assert [row["what"] for row in rows[3:]] == [
        f"views taught {taught}, asked {asked}" for taught in (1, 2) for asked in (1, 2)
    ]
    assert all(0 <= row["interval"][0] <= row["accuracy"] <= row["interval"][1] <= 1 for row in rows)


def test_own_photos_ends_a_run_whose_cluster_is_told_to_stop():
    done, began = runpy.run_path(f"{ROOT}/benchmarks/own_photos.py")["done"], time.monotonic()

    def look():
        raise Interrupted("Stopped.", 2)

    with pytest.raises(Interrupted):
        done([sys.executable, "-S", "-c", "import time; time.sleep(60)"], look)
    assert time.monotonic() - began < 50
    with pytest.raises(Fault, match="ended with 3"):
        done([sys.executable, "-S", "-c", "raise SystemExit(3)"], lambda: None)


def test_own_photos_page_says_what_was_measured():
    script = runpy.run_path(f"{ROOT}/benchmarks/own_photos.py")
    found = json.loads((ROOT / "results" / "own_photos.json").read_text())
    page = (ROOT / "docs" / "en" / "photos.md").read_text(encoding="utf-8")
    assert f"<!-- own photos -->\n{script['markdown'](found)}<!-- /own photos -->" in page


def test_shortcuts_finds_what_was_done_to_a_class(smoke):
    out = smoke("shortcuts")
    assert "| crops | flower | saved anew |  | none |" in out
    for how in ("named .png", "saved as PNG", "saved at quality 50", "shrunk to 70%", "another camera"):
        assert f"| crops | flower | {how} | **1.00" in out


def test_shortcuts_page_says_what_was_measured():
    found = json.loads((ROOT / "results" / "bench" / "shortcuts.json").read_text())
    ours = {row["set"]: row["alarms"] for row in found["untouched"]}
    assert (ours["ants_bees"], ours["sign_digits"], ours["weather"]) == ([], [], ["colour"])
    of_ants = {row["doctoring"]: row for row in found["doctored"] if row["set"] == "ants_bees"}
    assert of_ants["saved anew"]["alarms"] == []
    assert all(row["by"] in row["alarms"] for row in of_ants.values() if row["by"])
    words = runpy.run_path(f"{ROOT}/benchmarks/shortcuts.py")["markdown"](found)
    assert f"<!-- shortcuts -->\n{words}<!-- /shortcuts -->" in (ROOT / "docs" / "en" / "shortcuts.md").read_text(
        encoding="utf-8"
    )


def test_lenet5_dials_trains_networks_and_its_page_says_what_was_measured(smoke):
    assert "| relu | max | **" in smoke("lenet5_dials", "--seeds", "2")
    found = json.loads((ROOT / "results" / "bench" / "lenet5_dials.json").read_text())
    mean = {(row["activation"], row["pool"]): row["mean"] for row in found["rows"]}
    assert mean["sigmoid", "average"] < mean["sigmoid", "max"] < min(mean["relu", "average"], mean["relu", "max"])
    table = runpy.run_path(f"{ROOT}/benchmarks/lenet5_dials.py")["markdown"](found)
    page = (ROOT / "docs" / "en" / "lenet5-dials.md").read_text(encoding="utf-8")
    assert f"<!-- lenet5 dials -->\n{table}<!-- /lenet5 dials -->" in page


def test_backends_are_compared_seed_by_seed():
    script = runpy.run_path(f"{ROOT}/benchmarks/backends.py")

    def run(accuracy):
        return {"test_accuracy": accuracy, "precision": "float32", "minutes": 1.26}

    runs = {"tensorflow": {"42": run(0.91), "43": run(0.92)}, "jax": {"42": run(0.914), "43": run(0.92)}}
    found = {
        "runs": {"fashion_cnn": runs}, "differences": {"fashion_cnn": {"jax": script["differences"](runs, "jax")}},
        "seeds": [42, 43], "versions": {"keras": "3", "jax": "0.10"},
        "hardware": {"processor": "a", "cores": 2}, "command": "python benchmarks/backends.py",
    }  # fmt: skip
    page = script["markdown"](found)
    assert "| fashion_cnn, published | TensorFlow | float32 | 0.9150 ± 0.0071 | - | 1.3 |" in page
    assert "| fashion_cnn, published | JAX | float32 | 0.9170 ± 0.0042 | +0.0020 (-0.0234 to +0.0274) | 1.3 |" in page
    assert "Seeds 42, 43; " in page
    assert "keras 3, JAX 0.10" in page
