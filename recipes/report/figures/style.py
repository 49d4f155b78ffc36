"""One look for every picture: colours, fonts (with Korean glyphs where the machine has them), and PNG bytes."""

from __future__ import annotations

import io

import matplotlib as mpl
import seaborn as sns
from matplotlib import font_manager
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

mpl.use("Agg")

TRAINING = "#8a94a6"
VALIDATION = "#1f6feb"
CHOSEN = "#d1242f"
HEAT = "Blues"
_KOREAN_FONTS = ("Noto Sans CJK KR", "Noto Sans KR", "NanumGothic", "Malgun Gothic", "AppleGothic")


def apply() -> None:
    """Set the look for the figures made from here on."""
    installed = set(font_manager.get_font_names())
    families = ["DejaVu Sans", *(font for font in _KOREAN_FONTS if font in installed)]
    # Class names are not formulas: a dollar sign is a dollar sign.
    look = {"font.family": families, "axes.titleweight": "bold", "text.parse_math": False}
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
    figure.savefig(out, format="png", dpi=dpi, bbox_inches="tight", facecolor="white")
    plt.close(figure)
    return out.getvalue()


def svg(figure: Figure) -> bytes:
    """The figure as SVG, for few lines and bars; the figure is closed."""
    out = io.BytesIO()
    figure.savefig(out, format="svg", bbox_inches="tight", facecolor="white", metadata={"Date": None})
    plt.close(figure)
    return out.getvalue()
