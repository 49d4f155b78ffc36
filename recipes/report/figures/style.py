"""One look for every picture: colours, fonts, and PNG bytes."""

from __future__ import annotations

import io

import matplotlib as mpl
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from recipes.report.figures import letters

mpl.use("Agg")

TRAINING = "#8a94a6"
VALIDATION = "#1f6feb"
CHOSEN = "#d1242f"
HEAT = "Blues"


def apply() -> None:
    """Set the look for the figures made from here on."""
    # Class names are not formulas: a dollar sign is a dollar sign.
    look = {"font.family": [letters.USUAL], "axes.titleweight": "bold", "text.parse_math": False}
    sns.set_theme(style="whitegrid", context="notebook", rc=look)


def log_ticks(axes: Axes, subs: tuple[int, ...] = (1,)) -> None:
    """Give the horizontal axis a logarithmic scale with plain numbers."""
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=subs))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def png(figure: Figure, *, dpi: int = 130) -> bytes:
    """The figure as PNG; the figure is closed."""
    out = io.BytesIO()
    letters.fit(figure)
    figure.savefig(out, format="png", dpi=dpi, bbox_inches="tight", facecolor="white")
    plt.close(figure)
    return out.getvalue()


def svg(figure: Figure) -> bytes:
    """The figure as SVG, for few lines and bars; the figure is closed."""
    out = io.BytesIO()
    letters.fit(figure)
    figure.savefig(out, format="svg", bbox_inches="tight", facecolor="white", metadata={"Date": None})
    plt.close(figure)
    return out.getvalue()
