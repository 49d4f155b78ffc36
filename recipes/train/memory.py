"""Will it fit into memory? Asked before a training starts; afterwards its memory is given back."""

from __future__ import annotations

import math
from collections.abc import Iterable

import keras
import psutil
import tensorflow as tf

from recipes import precision
from recipes.errors import MemoryFault
from zoo.structure.macs import layer_outputs

SHARE_OF_FREE = 0.7
EVALUATION_BYTES = 2**28


def check_memory(model: keras.Model, batch_size: int) -> None:
    """Refuse a batch whose activations would take more than 70% of the free memory of what computes.

    Raises:
        MemoryFault: With the batch size to try.
    """
    # Every layer's output, forward and backward, four bytes a number.
    bytes_per_image = 8 * sum(map(layer_outputs, model.layers))
    needed, free = bytes_per_image * batch_size, free_bytes()
    if free is None or needed <= SHARE_OF_FREE * free:
        return
    fits = 2 ** int(math.log2(max(1, SHARE_OF_FREE * free / bytes_per_image)))
    raise MemoryFault(
        f"A batch of {batch_size:,} images needs about {needed / 2**30:.1f} GB and {free / 2**30:.1f} GB are free. "
        f"Try --set batch_size={fits}"
    )


def free_bytes() -> int | None:
    """Free memory of what the backend computes on, the processor or a GPU; `None` where it is not told.

    TensorFlow says of a GPU only what it holds, and not what there is.
    """
    if not precision.has_gpu():
        return psutil.virtual_memory().available
    if keras.config.backend() == "torch":
        import torch

        return torch.cuda.mem_get_info()[0] if torch.cuda.is_available() else None
    if keras.config.backend() == "jax":
        import jax

        told = jax.local_devices()[0].memory_stats() or {}
        return told["bytes_limit"] - told["bytes_in_use"] if "bytes_limit" in told else None
    return None


def evaluation_batch(model: keras.Model, at_most: int = 500) -> int:
    """Images to score at a time: so many that no layer's output takes more than a quarter of a gigabyte."""
    largest = max(4 * layer_outputs(layer) for layer in model.layers)
    return max(1, min(at_most, EVALUATION_BYTES // largest))


def release(variables: Iterable[keras.Variable]) -> None:
    """Free the memory of variables that nobody reads again, whoever still holds them.

    TensorFlow registers the gradient of an operation that brings its own (silu is one) for the life of the process,
    and with it the step's graph and the variables that the graph captured.
    """
    if keras.config.backend() != "tensorflow":
        return
    for variable in variables:
        nothing = tf.zeros((0,), variable.value.dtype)
        tf.raw_ops.AssignVariableOp(resource=variable.value.handle, value=nothing, validate_shape=False)
