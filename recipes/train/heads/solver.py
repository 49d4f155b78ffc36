"""Solve for the last layer of a network: a logistic regression or a discriminant analysis on what is below it.

Both are linear, so that what scikit-learn finds is written into the dense layer: the network stays a plain one.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from threadpoolctl import threadpool_limits

from recipes.errors import UsageFault
from recipes.freeze.layers import frontier, split_at
from recipes.recipe import Phase

if TYPE_CHECKING:
    from sklearn.base import ClassifierMixin
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

MOST_ITERATIONS = 1000
# Of the median standard deviation: a feature that hardly moves on the photos that train may move a hundred times as
# much on another photo, and would outvote all others there.
LEAST_DEVIATION = 0.1


def parts(model: keras.Model, phase: Phase) -> tuple[keras.Model, keras.Model]:
    """A network cut below the layer that a phase solves for.

    Args:
        model: A flat network, with the phase's layers thawed.
        phase: One with a solver for an optimizer.

    Returns:
        From images to (batch, features), and from there to probabilities; only the last layer of that has weights.

    Raises:
        UsageFault: When more would train than one dense layer with a bias, on a vector for each image.
    """
    border = frontier(model)
    prefix, suffix = split_at(model, border) if border else (model, model)
    weighted, layer = [found.name for found in suffix.layers if found.weights], suffix.layers[-1]
    if weighted != [layer.name] or not isinstance(layer, keras.layers.Dense) or len(suffix.input_shape) != 2:
        named = ", ".join(weighted[-3:]) + (f" and {len(weighted) - 3} others" if len(weighted) > 3 else "")
        raise UsageFault(
            f"Phase {phase.name!r} solves for the last layer ({phase.optimizer}), and here {named} would train, on "
            f"activations of shape {suffix.input_shape[1:]}. Let one dense layer train on averages (--set "
            f"model.hidden=0), or choose another optimizer: --set phases.{phase.name}.optimizer=adamw."
        )
    if not layer.use_bias or keras.activations.serialize(layer.activation) not in ("sigmoid", "softmax"):
        raise UsageFault(
            f"Phase {phase.name!r} solves for {layer.name}, which must have a bias and give probabilities."
        )
    return prefix, suffix


def solve(
    optimizer: str,
    weight_decay: float,
    temperature: float,
    features: np.ndarray,
    labels: np.ndarray,
    *,
    classes: int,
    balanced: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """The kernel and bias of a dense layer that tells classes apart.

    Args:
        optimizer: `"logistic_regression"` or `"lda"`.
        weight_decay: Of a logistic regression; see `classifier`.
        temperature: The scores are divided by it.
        features: (images, features), as they reach the layer.
        labels: (images,), class indices.
        classes: How many there are; two are told apart by one unit. A class without an image is never the answer.
        balanced: Whether each class counts the same, however many images it has.

    Returns:
        float32 (features, classes) and (classes,), or (features, 1) and (1,).
    """
    known, truth = np.unique(labels, return_inverse=True)
    head = classifier(optimizer, weight_decay, classes=len(known), balanced=balanced)
    # They may be on disk in half precision, which a small standard deviation underflows.
    features = np.asarray(features, "float64")
    with threadpool_limits(1):  # Several threads mostly wait, for one another or for other programs.
        scale = scaler(features)
        fitted(head, scale.transform(features), truth)

    def scores(rows: np.ndarray) -> np.ndarray:
        return np.asarray(head.decision_function(scale.transform(rows))).reshape(len(rows), -1) / temperature

    # What is linear is known by what it makes of zero and of one feature after the other.
    bias = scores(np.zeros((1, features.shape[1])))
    kernel = scores(np.eye(features.shape[1])) - bias
    if classes > 2 and len(known) == 2:  # One score tells two apart: half of it for one, half against the other.
        kernel, bias = kernel * [-0.5, 0.5], bias * [-0.5, 0.5]
    if len(known) < classes and classes > 2:
        wide, low = np.zeros((len(kernel), classes)), np.full((1, classes), bias.min() - 30.0)
        wide[:, known], low[:, known] = kernel, bias
        kernel, bias = wide, low
    return kernel.astype("float32"), bias[0].astype("float32")


def standard(features: np.ndarray) -> StandardScaler:
    """What brings features to mean 0 and standard deviation 1, and those that hardly move to less.

    Args:
        features: (images, features), of any range.

    Returns:
        A fitted scaler that divides by the standard deviation, or by `LEAST_DEVIATION` of the median one of the
        features that move, whichever is more.
    """
    from sklearn.preprocessing import StandardScaler

    found = StandardScaler().fit(np.asarray(features, "float64"))
    deviations = np.sqrt(found.var_)
    if deviations.any():
        found.scale_ = np.maximum(found.scale_, LEAST_DEVIATION * np.median(deviations[deviations > 0]))
    return found


def scaler(features: np.ndarray) -> Pipeline:
    """What brings (images, features) to what a head is solved on: `standard`, as a fitted pipeline.

    Where there are fewer images than features, they are also turned to as many axes as the images span, which loses
    nothing and spares most of the work.
    """
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline

    features = np.asarray(features, "float64")
    images, size = features.shape
    steps: list[Any] = [standard(features)]
    if images <= size:
        steps.append(PCA(n_components=images - 1, svd_solver="full").fit(steps[0].transform(features)))
    return make_pipeline(*steps)


def fitted(head: ClassifierMixin, features: np.ndarray, labels: np.ndarray) -> ClassifierMixin:
    """A classifier, fitted. That a class has a single photo is said once, of the photos, and not at every fit."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Only one sample available", UserWarning)
        return head.fit(features, labels)


def classifier(optimizer: str, weight_decay: float, *, classes: int, balanced: bool) -> ClassifierMixin:
    """The classifier of scikit-learn for a solver.

    Args:
        optimizer: `"logistic_regression"`, or `"lda"`, linear discriminant analysis with the shrinkage of Ledoit and
            Wolf.
        weight_decay: 1/C of the logistic regression: half the squared kernel, times this, is added to the sum of the
            images' losses.
        classes: How many are told apart.
        balanced: Whether each class counts the same, however many images it has.
    """
    from sklearn.covariance import LedoitWolf
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.linear_model import LogisticRegression

    if optimizer == "lda":
        priors = np.full(classes, 1 / classes) if balanced else None
        return LinearDiscriminantAnalysis(solver="lsqr", covariance_estimator=LedoitWolf(), priors=priors)
    weights = "balanced" if balanced else None
    return LogisticRegression(C=1 / weight_decay, class_weight=weights, max_iter=MOST_ITERATIONS)
