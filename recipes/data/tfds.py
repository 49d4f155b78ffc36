"""Data sets prepared by TensorFlow Datasets."""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import re
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Lock
from typing import IO, Any

import numpy as np

from recipes.data.decoded import decoded
from recipes.data.examples import batches, encoded_examples, name_of
from recipes.data.splits import SPLIT_NAMES, Images, choose, choose_fold, divide, drawn
from recipes.errors import DataFault, EnvironmentFault, first_line
from recipes.files.atomic import disk_faults
from recipes.recipe import Choice, Shares, Split
from zoo.cache import cache_folder, locked
from zoo.weights import in_megabytes

_HOSTS = {
    "cats_vs_dogs": "https://download.microsoft.com",
    "cifar10": "https://www.cs.toronto.edu",
    "fashion_mnist": "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
    "mnist": "https://storage.googleapis.com",
}
_LOSSLESS = ("cifar10", "fashion_mnist", "mnist")
log = logging.getLogger("recipes")


def host_of(dataset: str) -> str:
    """The address TFDS downloads this data set from, to be probed before TFDS starts to retry."""
    return _HOSTS.get(dataset, "https://storage.googleapis.com")


def prepared_folder(dataset: str, root: Path) -> Path | None:
    """The newest prepared version of a data set under a TFDS data folder, if there is one."""
    versions = [info.parent for info in (root / dataset).glob("**/dataset_info.json")]
    return max(versions, key=lambda folder: [int(part) for part in re.findall(r"\d+", folder.name)], default=None)


def notice(dataset: str, folder: Path) -> str:
    """What a reader must know of this copy of a data set: that lossless originals were stored as JPEG."""
    if dataset in _LOSSLESS and '"jpeg"' in (folder / "features.json").read_text(encoding="utf-8"):
        return f"This copy of {dataset} went through JPEG once; the original is lossless. Accuracy may differ slightly."
    return ""


def download(dataset: str, root: Path) -> Path:
    """Download and prepare a data set under a data folder; of several processes one works and the others wait.

    Raises:
        EnvironmentFault: When the download fails.
    """
    import tensorflow_datasets as tfds

    root.mkdir(parents=True, exist_ok=True)
    try:
        with locked(root / f".{dataset}.lock"):
            builder = tfds.builder(dataset, data_dir=root)
            if size := int(builder.info.download_size or 0):
                log.info("downloading %s: %s", dataset, in_megabytes(size))
            builder.download_and_prepare()
    except Exception as error:  # TFDS passes on whatever its downloaders raise.
        raise EnvironmentFault(f"Downloading {dataset!r} failed: {first_line(error)}") from error
    return Path(builder.data_dir)


def read_folder(folder: Path) -> tuple[Images, Images, list[str]]:
    """Read a prepared data set: the training images, the test images and the class names.

    Raises:
        DataFault: When a file is damaged (named, with what to delete) or the set is not one of labelled images
            of one size with the splits train and test.
    """
    import tensorflow_datasets as tfds

    builder = tfds.builder_from_directory(folder)
    class_names = _labelled(builder.info.features, folder)["label"].names
    if not {"train", "test"} <= set(builder.info.splits):
        raise DataFault(f"{folder} has not the splits train and test, but {', '.join(builder.info.splits)}.")
    return _read_split(builder, "train", folder), _read_split(builder, "test", folder), class_names


def features(folder: Path) -> tuple[tuple[int, int, int] | None, list[str]]:
    """Of a prepared data set: the shape of its images where it is taken as it is, else `None`; its class names.

    Raises:
        DataFault: When it is not one of labelled images.
    """
    import tensorflow_datasets as tfds

    known = _labelled(tfds.builder_from_directory(folder).info.features, folder)
    return (known["image"].shape if is_uniform(folder) else None), known["label"].names


def features_to_come(dataset: str, root: Path) -> tuple[tuple[int, int, int] | None, list[str]] | None:
    """Of a data set that is not downloaded yet: the shape of its images and its class names, as TFDS announces them.

    Returns:
        `None` where TFDS does not know it; the shape is `None` where the images have several sizes.

    Raises:
        DataFault: When it is not one of labelled images.
    """
    import tensorflow_datasets as tfds

    try:
        builder = tfds.builder(dataset, data_dir=root)
    except Exception:  # Whatever it is, the download says it.
        return None
    known = _labelled(builder.info.features, dataset)
    shape = known["image"].shape
    return (None if None in shape else shape), known["label"].names


def _labelled(features: Mapping[str, Any], where: Path | str) -> Mapping[str, Any]:
    if not {"image", "label"} <= set(features):
        raise DataFault(f"{where} is not a set of labelled images: it has {', '.join(features)}, not image and label.")
    if not getattr(features["label"], "names", None):
        raise DataFault(f"The labels of {where} are no classes with names: {features['label']}.")
    return features


def is_uniform(folder: Path) -> bool:
    """Whether a prepared data set has test images of its own, and images of one size."""
    import tensorflow_datasets as tfds

    info = tfds.builder_from_directory(folder).info
    return "test" in info.splits and "image" in info.features and None not in info.features["image"].shape


def read_photos(
    folder: Path, split: Split | Choice | Shares, shape: tuple[int, int, int], square: str = "squash"
) -> tuple[Images, Images, Images, list[str]]:
    """Read a prepared data set whose images are to be brought to one size.

    Args:
        folder: The prepared data set.
        split: How to divide it. A set without test images of its own gives some of its training images.
        shape: (height, width, channels).
        square: How an image of another shape is brought to it, see `recipes.data.decode.fit`.

    Returns:
        Training, validation and test images, decoded and kept on disk, and the class names.

    Raises:
        DataFault: When a file is damaged, or there are too few images.
    """
    import tensorflow_datasets as tfds

    builder = tfds.builder_from_directory(folder)
    class_names = _labelled(builder.info.features, folder)["label"].names
    if "train" not in builder.info.splits:
        raise DataFault(f"{folder} has no split train, but {', '.join(builder.info.splits)}.")
    pool = _Encoded.read(builder, "train", folder)
    held = _Encoded.read(builder, "test", folder) if "test" in builder.info.splits else None
    places = _places(pool, held, split)
    if empty := [name for name, part in zip(SPLIT_NAMES, places, strict=True) if not len(part)]:
        raise DataFault(f"{folder} has too few images to divide: none is left for {' and '.join(empty)}.")
    train, validation = (_decoded(pool, part, shape, square) for part in places[:2])
    test = _decoded(held or pool, places[2], shape, square)
    return train, validation, test, class_names


def _places(pool: _Encoded, held: _Encoded | None, split: Split | Choice | Shares) -> list[np.ndarray]:
    """Places of the training and validation images in `pool`, and of the test images in `held` or else in `pool`."""
    if isinstance(split, Choice):
        if split.folds:
            if held is not None:
                raise DataFault(
                    "Folds are for a set without test images of its own, and this one has some: leave out --folds."
                )
            return choose_fold(pool.labels, pool.ids, split)
        if held is None:
            return choose(pool.labels, pool.ids, (split.train, split.validation, split.test))
        return [
            *choose(pool.labels, pool.ids, (split.train, split.validation)),
            *choose(held.labels, held.ids, (split.test,)),
        ]
    if isinstance(split, Split) and held is not None:
        return [*divide(pool.labels, split), np.arange(len(held.labels))]
    if isinstance(split, Shares) and split.folds:
        raise DataFault("Folds of a data set are for recipes that choose a number of images. Leave out split.folds.")
    shares = split if isinstance(split, Shares) else Shares(validation=split.validation, seed=split.seed)
    if held is not None:
        shares = dataclasses.replace(shares, test=0.0)
    names = np.array([drawn(key, shares) for key in pool.hashes])
    parts = [np.flatnonzero(names == name) for name in SPLIT_NAMES]
    return parts if held is None else [*parts[:2], np.arange(len(held.labels))]


@dataclass(frozen=True)
class _Encoded:
    """The images of one split as they lie in their files: labels, names and checksums, but not the bytes."""

    builder: Any
    split: str
    folder: Path
    labels: np.ndarray
    ids: np.ndarray
    hashes: list[str]

    @classmethod
    def read(cls, builder: Any, split: str, folder: Path) -> _Encoded:
        labels: list[int] = []
        ids: list[str] = []
        hashes: list[str] = []
        for place, example in enumerate(encoded_examples(builder, split, folder)):
            labels.append(example["label"])
            ids.append(name_of(example, split, place))
            hashes.append(hashlib.sha256(example["image"]).hexdigest())
        return cls(builder, split, folder, np.array(labels, "int64"), np.array(ids), hashes)

    def copy(self, places: np.ndarray, file: IO[bytes]) -> list[tuple[int, int]]:
        """Copy the images at these places into a file, in the order in which they are stored.

        Returns:
            For each place, in the order given, where its bytes begin in the file, and how many they are.
        """
        wanted = set(places.tolist())
        found: dict[int, tuple[int, int]] = {}
        for place, example in enumerate(encoded_examples(self.builder, self.split, self.folder)):
            if place in wanted:
                found[place] = file.tell(), len(example["image"])
                file.write(example["image"])
        file.flush()
        return [found[place] for place in places.tolist()]


def _decoded(encoded: _Encoded, places: np.ndarray, shape: tuple[int, int, int], square: str = "squash") -> Images:
    """The images at these places, decoded to a size once and kept in the cache folder.

    They are stored in another order than they are wanted in. As many as there may be, memory does not hold them: they
    lie in a file beside what is decoded, for so long.
    """
    root, reading = cache_folder(), Lock()
    with ExitStack() as closing:

        @cache
        def copied() -> tuple[IO[bytes], list[tuple[int, int]]]:
            with disk_faults(root):
                file = closing.enter_context(tempfile.TemporaryFile(dir=root))
                return file, encoded.copy(places, file)

        def content(place: int) -> bytes:
            with reading:
                file, spans = copied()
                start, length = spans[place]
                file.seek(start)
                return file.read(length)

        names = [f"{encoded.ids[place]} in {encoded.folder}" for place in places]
        pixels = decoded(content, [encoded.hashes[place] for place in places], names, shape, square)
    return Images(pixels, encoded.labels[places], encoded.ids[places])


def _read_split(builder: Any, name: str, folder: Path) -> Images:
    columns = [(batch["image"], batch["label"]) for batch in batches(builder, name, folder)]
    pixels, labels = (np.concatenate(column) for column in zip(*columns, strict=True))
    ids = np.array([f"{name}-{index:05d}" for index in range(len(labels))])
    return Images(pixels, labels.astype("int64"), ids)
