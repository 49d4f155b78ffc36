"""The benchmark runs, so that it cannot rot."""

import subprocess

from conftest import PYTHON, ROOT, subprocess_environment


def test_fashion_cnn_speed_compares_script_and_recipes():
    result = subprocess.run(
        [PYTHON, "benchmarks/fashion_cnn_speed.py", "--smoke"],
        env=subprocess_environment(), cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    for words in ("| plain Keras script |", "| recipe, published |", "| recipe, tuned |", "Medians of 1 rounds"):
        assert words in result.stdout
