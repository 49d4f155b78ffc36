"""How training went, epoch by epoch, as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from recipes.report.figures import style


def curves_figure(history: Sequence[Mapping[str, Any]], kept: Mapping[str, int], title: str) -> Figure:
    """Loss and accuracy side by side, for training and validation; phases divided, each kept epoch marked.

    Args:
        history: A row per epoch with phase, epoch, loss, accuracy, val_loss and val_accuracy.
        kept: For each phase the epoch, counted from 1, whose weights were kept.
        title: Written above; may be empty.
    """
    style.apply()
    figure, panels = plt.subplots(1, 2, figsize=(11, 4.2))
    epochs = range(1, len(history) + 1)
    starts = [index for index, row in zip(epochs, history, strict=True) if row["epoch"] == 1]
    for axes, name in zip(panels, ("loss", "accuracy"), strict=True):
        axes.plot(epochs, [row[name] for row in history], marker="o", ms=3.5, color=style.TRAINING, label="training")
        validation = [row[f"val_{name}"] for row in history]
        axes.plot(epochs, validation, marker="o", ms=3.5, color=style.VALIDATION, label="validation")
        marked = [index for index, row in zip(epochs, history, strict=True) if kept.get(row["phase"]) == row["epoch"]]
        axes.plot(
            marked, [validation[index - 1] for index in marked], "o", ms=9, mfc="none", mec=style.CHOSEN, label="kept"
        )
        for start in starts[1:]:
            axes.axvline(start - 0.5, color="#57606a", lw=1, ls="--")
        if len(starts) > 1:
            for start in starts:
                phase = history[start - 1]["phase"]
                axes.text(start - 0.4, 1.01, phase, transform=axes.get_xaxis_transform(), fontsize=9)
        axes.set(xlabel="epoch", ylabel=name)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend()
    if title:
        figure.suptitle(title, fontweight="bold")
    figure.tight_layout()
    return figure
