"""Measured results as files: run folders in, `results/<recipe>-<data>-<variant>.json` and tables out.

    python -m recipes.results RUN_FOLDER... [--into results] [--readme README.md]

Only full runs of unchanged recipes count: no sample, no photos of one's own, no smoke run, no override but the data
set. What `python -m recipes.certify` wrote is certified; what was collected here is marked as not.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from recipes import manifest as manifests
from recipes.changes import recipe_changes
from recipes.errors import Fault, UsageFault
from recipes.manifest import Manifest
from recipes.rundir import read_json, write, write_json

UNCERTIFIED = "Not certified: collected from runs that were made one by one."
FOUND = "Some runs found activations of the frozen part on disk; the time lacks what computing those took."


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
        name = f"{manifest.recipe}-{manifest.data.dataset}-{manifest.variant}"
        group = groups.setdefault(name, _conditions(manifest) | {"runs": []})
        if recipe_changes(group["settings"], manifest.settings):
            raise UsageFault(f"{folder} was run with other settings than the first run of {name}.")
        if any(run["seed"] == manifest.seed for run in group["runs"]):
            raise UsageFault(f"Seed {manifest.seed} of {name} is there twice.")
        group["runs"].append(_run(manifest))
    for group in groups.values():
        accuracies = [run["test_accuracy"] for run in group["runs"]]
        group["mean"] = statistics.mean(accuracies)
        group["standard_deviation"] = statistics.stdev(accuracies) if len(accuracies) > 1 else None
        group["seed_interval"] = _over_seeds(accuracies) if len(accuracies) > 1 else None
        images = group["images"]["test"]
        ends = [wilson(round(accuracy * images), images) for accuracy in accuracies]
        group["image_interval"] = [min(low for low, _ in ends), max(high for _, high in ends)]
    return groups


def wilson(right: int, images: int) -> tuple[float, float]:
    """The 95% interval of a share of right answers, over test images."""
    from scipy.stats import binomtest

    found = binomtest(right, images).proportion_ci(method="wilson")
    return float(found.low), float(found.high)


def _over_seeds(accuracies: Sequence[float]) -> list[float]:
    from scipy.stats import t

    half = t.ppf(0.975, len(accuracies) - 1) * statistics.stdev(accuracies) / len(accuracies) ** 0.5
    mean = statistics.mean(accuracies)
    return [mean - half, mean + half]


def in_words(group: dict[str, Any]) -> str:
    """A group's figures in a line."""
    low, high = group["image_interval"]
    words = f"test accuracy {group['mean']:.4f}"
    if group["standard_deviation"] is not None:
        words += f" ± {group['standard_deviation']:.4f} over {len(group['runs'])} seeds"
    return f"{words}, {low:.4f} to {high:.4f} over test images"


def load(folder: Path) -> dict[str, dict[str, Any]]:
    """All result files of a folder, by name."""
    return {path.stem: read_json(path) for path in sorted(folder.glob("*.json"))}


def table(results: dict[str, dict[str, Any]]) -> str:
    """A Markdown table of results: accuracies are shares of the test images, the spread is over seeds."""
    lines = [
        "| recipe | data | variant | published | test accuracy | 95% over seeds | 95% over test images | seeds "
        "| training |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    notes: dict[str, int] = {}
    for group in results.values():
        spread = group["standard_deviation"]
        accuracy = f"**{group['mean']:.4f}**" + (f" ± {spread:.4f}" if spread is not None else "")
        if "certified" not in group:
            accuracy += f" [{notes.setdefault(UNCERTIFIED, len(notes) + 1)}]"
        if group["notice"]:
            mark = notes.setdefault(group["notice"], len(notes) + 1)
            accuracy += f" [{mark}]"
        published = f"{group['published_accuracy']:.4f}" if group["published_accuracy"] else "none printed"
        minutes = statistics.mean(run["seconds"]["train"] for run in group["runs"]) / 60
        seeds = ", ".join(str(run["seed"]) for run in group["runs"])
        training = f"{minutes:.1f} min"
        if any(_found_activations(run, group["images"]) for run in group["runs"]):
            training += f" [{notes.setdefault(FOUND, len(notes) + 1)}]"
        lines.append(
            f"| {group['recipe']} | {group['dataset']} | {group['variant']} | {published} | {accuracy} "
            f"| {_interval(group, 'seed_interval')} | {_interval(group, 'image_interval')} | {seeds} | {training} |"
        )
    return "\n\n".join(["\n".join(lines), *(f"[{mark}] {notice}" for notice, mark in notes.items())]) + "\n"


def _interval(group: dict[str, Any], name: str) -> str:
    interval = group.get(name)
    return f"{interval[0]:.4f} to {interval[1]:.4f}" if interval else "-"


def _found_activations(run: dict[str, Any], images: dict[str, int]) -> bool:
    """Whether a run found some of its activations on disk, so that its time lacks their computation."""
    passes = list(run.get("boundary", {}).values())
    return bool(passes) and passes[0]["images_passed"] < passes[0]["views"] * images["train"] + images["validation"]


def put_between_marks(page: Path, name: str, text: str) -> None:
    """Replace what stands between `<!-- name -->` and `<!-- /name -->` on a page."""
    marks = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    write(page, marks.sub(lambda found: found[1] + text + found[2], page.read_text(encoding="utf-8")))


def _conditions(manifest: Manifest) -> dict[str, Any]:
    return {
        "recipe": manifest.recipe,
        "variant": manifest.variant,
        "dataset": manifest.data.dataset,
        "notice": manifest.data.notice,
        "images": {split: manifest.data.images(split) for split in manifest.data.counts},
        "fingerprint": manifest.data.fingerprint,
        "published_accuracy": manifest.result.published_accuracy,
        "precision": manifest.precision,
        "settings": manifest.settings,
        "versions": manifest.versions,
        "hardware": asdict(manifest.hardware),
    }


def _run(manifest: Manifest) -> dict[str, Any]:
    return {
        "seed": manifest.seed,
        "test_accuracy": manifest.result.test_accuracy,
        "validation_accuracy": manifest.result.validation_accuracy,
        "epochs": manifest.result.epochs,
        "kept_epoch": manifest.result.kept_epoch,
        "boundary": {phase: asdict(facts) for phase, facts in manifest.boundary.items()},
        "seconds": manifest.seconds,
        "command": manifest.command,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Collect runs into result files, and refresh the table between the marks of a page."""
    parse = argparse.ArgumentParser(prog="python -m recipes.results", description=(__doc__ or "").split("\n")[0])
    parse.add_argument("runs", nargs="*", type=Path, metavar="RUN_FOLDER")
    parse.add_argument("--into", type=Path, default=Path("results"), metavar="DIR", help="default: results")
    parse.add_argument("--readme", type=Path, metavar="FILE", help="a page with the marks <!-- results -->")
    options = parse.parse_args(arguments)
    try:
        for name, group in collect(options.runs).items():
            options.into.mkdir(parents=True, exist_ok=True)
            write_json(options.into / f"{name}.json", group)
        if options.readme:
            put_between_marks(options.readme, "results", table(load(options.into)))
    except Fault as fault:
        print(f"error: {fault}", file=sys.stderr)
        return fault.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
