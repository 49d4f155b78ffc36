"""The loss against a rising learning rate, as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from recipes.recipe import Phase
from recipes.report.figures import style

if TYPE_CHECKING:
    from recipes.train.lr_range import Sweep


def rates_figure(swept: Sweep, phase: Phase, title: str) -> Figure:
    """The smoothed loss by learning rate; the suggestion and the recipe's own rate are marked."""
    style.apply()
    figure, axes = plt.subplots(figsize=(7.5, 4.2), layout="constrained")
    axes.plot(swept.rates, swept.losses, color=style.VALIDATION)
    style.log_ticks(axes)
    if swept.suggestion is not None:
        axes.axvline(swept.suggestion, color=style.CHOSEN, label=f"suggested: {swept.suggestion:.2g}")
    axes.axvline(phase.learning_rate, color=style.TRAINING, ls="--", label=f"the recipe: {phase.learning_rate:g}")
    axes.set(xlabel="learning rate", ylabel="training loss, smoothed", title=title)
    axes.legend()
    return figure
