"""The benchmarks run, so that they cannot rot."""

import subprocess

from conftest import PYTHON, ROOT, subprocess_environment


def smoke(script, *arguments):
    result = subprocess.run(
        [PYTHON, f"benchmarks/{script}.py", "--smoke", *arguments],
        env=subprocess_environment(), cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_boundary_speed_compares_plain_keras_and_the_engine():
    out = smoke("boundary_speed")
    for words in ("| head alone, plain Keras |", "| block 5 and head, bfloat16 |", "| 4,000 |", "peak memory"):
        assert words in out


def test_decode_speed_compares_plain_tensorflow_and_the_decoder():
    out = smoke("decode_speed")
    for words in ("| 320x240 |", "| 4000x3000 |", "Medians of 1 turns"):
        assert words in out


def test_suffix_precision_compares_both_formats():
    out = smoke("suffix_precision", "--seeds", "42")
    for words in ("| float32 |", "| bfloat16 |", "seeds 42:"):
        assert words in out
