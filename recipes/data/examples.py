"""The examples of a data set that TensorFlow Datasets has prepared, in their stored order."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from recipes.errors import DataFault

# Of an example, what is read; and examples at a time: few enough where they are large photographs.
_PARTS = ("image", "label", "image/filename")
_BATCH = 32


def stored(folder: Path, names: Container[str]) -> dict[str, bytes]:
    """The images of these names in a prepared data set, as they are stored; those that are not there are left out.

    Raises:
        DataFault: When a file is damaged.
    """
    import tensorflow_datasets as tfds

    builder = tfds.builder_from_directory(folder)
    named = (
        (name_of(example, split, place), example["image"])
        for split in builder.info.splits
        for place, example in enumerate(encoded_examples(builder, split, folder))
    )
    return {name: image for name, image in named if name in names}


def name_of(example: Mapping[str, Any], split: str, place: int) -> str:
    """What an image is called: by its file, else by its split and its place there."""
    return example.get("image/filename", f"{split}-{place:05d}".encode()).decode("utf-8", "replace")


def encoded_examples(builder: Any, name: str, folder: Path) -> Iterator[dict[str, Any]]:
    """The examples of a split one by one, their images as bytes."""
    for batch in batches(builder, name, folder, encoded=True):
        for values in zip(*batch.values(), strict=True):
            yield dict(zip(batch, values, strict=True))


def batches(builder: Any, name: str, folder: Path, *, encoded: bool = False) -> Iterator[dict[str, np.ndarray]]:
    """The examples of a split in their stored order, some at a time; images as bytes when `encoded`.

    One by one, each would cost more on its way into Python than its decoding.

    Raises:
        DataFault: When a file cannot be read to its end.
    """
    import tensorflow as tf
    import tensorflow_datasets as tfds

    # One file after the other and no shuffling: the order of the images is part of the protocol ("the last 20%").
    config = tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False)
    decoders = {"image": tfds.decode.SkipDecoding()} if encoded else None
    number = 0
    try:
        examples = builder.as_dataset(split=name, shuffle_files=False, read_config=config, decoders=decoders)
        wanted = examples.map(lambda example: {part: example[part] for part in _PARTS if part in example})
        for batch in tfds.as_numpy(wanted.batch(_BATCH).prefetch(4)):
            number += len(batch["label"])
            yield batch
    except (tf.errors.OpError, AssertionError) as error:
        raise DataFault(_name_the_damage(builder, name, folder)) from error
    if number != builder.info.splits[name].num_examples:
        raise DataFault(_name_the_damage(builder, name, folder))


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
