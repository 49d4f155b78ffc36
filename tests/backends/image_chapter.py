"""Run by the tests in a process for each backend: the steps of a book's chapter, each by a call of ours.

The chapter is "Image classification" of Deep Learning with Python, 3rd ed. Its photos are pictures of two kinds in
folders as it makes them, its Xception is a base of five layers, and every recipe has an epoch.
"""

from __future__ import annotations

import csv
import json
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from unittest import mock

from every_verb import call, ended, step

SIDE = 80
PICTURES = {"train": 24, "validation": 12, "test": 12}
SMALL_BASE = "--set architecture=transfer --set model.backbone=small --set model.hidden=256".split()
PLAIN = "--set augment.flip=false --set augment.rotation=0 --set augment.zoom=0".split()
RUNS = {
    "scratch": ("dogs_vs_cats_gap", "--variant", "published", *PLAIN, "--set", "model.dropout=0"),
    "scratch_augmented": ("dogs_vs_cats_gap", "--variant", "published"),
    "features": ("xception_feature_extract", "--variant", "published", *SMALL_BASE, *PLAIN, "--set", "views=1"),
    "features_augmented": ("xception_feature_extract", "--variant", "published", *SMALL_BASE, "--set", "views=2"),
    "thawed": ("xception_finetune", "--variant", "published", *SMALL_BASE, "--set", "views=2"),
    "last_stage": ("xception_finetune", *SMALL_BASE),
}
found: dict[str, dict] = {"plain_keras": {}, "manifests": {}, "answers": {}, "moved": {}}


def write_folders(root: Path) -> None:
    """`root/{train,validation,test}/<class>/<n>.png`, as large as the networks take them."""
    from photo_files import crops

    for seed, (part, number) in enumerate(PICTURES.items()):
        for index, (label, picture) in enumerate(crops(number, side=SIDE, seed=seed)):
            if label != "옷":
                folder = root / part / label
                folder.mkdir(parents=True, exist_ok=True)
                picture.save(folder / f"{index}.png")


def built() -> None:
    """The chapter's network out of the zoo, counted."""
    import zoo

    found["parameters"] = zoo.get("dogs_vs_cats_gap").count_params()


def trained(words: Sequence[object], *, drawn: bool) -> int:
    """A run; only one is drawn, for pictures and page take longer than the rest of it."""
    import undrawn

    from recipes import run

    with ExitStack() as stack:
        for name, instead in () if drawn else undrawn.in_place():
            stack.enter_context(mock.patch(name, instead))
        return run.main([str(word) for word in words])


def evaluated(run: Path, photos: Path) -> None:
    """What plain Keras answers with a saved network, and which layers of the base differ from those it came with."""
    import keras

    import zoo

    model = keras.models.load_model(run / "model.keras")
    model.compile(loss="binary_crossentropy", metrics=["accuracy"])
    test = keras.utils.image_dataset_from_directory(
        photos / "test", label_mode="binary", image_size=(SIDE, SIDE), shuffle=False, verbose=False
    )
    accuracy = model.evaluate(test, verbose=0, return_dict=True)["accuracy"]
    answers = dict(zip(test.file_paths, model.predict(test, verbose=0).ravel().tolist(), strict=True))
    found["plain_keras"][run.name] = {"accuracy": accuracy, "answers": answers}
    found["manifests"][run.name] = json.loads((run / "manifest.json").read_text())
    with (run / "predictions.csv").open(newline="") as file:
        found["answers"][run.name] = {
            str(photos / row["id"]): float(row["probability temple"]) for row in csv.DictReader(file)
        }
    if not run.name.startswith("scratch"):
        base = zoo.get("transfer", backbone="small", hidden=256, input_shape=(SIDE, SIDE, 3))
        found["moved"][run.name] = [
            layer.name
            for layer in base.layers
            if not layer.name.startswith("head_")
            and any(
                (there != here).any()
                for there, here in zip(layer.get_weights(), model.get_layer(layer.name).get_weights(), strict=True)
            )
        ]


def main(folder: Path) -> None:
    """Follow the chapter from its first convnet to the evaluation of the fine-tuned one."""
    from small_bases import BOTH

    from zoo.pretrained.bases import BASES

    os.chdir(folder)
    photos = folder / "small_set"
    write_folders(photos)
    BASES.update({base.name: base for base in BOTH})
    first = ("mnist_functional", "--variant", "published", "--smoke", "--out", "first_convnet")
    with mock.patch.dict("recipes.execution.request.SMOKE_IMAGES", train=128, validation=64, test=64):
        step("first_convnet", lambda: trained(first, drawn=False))
    step("network", built)
    call("layers", "explain", "--arithmetic", "dogs_vs_cats_gap")
    call("photos", "doctor", photos)
    for name, words in RUNS.items():
        words = (*words, "--set", f"image_size={SIDE}", "--set", "batch_size=16", "--data", photos, "--smoke")
        drawn = name == "scratch_augmented"
        step(name, lambda words=words, name=name, drawn=drawn: trained((*words, "--out", name), drawn=drawn))
        step(f"{name}, evaluated", lambda run=Path(name): evaluated(run, photos))
    print(json.dumps({"ended": ended, **found}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
