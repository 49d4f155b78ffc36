"""Measured results as files: run folders in, `results/<recipe>-<data>-<variant>.json` out.

Only full runs of unchanged recipes count: no sample, no photos of one's own, no smoke run, no override but the data
set.
"""

from __future__ import annotations

import csv
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from recipes.errors import CorruptFault, UsageFault
from recipes.evaluate.statistics import student_t, wilson
from recipes.files import atomic, run_folder
from recipes.files import manifest as manifests
from recipes.files.manifest import Manifest
from recipes.recipe.diff import recipe_changes
from recipes.study.results_table import (
    folds_table,
    measured,
    put_between_marks,
    short_table,
    table,
)
from recipes.study.results_words import LANGUAGES

# What an epoch is scored by, in training and on validation images.
SCORES = ("loss", "accuracy", "val_loss", "val_accuracy")


def load(folder: Path) -> dict[str, dict[str, Any]]:
    """All result files of a folder, by name. What tells of no recipe is another table, and is passed over."""
    found = {path.stem: atomic.read_json(path) for path in sorted(folder.glob("*.json"))}
    return {name: group for name, group in found.items() if isinstance(group, dict) and "recipe" in group}


@dataclass(frozen=True)
class Pages:
    """The pages that show results; none unless named.

    Attributes:
        readme: Gets the short table of all results between its marks `results`.
        docs: A folder with a page results.md for each language, which gets the whole table.
        book: A folder of recipes' pages, `<recipe>.py`: each gets its own results between its marks `measured`.
    """

    readme: Path | None = None
    docs: Path | None = None
    book: Path | None = None

    def __bool__(self) -> bool:
        """Whether any is named."""
        return any((self.readme, self.docs, self.book))


def refresh(folders: Sequence[Path], into: Path, pages: Pages) -> None:
    """Collect runs into the result files of a folder, and what these say onto pages.

    Raises:
        UsageFault: When there is nothing to do, a run does not count, or a page has no place for its results.
        CorruptFault: When a file is damaged.
        DiskFault: When one cannot be written.
    """
    if not folders and not pages:
        raise UsageFault("Which runs? Give the folders of finished runs, or pages with --readme, --docs or --book.")
    groups = collect(folders)
    with atomic.disk_faults(into):
        into.mkdir(parents=True, exist_ok=True)
    for name, group in groups.items():
        atomic.write_json(into / f"{name}.json", group)
    show(into, pages)


def show(results: Path, pages: Pages) -> None:
    """Write what a folder of result files says onto pages.

    Raises:
        UsageFault: When a page has no such marks, or there is no page of a recipe that has results.
        CorruptFault: When a result file is damaged.
        DiskFault: When a page cannot be written.
    """
    groups, folds = load(results), load(results / "folds")
    _refuse_damaged(results, groups, lambda found: table(found) + short_table(found))
    _refuse_damaged(results / "folds", folds, folds_table)
    if pages.readme is not None:
        put_between_marks(pages.readme, "results", short_table(groups))
    if pages.docs is not None:
        for language in LANGUAGES:
            whole = table(groups, language) + folds_table(folds, language)
            put_between_marks(pages.docs / language / "results.md", "results", whole)
    if pages.book is not None:
        for name in sorted({group["recipe"] for group in groups.values()}):
            found = measured(of_recipe(groups, name), of_recipe(folds, name))
            put_between_marks(pages.book / f"{name}.py", "measured", found)


def _refuse_damaged(
    folder: Path, groups: Mapping[str, dict[str, Any]], words: Callable[[dict[str, dict[str, Any]]], str]
) -> None:
    """Refuse result files that cannot be put into words.

    Raises:
        CorruptFault: With the file.
    """
    for name, group in groups.items():
        try:
            words({name: group})
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise CorruptFault(f"{folder / name}.json is damaged: {type(error).__name__}: {error}.") from error


def of_recipe(groups: dict[str, dict[str, Any]], name: str) -> dict[str, dict[str, Any]]:
    """Those results that are of one recipe."""
    return {key: group for key, group in groups.items() if group["recipe"] == name}


def collect(folders: Iterable[Path], *, short: bool = False) -> dict[str, dict[str, Any]]:
    """Group runs by recipe, data and variant.

    Args:
        folders: Finished run folders.
        short: Count runs of a short setting on a sample, too.

    Returns:
        For each `<recipe>-<data>-<variant>`: every seed's figures, their mean, sample standard deviation and 95%
        intervals, and the conditions they share. `seed_interval` is that of the mean over seeds (Student's t);
        `image_interval` that of one run over test images (Wilson), from the lowest seed's to the highest's.

    Raises:
        UsageFault: For a run that does not count, or two of the same seed.
    """
    groups: dict[str, dict[str, Any]] = {}
    for folder in folders:
        manifest = manifests.read(folder)
        changes = [path for path, _ in manifest.overrides if path != "data"]
        counts = not manifest.smoke and manifest.data.kind in ("tfds", "download") and not changes
        if not counts and not short:
            raise UsageFault(
                f"{folder} is a sample, own photos, a smoke run or an overridden recipe: it does not count."
            )
        name = f"{run_folder.folder_name(manifest.recipe)}-{manifest.data.dataset}-{manifest.variant}"
        group = groups.setdefault(name, conditions(manifest) | {"runs": []})
        chosen = [path for path, _ in manifest.chosen]
        if recipe_changes(group["settings"], manifest.settings, chosen):
            raise UsageFault(f"{folder} was run with other settings than the first run of {name}.")
        if group.get("backend", "tensorflow") != manifest.backend:
            raise UsageFault(f"{folder} was run on {manifest.backend}, the first run of {name} on another backend.")
        if any(run["seed"] == manifest.seed for run in group["runs"]):
            raise UsageFault(f"Seed {manifest.seed} of {name} is there twice.")
        group["runs"].append(run(manifest))
    for group in groups.values():
        accuracies = [run["test_accuracy"] for run in group["runs"]]
        group["mean"] = statistics.mean(accuracies)
        group["standard_deviation"] = statistics.stdev(accuracies) if len(accuracies) > 1 else None
        group["seed_interval"] = list(student_t(accuracies)) if len(accuracies) > 1 else None
        images = group["images"]["test"]
        ends = [wilson(round(accuracy * images), images) for accuracy in accuracies]
        group["image_interval"] = [min(low for low, _ in ends), max(high for _, high in ends)]
    return groups


def conditions(manifest: Manifest) -> dict[str, Any]:
    """What a run was made with and on, as result files say it."""
    return {
        "recipe": manifest.recipe,
        "variant": manifest.variant,
        "dataset": manifest.data.dataset,
        "notice": manifest.data.notice,
        "images": {split: manifest.data.images(split) for split in manifest.data.counts},
        "fingerprint": manifest.data.fingerprint,
        "published_accuracy": manifest.result.published_accuracy,
        "precision": manifest.precision,
        **({"backend": manifest.backend} if manifest.backend != "tensorflow" else {}),
        "settings": manifest.settings,
        "versions": manifest.versions,
        "hardware": asdict(manifest.hardware),
    }


def run(manifest: Manifest) -> dict[str, Any]:
    """What a run gave and cost, as result files say it."""
    return {
        "seed": manifest.seed,
        **({"chosen": dict(manifest.chosen)} if manifest.chosen else {}),
        "test_accuracy": manifest.result.test_accuracy,
        "validation_accuracy": manifest.result.validation_accuracy,
        "epochs": manifest.result.epochs,
        "kept_epoch": manifest.result.kept_epoch,
        "boundary": {phase: asdict(facts) for phase, facts in manifest.boundary.items()},
        "seconds": manifest.seconds,
        "command": manifest.command,
    }


def answers(runs: Mapping[Path, int], by: str) -> tuple[list[str], list[list[str]]]:
    """Every answer of some runs, so that intervals, paired tests and ensembles can be computed without training.

    Args:
        runs: The folder of each run, and its number.
        by: What is numbered: `"seed"` or `"fold"`.

    Returns:
        The header; and the rows: number, image, truth, and a probability per class, to five digits.
    """
    header: list[str] = []
    rows = []
    for folder, number in runs.items():
        with (folder / "predictions.csv").open(encoding="utf-8", newline="") as file:
            table = csv.reader(file)
            header = next(table)
            for name, truth, _, *probabilities in table:
                rows.append([str(number), name, truth, *(f"{round(float(value), 5):g}" for value in probabilities)])
    return [by, *header[:2], *header[3:]], rows


def histories(runs: Mapping[Path, int]) -> tuple[list[str], list[list[str]]]:
    """Every epoch of some runs, so that learning curves can be drawn without training.

    Args:
        runs: The folder of each run, and its seed.

    Returns:
        The header; and the rows: seed, phase, epoch, and losses and accuracies to five digits.
    """
    rows = []
    for folder, seed in runs.items():
        with (folder / "history.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                scores = [f"{round(float(row[score]), 5):g}" for score in SCORES]
                rows.append([str(seed), row["phase"], row["epoch"], *scores])
    return ["seed", "phase", "epoch", *SCORES], rows
