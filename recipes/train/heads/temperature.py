"""The temperature of a head: its scores are divided by it, so that its probabilities are as often right as they say."""

from __future__ import annotations

import keras
import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from recipes.errors import UsageFault
from recipes.recipe import Phase

# Looked through, as logarithms: a sample that is all right must not make a head surer than it can know.
TEMPERATURES = (-1.0, 3.0)


def lowest_loss(scores: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None) -> tuple[float, np.ndarray]:
    """The temperature at which the mean loss is lowest.

    Args:
        scores: (images, classes), before softmax; logarithms of probabilities will do.
        labels: (images,), class indices.
        weights: (images,), how much each counts; `None` for all alike.

    Returns:
        It, and the loss of each image under it, in nats.
    """

    def losses(logarithm: float) -> np.ndarray:
        return -log_softmax(scores / np.exp(logarithm), axis=1)[np.arange(len(scores)), labels]

    def mean(logarithm: float) -> float:
        return float(np.average(losses(logarithm), weights=weights))

    found = minimize_scalar(mean, bounds=TEMPERATURES, method="bounded")
    return float(np.exp(found.x)), losses(found.x)


def divide_scores(model: keras.Model, temperature: float) -> None:
    """Divide the scores of a network, in place.

    Args:
        model: One that `require_scores` takes.
        temperature: Above 0.
    """
    last = model.layers[-1]
    last.set_weights([weights / temperature for weights in last.get_weights()])


def require_scores(model: keras.Model, phase: Phase) -> None:
    """Refuse a phase with a temperature on a network whose scores cannot be divided.

    Raises:
        UsageFault: When the network does not end in a dense layer with softmax or sigmoid.
    """
    last = model.layers[-1]
    is_dense = isinstance(last, keras.layers.Dense)
    if not is_dense or keras.activations.serialize(last.activation) not in ("sigmoid", "softmax"):
        raise UsageFault(
            f"The temperature of phase {phase.name!r} divides the scores of a dense layer with softmax or sigmoid, and "
            f"the network ends in {last.name}. Leave them as they are: --set phases.{phase.name}.temperature=1."
        )
