"""Lessons: percent scripts of docs/learn/, run once; each gives a page, a notebook and a script in both languages."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import jupytext
import keras
import matplotlib.pyplot as plt
from nbformat import NotebookNode

from builder import figures
from builder.files import DOCS, LANGUAGES, folded, title, toml, words, write

ORDER = (
    "dense_to_convolution", "convolution", "stride_and_padding", "relu", "pooling", "counting_parameters", "filters",
    "hierarchy", "overfitting_and_dropout", "augmentation", "feature_extraction", "fine_tuning", "features",
)  # fmt: skip

# A figure as `run` shows it, for either language to be described.
NUMBERED = re.compile(r"!\[(\d+)\](?=\()")


def slugs() -> list[str]:
    """Names of the lessons that are there, in the order they are taught."""
    return [slug for slug in ORDER if source(slug).exists()]


def source(slug: str) -> Path:
    """The script of a lesson."""
    return DOCS / "learn" / f"{slug}.py"


def build(slug: str) -> None:
    """Run a lesson and write what follows from it for both languages.

    Raises:
        RuntimeError: Where a step of the lesson fails; it names the lesson.
    """
    lesson = jupytext.read(source(slug))
    shown = run(slug, lesson.cells)
    for language in LANGUAGES:
        said = words(language)
        own = [cell for cell in lesson.cells if cell.metadata.get("lang", language) == language]
        links = f"[.py]({slug}.{language}.py), [.ipynb]({slug}.{language}.ipynb)"
        parts = [_page(cell, shown.get(id(cell), ""), said) for cell in own]
        parts = [_front_matter(slug, language), *parts, said["download"].format(links=links)]
        write(f"learn/{slug}.md", "\n\n".join(parts) + "\n", (language,))
        alone = NotebookNode({**lesson, "cells": own})
        write(f"learn/{slug}.{language}.ipynb", jupytext.writes(alone, fmt="ipynb"), (language,))
        write(f"learn/{slug}.{language}.py", jupytext.writes(alone, fmt="py:percent"), (language,))


def run(slug: str, cells: list[NotebookNode]) -> dict[int, str]:
    """Run the code of a lesson from top to bottom; what each cell printed and drew, as Markdown, by the cell's id()."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(0)
    plt.close("all")
    names: dict[str, Any] = {"__name__": "lesson", "__file__": str(source(slug))}
    shown: dict[int, str] = {}
    number = 0
    for cell in cells:
        if cell.cell_type != "code":
            continue
        printed = io.StringIO()
        try:
            with contextlib.redirect_stdout(printed), contextlib.chdir(DOCS.parent):
                exec(compile(cell.source, f"docs/learn/{slug}.py", "exec"), names)  # noqa: S102
        except Exception as fault:
            raise RuntimeError(f"The lesson {slug} stops at:\n{cell.source}") from fault
        parts = [f"```text\n{printed.getvalue().rstrip()}\n```"] if printed.getvalue().strip() else []
        for figure in map(plt.figure, plt.get_fignums()):
            number += 1
            parts.append(figures.save(figure, f"learn/{slug}-{number}", str(number)))
        plt.close("all")
        shown[id(cell)] = "\n\n".join(parts)
    return shown


def _page(cell: NotebookNode, output: str, said: dict[str, str]) -> str:
    """A cell as Markdown."""
    if cell.cell_type != "code":
        return str(cell.source)
    output = NUMBERED.sub(lambda found: f"![{said['figure'].format(number=found[1])}]", output)
    code = f"```python\n{cell.source}\n```"
    if "hide-input" in cell.metadata.get("tags", []):
        return f"{output}\n\n{folded(said['figure_code'], code)}"
    return f"{code}\n\n{output}"


def _front_matter(slug: str, language: str) -> str:
    """What makes a search find a lesson first: every spelling of the terms it teaches, from the glossary."""
    taught = [term for term in toml("glossary.toml")["term"] if term["lesson"] == slug]
    english = [name for term in taught for name in term["en"].split(", ")]
    korean = [name for term in taught for name in term["ko"]] if language == "ko" else []
    tags = "\n".join(f'  - "{name}"' for name in (*korean, *english))
    return f"---\nsearch:\n  boost: 2\ntags:\n{tags}\n---"


def index(language: str) -> str:
    """The page that leads to the lessons."""
    said = words(language)
    titles = [(DOCS / language / "learn" / f"{slug}.md") for slug in slugs()]
    lines = [f"{number}. [{title(page)}]({page.name})" for number, page in enumerate(titles, 1)]
    return "\n".join([f"# {said['lessons']}", "", said["learn_says"], "", *lines]) + "\n"
