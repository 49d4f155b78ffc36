"""A registry of image-classification architectures from Keras textbooks.

`zoo.get("fashion_cnn")` returns a plain, uncompiled `keras.Model` that takes raw 0-255 pixels.
Importing this package loads no Keras; the first `get` does.
"""

from typing import Any

from zoo.facts import Info
from zoo.registry import get, info, names, register
from zoo.structure.layer_table import Arithmetic, arithmetic

__all__ = ["Arithmetic", "Info", "arithmetic", "get", "info", "names", "register"]


def __getattr__(name: str) -> Any:
    """Give the page of a built-in architecture as an attribute: `zoo.architectures.keras_mat_lenet.conv_part`."""
    import importlib

    from zoo.facts import BUILTIN

    if name in BUILTIN:
        return importlib.import_module(f"zoo.architectures.{name}")
    if name == "macs":
        return importlib.import_module("zoo.structure.macs")
    if name in {"filters", "transfer", "weights"}:
        return importlib.import_module(f"zoo.{name}")
    raise AttributeError(f"module 'zoo' has no attribute {name!r}")
