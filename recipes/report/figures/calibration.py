"""Whether probabilities mean what they say, and what a threshold does: as numbers and as pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from recipes.evaluate.predictions import Predictions
from recipes.report.figures import style

BINS = 10


@dataclass(frozen=True)
class Reliability:
    """Answers sorted into bins by the probability they were given.

    Attributes:
        edges: (bins + 1,), from 0 to 1.
        images: (bins,), answers in each.
        confidence: (bins,), mean probability of the answers in each; not a number where there is none.
        accuracy: (bins,), share of them that is right; not a number where there is none.
    """

    edges: np.ndarray
    images: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray

    @property
    def error(self) -> float:
        """Expected calibration error: how far probability and accuracy are apart, over all answers; 0 is best.

        Guo et al., "On calibration of modern neural networks" (arXiv:1706.04599), equation 3.
        """
        filled = self.images > 0
        gaps = np.abs(self.accuracy[filled] - self.confidence[filled])
        return float((gaps * self.images[filled]).sum() / self.images.sum())


def reliability(table: Predictions, bins: int = BINS) -> Reliability:
    """Compare the probability of each answer with how often such answers are right."""
    sure, right = table.probabilities.max(axis=1), table.prediction == table.truth
    edges = np.linspace(0, 1, bins + 1)
    where = np.clip(np.digitize(sure, edges[1:-1], right=True), 0, bins - 1)
    images = np.bincount(where, minlength=bins)
    with np.errstate(invalid="ignore"):
        confidence = np.bincount(where, sure, bins) / images
        accuracy = np.bincount(where, right, bins) / images
    return Reliability(edges, images, confidence, accuracy)


def reliability_figure(found: Reliability) -> Figure:
    """Accuracy against probability, beside the diagonal of a perfect match, and how many answers each bar has."""
    style.apply()
    figure, (above, below) = plt.subplots(
        2, 1, figsize=(5.6, 5.4), sharex=True, height_ratios=(3, 1), layout="constrained"
    )
    width = found.edges[1] - found.edges[0]
    above.bar(found.edges[:-1], np.nan_to_num(found.accuracy), width, align="edge", color=style.VALIDATION, ec="white")
    above.plot([0, 1], [0, 1], ls="--", color=style.TRAINING, label="as it should be")
    above.set(ylabel="share that is right", ylim=(0, 1), title=f"calibration error {found.error:.4f}")
    above.legend(loc="upper left")
    below.bar(found.edges[:-1], found.images, width, align="edge", color=style.TRAINING, ec="white")
    below.set(xlabel="probability of the answer", ylabel="images", xlim=(0, 1))
    return figure


def threshold_figure(table: Predictions, said_from: float = 0.5) -> Figure:
    """For two classes: precision, recall and F1 of the second one by the probability from which it is said.

    Args:
        table: Predictions of two classes.
        said_from: The probability from which it is said.
    """
    from sklearn.metrics import precision_recall_curve

    style.apply()
    precision, recall, thresholds = precision_recall_curve(table.truth == 1, table.probabilities[:, 1])
    precision, recall = precision[:-1], recall[:-1]
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    figure, axes = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
    for values, name, colour in (
        (precision, "precision", style.VALIDATION),
        (recall, "recall", style.CHOSEN),
        (f1, "F1", style.TRAINING),
    ):
        axes.plot(thresholds, values, color=colour, label=name, drawstyle="steps-pre")
    axes.axvline(said_from, color="#57606a", ls=":", label=f"as it is: {said_from:.4g}")
    name = table.class_names[1]
    axes.set(xlabel=f"probability from which it says {name}", ylabel=f"of {name}", xlim=(0, 1), ylim=(0, 1.02))
    axes.legend(loc="lower center")
    return figure
