"""The confusion matrix as a picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from recipes.report.figures import style

# With more classes the cells of a matrix cannot be read.
MOST_CLASSES = 40
MOST_PAIRS = 50


def confusion_figure(matrix: np.ndarray, class_names: Sequence[str], title: str) -> Figure:
    """Counts and row percentages, class names in full; darker is a larger share of the true class.

    Of more than 40 classes, the 50 pairs that are confused most.

    Args:
        matrix: (classes, classes) counts: rows are the truth, columns the prediction.
        class_names: In the order of the rows.
        title: Written above.
    """
    style.apply()
    if len(class_names) > MOST_CLASSES:
        return _pairs(matrix, class_names, title)
    totals = matrix.sum(axis=1, keepdims=True)
    percent = 100 * matrix / np.maximum(totals, 1)
    words = [
        [f"{count:,}\n{share:.1f}%" if count else "" for count, share in zip(counts, shares, strict=True)]
        for counts, shares in zip(matrix, percent, strict=True)
    ]
    side = max(5.0, 0.95 * len(class_names))
    figure, axes = plt.subplots(figsize=(side + 2.6, side + 0.6))
    sns.heatmap(
        percent,
        annot=np.array(words),
        fmt="",
        cmap=style.HEAT,
        vmin=0,
        vmax=100,
        square=True,
        linewidths=0.5,
        annot_kws={"fontsize": 9},
        cbar_kws={"label": "share of the true class, %", "shrink": 0.8},
        xticklabels=list(class_names),
        yticklabels=list(class_names),
        ax=axes,
    )
    axes.set(xlabel="predicted", ylabel="true")
    axes.set_title(title, pad=14)
    axes.tick_params(axis="x", labelrotation=45 if max(map(len, class_names)) > 2 else 0)
    axes.tick_params(axis="y", labelrotation=0)
    for label in axes.get_xticklabels():
        if label.get_rotation():
            label.set(horizontalalignment="right", rotation_mode="anchor")
    return figure


def confused_pairs(matrix: np.ndarray, class_names: Sequence[str]) -> list[tuple[str, str, int]]:
    """(truth, prediction, images) of the 50 pairs that are confused most, the worst first."""
    wrong = matrix - np.diag(np.diag(matrix))
    worst = np.argsort(-wrong, axis=None, kind="stable")[:MOST_PAIRS]
    rows, columns = np.unravel_index(worst, matrix.shape)
    pairs = zip(rows, columns, strict=True)
    return [
        (class_names[row], class_names[column], int(wrong[row, column])) for row, column in pairs if wrong[row, column]
    ]


def _pairs(matrix: np.ndarray, class_names: Sequence[str], title: str) -> Figure:
    pairs = confused_pairs(matrix, class_names)
    figure, axes = plt.subplots(figsize=(9, 1.5 + 0.28 * max(len(pairs), 1)))
    words = [f"{_short(truth)} taken for {_short(guess)}" for truth, guess, _ in pairs]
    axes.barh(range(len(pairs)), [number for _, _, number in pairs], color=style.VALIDATION)
    axes.set_yticks(range(len(pairs)), words, fontsize=9)
    axes.invert_yaxis()
    axes.set(xlabel="test images", title=f"{title}\nthe pairs of {len(class_names):,} classes confused most")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def _short(name: str) -> str:
    return name if len(name) <= 30 else name[:29] + "…"
