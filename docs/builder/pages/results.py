"""The charts of docs/*/results.md and boundary.md; tables are written by `python -m recipes.results` and benchmarks."""

from __future__ import annotations

import json
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from builder import figures
from builder.networks.measured import MEASURED, RESULTS

COLOURS = {"published": "#868e96", "tuned": figures.FILL}


def build() -> None:
    """Draw the charts of the pages."""
    figures.save(chart(), "results/chart", "")
    rows = json.loads((RESULTS / "bench" / "frozen_bases.json").read_text(encoding="utf-8"))["rows"]
    figures.save(views_chart(rows), "boundary/views", "")


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


def views_chart(rows: list[dict[str, Any]]) -> Figure:
    """Accuracy by folds over what passes a base, one plain view or augmented ones; beside each point its minutes.

    Args:
        rows: Of results/bench/frozen_bases.json; shown are the bases that augmented views passed.
    """
    augmented = {row["base"] for row in rows if row.get("augmented")}
    shown = [row for row in rows if row["format"] == "bfloat16" and row["base"] in augmented]
    passes = [(False, 1), (True, 1), (True, 2), (True, 4)]
    sizes = sorted({(row["base"], row["size"]) for row in shown})
    figure = Figure(figsize=(8.5, 3.4))
    axes = figure.add_subplot()
    for number, (base, size) in enumerate(sizes):
        of = [row for row in shown if (row["base"], row["size"]) == (base, size)]
        places = [passes.index((row.get("augmented", False), row["views"])) for row in of]
        at = [place + 0.17 * (number - (len(sizes) - 1) / 2) for place in places]
        axes.vlines(at, *zip(*(row["interval"] for row in of), strict=True), color=f"C{number}", alpha=0.5, linewidth=3)
        axes.plot(at, [row["accuracy"] for row in of], "o", color=f"C{number}", label=f"{base} at {size}")
        for place, row in zip(at, of, strict=True):
            axes.text(place, row["interval"][1], f"{row['minutes']:.1f}", fontsize=8, ha="center", va="bottom")
    axes.set_xticks(range(len(passes)), ["1 plain", "1 augmented", "2 augmented", "4 augmented"])
    axes.set_xlabel("views of a photo that pass the base; above each interval the minutes that takes")
    axes.set_ylabel("accuracy by folds")
    axes.margins(y=0.12)
    axes.grid(False, axis="x")
    axes.grid(axis="y", alpha=0.25)
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), framealpha=0.2, fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    return figure
