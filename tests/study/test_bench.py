"""The measure of a recipe against a plain script: roles in processes of their own, figures from what they report."""

import json
import os

import pytest
from conftest import ROOT

from recipes import bench
from recipes.study.bench import speed


def test_a_round_compares_plain_script_published_and_tuned(monkeypatch, capsys, tmp_path, one_layer):
    """The plain script in a process of its own, as each role is; the others here, as such a process measures them."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(ROOT / "tests")]))
    apart = speed.measure_apart

    def measured(race, role):
        return apart(race, role) if role == "plain" else json.loads(json.dumps(speed.measure(race, role)))

    monkeypatch.setattr(speed, "measure_apart", measured)
    arguments = "one_layer:RACE --data sample --repeats 1 --epochs 2 --accuracy 0.2 --import one_layer".split()
    code = bench.main([*arguments, "--into", str(tmp_path)])
    out = "".join(capsys.readouterr())  # A measure keeps stdout free for what it answers.
    assert code == 0, out
    for words in ("| plain Keras script | train |", "| recipe, published |", "| recipe, tuned |", "accuracy 0.2000 |"):
        assert words in out
    assert "--accuracy 0.2 --epochs 2 --data sample --import one_layer`" in out
    assert not list(tmp_path.iterdir()), "a sample's figures were stored"


def role(phase_seconds, to_target, seconds):
    return {
        "seconds_per_epoch": {"train": phase_seconds},
        "epochs": {"train": 3},
        "seconds_to_target": to_target,
        "seconds": seconds,
        "best_test_accuracy": 0.9,
    }


def test_ratios_are_taken_within_a_round_and_a_plain_script_that_fails_is_a_bound():
    rounds = [
        {"plain": role(10, None, 100), "published": role(5, None, 20), "tuned": role(2, 25, 25)},
        {"plain": role(20, 80, 90), "published": role(5, None, 20), "tuned": role(2, 40, 40)},
    ]
    race = speed.Race(name="fashion_cnn", accuracy=0.9094, seed=42, repeats=2, epochs=None, data="full")
    found = speed.summary(race, rounds)
    assert found["command"] == "python -m recipes.bench fashion_cnn --repeats 2"
    text = speed.markdown(json.loads(json.dumps(found)))
    assert "| plain Keras script | train | 15.0 s | 1 | not reached in 95.0 s | 1 |" in text
    assert "| recipe, published | train | 5.0 s | 0.38 (0.25 to 0.50) | - | - |" in text
    assert "| recipe, tuned | train | 2.0 s | 0.15 (0.10 to 0.20) | 32.5 s | 0.38 (0.25 to 0.50) |" in text


def test_the_command_told_is_the_one_that_was_given():
    rounds = [{"plain": role(10, 80, 100), "published": role(5, None, 20), "tuned": role(2, 25, 25)}]
    race = speed.Race(name="fashion_cnn", accuracy=0.5, seed=43, repeats=1, epochs=2, data="sample")
    expected = "python -m recipes.bench fashion_cnn --repeats 1 --accuracy 0.5 --epochs 2 --seed 43 --data sample"
    assert speed.summary(race, rounds)["command"] == expected


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [(("fashion",), "fashion_cnn"), (("fashion_cnn", "--epochs", "1"), "the first epoch does not count")],
)
def test_bad_input(capsys, arguments, expected):
    assert bench.main(list(arguments)) == 2
    assert expected in capsys.readouterr().err
