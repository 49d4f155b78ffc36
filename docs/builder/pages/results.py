"""The chart of docs/*/results.md; its tables are written by `python -m recipes.results` and by the benchmarks."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from builder import figures
from builder.networks.measured import MEASURED

COLOURS = {"published": "#868e96", "tuned": figures.FILL}


def build() -> None:
    """Draw the chart of the page."""
    figures.save(chart(), "results/chart", "")


def chart() -> Figure:
    """Share of test images that are wrong, by recipe and data, with the interval over test images."""
    rows = sorted({(group["recipe"], group["dataset"]) for group in MEASURED.values()}, reverse=True)
    figure = Figure(figsize=(8.5, 0.36 * len(rows) + 0.9))
    axes = figure.add_subplot()
    named: set[str] = set()
    for group in MEASURED.values():
        place, kind = rows.index((group["recipe"], group["dataset"])), group["variant"]
        low, high = (1 - bound for bound in reversed(group["image_interval"]))
        up = place + (0.14 if kind == "published" else -0.14)
        axes.plot([max(low, 1e-3), high], [up, up], color=COLOURS[kind], alpha=0.5, linewidth=3)
        label = kind if kind not in named else None
        named.add(kind)
        axes.plot(1 - group["mean"], up, "o", color=COLOURS[kind], label=label)
        if group["published_accuracy"]:
            book = "printed in the source" if "book" not in named else None
            named.add("book")
            axes.plot(1 - group["published_accuracy"], place, "|", color="#e8590c", markersize=13, mew=2, label=book)
    axes.set_yticks(range(len(rows)), [f"{recipe}, {data}" for recipe, data in rows])
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g}%"))
    axes.xaxis.set_minor_formatter(FuncFormatter(lambda share, _: ""))
    axes.set_xlabel("test images wrong (fewer is further left)")
    axes.grid(axis="x", color="#868e96", alpha=0.3)
    axes.legend(loc="lower right", framealpha=0.2)
    axes.spines[["top", "right"]].set_visible(False)
    return figure
