"""Does a forecast that is made from half of the photos hold what is measured with all of them?

    python benchmarks/learning_curve.py FOLDER [FOLDER ...] [--halves 10] [--base efficientnet_lite0@224] [--smoke]

FOLDER holds photos as `recipes.run --data` takes them; `benchmarks/photo_sets.py` makes some. Each photo passes the
base once. With all photos the accuracy is measured by folds, look-alikes together, by the head that an audition hears
first; then, of several random halves of the photos, each draws its learning curve
(`recipes.train.heads.learning_curve`) and forecasts what twice as many give. Judged are two forecasts, each with its
band of 90%: the accuracy, against that measured with all photos; and the gain, against how many more of the half's
photos are right when the heads learned from all. Grid, priors and sizes were chosen by looking at the sets of
`CHOSEN_ON` alone; the others count. Results go to results/bench/learning_curve.json and, between the marks, into
docs/en/photos.md. `--smoke` takes a few crops of two photographs, random weights, and writes nothing.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from zoo.text.markdown import table

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
CHOSEN_ON = ("ants_bees", "cifar_animals", "fashion_600", "mnist_500")


def judged(folder: Path, base: str, size: int, *, halves: int, weights: str | None) -> Iterator[dict[str, Any]]:
    """A row for each half of a set."""
    from recipes import Phase
    from recipes.data.photos.diagnosis import examine
    from recipes.data.user_photos import images_of
    from recipes.execution.request import IMBALANCE
    from recipes.recipe import Shares
    from recipes.train.heads import audition, learning_curve
    from recipes.train.heads.averages import averages

    diagnosis = examine(folder, Shares())
    names = diagnosis.listing.classes
    alike = {photo.entry.name: number for number, group in enumerate(diagnosis.alike) for photo in group}
    groups = np.array([alike.get(photo.entry.name, -1 - place) for place, photo in enumerate(diagnosis.used)])
    images = images_of(diagnosis.used, names, (size, size, 3))
    labels = images.labels
    features = averages(base, images, weights=weights).of_last(audition.STAGES[0])
    optimizer, weight_decay = audition.HEADS[0]
    head = Phase("head", epochs=1, optimizer=optimizer, weight_decay=weight_decay)
    counts = np.bincount(labels)
    balanced = bool(counts.max() > IMBALANCE * counts.min())

    everything = learning_curve.measured(features, labels, groups, head=head, balanced=balanced, sizes=((1.0, 1),))
    right_of = dict(zip(everything.places.tolist(), everything.right[0].tolist(), strict=True))
    for number in range(halves):
        half = _half(labels, groups, np.random.default_rng(number))
        if reason := learning_curve.refusal(labels[half], groups[half], names):
            sys.exit(f"{folder}: {reason}")
        curve = learning_curve.curve(
            features[half], labels[half], groups[half], names, head=head, balanced=balanced, seed=number
        )
        accuracy = float(everything.right.mean())
        # Of the same photos, now and with all others to learn from.
        gain = float(np.mean([right_of[place] for place in half.tolist() if place in right_of]))
        gain -= curve.points[-1].accuracy
        yield {
            "set": folder.name,
            "chosen_on": folder.name in CHOSEN_ON,
            "half": number,
            "photos": len(half),
            "all_photos": len(labels),
            "accuracy_of_half": curve.points[-1].accuracy,
            "accuracy_of_all": accuracy,
            "forecast_accuracy": list(curve.accuracy),
            "accuracy_held": bool(curve.accuracy.low <= accuracy <= curve.accuracy.high),
            "gain": gain,
            "forecast_gain": list(curve.gain),
            "gain_held": bool(curve.gain.low <= gain <= curve.gain.high),
            "seconds": curve.seconds,
        }


def _half(labels: np.ndarray, groups: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """Places of half of each class, look-alikes together as far as that goes."""
    order = draw.permutation(groups.max() - groups.min() + 1)[groups - groups.min()]
    halves = []
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        halves.append(own[np.argsort(order[own], kind="stable")[: (len(own) + 1) // 2]])
    return np.sort(np.concatenate(halves))


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Shares of the forecasts that held, and how wide and how far off they were; of the sets that count."""
    own = [row for row in rows if not row["chosen_on"]] or rows
    return {
        "sets": len({row["set"] for row in own}),
        "forecasts": len(own),
        "accuracy_held": float(np.mean([row["accuracy_held"] for row in own])),
        "gain_held": float(np.mean([row["gain_held"] for row in own])),
        "mean_gain": float(np.mean([row["gain"] for row in own])),
        "gain_missed_by": float(np.mean([abs(row["forecast_gain"][1] - row["gain"]) for row in own])),
    }


def markdown(found: dict[str, Any]) -> str:
    """A line a set, and a sentence on all that count."""
    rows, lines = found["rows"], []
    for name in dict.fromkeys(row["set"] for row in rows):
        own = [row for row in rows if row["set"] == name]
        gain, low, middle, high = np.mean([(row["gain"], *row["forecast_gain"]) for row in own], axis=0) * 100
        lines.append(
            (
                name + (" (chosen on)" if own[0]["chosen_on"] else ""),
                f"{own[0]['photos']} of {own[0]['all_photos']:,}",
                f"{np.mean([row['accuracy_of_half'] for row in own]):.4f}",
                f"{own[0]['accuracy_of_all']:.4f}",
                f"{sum(row['accuracy_held'] for row in own)} of {len(own)}",
                f"{gain:+.1f}",
                f"{middle:+.1f} ({low:.1f} to {high:.1f})",
                f"{sum(row['gain_held'] for row in own)} of {len(own)}",
            )
        )
    head = (
        "photos", "half", "right with half", "right with all", "accuracy held", "points gained", "forecast, mean",
        "gain held",
    )  # fmt: skip
    judged_on = found["summary"]
    return "\n".join(
        [
            table(head, lines),
            f"On the {judged_on['sets']} sets that nothing was chosen on, {judged_on['accuracy_held']:.0%} of "
            f"{judged_on['forecasts']} bands of 90% hold the accuracy and {judged_on['gain_held']:.0%} the gain; the "
            f"gain was {100 * judged_on['mean_gain']:.1f} points in the mean, and the forecasts missed it by "
            f"{100 * judged_on['gain_missed_by']:.1f}. A curve took "
            f"{np.mean([row['seconds'] for row in rows]):.0f} seconds in the mean, "
            f"{max(row['seconds'] for row in rows):.0f} at most. {found['hardware']['processor']}, "
            f"{found['hardware']['cores']} cores, Keras {found['versions']['keras']}; `{found['command']}`.",
            "",
        ]
    )


def main() -> None:
    """Judge every set, print, and store."""
    parse = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parse.add_argument("folders", type=Path, nargs="*", metavar="FOLDER", help="photos, a folder for each class")
    parse.add_argument("--halves", type=int, default=10, metavar="N", help="of each set (default 10)")
    parse.add_argument("--base", default="efficientnet_lite0@224", metavar="NAME@PIXELS", help="that the photos pass")
    parse.add_argument("--smoke", action="store_true", help="a few crops, random weights, nothing stored")
    options = parse.parse_args()
    if not options.smoke and not options.folders:
        parse.error("a folder of photos or --smoke is needed")

    from benchmarks.photo_sets import crops
    from recipes.execution import environment

    rows = []
    base, _, size = options.base.partition("@")
    with tempfile.TemporaryDirectory() as few:
        folders = [crops(Path(few) / "crops", 30)] if options.smoke else options.folders
        pixels, weights, halves = (32, None, 2) if options.smoke else (int(size), "imagenet", options.halves)
        for folder in folders:
            for row in judged(folder, base, pixels, halves=halves, weights=weights):
                print(row, flush=True)
                rows.append(row)
    found = {
        "rows": rows,
        "summary": summary(rows),
        "base": options.base,
        "command": f"python benchmarks/learning_curve.py FOLDER ... --halves {options.halves} --base {options.base}",
        "versions": environment.versions(),
        "hardware": environment.hardware(),
    }
    print(markdown(found))
    if not options.smoke:
        from recipes.files.atomic import write_json
        from recipes.study.results_table import put_between_marks

        write_json(ROOT / "results" / "bench" / "learning_curve.json", found)
        put_between_marks(ROOT / "docs" / "en" / "how-many.md", "learning curve", markdown(found))


if __name__ == "__main__":
    main()
