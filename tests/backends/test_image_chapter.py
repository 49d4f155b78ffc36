"""The steps of "Image classification" in Deep Learning with Python, 3rd ed., end on every backend as in the book."""

import json
import os
import subprocess
import sys

import pytest
from conftest import ROOT
from installed import others

CONVOLUTIONS = [f"stage{stage}_conv" for stage in range(1, 6)]


@pytest.fixture(scope="module", params=others)
def followed(request, tmp_path_factory):
    """What each step gave on a backend."""
    folder = tmp_path_factory.mktemp(f"chapter-{request.param}")
    environment = os.environ | {"KERAS_BACKEND": request.param, "KERAS_ZOO_CACHE": str(folder / "cache")}
    command = [sys.executable, str(ROOT / "tests" / "backends" / "image_chapter.py"), str(folder)]
    child = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert child.returncode == 0, child.stderr[-3000:]
    return request.param, json.loads(child.stdout.splitlines()[-1])


def test_every_step_ends(followed):
    _, found = followed
    assert {step: end["said"] for step, end in found["ended"].items() if end["code"]} == {}


def test_the_network_has_the_parameters_of_the_chapter(followed):
    _, found = followed
    assert found["parameters"] == 1_569_089


def test_plain_keras_answers_with_each_file_as_its_run_reported(followed):
    backend, found = followed
    assert len(found["manifests"]) == 6
    for name, manifest in found["manifests"].items():
        plain = found["plain_keras"][name]
        assert manifest["backend"] == backend
        assert plain["accuracy"] == pytest.approx(manifest["result"]["test_accuracy"])
        assert plain["answers"] == pytest.approx(found["answers"][name], abs=1e-5), name


def test_features_are_computed_once_for_each_photo_and_view(followed):
    """Two views of 48 photos and the 24 that validate, whose features the run before left; then nothing is new."""
    _, found = followed
    passed = {name: manifest["boundary"]["head"]["images_passed"]
              for name, manifest in found["manifests"].items() if manifest["boundary"]}  # fmt: skip
    assert passed == {"features": 48 + 24, "features_augmented": 2 * 48, "thawed": 0, "last_stage": 48 + 24}


def test_a_frozen_base_stays_and_what_is_thawed_moves_but_for_batch_normalization(followed):
    _, found = followed
    assert found["moved"] == {
        "features": [],
        "features_augmented": [],
        "thawed": CONVOLUTIONS,
        "last_stage": CONVOLUTIONS[-1:],
    }
