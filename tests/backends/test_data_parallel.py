"""Two processes that train the part above the boundary on halves of every batch have one process's weights."""

import importlib.util
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent


def trained(processes):
    """What each of so many processes prints."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    environment = os.environ | {
        "KERAS_BACKEND": "jax",
        "PYTHONPATH": os.pathsep.join(map(str, (HERE.parents[1], HERE))),
    }
    children = [
        subprocess.Popen(
            [sys.executable, str(HERE / "two_processes.py"), str(process), str(processes), address],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for process in range(processes)
    ]  # fmt: skip
    said = [child.communicate(timeout=300) for child in children]
    assert [child.returncode for child in children] == [0] * processes, said[0][1][-3000:]
    return [json.loads(out.splitlines()[-1]) for out, _ in said]


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="skipped: jax is not installed")
def test_two_processes_train_above_the_boundary_as_one_does():
    (alone,), together = trained(1), trained(2)
    assert [found["devices"] for found in together] == [2, 2]
    for found in together:
        for weight, wanted in zip(found["weights"], alone["weights"], strict=True):
            np.testing.assert_allclose(weight, wanted, atol=1e-4)
