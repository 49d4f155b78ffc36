"""What a frozen base gives, and what it costs: number formats, sizes of the photos, augmented views.

    python benchmarks/frozen_bases.py --data-dir DIR [BASE ...] [--smoke]

Every photo of cats_vs_dogs that a recipe uses (4,000) passes each base; the averages of its last stage are told apart
by a logistic regression. By five folds each photo is tested once, by a regression that was trained on 2,000 of the
others. As in a run, the features that train it are those of the number format asked for and, with views, of augmented
photos; those that test it are plain, and float32 where a base is looked at in all formats. Counted are photos a second,
once the engine is made, and the minutes that 2,000 training photos, in all views, and 1,000 validation photos take at
that. BASE looks at that base alone, and at every one where none is named; its rows take the place of earlier ones.
Results go to results/bench/frozen_bases.json, with the machine that each row comes from, and, between the marks, into
boundary.md of the docs. `--smoke` takes a few crops, a small base with random weights, and writes nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.text.markdown import table

if TYPE_CHECKING:
    from recipes.data import Splits

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
TRAIN, VALIDATION, FOLDS = 2000, 1000, 5
VIEWS = (1, 2, 4)
# A base, the side of the photos, whether it is looked at in every number format, and in which numbers of views.
BASES: tuple[tuple[str, int, bool, tuple[int, ...]], ...] = (
    ("efficientnet_lite0", 224, True, VIEWS),
    ("efficientnet_lite0", 180, False, ()),
    ("efficientnet_lite0", 288, False, ()),
    ("efficientnet_lite1", 240, True, ()),
    ("efficientnet_lite2", 260, True, ()),
    ("xception", 180, True, VIEWS),
    ("xception", 299, False, ()),
    ("vgg16", 180, True, ()),
)
FORMATS = {
    "float32": {"engine": "auto", "precision": "float32"},
    "bfloat16": {"engine": "auto", "precision": "bfloat16"},
    "int8": {"engine": "int8", "precision": "float32"},
}


def rows(
    photos: Splits, base: str, *, every_format: bool, views: Sequence[int], weights: str | None
) -> Iterator[dict[str, Any]]:
    """One base at one size: the number formats on plain photos, and the numbers of views in the fastest of them."""
    import keras

    import zoo
    from recipes import precision

    model = zoo.get("transfer", backbone=base, weights=weights, input_shape=photos.image_shape)
    network = keras.Model(model.inputs[0], model.get_layer("head_average").output)
    images = np.concatenate([np.asarray(part.pixels[:]) for part in (photos.train, photos.validation, photos.test)])
    labels = np.concatenate([part.labels for part in (photos.train, photos.validation, photos.test)])
    usual = precision.choose("auto")
    plain = {kind: passed(network, images, kind) for kind in (FORMATS if every_format else [usual])}
    tests = plain["float32" if every_format else usual]["features"]
    common = {"base": base, "size": photos.image_shape[0]}
    for kind, found in plain.items():
        yield common | {"format": kind, "views": 1} | judged([found], tests, labels)
    if views:
        seen = [passed(network, images, usual, view=number) for number in range(max(views))]
        for number in views:
            yield common | {"format": usual, "views": number, "augmented": True} | judged(seen[:number], tests, labels)


def passed(network: Any, images: np.ndarray, kind: str, view: int | None = None) -> dict[str, Any]:
    """The features of all photos, and photos a second after the first batch."""
    from recipes.freeze import feature_cache
    from recipes.recipe import Augment

    ends: list[tuple[float, int]] = []
    augment = None if view is None else Augment(flip=True, rotation=0.1, zoom=0.2)
    with tempfile.TemporaryDirectory() as folder:
        kept = feature_cache.cache(
            network, images, augment=augment, seed=42, view=view or 0, dtype="float32", folder=Path(folder),
            watch=lambda done, total: ends.append((time.perf_counter(), done)), **FORMATS[kind],
        )  # fmt: skip
        (began, first), (ended, last) = ends[0], ends[-1]
        speed = (last - first) / (ended - began) if last > first else 0.0
        return {"features": kept[:], "photos_per_second": speed, "engine": kept.facts["engine"]}


def judged(seen: Sequence[dict[str, Any]], tests: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """How many photos a regression on these features calls by their names, and what the features cost."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from recipes.evaluate.statistics import wilson

    right = 0
    for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=42).split(tests, labels):
        chosen = np.random.default_rng(42).permutation(train)[:TRAIN]
        features = np.concatenate([found["features"][chosen] for found in seen])
        head = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
        head.fit(features, np.tile(labels[chosen], len(seen)))
        right += int((head.predict(tests[test]) == labels[test]).sum())
    speed = float(np.mean([found["photos_per_second"] for found in seen]))
    return {
        "engine": seen[0]["engine"],
        "photos_per_second": speed,
        "minutes": (TRAIN * len(seen) + VALIDATION) / speed / 60 if speed else 0.0,
        "photos": len(labels),
        "right": right,
        "accuracy": right / len(labels),
        "interval": list(wilson(right, len(labels))),
    }


def markdown(found: dict[str, Any]) -> str:
    """The rows as a table, and a sentence on their conditions."""
    head = ("base", "pixels", "views", "computes in", "photos a second", "minutes", "accuracy by folds (95% interval)")
    lines = [
        (
            row["base"], row["size"], f"{row['views']}, augmented" if row.get("augmented") else "1, plain",
            row["engine"], f"{row['photos_per_second']:.0f}", f"{row['minutes']:.1f}",
            f"{row['accuracy']:.4f} ({row['interval'][0]:.4f} to {row['interval'][1]:.4f})",
        )
        for row in found["rows"]
    ]  # fmt: skip
    machines: dict[str, list[str]] = {}
    for row in found["rows"]:
        hardware, versions = row["hardware"], row["versions"]
        software = f"Keras {versions['keras']}, OpenVINO {versions['openvino']}"
        machines.setdefault(f"{hardware['processor']}, {hardware['cores']} cores, {software}", []).append(row["base"])
    where = "; ".join(f"{', '.join(dict.fromkeys(bases))}: {machine}" for machine, bases in machines.items())
    return "\n".join([table(head, lines), f"{where}; `{found['command']}`.", ""])


def main() -> None:
    """Pass every base, print, and store."""
    parse = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parse.add_argument("bases", nargs="*", metavar="BASE", help="the bases to look at (default: every one)")
    parse.add_argument("--data-dir", help="where TFDS keeps cats_vs_dogs")
    parse.add_argument("--smoke", action="store_true", help="a few crops, random weights, nothing stored")
    options = parse.parse_args()
    if not options.smoke and not options.data_dir:
        parse.error("--data-dir or --smoke is needed")
    order = list(dict.fromkeys(base for base, *_ in BASES))
    if unknown := set(options.bases) - set(order):
        parse.error(f"no such base here: {', '.join(sorted(unknown))}; there are {', '.join(order)}")

    from recipes import Choice, data
    from recipes.execution import environment

    origin = data.find("cats_vs_dogs", "sample" if options.smoke else "full", options.data_dir)
    conditions = {
        "versions": environment.versions() | {"openvino": version("openvino")},
        "hardware": environment.hardware(),
    }
    chosen = [one for one in BASES if one[0] in (options.bases or order)]
    measured = []
    for base, size, every_format, views in [("efficientnet_lite0", 32, True, VIEWS)] if options.smoke else chosen:
        photos = data.read(origin, Choice(train=TRAIN, validation=VALIDATION, test=TRAIN), size)
        if options.smoke:
            photos = photos.take(train=24, validation=8, test=8)
        weights = None if options.smoke else "imagenet"
        for row in rows(photos, base, every_format=every_format, views=views, weights=weights):
            print(row, flush=True)
            measured.append(row | conditions)
    results = ROOT / "results" / "bench" / "frozen_bases.json"
    earlier = json.loads(results.read_text())["rows"] if results.is_file() and not options.smoke else []
    new = {row["base"] for row in measured}
    kept = [row for row in earlier if row["base"] not in new]
    found = {
        "rows": sorted(kept + measured, key=lambda row: order.index(row["base"])),
        "command": "python benchmarks/frozen_bases.py --data-dir DIR",
    }
    print(markdown(found))
    if not options.smoke:
        from recipes.files.atomic import write_json
        from recipes.study.results_table import put_in_docs

        write_json(results, found)
        put_in_docs(ROOT / "docs", "boundary.md", "frozen bases", markdown(found))


if __name__ == "__main__":
    main()
