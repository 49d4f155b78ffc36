"""Images that are wrong in every run: found in the answers that certifications keep, and shown on a page."""

from __future__ import annotations

import csv
import logging
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recipes import data
from recipes.console.screen import RESULT
from recipes.errors import CorruptFault, EnvironmentFault, UsageFault
from recipes.files import atomic
from recipes.report.wrong_page import Answer, wrong_page

log = logging.getLogger("recipes")


@dataclass(frozen=True)
class Result:
    """A certified result with every answer.

    Attributes:
        recipe: Its recipe.
        dataset: Its data set.
        variant: `"tuned"` or `"published"`.
        by: `"seed"` or `"fold"`.
        answers: Of all its runs.
    """

    recipe: str
    dataset: str
    variant: str
    by: str
    answers: Sequence[Answer]


def read(results: Path) -> list[Result]:
    """All results of a folder whose answers were kept: by seeds in `answers`, by folds in `folds`.

    Raises:
        CorruptFault: When a file is damaged, or its figures are missing.
    """
    by_seed = [(results / f"{table.stem}.json", table) for table in sorted((results / "answers").glob("*.csv"))]
    by_fold = [(table.with_suffix(".json"), table) for table in sorted((results / "folds").glob("*.csv"))]
    return [_result(figures, table) for figures, table in by_seed + by_fold]


def always_wrong(answers: Iterable[Answer], *, runs: int = 1) -> dict[str, list[Answer]]:
    """Images that no run has right, those that most runs tested first, then those that they were surest of.

    Args:
        answers: Of any runs.
        runs: How many must have tested an image.
    """
    by_image: dict[str, list[Answer]] = {}
    for answer in answers:
        by_image.setdefault(answer.image, []).append(answer)
    wrong = {
        image: given
        for image, given in by_image.items()
        if len(given) >= runs and all(answer.guess != answer.truth for answer in given)
    }
    return dict(sorted(wrong.items(), key=lambda item: (-len(item[1]), -_surety(item[1]), item[0])))


def write(results: Path, of: Sequence[str], page: Path, data_dir: str | os.PathLike | None = None) -> None:
    """Write a page of the images that are wrong in every run, with their pictures where the data set is there.

    Args:
        results: A folder of result files.
        of: Which of them: recipes, data sets or variants, all of which a result must be.
        page: The HTML file to write.
        data_dir: TFDS's data folder, as in `recipes.data.find`.

    Raises:
        UsageFault: When no answers were kept, or those of several data sets.
        CorruptFault: When a file is damaged.
        DiskFault: When the page cannot be written.
    """
    chosen = [result for result in read(results) if set(of) <= {result.recipe, result.dataset, result.variant}]
    datasets = sorted({result.dataset for result in chosen})
    if not chosen:
        raise UsageFault(f"No answers of {' '.join(of) or 'any recipe'} are kept in {results}: certify it.")
    if len(datasets) > 1:
        raise UsageFault(f"Which data set? Say --of {', or --of '.join(datasets)}.")
    wrong = always_wrong((answer for result in chosen for answer in result.answers), runs=2)
    tested = {answer.image for result in chosen for answer in result.answers}
    with atomic.disk_faults(page):
        page.parent.mkdir(parents=True, exist_ok=True)
    atomic.write(page, wrong_page(datasets[0], _table(chosen), wrong, _pictures(datasets[0], wrong, data_dir)))
    log.log(
        RESULT, "%s: wrong in every run of %s, two runs or more: %s of %s images",
        page, " ".join(of) or datasets[0], f"{len(wrong):,}", f"{len(tested):,}",
    )  # fmt: skip


def _result(figures: Path, table: Path) -> Result:
    stored = atomic.read_json(figures)
    try:
        recipe, dataset, variant = stored["recipe"], stored["dataset"], stored["variant"]
        with table.open(encoding="utf-8", newline="") as file:
            rows = csv.reader(file)
            by, _, _, *columns = next(rows)
            classes = [column.removeprefix("probability ") for column in columns]
            answers = []
            for number, image, truth, *cells in rows:
                probability, guess = max(zip(map(float, cells), classes, strict=True), key=lambda given: given[0])
                answers.append(Answer(f"{recipe}, {variant}, {by} {number}", image, truth, guess, probability))
    except (OSError, KeyError, ValueError, TypeError, StopIteration, csv.Error) as error:
        raise CorruptFault(f"{table} or {figures} is damaged: {error}.") from error
    return Result(recipe, dataset, variant, by, answers)


def _surety(given: Sequence[Answer]) -> float:
    return sum(answer.probability for answer in given) / len(given)


def _table(results: Sequence[Result]) -> list[dict[str, Any]]:
    """A row for each result: its runs, its images, and how many of them it never has right."""
    return [
        {
            "recipe": result.recipe,
            "variant": result.variant,
            "runs": f"{len({answer.run for answer in result.answers})} by {result.by}",
            "images": len({answer.image for answer in result.answers}),
            "wrong": len(always_wrong(result.answers)),
        }
        for result in results
    ]


def _pictures(dataset: str, names: Iterable[str], data_dir: str | os.PathLike | None) -> dict[str, bytes]:
    """The images as they are stored; none where the data set is not on this machine."""
    try:
        origin = data.find(dataset, "full", data_dir)
    except EnvironmentFault:
        return {}
    return data.stored(origin, names) if origin.kind == "tfds" else {}
