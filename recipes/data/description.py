"""What images will look like, as far as it can be known before one is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from recipes.data import samples, tfds
from recipes.data.decode import content_of, opened
from recipes.data.photos.listing import Entry, list_photos
from recipes.data.splits import Origin
from recipes.data.user_photos import SMALL

# Data sets that are known to be taken as they are.
FIXED_SIZE = ("cifar10", "fashion_mnist", "mnist")


@dataclass(frozen=True)
class Description:
    """What a network is built for.

    Attributes:
        image_shape: (height, width, channels).
        class_names: In the order of the labels.
    """

    image_shape: tuple[int, int, int]
    class_names: tuple[str, ...]


def describe(origin: Origin, image_size: int | None, shape: tuple[int, int, int]) -> Description | None:
    """What the images will look like, by listing files and reading headers; no image is decoded.

    Args:
        origin: Where they come from.
        image_size: Side of the square that every image is brought to; `None` where the recipe names none.
        shape: The architecture's own (height, width, channels).

    Returns:
        The description; of photos the size is a guess from the first of them. `None` where nothing can be known yet:
        of photos in fewer than two classes, and of a data set to be downloaded of which TFDS does not announce enough.

    Raises:
        DataFault: When there are no photos, or the data set is not one of labelled images.
    """
    square = None if image_size is None else (image_size, image_size, shape[2])
    if origin.kind == "sample":
        sample = samples.SAMPLES[origin.dataset]
        return Description(square or sample.image_shape, sample.class_names)
    if origin.kind == "photos":
        listing = list_photos(origin.path, origin.decided)
        if len(listing.classes) < 2:
            return None
        return Description(square or _guess(listing.entries, shape), tuple(listing.classes))
    if origin.kind == "tfds":
        stored, class_names = tfds.features(origin.path)
        return Description(square or stored or shape, tuple(class_names))
    announced = tfds.features_to_come(origin.dataset, origin.path)
    if announced is None:
        return None
    size, class_names = announced
    if square or size is None:
        return Description(square or shape, tuple(class_names))
    # Of another, only the download tells whether it has test images of its own, and so whether it is taken as it is.
    return Description(size, tuple(class_names)) if origin.dataset in FIXED_SIZE else None


def _guess(entries: list[Entry], shape: tuple[int, int, int]) -> tuple[int, int, int]:
    """The size of the first photo that has one, where it is so small that photos are taken as they are."""
    for entry in islice(entries, 8):
        try:
            with opened(content_of(entry.path), 1) as image:
                small = max(image.size) <= SMALL
                return (image.height, image.width, shape[2]) if small else shape
        except (OSError, ValueError):
            continue  # The examination will name it.
    return shape
