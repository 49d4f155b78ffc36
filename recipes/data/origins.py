"""Find images and read them: TFDS on disk, a download, the bundled sample, or a person's own photos."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from recipes.data import examples, samples, tfds, user_photos
from recipes.data.decode import resize
from recipes.data.photos.diagnosis import Diagnosis, examine
from recipes.data.photos.entry import pattern
from recipes.data.splits import Images, Origin, Splits, divide
from recipes.errors import EnvironmentFault, UsageFault
from recipes.recipe import Choice, Recipe, Shares, Split
from zoo.pretrained.reachability import reachable

MODES = ("auto", "full", "sample")
TFDS = "tfds:"


def is_own(mode: str) -> bool:
    """Whether `--data` names a person's own photos."""
    return mode not in MODES and not mode.startswith(TFDS)


def find(
    dataset: str,
    mode: str = "auto",
    data_dir: str | os.PathLike | None = None,
    decided: str | os.PathLike | None = None,
    group_by: str | None = None,
) -> Origin:
    """Decide where the images will come from, in ten seconds at most and without reading one.

    Args:
        dataset: A TFDS name; for a person's own photos, what to call them.
        mode: `"auto"` takes the prepared data set, else a download, else (no network) the sample; `"full"`
            never takes the sample; `"sample"` always does. Anything else is the path of a folder or table of photos.
        data_dir: TFDS's data folder. Default: `TFDS_DATA_DIR`, else `~/tensorflow_datasets`.
        decided: A table of decisions about the labels of photos. Default: the one beside them, if there is one.
        group_by: A regular expression with one group: photos in whose names it finds the same stay together.

    Raises:
        UsageFault: For an unknown mode, a `data_dir` that is not a folder, decisions that are not there, or a
            `group_by` that cannot be used.
        EnvironmentFault: When nothing that the mode allows is there; the message says what to put where.
    """
    if is_own(mode):
        if not Path(mode).exists():
            raise UsageFault(
                f"--data must be one of {', '.join(MODES)}, tfds:<name>, or a folder or table of photos that exists. "
                f"Got {mode!r} instead."
            )
        if decided is not None and not Path(decided).is_file():
            raise UsageFault(f"There is no table of decisions at {str(decided)!r}. Mend or leave out --decisions.")
        if group_by is not None:
            pattern(group_by)
        return Origin(
            "photos", dataset, Path(mode), decided=Path(decided) if decided is not None else None, group_by=group_by
        )
    if decided is not None:
        raise UsageFault("--decisions is for photos of your own: --data FOLDER.")
    if group_by is not None:
        raise UsageFault("--group-by is for photos of your own: --data FOLDER.")
    if data_dir is not None and not Path(data_dir).expanduser().is_dir():
        raise UsageFault(f"--data-dir must be a folder that holds TFDS data sets. There is none at {str(data_dir)!r}.")
    if mode == "sample":
        return _sample(dataset, "asked for")
    root = Path(data_dir or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets").expanduser()
    if prepared := tfds.prepared_folder(dataset, root):
        return Origin("tfds", dataset, prepared, tfds.notice(dataset, prepared))
    if reachable(tfds.host_of(dataset)):
        return Origin("download", dataset, root)
    missing = f"The data set {dataset!r} is not prepared under {root}, and its download site cannot be reached."
    if mode == "auto" and dataset in samples.SAMPLES:
        return _sample(dataset, missing)
    raise EnvironmentFault(
        f'{missing} Prepare it on a connected machine (python -c "import tensorflow_datasets as tfds; '
        f"tfds.load('{dataset}')\"), copy the folder {dataset!r} into {root}, or point TFDS_DATA_DIR or --data-dir "
        f"at the folder that holds it" + ("; or use --data sample." if dataset in samples.SAMPLES else ".")
    )


def read(
    origin: Origin,
    split: Split | Choice | Shares,
    image_size: int | None = None,
    *,
    shape: tuple[int, int, int] = (180, 180, 3),
    square: str = "squash",
    diagnosis: Diagnosis | None = None,
) -> Splits:
    """Read the images and split them.

    Args:
        origin: What `find` gave.
        split: How to divide the images.
        image_size: Bring every image to a square of so many pixels; decoded images are kept on disk. `None` reads
            images of one size as they are.
        shape: The architecture's own (height, width, channels). Images of several sizes are brought to its height and
            width where no size is wanted; images that are brought to a size, and photos, get its channels.
        square: How an image of another shape is brought to a size, see `recipes.data.decode.fit`.
        diagnosis: What an examination of a person's own photos found.

    Raises:
        DataFault: For damaged or unusable data; the message names the file.
        EnvironmentFault: When a download fails.
    """
    if origin.kind == "sample":
        pool, test, class_names = samples.SAMPLES[origin.dataset].read()
        if image_size is not None:
            pool, test = (resize(images, image_size, shape[2], square) for images in (pool, test))
    elif origin.kind == "photos":
        if diagnosis is None:
            shares = split if isinstance(split, Shares) else Shares()
            diagnosis = examine(origin.path, shares, decided=origin.decided, group_by=origin.group_by)
        return user_photos.read(origin, diagnosis, image_size, shape, square)
    else:
        folder = origin.path if origin.kind == "tfds" else tfds.download(origin.dataset, origin.path)
        if image_size is not None or not tfds.is_uniform(folder):
            size = (image_size, image_size) if image_size is not None else shape[:2]
            train, validation, test, class_names = tfds.read_photos(folder, split, (*size, shape[2]), square)
            return Splits(train, validation, test, tuple(class_names), origin)
        pool, test, class_names = tfds.read_folder(folder)
    train_places, validation_places = divide(pool.labels, split)
    return Splits(pool.select(train_places), pool.select(validation_places), test, tuple(class_names), origin)


def read_again(
    origin: Origin, images: Images, shape: tuple[int, int, int], recipe: Recipe, diagnosis: Diagnosis | None
) -> Images:
    """Some training images that `read` gave, in the same order, brought to another size.

    Args:
        origin: Where they come from.
        images: As they were read.
        shape: (height, width, channels) that they are brought to, of equal sides.
        recipe: How they are divided, and brought to a square.
        diagnosis: Of a person's own photos.
    """
    if diagnosis is not None:
        photo_of = {photo.entry.name: photo for photo in diagnosis.used}
        photos = [photo_of[str(name)] for name in images.ids]
        return user_photos.images_of(photos, diagnosis.listing.classes, shape, recipe.square)
    train = read(origin, recipe.split, shape[0], shape=shape, square=recipe.square).train
    place_of = {str(name): place for place, name in enumerate(train.ids)}
    return train.select(np.array([place_of[str(name)] for name in images.ids]))


def stored(origin: Origin, names: Iterable[str]) -> dict[str, bytes]:
    """The files of some images of a prepared data set, as they are stored, by the names that `read` gives them.

    Raises:
        DataFault: When the data set is damaged.
    """
    return examples.stored(origin.path, set(names))


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
