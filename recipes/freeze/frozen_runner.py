"""What runs a network forward, fast: Keras, or OpenVINO where it is installed, pays, and gives the same."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np

from recipes import precision as precisions
from recipes.errors import EnvironmentFault, first_line
from zoo.structure.macs import count_macs, count_outputs

if TYPE_CHECKING:
    import openvino

BATCH = 32
# To make an engine takes seconds: it pays from so many multiply-accumulate operations on, five photos through VGG16 at
# 180 pixels or a hundred through EfficientNet-Lite0.
WORTH_AN_ENGINE = 5e10
# On JAX another process makes it, which takes ten seconds and more.
WORTH_A_PROCESS = 3e11
# How near to Keras in float32 a batch must come: least correlation, largest relative difference. It tells a wrong
# network from rounding; what rounding costs a base is measured by folds (results/bench/frozen_bases.json).
AGREEMENT = {"float32": (0.99999, 1e-4), "bfloat16": (0.995, 0.1), "int8": (0.97, 0.25)}
CALIBRATION = 128
# So much may the outputs of all layers take for Keras to run layer by layer: a few images are not worth a trace.
FEW_BYTES = 2**28
EXACT = 1e-4
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


def choose(
    engine: str,
    precision: str,
    *,
    work: float = float("inf"),
    int8_serves: bool = False,
    depthwise: bool = False,
) -> str:
    """The name of the engine to use.

    Args:
        engine: `"keras"`; `"openvino"`, in bfloat16 where the processor computes in it, else in float32;
            `"int8"`, OpenVINO in eight bits; or `"auto"`: OpenVINO where it is installed and there is work enough, and
            in eight bits where the processor has those, not bfloat16, and they serve.
        precision: The run's, `"auto"`, `"float32"` or `"bfloat16"`. One in float32 stays in float32 unless another
            engine is asked for by name.
        work: Multiply-accumulate operations to be done.
        int8_serves: Whether folds cannot tell the network's features in eight bits from those in float32.
        depthwise: Whether the network filters channels by themselves, which TensorFlow does faster in float32.

    Returns:
        `"keras"` or `"openvino"`, a space and the number format.

    Raises:
        EnvironmentFault: When the engine asked for is not installed.
    """
    installed, quantizes = (importlib.util.find_spec(name) is not None for name in ("openvino", "nncf"))
    if (engine == "openvino" and not installed) or (engine == "int8" and not (installed and quantizes)):
        raise EnvironmentFault(f"The engine {engine!r} is not installed: pip install 'keras-zoo-recipes[fast]'")
    if engine == "int8":
        return "openvino int8"
    has_bfloat16 = precisions.processor_has_bfloat16()
    if engine == "auto" and precisions.has_gpu():  # OpenVINO would compute on the processor beside it.
        return f"keras {precisions.choose(precision)}"
    if engine == "openvino":
        return f"openvino {'bfloat16' if has_bfloat16 else 'float32'}"
    number_format = precisions.choose(precision)
    cannot = not installed or (number_format == "bfloat16" and not has_bfloat16)
    worth = WORTH_A_PROCESS if keras.config.backend() == "jax" else WORTH_AN_ENGINE
    if engine == "keras" or cannot or work < worth:
        return f"keras {'float32' if precision == 'auto' and depthwise else number_format}"
    if precision == "auto" and not has_bfloat16 and int8_serves and quantizes and precisions.processor_has_int8():
        return "openvino int8"
    # OpenVINO computes in bfloat16 also for a backend that gains nothing by it.
    return f"openvino {'bfloat16' if precision == 'auto' and has_bfloat16 else number_format}"


def build(prefix: keras.Model, name: str, sample: np.ndarray, calibration: np.ndarray | None = None) -> Engine:
    """Make an engine for a network; Keras where OpenVINO cannot run it or, on the sample, disagrees with Keras.

    Args:
        prefix: The network.
        name: What `choose` gave.
        sample: A batch of its inputs.
        calibration: Inputs whose activations fix the eight-bit scales; default the sample.

    Returns:
        The engine; its `name` says which it became.
    """
    kind, _, number_format = name.partition(" ")
    if kind == "keras":
        network = precisions.cast(prefix, number_format)
        network.jit_compile = precisions.compiles() is not False
        return Engine(name, lambda batch: np.asarray(network.predict_on_batch(batch), "float32"))
    exact = precisions.cast(prefix, "float32")
    exact.jit_compile = precisions.compiles() is not False
    try:
        run = _openvino(exact, number_format, sample if calibration is None else calibration)
        found = run(sample)
    except Exception as error:  # OpenVINO has an exception for each layer that it does not know.
        log.warning("NOTICE %s cannot run this network (%s): Keras is used.", name, first_line(error))
        return build(prefix, "keras float32", sample)
    wanted = np.asarray(exact.predict_on_batch(sample))
    correlation = float(np.corrcoef(found.ravel(), wanted.ravel())[0, 1])
    difference = float(np.linalg.norm(found - wanted) / (np.linalg.norm(wanted) + 1e-9))
    agreement = f"on one batch (correlation {correlation:.5f}, relative difference {difference:.4f})"
    least, largest = AGREEMENT[number_format]
    if not (correlation >= least and difference <= largest):
        log.warning("NOTICE %s disagrees with Keras %s: Keras is used.", name, agreement)
        return build(prefix, "keras float32", sample)
    log.info("engine %s: agrees with Keras %s", name, agreement)
    return Engine(name, run)


def exact(model: keras.Model, images: int, sample: np.ndarray) -> Engine:
    """The whole network forward in float32, for scores: OpenVINO where that pays and gives Keras's answers.

    Args:
        model: From pixels to probabilities, in float32.
        images: How many it will run over.
        sample: A batch of them.

    Returns:
        An engine whose answers lie within 1e-4 of Keras's on the sample.
    """
    if keras.config.backend() == "tensorflow" and 4 * images * count_outputs(model) <= FEW_BYTES:
        return Engine("keras float32", lambda batch: np.asarray(model(batch, training=False)))
    model.jit_compile = precisions.compiles() is not False
    by_keras = Engine("keras float32", lambda batch: np.asarray(model.predict_on_batch(batch)))
    name = choose("auto", "float32", work=images * count_macs(model))
    if name == by_keras.name:
        return by_keras
    wanted = by_keras.run(sample)
    try:
        run = _openvino(model, "float32", sample)
        difference = float(np.abs(run(sample) - wanted).max())
    except Exception as error:  # OpenVINO has an exception for each layer that it does not know.
        log.warning("NOTICE %s cannot run this network (%s): Keras is used.", name, first_line(error))
        return by_keras
    if not difference <= EXACT:
        log.warning("NOTICE %s differs from Keras by %.2g in a probability: Keras is used.", name, difference)
        return by_keras
    log.info("engine %s: within %.1g of Keras's probabilities on one batch", name, difference)
    return Engine(name, run)


def _openvino(network: keras.Model, number_format: str, calibration: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    import openvino

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.xml"
        if keras.config.backend() == "jax":
            _export_on_tensorflow(network, path)
        else:
            network.export(str(path), format="openvino", verbose=False)
        core = openvino.Core()
        described = core.read_model(str(path))
        if number_format == "int8":
            described = _in_eight_bits(described, calibration)
        hint = "bf16" if number_format == "bfloat16" else "f32"
        compiled = core.compile_model(described, "CPU", {"INFERENCE_PRECISION_HINT": hint})
    return lambda batch: np.array(compiled(np.asarray(batch, "float32"))[0], "float32")


def _export_on_tensorflow(network: keras.Model, path: Path) -> None:
    """Export in a process of its own: from JAX a network comes as one operation of XLA, which OpenVINO cannot read."""
    saved = path.with_suffix(".keras")
    network.save(saved)
    silent = "import sys; sys.modules['openvino_telemetry'] = None"  # As in `recipes` itself.
    load = f"import keras; keras.models.load_model({str(saved)!r}, compile=False)"
    done = subprocess.run(
        [sys.executable, "-c", f"{silent}; {load}.export({str(path)!r}, format='openvino', verbose=False)"],
        env=os.environ | {"KERAS_BACKEND": "tensorflow"}, capture_output=True, text=True, check=False,
        start_new_session=True,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["killed"])[-1])


def _in_eight_bits(described: openvino.Model, calibration: np.ndarray) -> openvino.Model:
    """Weights and activations in eight bits, on scales that fit what the calibration images make of each layer."""
    import nncf

    images = nncf.Dataset(list(np.asarray(calibration, "float32")[:, np.newaxis]))
    nncf.set_log_level(logging.ERROR)
    with contextlib.redirect_stdout(io.StringIO()):  # It shows bars of its own.
        return nncf.quantize(described, images, subset_size=len(calibration))
