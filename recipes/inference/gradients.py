"""The gradient of a score, on the backend that Keras has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np


def gradient(score: Callable[[Any], Any], at: np.ndarray) -> np.ndarray:
    """How a score changes with each number of an array.

    Args:
        score: From a tensor like `at` to one number, by operations of Keras.
        at: Where it is asked for; float32.

    Returns:
        Of the shape of `at`.

    Raises:
        ValueError: When no gradient leads there.
    """
    found = {"tensorflow": _by_tensorflow, "jax": _by_jax, "torch": _by_torch}[keras.config.backend()](score, at)
    if found is None:
        raise ValueError("no gradient leads there")
    return np.array(keras.ops.convert_to_numpy(found))


def _by_tensorflow(score: Callable[[Any], Any], at: np.ndarray) -> Any:
    import tensorflow as tf

    place = tf.constant(at)
    with tf.GradientTape() as tape:
        tape.watch(place)
        value = score(place)
    return tape.gradient(value, place)


def _by_jax(score: Callable[[Any], Any], at: np.ndarray) -> Any:
    import jax

    return jax.grad(score)(jax.numpy.asarray(at))


def _by_torch(score: Callable[[Any], Any], at: np.ndarray) -> Any:
    import torch

    place = keras.ops.convert_to_tensor(at).detach().requires_grad_(True)
    return torch.autograd.grad(score(place), place, allow_unused=True)[0]
