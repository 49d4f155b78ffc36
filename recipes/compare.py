"""Compare finished runs: figures with intervals, what was set otherwise, whether the difference is more than chance.

Two runs that were scored on the same test images are compared image by image (McNemar's exact test): only images that
one gets right and the other wrong say anything.

Examples:
    python -m recipes.compare runs/fashion_cnn/20260101T120000Z-seed42 runs/fashion_cnn/20260101T130000Z-seed42
"""

from __future__ import annotations

import csv
import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from recipes import manifest as manifests
from recipes.changes import recipe_changes
from recipes.command import Parser, guarded
from recipes.errors import CorruptFault, UsageFault
from recipes.manifest import Manifest
from recipes.results import wilson
from recipes.screen import RESULT, Screen, flush_stdout

log = logging.getLogger("recipes")


@dataclass(frozen=True)
class Run:
    """A finished run as far as a comparison needs it.

    Attributes:
        folder: Where it is.
        manifest: What it says of itself.
        answers: For each test image by its name, (truth, prediction).
    """

    folder: Path
    manifest: Manifest
    answers: dict[str, tuple[str, str]]

    @property
    def right(self) -> int:
        """Test images it gets right."""
        return sum(truth == guess for truth, guess in self.answers.values())

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% interval of its test accuracy over test images (Wilson)."""
        return wilson(self.right, len(self.answers))


@dataclass(frozen=True)
class McNemar:
    """Two runs on the same test images.

    Attributes:
        only_first: Images that only the first gets right.
        only_second: Images that only the second gets right.
        p_value: How often chance alone makes a difference as large, or larger, between equally good networks.
    """

    only_first: int
    only_second: int
    p_value: float


def read(folder: Path) -> Run:
    """Read a finished run.

    Raises:
        UsageFault: When no run has ended there.
        CorruptFault: When its table of predictions is missing or damaged.
    """
    manifest = manifests.read(folder)
    table = folder / "predictions.csv"
    try:
        with table.open(encoding="utf-8", newline="") as file:
            answers = {row["id"]: (row["truth"], row["prediction"]) for row in csv.DictReader(file)}
    except (OSError, KeyError, ValueError) as error:
        raise CorruptFault(f"{table} is missing or damaged: {error}") from error
    if not answers:
        raise CorruptFault(f"{table} holds no predictions.")
    return Run(folder, manifest, answers)


def mcnemar(first: Run, second: Run) -> McNemar | None:
    """Compare two runs image by image; `None` when their test images are not the same."""
    from scipy.stats import binomtest

    if {name: truth for name, (truth, _) in first.answers.items()} != {
        name: truth for name, (truth, _) in second.answers.items()
    }:
        return None
    pairs = [(first.answers[name], second.answers[name]) for name in first.answers]
    only_first = sum(one[0] == one[1] and other[0] != other[1] for one, other in pairs)
    only_second = sum(one[0] != one[1] and other[0] == other[1] for one, other in pairs)
    disagreed = only_first + only_second
    p_value = float(binomtest(only_first, disagreed).pvalue) if disagreed else 1.0
    return McNemar(only_first, only_second, p_value)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and give its exit code; errors are one line on stderr."""
    return guarded(_command, arguments)


def parser() -> Parser:
    """The command line."""
    parse = Parser("compare", __doc__ or "")
    parse.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="folders of finished runs, two or more")
    parse.add_argument("--json", action="store_true", help="print the comparison as one JSON line, all else to stderr")
    return parse


def _command(arguments: Sequence[str] | None) -> int:
    options = parser().parse(arguments)
    if len(options.runs) < 2:
        raise UsageFault("Two runs or more are needed for a comparison.")
    Screen(to_stderr=options.json)
    first, *others = (read(folder) for folder in options.runs)
    for run in (first, *others):
        low, high = run.interval
        log.log(
            RESULT, "%s  %s, %s, seed %s: test accuracy %.4f (95%% interval %.4f to %.4f, %s images)",
            run.folder, run.manifest.recipe, run.manifest.variant, run.manifest.seed,
            run.right / len(run.answers), low, high, f"{len(run.answers):,}",
        )  # fmt: skip
    compared = []
    for other in others:
        changes = recipe_changes(first.manifest.settings, other.manifest.settings)
        found = mcnemar(first, other)
        log.log(RESULT, "")
        log.log(RESULT, "%s against %s", other.folder, first.folder)
        for line in changes or ["the same recipe"]:
            log.log(RESULT, "  %s", line)
        log.log(RESULT, "  %s", _in_words(found))
        compared.append(
            {"first": str(first.folder), "second": str(other.folder), "changes": changes}
            | {"mcnemar": vars(found) if found else None}
        )
    if options.json:
        runs = [
            {"folder": str(run.folder), "accuracy": run.right / len(run.answers), "interval": run.interval}
            for run in (first, *others)
        ]
        print(json.dumps({"runs": runs, "comparisons": compared}, ensure_ascii=False))
    flush_stdout()
    return 0


def _in_words(found: McNemar | None) -> str:
    if found is None:
        return "the test images are not the same: the accuracies cannot be compared image by image"
    verdict = "more than chance would" if found.p_value < 0.05 else "no more than chance may"
    return (
        f"it alone is right on {found.only_second:,} images, the first alone on {found.only_first:,}: they differ by "
        f"{verdict} (McNemar's exact test, p = {found.p_value:.2g})"
    )


if __name__ == "__main__":
    sys.exit(main())
