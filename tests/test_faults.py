"""Every fault that is known stands in a table, with a test that injects it."""

import ast
import functools
import itertools
import json
import re
import subprocess
import sys
import tomllib

import pytest
from conftest import ROOT, needs_posix

from recipes import errors

CASES = tomllib.loads((ROOT / "docs" / "faults.toml").read_text(encoding="utf-8"))["case"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@functools.cache
def parsed(path):
    """A file of tests."""
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


def functions(tree):
    """The test functions of a file, by name."""
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}


def brought():
    """Modules that Python, the project or one of its extras brings, where they are called as their package."""
    packages = itertools.chain(PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    return {re.match(r"[\w-]+", one)[0].replace("-", "_") for one in packages} | sys.stdlib_module_names


def skips(node):
    """Whether a mark or a call skips a test wherever it runs."""
    name = ast.unparse(node).partition("(")[0]
    first = node.args[0] if isinstance(node, ast.Call) and node.args else None
    value = first.value if isinstance(first, ast.Constant) else None
    if name == "pytest.importorskip":
        return str(value).partition(".")[0] not in brought()
    always = ("pytest.mark.skip", "pytest.mark.xfail", "pytest.skip")
    return name in always or (name == "pytest.mark.skipif" and bool(value))


def is_skipped(tree, function):
    """Whether a test is skipped wherever it runs: by a decorator, by its file, or by what it begins with."""
    looked_at = list(function.decorator_list)
    for node in (*tree.body, *function.body):
        if isinstance(node, ast.Assign | ast.Expr):
            looked_at += node.value.elts if isinstance(node.value, ast.List | ast.Tuple) else [node.value]
    return any(map(skips, looked_at))


def test_each_fault_has_a_test_that_exists_and_runs():
    for case in CASES:
        assert case["tests"], case["name"]
        for test in case["tests"]:
            path, _, name = test.partition("::")
            tree = parsed(path)
            assert name in functions(tree), test
            assert not is_skipped(tree, functions(tree)[name]), test


@pytest.mark.parametrize(
    ("before", "within", "skipped"),
    [
        ("", "pass", False),
        ("@pytest.mark.skip(reason='slow')", "pass", True),
        ("@pytest.mark.xfail", "pass", True),
        ("@pytest.mark.skipif(True, reason='slow')", "pass", True),
        ("@pytest.mark.skipif(os.name != 'posix', reason='other files')", "pass", False),
        ("pytestmark = pytest.mark.skip", "pass", True),
        ("pytestmark = [pytest.mark.drawn, pytest.mark.skipif(1, reason='slow')]", "pass", True),
        ("pytestmark = pytest.mark.drawn", "pass", False),
        ("there_is_none = pytest.importorskip('there_is_none')", "pass", True),
        ("pytest.importorskip('keras_hub.models')", "pass", False),
        ("pytest.skip('slow', allow_module_level=True)", "pass", True),
        ("", "pytest.importorskip('there_is_none')", True),
        ("", "pytest.skip('slow')", True),
        ("", "if os.name == 'nt': pytest.skip('other files')", False),
    ],
)
def test_a_test_that_is_skipped_everywhere_is_seen(before, within, skipped):
    tree = ast.parse(f"{before}\ndef test_it():\n    {within}\n")
    assert is_skipped(tree, functions(tree)["test_it"]) == skipped


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
