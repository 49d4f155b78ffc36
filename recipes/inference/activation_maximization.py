"""The image that excites a filter most: gradient ascent from noise."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from zoo.structure.gradients import gradients

FILTERS, STEPS = 16, 60
# How far a pixel moves in a step, as a share of the value range.
STRIDE = 0.02


def excite(
    model: keras.Model,
    layer: str,
    *,
    filters: int = FILTERS,
    steps: int = STEPS,
    value_range: tuple[float, float] = (0.0, 255.0),
    seed: int = 0,
) -> np.ndarray:
    """Change grey noise, step by step, so that a filter answers more strongly everywhere.

    Source: Deep Learning with Python, 2nd ed., section 9.4.2.

    Args:
        model: A flat network over images.
        layer: A convolution in it.
        filters: How many filters, from the first on.
        steps: Steps of gradient ascent.
        value_range: Lowest and highest value the network takes.
        seed: Fixes the noise.

    Returns:
        (filters, height, width, channels), in the value range.
    """
    low, high = value_range
    below = _without_activation(model, layer)
    number = min(filters, below.output_shape[-1])
    noise = np.random.default_rng(seed).uniform(0.4, 0.6, (number, *model.input_shape[1:]))
    images = (low + (high - low) * noise).astype("float32")
    own = np.eye(number, below.output_shape[-1], dtype="float32")

    def answer(shown: list[Any]) -> Any:
        maps = below(shown[0], training=False)
        # Each image is for one filter; the border, where padding is seen, does not count.
        return keras.ops.sum(keras.ops.multiply(keras.ops.mean(maps[:, 1:-1, 1:-1], axis=(1, 2)), own))

    for _ in range(steps):
        (slope,) = gradients(answer, [images])
        if slope is None:
            raise ValueError(f"No gradient leads from {layer!r} to the image.")
        size = np.sqrt(np.mean(slope**2, axis=(1, 2, 3), keepdims=True))
        images = np.clip(images + STRIDE * (high - low) * slope / (size + keras.backend.epsilon()), low, high)
    return images


def _without_activation(model: keras.Model, name: str) -> keras.Model:
    """The network up to a convolution, before its activation: a ReLU at 0 everywhere does not say which way is up."""
    layer = model.get_layer(name)
    linear = type(layer).from_config(layer.get_config() | {"activation": "linear", "name": f"{name}_linear"})
    below = keras.Model(model.inputs[0], linear(layer.input))
    linear.set_weights(layer.get_weights())
    return below
