"""The same file, weights and batches give the same on every backend of Keras that is installed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from installed import others

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """What each backend gives, asked for once."""
    kept, known = tmp_path_factory.mktemp("backends"), {}

    def of(backend):
        if backend not in known:
            command = [sys.executable, str(HERE / "same_steps.py"), str(kept)]
            environment = os.environ | {"KERAS_BACKEND": backend, "PYTHONPATH": str(HERE.parents[1])}
            child = subprocess.run(command, env=environment, capture_output=True, text=True)
            assert child.returncode == 0, child.stderr[-3000:]
            known[backend] = json.loads(child.stdout.splitlines()[-1])
            assert known[backend]["backend"] == backend
        return known[backend]

    return of


@pytest.mark.parametrize("backend", others)
def test_saved_networks_answer_alike(given, backend):
    wanted = given("tensorflow")["answers"]  # This one saves them.
    for name, answers in given(backend)["answers"].items():
        np.testing.assert_allclose(answers, wanted[name], rtol=0, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("how", ["whole", "above", "rates"])
@pytest.mark.parametrize("backend", others)
def test_twenty_steps_give_the_same_weights(given, backend, how):
    for found, wanted in zip(given(backend)[how], given("tensorflow")[how], strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-4)


@pytest.mark.parametrize("backend", others)
def test_rates_are_kept(given, backend):
    whole, rates = (np.array(given(backend)[how][1]) for how in ("whole", "rates"))
    assert np.abs(whole - rates).max() > 1e-3, "the rate of a tenth changed nothing"


@pytest.mark.parametrize("backend", others)
def test_heatmaps_and_excited_images_are_alike(given, backend):
    np.testing.assert_allclose(given(backend)["heatmaps"], given("tensorflow")["heatmaps"], atol=1e-3)
    np.testing.assert_allclose(given(backend)["excited"], given("tensorflow")["excited"], atol=0.1)


@pytest.mark.parametrize("backend", others)
def test_openvino_runs_a_network_of_every_backend(given, backend):
    pytest.importorskip("openvino")
    assert given(backend)["engine"] == "openvino float32"
