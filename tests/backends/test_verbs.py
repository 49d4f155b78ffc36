"""Every verb ends on every backend as it should."""

import json
import os
import subprocess
import sys

import pytest
from conftest import ROOT
from installed import others

# What does not end with 0.
REFUSED = {
    "another_backend": (2, "was started on {backend}, and Keras is set to tensorflow"),
    "stopped": (130, "Go on with: python -m recipes.run --resume stopped"),
    "onnx": (4, "model.onnx is written on TensorFlow alone, and Keras is set to {backend}"),
    "litert": (4, "model.tflite is written on TensorFlow alone, and Keras is set to {backend}"),
    "openvino": (4, "is written on TensorFlow alone, and Keras is set to {backend}"),
    "saved_model": (4, "saved_model is written on TensorFlow alone, and Keras is set to {backend}"),
}


@pytest.fixture(scope="module", params=others)
def walked(request, tmp_path_factory):
    """A backend, and what each step of the walk ended with on it."""
    folder = tmp_path_factory.mktemp(request.param)
    environment = os.environ | {"KERAS_BACKEND": request.param, "KERAS_ZOO_CACHE": str(folder / "cache")}
    command = [sys.executable, str(ROOT / "tests" / "backends" / "every_verb.py"), str(folder)]
    child = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert child.returncode == 0, child.stderr[-3000:]
    found = json.loads(child.stdout.splitlines()[-1])
    return request.param, found["ended"], found["files"]


def test_every_verb_ends_as_it_should(walked):
    backend, ended, _ = walked
    for step, end in ended.items():
        code, words = REFUSED.get(step, (0, ""))
        assert end["code"] == code, f"{step}: {end['said']}"
        assert words.format(backend=backend) in end["said"], f"{step}: {end['said']}"


def test_a_manifest_names_its_backend(walked):
    backend, _, files = walked
    assert json.loads(files["run/manifest.json"])["backend"] == backend


def test_a_run_that_was_stopped_ends_as_one_that_was_not(walked):
    _, _, files = walked
    assert files["run/predictions.csv"] == files["stopped/predictions.csv"]
