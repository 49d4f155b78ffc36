"""Every fault that is known stands in a table, with a test that injects it."""

import ast
import json
import subprocess
import sys
import tomllib

import pytest
from conftest import ROOT, needs_posix

from recipes import errors

CASES = tomllib.loads((ROOT / "docs" / "faults.toml").read_text(encoding="utf-8"))["case"]


def functions(path):
    """The test functions of a file, by name."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}


def is_skipped(function):
    """Whether a test is skipped wherever it runs."""
    decorators = {ast.unparse(decorator).partition("(")[0] for decorator in function.decorator_list}
    return bool(decorators & {"pytest.mark.skip", "pytest.mark.xfail"})


def test_each_fault_has_a_test_that_exists_and_runs():
    for case in CASES:
        assert case["tests"], case["name"]
        for test in case["tests"]:
            path, _, name = test.partition("::")
            assert name in functions(path), test
            assert not is_skipped(functions(path)[name]), test


def test_every_case_of_the_list_has_a_row():
    assert {number for case in CASES for number in case["cases"]} == set(range(1, 74))


def test_faults_have_names_of_their_own_and_codes_that_are_said():
    names = [case["name"] for case in CASES]
    assert len(set(names)) == len(names)
    known = {kind.exit_code for kind in vars(errors).values() if isinstance(kind, type)} | {0, 130, 143}
    for case in CASES:
        assert set(case["codes"]) <= known - {1}, case["name"]


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_page_of_errors_shows_the_table(language, builder):
    from builder import faults

    assert faults.page(language).read_text(encoding="utf-8") == faults.filled(language), "python docs/builder/faults.py"


@needs_posix
def test_kills_full_disks_and_changed_inputs_lose_nothing_and_are_never_a_bug():
    """The short form of the torture command, in a process of its own: it forks. Whole runs are those without Keras."""
    command = [sys.executable, str(ROOT / "tests" / "torture.py"), "--kills", "30", "--mutations", "1200"]
    if sys.platform == "linux":
        command += ["--runs", "4", "--stage", "doctor", "--stage", "sort"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-2000:]
    figures = json.loads(ended.stdout)
    assert figures["kills"]["saves"] > 0
    assert sys.platform != "linux" or figures["runs"]["runs"] == 4
    assert figures["most_memory_mb"] < 1500
    assert figures["mutations"]["slowest_seconds"] < 5
