"""What was measured of a recipe, on its page: the table, learning curves, a confusion matrix, and a report to open."""

from __future__ import annotations

import functools
from pathlib import Path

import pandas as pd
from sklearn.metrics import confusion_matrix

from builder import figures
from builder.files import DOCS, ROOT, words
from recipes.report.figures.confusion import confusion_figure
from recipes.report.figures.curves import curves_figure
from recipes.study import results_files, results_table

RESULTS = ROOT / "results"
MEASURED = results_files.load(RESULTS)
BY_FOLDS = results_files.load(RESULTS / "folds")


def section(name: str, language: str) -> list[str]:
    """The table of results; curves and a confusion matrix where the certified epochs and answers are kept."""
    said, groups = words(language), results_files.of_recipe(MEASURED, name)
    parts = [f"## {said['measured']}"]
    if groups:
        folds = results_files.of_recipe(BY_FOLDS, name)
        parts += [results_table.table(groups, language), results_table.folds_table(folds, language)]
    else:
        parts += [said["not_measured"], ""]
    if (DOCS / "reports" / f"{name}.html").exists():
        parts += [said["report"].format(link=f"../reports/{name}.html"), ""]
    for key, group in groups.items():
        if (epochs := RESULTS / "histories" / f"{key}.csv").exists() and (path := _curves(epochs)):
            says = said["curves"].format(variant=group["variant"], seed=group["runs"][0]["seed"])
            parts += [figures.image(path, says), "", says, ""]
    for answers in sorted((RESULTS / "answers").glob(f"{name}-*-tuned.csv")):
        parts += [figures.image(_matrix(answers), said["matrix"]), "", said["matrix"], ""]
    return parts


@functools.cache
def _curves(epochs: Path) -> str:
    """Draw the learning curves of the first seed; where, or nothing where there is no curve."""
    table, run = pd.read_csv(epochs), MEASURED[epochs.stem]["runs"][0]
    rows = table[table["seed"] == run["seed"]].to_dict("records")
    path = f"networks/{epochs.stem}-curves"
    if len(rows) < 2:  # A head that was solved for has none.
        return ""
    figure = curves_figure(rows, run["kept_epoch"], "")
    for axes in figure.axes:
        axes.grid(color="#868e96", alpha=0.3)
    figures.save(figure, path)
    return path


@functools.cache
def _matrix(answers: Path) -> str:
    """Draw the confusion matrix of all seeds; where."""
    table = pd.read_csv(answers)
    columns = [column for column in table.columns if column.startswith("probability ")]
    classes = [column.removeprefix("probability ") for column in columns]
    said = table[columns].idxmax(axis=1).str.removeprefix("probability ")
    path = f"networks/{answers.stem}"
    figures.save(confusion_figure(confusion_matrix(table["truth"], said, labels=classes), classes, ""), path)
    return path
