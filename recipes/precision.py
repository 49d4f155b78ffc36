"""Which number format a network trains in, and how to move a network between formats."""

from __future__ import annotations

import os
from pathlib import Path

import keras

PRECISIONS = ("auto", "float32", "bfloat16")


def choose(precision: str) -> str:
    """`"float32"` or `"bfloat16"`; `"auto"` takes bfloat16 where the processor computes in it."""
    if precision != "auto":
        return precision
    return "bfloat16" if processor_has_bfloat16() else "float32"


def processor_has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 numbers itself (AMX or AVX-512 on x86)."""
    try:
        flags = Path("/proc/cpuinfo").read_text().split()
    except OSError:
        return False
    return os.uname().machine == "x86_64" and not {"amx_bf16", "avx512_bf16"}.isdisjoint(flags)


def cast(model: keras.Model, precision: str) -> keras.Model:
    """A copy of a model that computes in another precision; its weights stay float32.

    The last layer always computes in float32: probabilities in bfloat16 have three digits, too few for a loss.

    Args:
        model: A flat functional model.
        precision: `"float32"` or `"bfloat16"`.

    Returns:
        A new model with its own, equal weights.
    """
    policy = "mixed_bfloat16" if precision == "bfloat16" else "float32"
    outputs = set(model.output_names)

    def with_policy(layer):
        if not isinstance(layer, keras.layers.Layer):
            return layer.__class__.from_config(layer.get_config())
        return layer.__class__.from_config(
            layer.get_config() | {"dtype": "float32" if layer.name in outputs else policy}
        )

    copy = keras.models.clone_model(model, clone_function=with_policy)
    copy.set_weights(model.get_weights())
    return copy
