"""What the run's head would say of its training photos, had it not been solved on them: by folds, tempered as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit, softmax

from recipes.recipe import Augment, Phase
from recipes.train.heads import solver

if TYPE_CHECKING:
    from recipes.data import Splits
    from recipes.recipe import Recipe
    from recipes.train.engine import Outcome

FOLDS = 5


def of_run(recipe: Recipe, outcome: Outcome, splits: Splits, groups: np.ndarray) -> np.ndarray | None:
    """Probabilities of a run's training photos; `None` where its last phase takes steps, or a class has one photo.

    Args:
        recipe: The run's.
        outcome: Of its training.
        splits: The images.
        groups: (training images,), equal for those that look alike.
    """
    head, kept = recipe.phases[-1], outcome.solved
    labels = splits.train.labels
    fewest = min(len(np.unique(groups[labels == label])) for label in np.unique(labels))
    if not head.is_solved or kept is None or recipe.augment != Augment() or fewest < 2:
        return None
    return probabilities(
        kept.train[0][:], labels, groups,
        head=head, classes=len(splits.class_names), balanced=recipe.class_weights is not None,
        folds=min(FOLDS, fewest),
    )  # fmt: skip


def probabilities(
    features: np.ndarray,
    labels: np.ndarray,
    groups: np.ndarray,
    *,
    head: Phase,
    classes: int,
    balanced: bool,
    folds: int,
) -> np.ndarray:
    """(photos, classes), what a head says of each photo that was solved on the other folds.

    Args:
        features: (photos, features), as they reach the last layer.
        labels: (photos,), class indices.
        groups: (photos,), equal for photos that look alike: they share a fold.
        head: Gives solver, weight decay and temperature.
        classes: How many there are.
        balanced: Whether each class counts the same.
        folds: Two or more.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    found = np.zeros((len(labels), classes))
    divided = StratifiedGroupKFold(folds, shuffle=True, random_state=0).split(labels, labels, groups)
    for here, rest in divided:
        kernel, bias = solver.solve(
            head.optimizer, head.weight_decay, head.temperature, features[here], labels[here],
            classes=classes, balanced=balanced,
        )  # fmt: skip
        scores = np.asarray(features[rest], "float64") @ kernel + bias
        found[rest] = softmax(scores, axis=1) if classes > 2 else np.hstack([1 - expit(scores), expit(scores)])
    return found
