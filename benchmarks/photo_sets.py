"""Small sets of photos that differ, as folders of class folders, to choose defaults on and to judge them.

    python benchmarks/photo_sets.py INTO --data-dir DIR [--stamps DIR]

Cuts of the data sets of TFDS under DIR, each image as the bytes that TFDS stores: cats and dogs, 500 of each, 500 to
50, and 200 of each; six animals of CIFAR-10, 200 of each, 32 pixels wide, and four vehicles, 250 of each; clothes of
Fashion-MNIST, 60 of each; digits of MNIST, 50 of each. With `--stamps`, the folder `stamps` of Tux Paint (Debian:
tuxpaint-stamps-default), drawings and photos without a background in the classes that have 30 or more.
"""

from __future__ import annotations

import argparse
import shutil
from collections import Counter
from pathlib import Path

ANIMALS = ("bird", "cat", "deer", "dog", "frog", "horse")
# Name of the set, of the data set, its classes with so many images of each, and how many are passed over first.
CUTS = (
    ("cats_dogs_1000", "cats_vs_dogs", {"cat": 500, "dog": 500}, 0),
    ("cats_dogs_10to1", "cats_vs_dogs", {"cat": 500, "dog": 50}, 500),
    ("cifar_animals", "cifar10", dict.fromkeys(ANIMALS, 200), 0),
    ("cifar_vehicles", "cifar10", dict.fromkeys(("airplane", "automobile", "ship", "truck"), 250), 0),
    ("cats_dogs_400", "cats_vs_dogs", {"cat": 200, "dog": 200}, 1000),
    ("fashion_600", "fashion_mnist", 60, 0),
    ("mnist_500", "mnist", 50, 0),
)
FEWEST = 30


def cut(into: Path, dataset: str, wanted: dict[str, int] | int, first: int, data_dir: str) -> None:
    """Write a cut of a data set, in the order in which it is stored."""
    import tensorflow_datasets as tfds

    builder = tfds.builder(dataset, data_dir=data_dir)
    names = builder.info.features["label"].names
    wanted = wanted if isinstance(wanted, dict) else dict.fromkeys(names, wanted)
    images = builder.as_dataset(split="train", decoders={"image": tfds.decode.SkipDecoding()})
    seen: Counter[str] = Counter()
    for example in tfds.as_numpy(images):
        name = names[int(example["label"])]
        seen[name] += 1
        if first < seen[name] <= first + wanted.get(name, 0):
            folder = into / name.replace("/", " or ")
            folder.mkdir(parents=True, exist_ok=True)
            kind = "png" if example["image"].startswith(b"\x89PNG") else "jpg"
            (folder / f"{seen[name]:04d}.{kind}").write_bytes(example["image"])


def stamps(into: Path, root: Path) -> None:
    """Copy the pictures of Tux Paint, those of a subject as one class."""
    for subject in sorted(root.iterdir()):
        pictures = sorted(subject.rglob("*.png"))
        if len(pictures) >= FEWEST:
            (into / subject.name).mkdir(parents=True)
            for picture in pictures:
                shutil.copyfile(picture, into / subject.name / "-".join(picture.relative_to(subject).parts))


def crops(into: Path, number: int, *, width: int = 96, kind: str = "jpg") -> Path:
    """So many pieces each of two photographs, 96 pixels high, as a small set for a try; gives its folder.

    Args:
        into: Where `temple/` and `flower/` are made.
        number: Of each.
        width: Of each, in pixels.
        kind: Of file, `"jpg"` or `"png"`.
    """
    import numpy as np
    from PIL import Image
    from sklearn.datasets import load_sample_images

    random = np.random.default_rng(0)
    for name, photo in zip(("temple", "flower"), load_sample_images().images, strict=True):
        (into / name).mkdir(parents=True)
        for place in range(number):
            top, left = random.integers(0, (300, 500))
            Image.fromarray(photo[top : top + 96, left : left + width]).save(into / name / f"{place}.{kind}")
    return into


def main() -> None:
    """Write every set that is not there."""
    parse = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parse.add_argument("into", type=Path, metavar="INTO", help="where the sets are written, a folder for each")
    parse.add_argument("--data-dir", required=True, metavar="DIR", help="where TFDS keeps its data sets")
    parse.add_argument("--stamps", type=Path, metavar="DIR", help="the folder stamps of Tux Paint")
    options = parse.parse_args()
    for name, dataset, wanted, first in CUTS:
        if not (options.into / name).exists():
            cut(options.into / name, dataset, wanted, first, options.data_dir)
    if options.stamps and not (options.into / "drawings").exists():
        stamps(options.into / "drawings", options.stamps)
    for folder in sorted(options.into.iterdir()):
        print(folder, sum(1 for file in folder.rglob("*") if file.is_file()), "images")


if __name__ == "__main__":
    main()
