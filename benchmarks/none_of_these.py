"""How many photos of other sets a network calls none of its classes, at a rate of false alarms of 5%.

    python benchmarks/none_of_these.py FOLDER FOLDER [FOLDER ...] [--photos 200] [--smoke]

Each FOLDER holds a set of photos as `recipes.run --data` takes them; of each at most so many, by chance, pass every
network once. Each set in turn is the one that is learned: five folds, none of which divides photos that look the same;
three are learned, one fixes how like a photo must be, and the last tells the false alarms, five times over, so that
each photo is tested once. Beside them stands how many photos of each other set are refused, the mean of the five; how
many photos of a class that was left out, each in turn, which is as near as strangers come; and the same of other sets
by the highest probability of a logistic regression, which is what one could do without. Results go to
results/bench/none_of_these.json and, between the marks, into docs/en/none-of-these.md. `--smoke` takes a few crops
and clothes, random weights, and writes nothing.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zoo.text.markdown import table

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
NETWORKS = (("efficientnet_lite0", 224), ("efficientnet_lite2", 288), ("xception", 288))
FOLDS, SEED, WEIGHT_DECAY = 5, 42, 100.0
Score = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class PhotoSet:
    """Photos as a network finds them.

    Attributes:
        features: (photos, features), the averages of the network's last stage.
        labels: (photos,), class indices.
        groups: (photos,), equal for photos that look the same.
    """

    features: np.ndarray
    labels: np.ndarray
    groups: np.ndarray


def passed(folder: Path, base: str, size: int, *, most: int, weights: str | None) -> PhotoSet:
    """Some photos of a folder through a network, once."""
    from recipes.data.photos.diagnosis import examine
    from recipes.data.user_photos import images_of
    from recipes.recipe import Shares
    from recipes.train.heads.averages import averages

    diagnosis = examine(folder, Shares())
    places = np.sort(np.random.default_rng(SEED).permutation(len(diagnosis.used))[:most])
    photos = [diagnosis.used[place] for place in places]
    images = images_of(photos, diagnosis.listing.classes, (size, size, 3), "squash")
    groups = diagnosis.groups(photo.entry.name for photo in photos)
    return PhotoSet(averages(base, images, weights=weights, stages=1).features, images.labels, groups)


def judged(own: str, sets: Mapping[str, PhotoSet]) -> dict[str, Any]:
    """What is refused when one of the sets is learned."""
    from recipes.evaluate.statistics import wilson

    mine = sets[own]
    counts: dict[str, list[tuple[int, int]]] = {}
    for train, validation, test in _divided(mine):
        for score, likeness in _scores(mine.features[train], mine.labels[train]).items():
            strangers = {name: photos.features for name, photos in sets.items() if name != own}
            for name, features in ({"": mine.features[test]} | strangers).items():
                refused = _refused(likeness(mine.features[validation]), likeness(features))
                counts.setdefault(f"{score} {name}".strip(), []).append((refused, len(features)))
    share = {name: float(np.sum(found, axis=0)[0] / np.sum(found, axis=0)[1]) for name, found in counts.items()}
    others = [name for name in sets if name != own]
    false_alarms = tuple(int(number) for number in np.sum(counts["likeness"], axis=0))
    return {
        "own": own,
        "photos": len(mine.labels),
        "false_alarms": list(false_alarms),
        "interval": list(wilson(*false_alarms)),
        "refused": {name: share[f"likeness {name}"] for name in others},
        "left_out": _left_out(mine),
        "by_probability": {
            "false_alarms": share["probability"],
            "refused": {name: share[f"probability {name}"] for name in others},
        },
    }


def _divided(photos: PhotoSet) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Places to learn, to fix the likeness by, and to test, five times over."""
    from sklearn.model_selection import StratifiedGroupKFold

    divided = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=SEED)
    folds = [test for _, test in divided.split(photos.features, photos.labels, photos.groups)]
    for place, test in enumerate(folds):
        validation = folds[place - 1]
        yield np.setdiff1d(np.arange(len(photos.labels)), np.concatenate([test, validation])), validation, test


def _left_out(photos: PhotoSet) -> float:
    """The share of photos refused whose class was left out when the others were learned; each class in turn."""
    refused = asked = 0
    for label in np.unique(photos.labels):
        for train, validation, _ in _divided(photos):
            train, validation = (part[photos.labels[part] != label] for part in (train, validation))
            likeness = _likeness(photos.features[train], photos.labels[train])
            strangers = photos.features[photos.labels == label]
            refused += _refused(likeness(photos.features[validation]), likeness(strangers))
            asked += len(strangers)
    return refused / asked


def _likeness(features: np.ndarray, labels: np.ndarray) -> Score:
    """From features to how like each photo is to the one, of those that are learned, that is most like it."""
    from recipes.evaluate.likeness import chosen, directions

    photos = directions(lambda batch: batch, features, chosen(labels, features.shape[1])).astype("float32")
    return lambda rows: (directions(lambda batch: batch, rows, np.arange(len(rows))).astype("float32") @ photos.T).max(
        axis=1
    )


def _scores(features: np.ndarray, labels: np.ndarray) -> dict[str, Score]:
    """From features to how much each photo is like those that are learned, in two ways."""
    from recipes.train.heads import solver

    known = np.unique(labels)
    scale = solver.scaler(features)
    head = solver.classifier("logistic_regression", WEIGHT_DECAY, classes=len(known), balanced=True)
    head.fit(scale.transform(features), labels)
    return {
        "likeness": _likeness(features, labels),
        "probability": lambda rows: head.predict_proba(scale.transform(rows)).max(axis=1),
    }


def _refused(validation: np.ndarray, likeness: np.ndarray) -> int:
    """How many photos are refused at the usual rate, or the lowest that so many validation photos tell."""
    from recipes.evaluate.none_of_these import fixed

    return fixed(np.ones((1, 1), "float16"), validation, likeness)[1].test[0]


def rows(folders: Mapping[str, Path], *, smoke: bool, most: int) -> Iterator[dict[str, Any]]:
    """Every set as the one that is learned, by every network."""
    for base, size in NETWORKS[:1] if smoke else NETWORKS:
        size, weights = (32, None) if smoke else (size, "imagenet")
        sets = {name: passed(folder, base, size, most=most, weights=weights) for name, folder in folders.items()}
        for own in sets:
            yield {"network": base, "size": size} | judged(own, sets)


def markdown(found: dict[str, Any]) -> str:
    """The rows as a table, and a sentence on their conditions."""
    names = list(dict.fromkeys(row["own"] for row in found["rows"]))
    head = (
        "network",
        "learned",
        "false alarms (95% interval)",
        *(f"{name} refused" for name in names),
        "class left out",
    )
    lines = [
        (
            f"{row['network']} at {row['size']}", row["own"],
            f"{row['false_alarms'][0] / row['false_alarms'][1]:.1%} "
            f"({row['interval'][0]:.1%} to {row['interval'][1]:.1%})",
            *(f"{row['refused'][name]:.1%}" if name in row["refused"] else "" for name in names),
            f"{row['left_out']:.1%}",
        )
        for row in found["rows"]
    ]  # fmt: skip
    by_likeness, by_probability = (
        np.mean([share for row in found["rows"] for share in refused(row).values()])
        for refused in (lambda row: row["refused"], lambda row: row["by_probability"]["refused"])
    )
    return "\n".join(
        [
            table(head, lines),
            f"The mean of all shares refused is {by_likeness:.1%}; by the highest probability of a logistic regression "
            f"it is {by_probability:.1%}. At most {found['most']} photos of each set; Keras "
            f"{found['versions']['keras']}; `{found['command']}`.",
            "",
        ]
    )


def _few(folder: Path) -> dict[str, Path]:
    """Two small sets: crops of two photographs, and clothes."""
    from PIL import Image

    from benchmarks.photo_sets import crops
    from recipes.data import samples

    crops(folder / "crops", 15)
    clothes, _, names = samples.SAMPLES["fashion_mnist"].read()
    for label in range(2):
        (folder / "clothes" / f"{label}").mkdir(parents=True)
        for place in np.flatnonzero(clothes.labels == label)[:15]:
            Image.fromarray(clothes.pixels[place, :, :, 0]).save(folder / "clothes" / f"{label}" / f"{place}.png")
    return {name: folder / name for name in ("crops", "clothes")}


def main() -> None:
    """Judge every set against all others by every network, print, and store."""
    parse = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parse.add_argument("folders", type=Path, nargs="*", metavar="FOLDER", help="photos, a folder for each class")
    parse.add_argument("--photos", type=int, default=200, metavar="N", help="of each set at most (default 200)")
    parse.add_argument("--smoke", action="store_true", help="a few pictures, random weights, nothing stored")
    options = parse.parse_args()
    if not options.smoke and len(options.folders) < 2:
        parse.error("two folders of photos or --smoke are needed")

    from recipes.execution import environment

    measured = []
    with tempfile.TemporaryDirectory() as few:
        folders = _few(Path(few)) if options.smoke else {folder.name: folder for folder in options.folders}
        for row in rows(folders, smoke=options.smoke, most=options.photos):
            print(row, flush=True)
            measured.append(row)
    found = {
        "rows": measured,
        "most": options.photos,
        "command": f"python benchmarks/none_of_these.py FOLDER ... --photos {options.photos}",
        "versions": environment.versions(),
        "hardware": environment.hardware(),
    }
    print(markdown(found))
    if not options.smoke:
        from recipes.files.atomic import write_json
        from recipes.study.results_table import put_between_marks

        write_json(ROOT / "results" / "bench" / "none_of_these.json", found)
        put_between_marks(ROOT / "docs" / "en" / "none-of-these.md", "none of these", markdown(found))


if __name__ == "__main__":
    main()
