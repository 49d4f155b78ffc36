"""How a photo becomes a square, chosen by measuring: squashed, cropped, or whole on grey.

    python benchmarks/squares.py FOLDER [FOLDER ...] [--smoke]

FOLDER holds photos as `recipes.run --data` takes them. Every photo that can be used passes EfficientNet-Lite0 at 224
pixels, once as each square; the averages of its last stage are told apart by a logistic regression. By five folds, none
of which divides photos that look the same, each photo is tested once. Two squares are compared on the photos that only
one of them has right (McNemar). Results go to results/bench/squares.json and, between the marks, into docs/en/photos.md.
`--smoke` takes a few crops of two photographs, random weights, and writes nothing.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.text.markdown import table

if TYPE_CHECKING:
    from recipes.data.photos.diagnosis import Diagnosis

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
BASE, SIZE, FOLDS, SEED = "efficientnet_lite0", 224, 5, 42


def rows(folder: Path, *, size: int, weights: str | None) -> Iterator[dict[str, Any]]:
    """One folder as each square, the default first; the others are compared with it."""
    import keras

    import zoo
    from recipes.data.photos.diagnosis import examine
    from recipes.data.user_photos import images_of
    from recipes.evaluate.statistics import mcnemar, wilson
    from recipes.recipe import SQUARES, Shares

    diagnosis = examine(folder, Shares())
    photos, classes, groups = diagnosis.used, diagnosis.listing.classes, _groups(diagnosis)
    model = zoo.get("transfer", backbone=BASE, weights=weights, input_shape=(size, size, 3))
    network = keras.Model(model.inputs[0], model.get_layer("head_average").output)
    default = None
    for square in SQUARES:
        images = images_of(photos, classes, (size, size, 3), square)
        right = judged(network, images.pixels[:], images.labels, groups)
        default = right if default is None else default
        compared = mcnemar(default.tolist(), right.tolist())
        yield {
            "folder": folder.name,
            "square": square,
            "photos": len(right),
            "right": int(right.sum()),
            "accuracy": float(right.mean()),
            "interval": list(wilson(int(right.sum()), len(right))),
            "only_the_default": compared.only_first,
            "only_this": compared.only_second,
            "p_value": compared.p_value,
        }


def judged(network: Any, images: np.ndarray, labels: np.ndarray, groups: Sequence[int]) -> np.ndarray:
    """Whether a regression that was trained on the other folds calls each photo by its name."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from recipes.freeze import feature_cache

    with tempfile.TemporaryDirectory() as folder:
        features = feature_cache.cache(network, images, dtype="float32", precision="auto", folder=Path(folder))[:]
    head = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=SEED)
    return np.asarray(cross_val_predict(head, features, labels, groups=groups, cv=folds) == labels)


def _groups(diagnosis: Diagnosis) -> list[int]:
    """A number for each photo that can be used; photos that look the same have one."""
    return diagnosis.groups(photo.entry.name for photo in diagnosis.used).tolist()


def markdown(found: dict[str, Any]) -> str:
    """The rows as a table, and a sentence on their conditions."""
    head = ("photos", "square", "right (95% interval)", "right here, not squashed", "the other way", "p")
    lines = [
        (
            f"{row['photos']:,} of {row['folder']}", row["square"],
            f"{row['accuracy']:.4f} ({row['interval'][0]:.4f} to {row['interval'][1]:.4f})",
            row["only_this"], row["only_the_default"], f"{row['p_value']:.2f}",
        )
        for row in found["rows"]
    ]  # fmt: skip
    keras = found["versions"]["keras"]
    return "\n".join([table(head, lines), f"{BASE} at {SIZE} pixels, Keras {keras}; `{found['command']}`.", ""])


def main() -> None:
    """Judge every folder as every square, print, and store."""
    parse = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parse.add_argument("folders", type=Path, nargs="*", metavar="FOLDER", help="photos, a folder for each class")
    parse.add_argument("--smoke", action="store_true", help="a few crops, random weights, nothing stored")
    options = parse.parse_args()
    if not options.smoke and not options.folders:
        parse.error("a folder of photos or --smoke is needed")

    from benchmarks.photo_sets import crops
    from recipes.execution import environment

    measured = []
    with tempfile.TemporaryDirectory() as few:
        for folder in [crops(Path(few) / "crops", 12, width=128)] if options.smoke else options.folders:
            size, weights = (32, None) if options.smoke else (SIZE, "imagenet")
            for row in rows(folder, size=size, weights=weights):
                print(row, flush=True)
                measured.append(row)
    found = {
        "rows": measured,
        "command": "python benchmarks/squares.py FOLDER ...",
        "versions": environment.versions(),
        "hardware": environment.hardware(),
    }
    print(markdown(found))
    if not options.smoke:
        from recipes.files.atomic import write_json
        from recipes.study.results_table import put_between_marks

        write_json(ROOT / "results" / "bench" / "squares.json", found)
        put_between_marks(ROOT / "docs" / "en" / "photos.md", "squares", markdown(found))


if __name__ == "__main__":
    main()
