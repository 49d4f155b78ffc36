"""The gradients of a number, on the backend that Keras has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

Score = Callable[[list[Any]], Any]


def gradients(score: Score, at: Sequence[np.ndarray]) -> list[np.ndarray | None]:
    """How a number changes with each number of some arrays.

    Args:
        score: From tensors like those of `at` to one number, by operations of Keras.
        at: Where it is asked for; float32.

    Returns:
        For each array one of its shape; `None` where the number does not depend on it. JAX gives zeros there.
    """
    of_backend = {"tensorflow": _by_tensorflow, "jax": _by_jax, "torch": _by_torch}[keras.config.backend()]
    found = of_backend(score, at)
    return [None if one is None else np.array(keras.ops.convert_to_numpy(one)) for one in found]


def _by_tensorflow(score: Score, at: Sequence[np.ndarray]) -> Sequence[Any]:
    import tensorflow as tf

    places = [tf.constant(array) for array in at]
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(places)
        value = score(places)
    return tape.gradient(value, places)


def _by_jax(score: Score, at: Sequence[np.ndarray]) -> Sequence[Any]:
    import jax

    return jax.grad(score)([jax.numpy.asarray(array) for array in at])


def _by_torch(score: Score, at: Sequence[np.ndarray]) -> Sequence[Any]:
    import torch

    places = [keras.ops.convert_to_tensor(array).detach().requires_grad_(True) for array in at]
    return torch.autograd.grad(score(places), places, allow_unused=True)
