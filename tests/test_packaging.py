"""What pyproject.toml promises."""

import re
import tomllib

from conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_lower_bounds_are_the_ones_that_are_tested():
    bounds = {re.match(r"[\w-]+", entry)[0]: entry.partition(">=")[2] for entry in PROJECT["dependencies"]}
    lines = (ROOT / ".ci" / "lowest.txt").read_text().splitlines()
    assert bounds == dict(line.split("==") for line in lines if not line.startswith("#"))


def test_the_distribution_is_what_was_agreed():
    assert PROJECT["name"] == "keras-zoo-recipes"
    assert PROJECT["requires-python"] == ">=3.11"
    assert "keras>=3.15.1" in PROJECT["dependencies"]
    assert {"fast", "export", "test", "docs"} <= PROJECT["optional-dependencies"].keys()


def test_only_zoo_and_recipes_are_packaged():
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert build["packages"] == ["zoo", "recipes"]
