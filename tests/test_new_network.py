"""The example of a pretrained network in CONTRIBUTING.md is whole: two new files, three changed, and all is well."""

import re
import shutil
import subprocess

import pytest
from conftest import PYTHON, ROOT, subprocess_environment

NAME = "mobilenet_v3_small"
CHECKS = f"""
from pathlib import Path
from test_architectures import LAYERS
import zoo
from recipes.testing import check_recipe
from zoo.testing import check_architecture

assert Path(zoo.__file__).is_relative_to(Path.cwd())
check_architecture("{NAME}")
check_recipe("{NAME}")
model = zoo.get("{NAME}", weights=None)
assert " ".join(layer.name for layer in model.layers if layer.weights) == LAYERS["{NAME}"]
assert zoo.info("{NAME}").parameters == model.count_params()
"""


def git(folder, *arguments, **more):
    command = ["git", "-c", "core.autocrlf=false", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, **more).stdout


@pytest.fixture
def checkout(tmp_path):
    """A copy of what the example touches, with a history of its own."""
    for folder in ("zoo", "recipes", "tests"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    (tmp_path / "docs").mkdir()
    for file in ("docs/networks.toml", ".gitignore"):
        shutil.copy(ROOT / file, tmp_path / file)
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    return tmp_path


def test_a_pretrained_network_takes_two_new_files_and_three_changed(checkout):
    example = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("### A pretrained network")[2]
    for path, content in re.findall(r"\*\*(\S+\.py)\*\*.*?\n\n```python\n(.*?)^```", example, re.DOTALL | re.MULTILINE):
        (checkout / path).write_text(content, encoding="utf-8")
    (changes,) = re.findall(r"^```diff\n(.*?)^```", example, re.DOTALL | re.MULTILINE)
    git(checkout, "apply", "-", input=changes)
    touched = git(checkout, "status", "--porcelain", "--untracked-files=all").splitlines()
    assert sorted(line[1:] for line in touched if not line.startswith("A  ")) == [
        "? recipes/book/mobilenet_v3_small.py",
        "? zoo/architectures/mobilenet_v3_small.py",
        "M docs/networks.toml",
        "M tests/zoo/test_architectures.py",
        "M zoo/facts.py",
    ]
    places = ":".join(str(checkout / folder) for folder in ("", "tests", "tests/zoo"))
    environment = subprocess_environment(PYTHONPATH=places)
    checked = subprocess.run([PYTHON, "-c", CHECKS], cwd=checkout, env=environment, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr[-2000:]
