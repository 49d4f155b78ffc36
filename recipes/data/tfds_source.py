"""Data sets prepared by TensorFlow Datasets."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from recipes.data.splits import Images
from recipes.errors import DataFault, EnvironmentFault

_HOSTS = {
    "cats_vs_dogs": "https://download.microsoft.com",
    "cifar10": "https://www.cs.toronto.edu",
    "fashion_mnist": "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
    "mnist": "https://storage.googleapis.com",
}
_LOSSLESS = ("cifar10", "fashion_mnist", "mnist")


def host_of(dataset: str) -> str:
    """The address TFDS downloads this data set from, to be probed before TFDS starts to retry."""
    return _HOSTS.get(dataset, "https://storage.googleapis.com")


def prepared_folder(dataset: str, root: Path) -> Path | None:
    """The newest prepared version of a data set under a TFDS data folder, if there is one."""
    versions = [info.parent for info in (root / dataset).glob("**/dataset_info.json")]
    return max(versions, key=lambda folder: [int(part) for part in re.findall(r"\d+", folder.name)], default=None)


def notice(dataset: str, folder: Path) -> str:
    """What a reader must know of this copy of a data set: that lossless originals were stored as JPEG."""
    if dataset in _LOSSLESS and '"jpeg"' in (folder / "features.json").read_text():
        return f"This copy of {dataset} went through JPEG once; the original is lossless. Accuracy may differ slightly."
    return ""


def download(dataset: str, root: Path) -> Path:
    """Download and prepare a data set under a data folder; of several processes one works and the others wait.

    Raises:
        EnvironmentFault: When the download fails.
    """
    import tensorflow_datasets as tfds
    from filelock import FileLock

    root.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(root / f".{dataset}.lock"):
            builder = tfds.builder(dataset, data_dir=root)
            builder.download_and_prepare()
    except Exception as error:  # TFDS passes on whatever its downloaders raise.
        raise EnvironmentFault(f"Downloading {dataset!r} failed: {str(error).splitlines()[0]}") from error
    return Path(builder.data_dir)


def read_folder(folder: Path) -> tuple[Images, Images, list[str]]:
    """Read a prepared data set: the training images, the test images and the class names.

    Raises:
        DataFault: When a file is damaged (named, with what to delete) or the set is not one of labelled images
            of one size with the splits train and test.
    """
    import tensorflow_datasets as tfds

    builder = tfds.builder_from_directory(folder)
    if not {"train", "test"} <= set(builder.info.splits) or not {"image", "label"} <= set(builder.info.features):
        raise DataFault(f"{folder} is not a set of labelled images with the splits train and test.")
    if None in builder.info.features["image"].shape:
        raise DataFault(f"The images in {folder} have different sizes; only sets of one size can be read yet.")
    class_names = builder.info.features["label"].names
    return _read_split(builder, "train", folder), _read_split(builder, "test", folder), class_names


def _read_split(builder: Any, name: str, folder: Path) -> Images:
    import tensorflow as tf
    import tensorflow_datasets as tfds

    # One file after the other and no shuffling: the order of the images is part of the protocol ("the last 20%").
    config = tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False)
    expected = builder.info.splits[name].num_examples
    try:
        examples = builder.as_dataset(split=name, shuffle_files=False, read_config=config)
        batches = [(batch["image"].numpy(), batch["label"].numpy()) for batch in examples.batch(1000).prefetch(4)]
    except (tf.errors.OpError, AssertionError) as error:
        raise DataFault(_name_the_damage(builder, name, folder)) from error
    if sum(len(labels) for _, labels in batches) != expected:
        raise DataFault(_name_the_damage(builder, name, folder))
    pixels, labels = (np.concatenate(column) for column in zip(*batches, strict=True))
    ids = np.array([f"{name}-{index:05d}" for index in range(expected)])
    return Images(pixels, labels.astype("int64"), ids)


def _name_the_damage(builder: Any, name: str, folder: Path) -> str:
    """Say which file of a split cannot be read to its end."""
    import tensorflow as tf

    split = builder.info.splits[name]
    for path, expected in zip(split.filepaths, split.shard_lengths, strict=True):
        try:
            found = sum(1 for _ in tf.data.TFRecordDataset(str(path)))
            problem = f"holds {found} of {expected} examples" if found != expected else ""
        except tf.errors.NotFoundError:
            problem = "is missing"
        except tf.errors.OpError:
            problem = "is truncated or damaged"
        if problem:
            return f"{path} {problem}. Delete {folder} and prepare the data set again."
    return f"The examples of {name!r} in {folder} cannot be decoded. Delete the folder and prepare the data set again."
