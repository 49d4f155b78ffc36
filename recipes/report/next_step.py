"""What to do after a run on one's own photos: the best command for this result, by rules, and the one that uses it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from recipes.data.user_photos import same_photos
from recipes.evaluate.metrics import confusion
from recipes.report.doubted import doubted
from recipes.report.figures.confusion import confused_pairs

if TYPE_CHECKING:
    from recipes.evaluate.predictions import Predictions
    from recipes.files.manifest import Manifest

# From how many doubtful labels, confused photos and what share of a class on a look is worth it.
DOUBTFUL, CONFUSED, CONFUSED_SHARE = 3, 3, 0.1
# Below so many training photos a class is short of them.
FEW = 20
# So much more accuracy, or any that the whole band promises, is worth twice the photos.
WORTHWHILE = 0.01
SHOWN = 4


@dataclass(frozen=True)
class Confused:
    """Test photos of one class that were taken for another: how many, of how many, and some of their paths."""

    truth: str
    answer: str
    number: int
    images: int
    paths: tuple[str, ...]


@dataclass(frozen=True)
class Result:
    """What the rules look at.

    Attributes:
        run: The run's folder.
        photos: The folder or table of the photos.
        again: The command that runs the same again on photos that grew: what was tested stays in test.
        training: For each class its training photos.
        decisions: A table of decisions about labels in place of the one beside the photos.
        group_by: What names groups of photos that stay together.
        shortcuts: What the doctor found, `recipes.data.photos.shortcuts.Shortcut.as_dict` of each property.
        doubtful: Labels of validation and test photos that the network contradicts, and is sure.
        confused: The pair of classes that is confused most; `None` where no photo was.
        gain: What twice as many photos bring, with its band (low, middle, high); `None` where that is not known.
    """

    run: str
    photos: str
    again: str
    training: Mapping[str, int]
    decisions: str | None = None
    group_by: str | None = None
    shortcuts: Sequence[Mapping[str, Any]] = ()
    doubtful: int = 0
    confused: Confused | None = None
    gain: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class Step:
    """A command that can be copied, and why; it says for itself what it does where there is no reason."""

    command: str
    why: str = ""


def steps(result: Result) -> tuple[Step, ...]:
    """The best next command for a result, where a rule has one, and last the command that uses it: two at most."""
    best = next(filter(None, (rule(result) for rule in RULES)), None)
    return (best, use(result.run)) if best else (use(result.run),)


def use(run: str) -> Step:
    """The command that uses a run's network."""
    return Step(f"{_command('predict', run)} IMAGE_OR_FOLDER")


def shortcut(result: Result) -> Step | None:
    """Something beside the subject tells classes apart: look at it before anything else is believed."""
    found = next((one for one in result.shortcuts if one["is_alarm"]), None)
    if found is None:
        return None
    told = f"{found['label']} from all others ({found['of_label']['found']:.2f} right, 0.50 by chance)"
    why = f"{found['by']} alone tells {told}: see whether it should"
    return Step(_command("doctor", *_photos(result)), why)


def labels(result: Result) -> Step | None:
    """Several labels may be wrong."""
    if result.doubtful < DOUBTFUL:
        return None
    why = f"{result.doubtful:,} labels are contradicted by a network that is sure: look, and decide"
    return Step(_command("doctor", *_photos(result), "--labels", "--decide"), why)


def short_class(result: Result) -> Step | None:
    """A class has few photos to learn from."""
    name, number = min(result.training.items(), key=lambda one: one[1])
    if number >= FEW:
        return None
    return Step(result.again, f"{name} has {number} training photos, fewer than {FEW}: add some, and run again")


def confused_pair(result: Result) -> Step | None:
    """Photos of one class are often taken for one other: see where the network looks on them."""
    pair = result.confused
    if pair is None or pair.number < max(CONFUSED, CONFUSED_SHARE * pair.images):
        return None
    why = f"{pair.number:,} of {pair.images:,} test photos of {pair.truth} are taken for {pair.answer}: where it looked"
    return Step(_command("explain", result.run, *pair.paths), why)


def more_photos(result: Result) -> Step | None:
    """More photos are likely to help."""
    if result.gain is None:
        return None
    low, middle, high = result.gain
    if low <= 0 and middle < WORTHWHILE:
        return None
    band = f"{100 * middle:+.1f} points ({100 * low:.1f} to {100 * high:.1f})"
    return Step(result.again, f"twice as many photos may bring about {band}: add some, and run again")


# In the order in which they matter: what makes the figures wrong comes before what makes them better.
RULES: tuple[Callable[[Result], Step | None], ...] = (shortcut, labels, short_class, confused_pair, more_photos)


def of_run(
    manifest: Manifest,
    tables: Mapping[str, Predictions],
    folder: Path,
    *,
    gain: tuple[float, float, float] | None,
) -> Result:
    """Gather what the rules look at.

    Args:
        manifest: Of a run on a person's own photos.
        tables: Predictions of `validation` and `test`.
        folder: The run's.
        gain: What twice as many photos bring, with its band.
    """
    findings: Mapping[str, Any] = manifest.doctor or {}
    decided = {name for names in findings.get("decisions", {}).values() for name in names}
    return Result(
        run=str(folder),
        photos=manifest.data.path,
        again=_command("run", "--data", manifest.data.path, "--after", str(folder)),
        training=manifest.data.counts["train"],
        decisions=manifest.data.decisions,
        group_by=manifest.data.group_by,
        shortcuts=findings.get("shortcuts") or (),
        doubtful=len(doubted(tables, decided)),
        confused=_confused(tables["test"], Path(manifest.data.path)),
        gain=gain,
    )


def _confused(test: Predictions, photos: Path) -> Confused | None:
    pairs = confused_pairs(confusion(test), test.class_names)
    if not pairs:
        return None
    truth, answer, number = pairs[0]
    is_truth = test.truth == test.class_names.index(truth)
    places = np.flatnonzero(is_truth & (test.prediction == test.class_names.index(answer)))
    surest = places[np.argsort(-test.losses[places], kind="stable")][:SHOWN]
    root = photos if photos.is_dir() else photos.parent
    return Confused(truth, answer, number, int(is_truth.sum()), tuple(str(root / str(test.ids[at])) for at in surest))


def _command(verb: str, *arguments: str) -> str:
    return shlex.join(["python", "-m", f"recipes.{verb}", *arguments])


def _photos(result: Result) -> list[str]:
    return same_photos(result.photos, result.decisions, result.group_by)
