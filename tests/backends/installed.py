"""The backends of Keras beside TensorFlow, each a parameter that is skipped where it is not installed."""

import importlib.util

import pytest

others = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(importlib.util.find_spec(name) is None, reason=f"skipped: {name} is not installed"),
    )
    for name in ("jax", "torch")
]
