"""Labelled images, and how they are divided."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from recipes.errors import DataFault
from recipes.files.sharded_array import Rows
from recipes.recipe import Choice, Shares, Split

SPLIT_NAMES = ("train", "validation", "test")


@dataclass(frozen=True)
class Images:
    """Images with their labels and names, in one order.

    Attributes:
        pixels: (images, height, width, channels), uint8, raw 0-255; in memory, or on disk and read as needed.
        labels: (images,), int64, an index into the class names.
        ids: A stable name for each image.
    """

    pixels: np.ndarray | Rows
    labels: np.ndarray
    ids: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def select(self, indices: np.ndarray) -> Images:
        """The images at these places, in this order, in memory."""
        return Images(self.pixels[indices], self.labels[indices], self.ids[indices])


@dataclass(frozen=True)
class Origin:
    """Where images come from.

    Attributes:
        kind: `"tfds"` (prepared on disk), `"download"`, `"sample"` or `"photos"` (a person's own).
        dataset: The data set's TFDS name; for a sample, that of the set it was taken from; for photos, their folder's.
        path: The data set's folder, or the data folder to download it to. A sample's is its package's.
        notice: What the reader of a result must know about the data; empty for the full data set.
        decided: The table of decisions about the labels of photos; `None` takes the one beside them.
        group_by: A regular expression with one group, which names photos that stay together; `None` for none.
    """

    kind: str
    dataset: str
    path: Path
    notice: str = ""
    decided: Path | None = None
    group_by: str | None = None


@dataclass(frozen=True)
class Splits:
    """Three disjoint sets of images: `train` teaches, `validation` chooses, `test` is scored once."""

    train: Images
    validation: Images
    test: Images
    class_names: tuple[str, ...]
    origin: Origin

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels)."""
        height, width, channels = self.train.pixels.shape[1:]
        return height, width, channels

    @cached_property
    def fingerprint(self) -> str:
        """sha256 over every pixel and label in order: equal for equal data."""
        digest = hashlib.sha256("\n".join(self.class_names).encode())
        for name in SPLIT_NAMES:
            images = getattr(self, name)
            for start in range(0, len(images), 256):
                digest.update(np.ascontiguousarray(images.pixels[start : start + 256]).data)
            digest.update(np.ascontiguousarray(images.labels).data)
        return digest.hexdigest()

    def counts(self) -> dict[str, dict[str, int]]:
        """Images per split and class."""
        table = {}
        for name in SPLIT_NAMES:
            found = Counter(getattr(self, name).labels.tolist())
            table[name] = {label: found[index] for index, label in enumerate(self.class_names)}
        return table

    def take(self, train: int, validation: int, test: int) -> Splits:
        """A smaller copy, evenly spaced through each split."""
        wanted = {"train": train, "validation": validation, "test": test}
        parts = {}
        for name, number in wanted.items():
            images = getattr(self, name)
            parts[name] = images.select(np.linspace(0, len(images) - 1, min(number, len(images))).astype(int))
        return Splits(**parts, class_names=self.class_names, origin=self.origin)


def choose(labels: np.ndarray, names: np.ndarray, numbers: Sequence[int]) -> list[np.ndarray]:
    """Places of equally many images of each class for each of several disjoint parts.

    Args:
        labels: (images,), class indices.
        names: (images,), file names; the numbers in them give the order within a class.
        numbers: Images in each part, over all classes. The last part may have fewer, as many as are left.

    Returns:
        For each part the places, sorted by class and then by name.

    Raises:
        DataFault: When a class has too few images.
    """
    classes = np.unique(labels)
    shares = [max(1, number // len(classes)) for number in numbers]
    parts: list[list[int]] = [[] for _ in numbers]
    for label in classes:
        places = sorted(np.flatnonzero(labels == label), key=lambda place: _natural(str(names[place])))
        if len(places) <= sum(shares[:-1]):
            raise DataFault(
                f"Class {label} has {len(places):,} images, and {' + '.join(map(str, shares))} are wanted (the last "
                "part may be smaller, but not empty). Choose fewer: --set split.train=..., --set split.validation=..."
            )
        for part, share, before in zip(parts, shares, np.cumsum([0, *shares]), strict=False):
            part += map(int, places[before : before + share])
    return [np.array(part) for part in parts]


def choose_fold(labels: np.ndarray, names: np.ndarray, split: Choice) -> list[np.ndarray]:
    """Places of the training, validation and test images of one fold, equally many of each class but for the rest.

    Args:
        labels: (images,), class indices.
        names: (images,), file names; their sha256 gives the order in which a class is dealt out.
        split: With folds.

    Returns:
        For each of the three the places, sorted by class. Over all folds each image is a test image once.

    Raises:
        DataFault: When the other folds have too few images to train and validate with.
    """
    classes = np.unique(labels)
    parts: list[list[int]] = [[], [], []]
    for label in classes:
        shuffled = sorted(map(int, np.flatnonzero(labels == label)), key=lambda place: _shuffled(str(names[place])))
        rest = [place for order, place in enumerate(shuffled) if order % split.folds != split.fold]
        train, validation = split.train // len(classes), split.validation // len(classes)
        if len(rest) < train + validation:
            raise DataFault(
                f"Class {label} has {len(rest):,} images outside of fold {split.fold}, and {train} + {validation} are "
                "wanted. Choose fewer: --set split.train=..., --set split.validation=..."
            )
        parts[0] += rest[:train]
        parts[1] += rest[train : train + validation]
        parts[2] += shuffled[split.fold :: split.folds]
    return [np.array(part) for part in parts]


def _shuffled(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


def drawn(key: str, shares: Shares) -> str:
    """The split that a key draws: `"train"`, `"validation"` or `"test"`, always the same for the same key."""
    number = int.from_bytes(hashlib.sha256(f"{shares.seed}:{key}".encode()).digest()[:8]) / 2**64
    if number < shares.test:
        return "test"
    return "validation" if number < shares.test + shares.validation else "train"


def _natural(name: str) -> list[tuple[str, int]]:
    """A key that sorts `cat.9.jpg` before `cat.10.jpg`."""
    return [(text, int(number or 0)) for text, number in re.findall(r"(\D*)(\d*)", name)]


def divide(labels: np.ndarray, split: Split | Choice | Shares) -> tuple[np.ndarray, np.ndarray]:
    """Places of the training and of the validation images.

    Args:
        labels: (images,), the labels of all images that may train.
        split: How to divide them. Of a `Choice` or `Shares`, which want one pool, the share of validation is taken.

    Raises:
        DataFault: When there are too few images to divide.
    """
    from sklearn.model_selection import train_test_split

    if isinstance(split, Choice):
        split = Split(method="stratified", validation=split.validation / (split.train + split.validation))
    elif isinstance(split, Shares):
        split = Split(method="stratified", validation=split.validation, seed=split.seed)
    places = np.arange(len(labels))
    if split.method == "last":
        # As Keras: the first int(n * (1 - validation)) train.
        border = int(len(labels) * (1 - split.validation))
        train, validation = places[:border], places[border:]
    else:
        try:
            train, validation = train_test_split(
                places,
                test_size=split.validation,
                random_state=split.seed,
                stratify=labels if split.method == "stratified" else None,
            )
        except ValueError as error:
            raise DataFault(f"{len(labels)} images cannot be split into training and validation: {error}") from error
    if not len(train) or not len(validation):
        raise DataFault(
            f"{len(labels)} images are too few for a validation share of {split.validation:g}: "
            f"{len(train)} would train and {len(validation)} validate."
        )
    return train, validation
