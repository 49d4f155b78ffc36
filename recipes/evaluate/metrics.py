"""What is measured on a table of predictions: a metric is one function and its entry in `METRICS`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from recipes.evaluate.predictions import Predictions
from recipes.files.csv_text import csv_text


def loss(table: Predictions) -> float:
    """Cross-entropy in nats, the mean over all images."""
    return float(table.losses.mean())


def accuracy(table: Predictions) -> float:
    """Share of images whose most probable class is the true one, 0 to 1."""
    from sklearn.metrics import accuracy_score

    return float(accuracy_score(table.truth, table.prediction))


def balanced_accuracy(table: Predictions) -> float:
    """Mean over the classes that have images of the share found of each, 0 to 1."""
    return float(np.mean([row["recall"] for row in per_class(table).values() if row["images"]]))


# Each is in metrics.json and in the report's table of scores under its name here.
METRICS: dict[str, Callable[[Predictions], float]] = {
    "loss": loss,
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
}


def scores(table: Predictions) -> dict[str, Any]:
    """The number of images, every metric, and precision, recall and F1 of each class."""
    metrics = {name: metric(table) for name, metric in METRICS.items()}
    return {"images": len(table.truth), **metrics, "per_class": per_class(table)}


def per_class(table: Predictions) -> dict[str, dict[str, float]]:
    """Precision, recall and F1, 0 to 1, and the images of each class; one without images has 0."""
    from sklearn.metrics import precision_recall_fscore_support

    classes = np.arange(len(table.class_names))
    precision, recall, f1, support = precision_recall_fscore_support(
        table.truth, table.prediction, labels=classes, zero_division=0
    )
    return {
        name: {
            "precision": float(precision[index]),
            "recall": float(recall[index]),
            "f1": float(f1[index]),
            "images": int(support[index]),
        }
        for index, name in enumerate(table.class_names)
    }


def confusion(table: Predictions) -> np.ndarray:
    """(classes, classes) counts: rows are the truth, columns the prediction."""
    from sklearn.metrics import confusion_matrix

    return confusion_matrix(table.truth, table.prediction, labels=np.arange(len(table.class_names)))


def confusion_csv(matrix: np.ndarray, class_names: tuple[str, ...]) -> str:
    """The confusion matrix as CSV, names on both sides."""
    rows = ([name, *row.tolist()] for name, row in zip(class_names, matrix, strict=True))
    return csv_text(["truth \\ prediction", *class_names], rows)
