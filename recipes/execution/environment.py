"""The conditions of a run: versions, hardware, data and network, in words and in numbers."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import zoo
from recipes.console.backend import chosen
from recipes.data import Splits

if TYPE_CHECKING:
    import keras

PACKAGES = ("keras-zoo-recipes", "keras", "tensorflow", "tensorflow-datasets", "numpy", "scikit-learn")


def versions() -> dict[str, str]:
    """Versions of Python and of the packages a result depends on."""
    found = {"python": platform.python_version()}
    backend = chosen()
    for package in (*PACKAGES, *([] if backend in PACKAGES else [backend])):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def hardware() -> dict[str, Any]:
    """Processor, cores and memory."""
    import psutil

    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
    }


def model_facts(model: keras.Model, architecture: str) -> dict[str, Any]:
    """What the network is for, its parameters and multiply-accumulates, and the layers that trained."""
    from zoo.structure.macs import count_macs

    return {
        "architecture": architecture,
        "use": zoo.info(architecture).use,
        "input_shape": list(model.input_shape[1:]),
        "parameters": model.count_params(),
        "macs": count_macs(model),
        "trained_layers": [layer.name for layer in model.layers if layer.trainable_weights],
    }


def describe_data(splits: Splits) -> str:
    """The data in one line: what, where from, how many."""
    where = {"tfds": "TFDS", "download": "TFDS (downloaded)", "sample": "bundled sample of", "photos": "your photos,"}[
        splits.origin.kind
    ]
    return (
        f"{where} {splits.origin.dataset}: {len(splits.train):,} train, {len(splits.validation):,} validation, "
        f"{len(splits.test):,} test; {len(splits.class_names)} classes"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown"
