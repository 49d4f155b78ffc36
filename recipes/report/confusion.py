"""The confusion matrix as a picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from recipes.report import style


def confusion_figure(matrix: np.ndarray, class_names: Sequence[str], title: str) -> Figure:
    """Counts and row percentages, class names in full; darker is a larger share of the true class.

    Args:
        matrix: (classes, classes) counts: rows are the truth, columns the prediction.
        class_names: In the order of the rows.
        title: Written above.
    """
    style.apply()
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
