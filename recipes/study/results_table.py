"""Results in words: a line for a group of runs, a table or a list for many, between the marks of a page."""

from __future__ import annotations

import re
import statistics
from pathlib import Path
from typing import Any

from recipes.errors import UsageFault
from recipes.files import atomic
from recipes.study import results_words as words
from zoo.text import markdown


def in_words(group: dict[str, Any]) -> str:
    """A group's figures in a line."""
    low, high = group["image_interval"]
    words = f"test accuracy {group['mean']:.4f}"
    if group["standard_deviation"] is not None:
        words += f" ± {group['standard_deviation']:.4f} over {len(group['runs'])} seeds"
    return f"{words}, {low:.4f} to {high:.4f} over test images"


def table(results: dict[str, dict[str, Any]], language: str = "en") -> str:
    """A Markdown table of results: accuracies are shares of the test images, the spread is over seeds."""
    rows = []
    notes: dict[str, int] = {}
    for group in results.values():
        accuracy = _accuracy(group)
        if "certified" not in group:
            accuracy += f" [{notes.setdefault(words.UNCERTIFIED[language], len(notes) + 1)}]"
        if base := _stood_in(group):
            accuracy += f" [{notes.setdefault(words.STOOD_IN[language].format(base), len(notes) + 1)}]"
        if group["notice"]:
            mark = notes.setdefault(words.notice(group["notice"], language), len(notes) + 1)
            accuracy += f" [{mark}]"
        seeds = ", ".join(str(run["seed"]) for run in group["runs"])
        training = words.MINUTES[language].format(_minutes(group))
        if _lacks_frozen_pass(group):
            training += f" [{notes.setdefault(words.FOUND[language], len(notes) + 1)}]"
        intervals = _interval(group, "seed_interval", language), _interval(group, "image_interval", language)
        what = group["recipe"], group["dataset"], group["variant"]
        rows.append((*what, accuracy, _printed(group, language), *intervals, seeds, training))
    shown = markdown.table(words.COLUMNS[language], rows).rstrip()
    return "\n\n".join([shown, *(f"[{mark}] {notice}" for notice, mark in notes.items())]) + "\n"


def short_table(results: dict[str, dict[str, Any]]) -> str:
    """A Markdown table of what each recipe reaches on each data set, by its source's protocol and by the tuned one."""
    variants: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for group in results.values():
        variants.setdefault((group["recipe"], group["dataset"]), {})[group["variant"]] = group
    rows = []
    for what, found in variants.items():
        reached = (_accuracy(found[variant]) if variant in found else "-" for variant in ("published", "tuned"))
        rows.append((*what, _printed(next(iter(found.values()))), *reached))
    return markdown.table(words.SHORT_COLUMNS, rows)


def folds_table(folds: dict[str, dict[str, Any]], language: str = "en") -> str:
    """A Markdown table of results by folds; empty where there are none."""
    rows = [
        (
            group["recipe"], group["dataset"], group["variant"], f"**{group['accuracy']:.4f}**",
            _interval(group, "image_interval", language), f"{group['images']['test']:,}", str(group["folds"]),
        )
        for group in folds.values()
    ]  # fmt: skip
    shown = markdown.table(words.FOLDS_COLUMNS[language], rows)
    return f"\n{words.FOLDS[language]}\n\n{shown}" if rows else ""


def measured(results: dict[str, dict[str, Any]], folds: dict[str, dict[str, Any]] | None = None) -> str:
    """What a recipe's page states between its marks: a line for each data set and variant, with result and cost."""
    lines = ["Measured: mean test accuracy ± standard deviation over seeds, and minutes of training a seed.", ""]
    for group in results.values():
        spread, number = group["standard_deviation"], len(group["runs"])
        accuracy = f"{group['mean']:.4f}" + (f" ± {spread:.4f}" if spread is not None else "")
        cost = f"{_minutes(group):.1f} minutes on {group['hardware']['cores']} cores"
        if _lacks_frozen_pass(group):
            cost += ", some without the frozen pass"
        kind = "certified" if "certified" in group else "not certified"
        if base := _stood_in(group):
            kind += f",\n  on {base}"
        lines.append(
            f"- {group['dataset']}, {group['variant']}: {accuracy} ({number} seed{'s' * (number > 1)}), {cost}; {kind}"
        )
    lines += [
        f"- {group['dataset']}, {group['variant']}: {group['accuracy']:.4f} by {group['folds']} folds of "
        f"{group['images']['test']:,} images; certified"
        for group in (folds or {}).values()
    ]
    return "\n".join(lines) + "\n"


def _minutes(group: dict[str, Any]) -> float:
    """Minutes of training, on average over the seeds."""
    return statistics.mean(run["seconds"]["train"] for run in group["runs"]) / 60


def _stood_in(group: dict[str, Any]) -> str:
    """The base that stood in for the recipe's own, if one did."""
    stand_in = group["settings"].get("stand_in", "")
    return stand_in if stand_in == group["settings"].get("model", {}).get("backbone") else ""


def _accuracy(group: dict[str, Any]) -> str:
    """The mean over seeds, and the spread where there is one."""
    spread = group["standard_deviation"]
    return f"**{group['mean']:.4f}**" + (f" ± {spread:.4f}" if spread is not None else "")


def _printed(group: dict[str, Any], language: str = "en") -> str:
    """What the recipe's source prints."""
    return f"{group['published_accuracy']:.4f}" if group["published_accuracy"] else words.NONE_PRINTED[language]


def _interval(group: dict[str, Any], name: str, language: str) -> str:
    interval = group.get(name)
    return words.INTERVAL[language].format(*interval) if interval else "-"


def _lacks_frozen_pass(group: dict[str, Any]) -> bool:
    """Whether the times of a group lack what computing the activations took, in some of its runs."""
    return any(_found_activations(run, group["images"]) for run in group["runs"])


def _found_activations(run: dict[str, Any], images: dict[str, int]) -> bool:
    """Whether a run found some of its activations on disk, so that its time lacks their computation."""
    passes = list(run.get("boundary", {}).values())
    return bool(passes) and passes[0]["images_passed"] < passes[0]["views"] * images["train"] + images["validation"]


def put_in_docs(docs: Path, page: str, name: str, text: str) -> None:
    """Put a table between the marks of a page in every language.

    Raises:
        UsageFault: When a language lacks the page, or the page its marks.
        DiskFault: When one cannot be written.
    """
    for language in words.LANGUAGES:
        put_between_marks(docs / language / page, name, text)


def put_between_marks(page: Path, name: str, text: str) -> None:
    """Replace what stands between `<!-- name -->` and `<!-- /name -->` on a page.

    Raises:
        UsageFault: When there is no such page, or it has no such marks.
        DiskFault: When it cannot be written.
    """
    try:
        before = page.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise UsageFault(f"The page {page} cannot be read: {error}.") from error
    marks = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    if not marks.search(before):
        raise UsageFault(f"The page {page} has no marks <!-- {name} --> and <!-- /{name} --> to write between.")
    atomic.write(page, marks.sub(lambda found: found[1] + text + found[2], before))
