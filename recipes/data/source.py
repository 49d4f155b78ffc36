"""Find a data set and read it: TFDS on disk, a download, or the bundled sample."""

from __future__ import annotations

import os
from pathlib import Path

from recipes.data import samples, tfds_source
from recipes.data.decode import resize
from recipes.data.splits import Origin, Splits, divide
from recipes.errors import EnvironmentFault, UsageFault
from recipes.recipe import Choice, Split
from zoo.network import reachable

MODES = ("auto", "full", "sample")


def find(dataset: str, mode: str = "auto", data_dir: str | os.PathLike | None = None) -> Origin:
    """Decide where the images will come from, in ten seconds at most and without reading one.

    Args:
        dataset: A TFDS name.
        mode: `"auto"` takes the prepared data set, else a download, else (no network) the sample; `"full"`
            never takes the sample; `"sample"` always does.
        data_dir: TFDS's data folder. Default: `TFDS_DATA_DIR`, else `~/tensorflow_datasets`.

    Raises:
        UsageFault: For an unknown mode or a `data_dir` that is not a folder.
        EnvironmentFault: When nothing that the mode allows is there; the message says what to put where.
    """
    if mode not in MODES:
        raise UsageFault(
            f"--data must be one of {', '.join(MODES)}. Got {mode!r} instead. "
            "(Your own image folders are not read yet.)"
        )
    if data_dir is not None and not Path(data_dir).expanduser().is_dir():
        raise UsageFault(f"--data-dir must be a folder that holds TFDS data sets. There is none at {str(data_dir)!r}.")
    if mode == "sample":
        return _sample(dataset, "asked for")
    root = Path(data_dir or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets").expanduser()
    if prepared := tfds_source.prepared_folder(dataset, root):
        return Origin("tfds", dataset, prepared, tfds_source.notice(dataset, prepared))
    if reachable(tfds_source.host_of(dataset)):
        return Origin("download", dataset, root)
    missing = f"The data set {dataset!r} is not prepared under {root}, and its download site cannot be reached."
    if mode == "auto" and dataset in samples.SAMPLES:
        return _sample(dataset, missing)
    raise EnvironmentFault(
        f'{missing} Prepare it on a connected machine (python -c "import tensorflow_datasets as tfds; '
        f"tfds.load('{dataset}')\"), copy the folder {dataset!r} into {root}, or point TFDS_DATA_DIR or --data-dir "
        f"at the folder that holds it" + ("; or use --data sample." if dataset in samples.SAMPLES else ".")
    )


def read(origin: Origin, split: Split | Choice, image_size: int | None = None) -> Splits:
    """Read the images and split them.

    Args:
        origin: What `find` gave.
        split: How to divide the images.
        image_size: Bring every image to a square of so many pixels, in colour; decoded images are kept on disk. `None`
            reads images of one size as they are, into memory.

    Raises:
        DataFault: For damaged or unusable data; the message names the file.
        EnvironmentFault: When a download fails.
    """
    if origin.kind == "sample":
        pool, test, class_names = samples.SAMPLES[origin.dataset].read()
        if image_size is not None:
            pool, test = resize(pool, image_size), resize(test, image_size)
    else:
        folder = origin.path if origin.kind == "tfds" else tfds_source.download(origin.dataset, origin.path)
        if image_size is not None:
            train, validation, test, class_names = tfds_source.read_photos(folder, split, image_size)
            return Splits(train, validation, test, tuple(class_names), origin)
        pool, test, class_names = tfds_source.read_folder(folder)
    train_places, validation_places = divide(pool.labels, split)
    return Splits(pool.select(train_places), pool.select(validation_places), test, tuple(class_names), origin)


def _sample(dataset: str, why: str) -> Origin:
    sample = samples.SAMPLES.get(dataset)
    if sample is None:
        raise EnvironmentFault(f"There is no bundled sample of {dataset!r}. Samples: {', '.join(samples.SAMPLES)}.")
    return Origin(
        "sample",
        sample.dataset,
        Path(samples.__file__).parent,
        f"{sample.title}: not comparable with published results ({why})",
    )
