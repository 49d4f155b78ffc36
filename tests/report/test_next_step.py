"""The next command for a result: a test a rule, and which of two goes first."""

import dataclasses
import shlex
from types import SimpleNamespace

import numpy as np
import pytest

from recipes.data.photos.shortcuts import Score, Shortcut
from recipes.evaluate.predictions import Predictions
from recipes.report import next_step
from recipes.report.next_step import Confused, Result, steps


def told(by, found, is_alarm):
    """How far a property tells the classes, as the doctor's findings say it."""
    score = Score(0.5, found, (found - 0.02, found + 0.02))
    return Shortcut(by, score, "cat", score, is_alarm).as_dict()


FINE = Result(
    run="runs/my photos", photos="/my photos", again="python -m recipes.run own_photos --data '/my photos'",
    training={"cat": 100, "dog": 90}, confused=Confused("cat", "dog", 2, 40, ("/my photos/cat/1.jpg",)),
    gain=(-0.01, 0.004, 0.02),
)  # fmt: skip
USE = "python -m recipes.predict 'runs/my photos' IMAGE_OR_FOLDER"
CASES = {
    "shortcut": (
        {"shortcuts": [told("size", 0.52, False), told("brightness", 0.913, True)]},
        "python -m recipes.doctor '/my photos'",
        "brightness alone tells cat from all others (0.91 right, 0.50 by chance)",
    ),
    "labels": (
        {"doubtful": 3},
        "python -m recipes.doctor '/my photos' --labels --decide",
        "3 labels are contradicted",
    ),
    "short_class": ({"training": {"cat": 100, "dog": 19}}, FINE.again, "dog has 19 training photos, fewer than 20"),
    "confused_pair": (
        {"confused": Confused("cat", "dog", 4, 40, ("/my photos/cat/1.jpg", "/my photos/cat/2.jpg"))},
        "python -m recipes.explain 'runs/my photos' '/my photos/cat/1.jpg' '/my photos/cat/2.jpg'",
        "4 of 40 test photos of cat are taken for dog",
    ),
    "more_photos": (
        {"gain": (-0.002, 0.024, 0.051)},
        FINE.again,
        "twice as many photos may bring about +2.4 points (-0.2 to 5.1)",
    ),
}


def test_a_result_with_nothing_to_mend_is_used():
    assert [step.command for step in steps(FINE)] == [USE]


def test_every_rule_has_a_case():
    assert [rule.__name__ for rule in next_step.RULES] == list(CASES)


@pytest.mark.parametrize("name", CASES)
def test_a_rule_names_its_command_and_why(name):
    changes, command, why = CASES[name]
    best, last = steps(dataclasses.replace(FINE, **changes))
    assert (best.command, last.command) == (command, USE)
    assert why in best.why
    assert shlex.split(best.command)[:2] == ["python", "-m"]


def test_the_first_rule_that_speaks_is_the_only_one():
    result = FINE
    for name in reversed(CASES):
        result = dataclasses.replace(result, **CASES[name][0])
        best, _ = steps(result)
        assert best.command == CASES[name][1]


@pytest.mark.parametrize(
    "changes",
    [
        {"shortcuts": [told("size", 0.52, False)]},
        {"doubtful": 2},
        {"training": {"cat": 20}},
        {"confused": Confused("cat", "dog", 3, 40, ())},  # Fewer than a tenth.
        {"confused": Confused("cat", "dog", 2, 4, ())},  # Few.
        {"confused": None},
        {"gain": None},
    ],
)
def test_little_is_no_reason(changes):
    assert len(steps(dataclasses.replace(FINE, **changes))) == 1


def test_a_gain_that_the_whole_band_promises_is_worth_it_however_small():
    assert steps(dataclasses.replace(FINE, gain=(0.001, 0.005, 0.009)))[0].command == FINE.again


def test_a_shortcut_is_told_with_its_figures():
    (best, _) = steps(dataclasses.replace(FINE, shortcuts=[told("brightness", 0.913, True)]))
    assert best.why == (
        "brightness alone tells cat from all others (0.91 right, 0.50 by chance): see whether it should"
    )


def test_decisions_from_elsewhere_and_groups_are_given_to_the_doctor(tmp_path):
    given = {"decisions": "/else where.csv", "group_by": r"([^/]+)_"}
    best, _ = steps(dataclasses.replace(FINE, doubtful=9, **given))
    words = ["/my photos", "--decisions", "/else where.csv", "--group-by", r"([^/]+)_", "--labels", "--decide"]
    assert shlex.split(best.command)[3:] == words
    beside = {"photos": str(tmp_path), "decisions": str(tmp_path / "decisions.csv")}
    best, _ = steps(dataclasses.replace(FINE, doubtful=9, **beside))
    assert shlex.split(best.command)[3:] == [str(tmp_path), "--labels", "--decide"], "those are found"


def test_what_the_rules_look_at_is_gathered_from_a_run(tmp_path):
    names = ("cat", "dog")
    truth = np.array([0, 0, 0, 0, 1, 1])
    probabilities = np.array([[0.1, 0.9], [0.05, 0.95], [0.45, 0.55], [0.9, 0.1], [0.2, 0.8], [0.7, 0.3]])
    test = Predictions(np.array([f"{place}.jpg" for place in range(6)]), truth, probabilities, names)
    nothing = Predictions(np.array([], str), np.array([], int), np.zeros((0, 2)), names)
    (tmp_path / "photos").mkdir()
    manifest = SimpleNamespace(
        doctor={"decisions": {"kept": ["0.jpg"]}, "shortcuts": None},
        data=SimpleNamespace(
            path=str(tmp_path / "photos"), counts={"train": {"cat": 9, "dog": 8}}, decisions=None, group_by="(x)"
        ),
        command="python -m recipes.run own_photos --data photos",
    )
    tables = {"validation": nothing, "test": test}
    found = next_step.of_run(manifest, tables, tmp_path / "run", gain=None)
    assert (found.confused.truth, found.confused.answer, found.confused.number, found.confused.images) == (
        "cat", "dog", 3, 4,
    )  # fmt: skip
    assert found.confused.paths[0] == str(tmp_path / "photos" / "1.jpg"), "the surest first"
    assert found.doubtful == 1, "a decision was made about the other"
    assert found.shortcuts == ()
    assert found.group_by == "(x)"
    assert shlex.split(found.again)[3:] == ["--data", str(tmp_path / "photos"), "--after", str(tmp_path / "run")]
    manifest.data.path = str(tmp_path / "photos.csv")
    table = next_step.of_run(manifest, tables, tmp_path / "run", gain=None)
    assert table.confused.paths[0] == str(tmp_path / "1.jpg"), "beside the table"
