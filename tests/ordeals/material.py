"""What runs that are killed are made of: photos, a table of names, and a base with its file of weights."""

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from photo_files import write_photos

from ordeals.book import BASE
from recipes.files.csv_text import csv_text
from zoo.checksum import sha256_of_arrays
from zoo.pretrained import bases
from zoo.pretrained.base import Base

EACH = 14
WIDTHS = (8, 12)


@dataclass(frozen=True)
class Material:
    """Paths that no run writes to.

    Attributes:
        photos: Sound photos of three classes, and a damaged one.
        names: A table of the classes of some of them.
        keras: A folder as Keras keeps it, with the weights of the base.
        weights: The file of these.
    """

    photos: Path
    names: Path
    keras: Path
    weights: Path


def make(folder: Path, address: str) -> Material:
    """Write it all into a folder, and make the base known, whose weights are to be had at an address, too."""
    photos, keras_home = folder / "photos", folder / "keras"
    write_photos(photos, number=EACH)
    (photos / "flower" / "cut.jpg").write_bytes((photos / "flower" / "00.jpg").read_bytes()[:200])
    paths = sorted(path.relative_to(photos).as_posix() for path in photos.glob("*/*.jpg") if path.name != "cut.jpg")
    rows = [(path, "flower" if path.startswith("flower") else "other") for path in paths[::2]]
    (folder / "names.csv").write_text(csv_text(("path", "label"), rows), encoding="utf-8")
    weights = keras_home / "models" / f"{BASE}_notop.h5"
    weights.parent.mkdir(parents=True)
    arrays = _write_weights(weights)
    bases.BASES[BASE] = Base(
        name=BASE, body=_body, pixels=bases.Pixels(1 / 255), sha256=sha256_of_arrays(arrays),
        keras_file=f"{address}/{weights.name}", smallest=16, trained_on="nothing", licence="none", origin="a test",
    )  # fmt: skip
    return Material(photos, folder / "names.csv", keras_home, weights)


def _body(pixels):
    """Two stages, each of a convolution and a normalization."""
    from keras import layers

    x = pixels
    for stage, width in enumerate(WIDTHS, 1):
        x = layers.Conv2D(width, 3, strides=2, padding="same", use_bias=False, name=f"block{stage}_conv")(x)
        x = layers.BatchNormalization(name=f"block{stage}_bn")(x)
        x = layers.ReLU(name=f"block{stage}_relu")(x)
    return x


def _write_weights(path):
    """The weights of the base in the layout of keras.applications, drawn from a seed; gives the arrays."""
    draw, arrays, before = np.random.default_rng(0), [], 3
    with h5py.File(path, "w") as file:
        names = []
        for stage, width in enumerate(WIDTHS, 1):
            kernel = draw.normal(0, (2 / (9 * before)) ** 0.5, (3, 3, before, width)).astype("float32")
            normal = [np.full(width, value, "float32") for value in (1, 0, 0, 1)]
            for name, parts in ((f"block{stage}_conv", [kernel]), (f"block{stage}_bn", normal)):
                group = file.create_group(name)
                for number, part in enumerate(parts):
                    group[f"{name}_{number}"] = part
                group.attrs["weight_names"] = np.array([f"{name}_{number}" for number in range(len(parts))], "S")
                names.append(name)
                arrays += parts
            before = width
        file.attrs["layer_names"] = np.array(names, "S")
    return arrays
