"""Two runs beside each other."""

import json

import pytest
from run_files import write_manifest

from recipes import compare


def write_run(folder, answers, **settings):
    write_manifest(folder, **{f"settings__{name}": value for name, value in settings.items()})
    lines = [f"{index},{truth},{guess}" for index, (truth, guess) in enumerate(answers)]
    (folder / "predictions.csv").write_text("\n".join(["id,truth,prediction", *lines]) + "\n")
    return folder


def answers(pattern):
    """`r` for right, `w` for wrong."""
    return [("cat", "cat" if letter == "r" else "dog") for letter in pattern]


@pytest.fixture
def call(capsys):
    def run(*arguments):
        code = compare.main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_runs_are_compared_image_by_image(tmp_path, call):
    first = write_run(tmp_path / "first", answers("r" * 80 + "w" * 10 + "r" * 2 + "w" * 8))
    second = write_run(tmp_path / "second", answers("r" * 80 + "r" * 10 + "w" * 2 + "w" * 8), batch_size=64)
    code, out, _ = call(first, second)
    assert code == 0
    assert "test accuracy 0.8200 (95% interval 0.7333 to 0.8830, 100 images)" in out
    assert "batch_size: 32 -> 64" in out
    assert "it alone is right on 10 images, the first alone on 2" in out
    assert "more than chance would (McNemar's exact test, p = 0.039)" in out
    code, out, _ = call(first, second, "--json")
    (found,) = json.loads(out)["comparisons"]
    assert found["mcnemar"] == {"only_first": 2, "only_second": 10, "p_value": pytest.approx(0.03857421875)}


def test_equal_runs_and_few_disagreements_are_no_difference(tmp_path, call):
    first = write_run(tmp_path / "first", answers("rrrrwwww"))
    again = write_run(tmp_path / "again", answers("rrrrwwww"))
    other = write_run(tmp_path / "other", answers("rrrwrwww"))
    _, out, _ = call(first, again, other)
    assert out.count("the same recipe") == 2
    assert "differ by no more than chance may (McNemar's exact test, p = 1)" in out


def test_another_backend_is_said(tmp_path, call):
    first = write_run(tmp_path / "first", answers("rrww"))
    other = write_run(tmp_path / "other", answers("rrww"))
    write_manifest(other, backend="jax")
    assert "backend: 'tensorflow' -> 'jax'" in call(first, other)[1]


def test_other_test_images_are_not_compared(tmp_path, call):
    first = write_run(tmp_path / "first", answers("rrww"))
    other = write_run(tmp_path / "other", answers("rrwwr"))
    code, out, _ = call(first, other)
    assert code == 0
    assert "the test images are not the same" in out


def test_what_is_no_run_is_refused(tmp_path, call):
    run = write_run(tmp_path / "run", answers("rw"))
    assert call(run)[0] == 2
    assert call(run, tmp_path)[0] == 2
    (run / "predictions.csv").write_text("id,truth\n1,cat\n")
    code, _, err = call(run, run)
    assert code == 9
    assert "predictions.csv is missing or damaged" in err
