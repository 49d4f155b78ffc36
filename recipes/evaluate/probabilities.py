"""What a network's outputs are: probabilities of the classes, or scores that need not sum to 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras

PROBABILITY, SCORE = "probability", "score"
# How far from 1 a row of probabilities may sum, in whichever number format.
_NEAR = 1e-3


def as_classes(outputs: np.ndarray, kind: str = PROBABILITY) -> np.ndarray:
    """(images, classes): of one unit, which speaks for class 1, make two columns."""
    if outputs.shape[1] > 1:
        return outputs
    return np.hstack([1 - outputs if kind == PROBABILITY else -outputs, outputs])


def kind_of(model: keras.Model, value_range: tuple[float, float] = (0.0, 255.0)) -> str:
    """`"probability"` for a network that ends in a softmax, or in the sigmoid of one unit; else `"score"`.

    Where the last layer does not say, the network is asked: probabilities of noise, too, sum to 1.

    Args:
        model: A functional or sequential network with one output, (None, units).
        value_range: Lowest and highest value that it takes.
    """
    import keras

    units, last = model.output_shape[-1], last_operation(model)
    activation = getattr(last, "activation", None)
    name = getattr(activation, "__name__", "") or type(last).__name__.lower()
    if activation is not keras.activations.linear and name in ("softmax", "sigmoid"):
        return PROBABILITY if (name == "sigmoid") == (units == 1) else SCORE
    if activation is keras.activations.linear and isinstance(last, keras.layers.Dense | keras.layers.Conv2D):
        return SCORE
    return PROBABILITY if sum_to_one(_of_noise(model, value_range)) else SCORE


def last_operation(model: keras.Model) -> keras.Operation:
    """The layer, or the function of `keras.ops`, that gives a network's one output."""
    import keras

    if isinstance(model, keras.Sequential):
        return model.layers[-1]
    return next(each for each in model.operations if each.name == model.output_names[0])


def sum_to_one(outputs: np.ndarray) -> bool:
    """Whether (images, units) are probabilities: none below 0, each row's sum 1; of one unit, none above 1."""
    total = outputs.sum(axis=1)
    fits = total <= 1 if outputs.shape[1] == 1 else np.abs(total - 1) < _NEAR
    return bool((outputs >= 0).all() and fits.all())


def _of_noise(model: keras.Model, value_range: tuple[float, float]) -> np.ndarray:
    """(8, units) for noise, and for the two pictures that are the same everywhere."""
    noise = np.random.default_rng(0).uniform(*value_range, (8, *model.input_shape[1:])).astype("float32")
    noise[0], noise[1] = value_range
    return np.asarray(model.predict_on_batch(noise), "float64")
