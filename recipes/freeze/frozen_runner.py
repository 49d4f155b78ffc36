"""What runs the frozen part of a network: Keras, or OpenVINO where it is installed and gives the same."""

from __future__ import annotations

import importlib.util
import logging
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from recipes import precision as precisions
from recipes.errors import EnvironmentFault

BATCH = 32
# bfloat16 has three digits: the features of VGG16 agree with float32's to a correlation of 0.9999.
LEAST_CORRELATION = 0.999
LARGEST_DIFFERENCE = 0.05
log = logging.getLogger("recipes")


@dataclass(frozen=True)
class Engine:
    """A way to run a network forward.

    Attributes:
        name: Engine and number format, such as `"openvino bfloat16"`; part of the key of what it computes.
        run: From a batch of inputs to the batch of outputs, float32.
    """

    name: str
    run: Callable[[np.ndarray], np.ndarray]


def choose(engine: str, precision: str) -> str:
    """The name of the engine to use: `"openvino"` where it is installed and the processor computes in bfloat16.

    Args:
        engine: `"auto"`, `"keras"` or `"openvino"`.
        precision: The run's; one in float32 stays in float32 unless OpenVINO is asked for by name.

    Returns:
        `"keras <precision>"` or `"openvino <precision>"`.

    Raises:
        EnvironmentFault: When OpenVINO is asked for and not installed.
    """
    installed = importlib.util.find_spec("openvino") is not None
    if engine == "openvino" and not installed:
        raise EnvironmentFault("The engine 'openvino' is not installed: pip install 'keras-zoo-recipes[fast]'")
    fast = "bfloat16" if precisions.processor_has_bfloat16() else "float32"
    if engine == "openvino" or (engine == "auto" and installed and precision == fast == "bfloat16"):
        return f"openvino {fast}"
    return f"keras {precision}"


def build(prefix: keras.Model, name: str, sample: np.ndarray) -> Engine:
    """Make an engine for a network; Keras where OpenVINO cannot run it or, on the sample, disagrees with Keras.

    Args:
        prefix: The frozen part.
        name: What `choose` gave.
        sample: A batch of its inputs.

    Returns:
        The engine; its `name` says which it became.
    """
    kind, _, number_format = name.partition(" ")
    if kind == "keras":
        network = precisions.cast(prefix, number_format)
        network.jit_compile = False  # XLA makes convolutions slower on a CPU.
        return Engine(name, lambda batch: np.asarray(network.predict_on_batch(batch), "float32"))
    exact = precisions.cast(prefix, "float32")
    try:
        run = _openvino(exact, number_format)
        found = run(sample)
    except Exception as error:  # OpenVINO has an exception for each layer that it does not know.
        reason = str(error).splitlines()[0]
        log.warning("NOTICE %s cannot run this network (%s): Keras is used.", name, reason)
        return build(prefix, "keras float32", sample)
    wanted = np.asarray(exact.predict_on_batch(sample))
    correlation = float(np.corrcoef(found.ravel(), wanted.ravel())[0, 1])
    difference = float(np.linalg.norm(found - wanted) / (np.linalg.norm(wanted) + 1e-9))
    agreement = f"on one batch (correlation {correlation:.5f}, relative difference {difference:.4f})"
    if correlation < LEAST_CORRELATION or difference > LARGEST_DIFFERENCE:
        log.warning("NOTICE %s disagrees with Keras %s: Keras is used.", name, agreement)
        return build(prefix, "keras float32", sample)
    log.info("engine %s: agrees with Keras %s", name, agreement)
    return Engine(name, run)


def _openvino(network: keras.Model, precision: str) -> Callable[[np.ndarray], np.ndarray]:
    import openvino

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "prefix.xml"
        network.export(str(path), format="openvino", verbose=False)
        hint = {"bfloat16": "bf16", "float32": "f32"}[precision]
        compiled = openvino.Core().compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": hint})
    return lambda batch: np.array(compiled(np.asarray(batch, "float32"))[0], "float32")
