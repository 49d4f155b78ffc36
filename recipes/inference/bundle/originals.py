"""The files that golden images came from: what a stranger's own decoding can be held against."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from recipes.data import stored, tfds
from recipes.data.decode import decode, opened
from recipes.data.photos.listing import list_photos
from recipes.data.splits import Origin
from recipes.errors import DataFault
from recipes.files.manifest import Manifest

NUMBER = 8
# Of so many golden images the files are looked for; larger ones stay where they are.
FILES, MOST_BYTES = 4, 5_000_000


def golden(labels: np.ndarray) -> np.ndarray:
    """Places of a few test images of all classes: those that a run keeps as its network takes them.

    Args:
        labels: (images,), an index of the class for each.
    """
    by_class = np.argsort(labels, kind="stable")
    return by_class[np.unique(np.linspace(0, len(by_class) - 1, NUMBER).astype(int))]


def find(run: Path, manifest: Manifest, images: Mapping[str, np.ndarray]) -> dict[str, bytes]:
    """The files of some golden images, where they are still there and still decode to them.

    Args:
        run: The run's folder.
        manifest: Its manifest.
        images: The golden images by name, in order: (height, width, channels), uint8.

    Returns:
        By the name of a golden image, with the suffix of its format: the file's bytes.
    """
    names = _names(run, manifest)
    if len(names) != len(images):
        return {}
    some = dict(list(zip(images, names, strict=True))[:: -(-len(names) // FILES)])
    try:
        contents = _contents(manifest, set(some.values()))
    except DataFault:
        return {}
    found = {}
    for image, name in some.items():
        content, pixels = contents.get(name, b""), images[image]
        height, width, channels = pixels.shape
        try:
            if len(content) <= MOST_BYTES and np.array_equal(
                decode(content, (height, width), channels, manifest.square), pixels
            ):
                with opened(content, 1) as header:
                    found[f"{image}.{(header.format or '').lower()}"] = content
        except ValueError:
            continue  # Another file has its name now.
    return found


def _names(run: Path, manifest: Manifest) -> list[str]:
    """What the golden images are called, in their order; nothing where the run's table does not tell."""
    labels = {name: index for index, name in enumerate(manifest.data.class_names)}
    try:
        with (run / "predictions.csv").open(encoding="utf-8", newline="") as file:
            rows = [(row["id"], labels[row["truth"]]) for row in csv.DictReader(file)]
    except (OSError, KeyError, ValueError, csv.Error):
        return []
    return [rows[place][0] for place in golden(np.array([label for _, label in rows]))] if rows else []


def _contents(manifest: Manifest, names: set[str]) -> dict[str, bytes]:
    """Files by the names of their images, of those that are still there."""
    kind, path = manifest.data.kind, Path(manifest.data.path)
    if kind == "photos":
        paths = {entry.name: entry.path for entry in list_photos(path).entries if entry.name in names}
        return {name: path.read_bytes() for name, path in paths.items() if path.is_file()}
    folder = tfds.prepared_folder(manifest.data.dataset, path) if kind == "download" else path
    if kind == "sample" or folder is None or not folder.is_dir():
        return {}
    return stored(Origin("tfds", manifest.data.dataset, folder), names)
