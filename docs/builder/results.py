"""The page of results: a chart first, then every row, then how far to trust them."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from builder import figures
from builder.files import LANGUAGES, ROOT, words, write
from builder.networks import BY_FOLDS, MEASURED
from recipes.study import results_table

COLOURS = {"published": "#868e96", "tuned": figures.FILL}


def build() -> None:
    """Write the page for both languages."""
    for language in LANGUAGES:
        said = words(language)
        shown = figures.save(chart(), "results/chart", said["chart"], (language,))
        parts = ["---\nhide:\n  - toc\n---", f"# {said['results']}", said["results_say"], shown, said["chart"]]
        parts += [results_table.table(MEASURED) + results_table.folds_table(BY_FOLDS)]
        parts += [f"## {said['trust']}", _between("trust")] if language == "en" else []
        parts += [f"## {said['worth']}", _between("worth")] if language == "en" else []
        parts += [f"## {said['dials']}", said["dials_say"], _between("lenet5 dials", "docs/en/lenet5-dials.md")]
        parts += [f"## {said['speed']}", _between("speed"), f"## {said['caching']}", _between("boundary")]
        parts += [said["trust_in_english"]] if language == "ko" else []
        write("results/index.md", "\n\n".join(parts) + "\n", (language,))


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
    axes.grid(axis="x", alpha=0.25)
    axes.legend(loc="lower right", framealpha=0.2)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def _between(name: str, page: str = "README.md") -> str:
    """What stands between the marks of that name on a page."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return text.partition(f"<!-- {name} -->")[2].partition("<!--")[0].strip()
