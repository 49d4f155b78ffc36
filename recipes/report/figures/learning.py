"""Accuracy by the number of photos that were learned from, and what twice as many would give, as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from recipes.report.figures import style


def learning_figure(curve: Mapping[str, Any]) -> Figure:
    """What was measured with its 95% intervals, and the forecast with its 90% band; photos on a logarithmic axis.

    Args:
        curve: As `recipes.train.heads.learning_curve.LearningCurve.as_dict` gives it.
    """
    style.apply()
    figure, axes = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
    photos, low, middle, high = zip(*curve["law"], strict=True)
    axes.fill_between(photos, low, high, color=style.CHOSEN, alpha=0.15, lw=0, label="forecast, 90% band")
    axes.plot(photos, middle, color=style.CHOSEN, ls="--")
    points = curve["points"]
    accuracy = [point["accuracy"] for point in points]
    below = [max(0.0, point["accuracy"] - point["interval"][0]) for point in points]
    above = [max(0.0, point["interval"][1] - point["accuracy"]) for point in points]
    learned = [point["photos"] for point in points]
    axes.errorbar(
        learned, accuracy, (below, above), fmt="o-", capsize=4, color=style.VALIDATION, label="by folds, 95% interval"
    )
    axes.plot(curve["twice"], curve["accuracy"]["middle"], "o", ms=9, mfc="none", mec=style.CHOSEN, label="twice")
    style.log_ticks(axes)
    axes.set_xticks([*learned, curve["twice"]], minor=False)
    axes.set(xlabel="photos that the head learned from", ylabel="accuracy")
    axes.legend(loc="lower right")
    return figure
