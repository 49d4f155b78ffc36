"""A person's own photos as splits: examined, divided, decoded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from recipes.data.decode import content_of
from recipes.data.decoded import decoded
from recipes.data.photos import decisions
from recipes.data.photos.diagnosis import Diagnosis
from recipes.data.photos.scan import Photo
from recipes.data.splits import SPLIT_NAMES, Images, Origin, Splits
from recipes.errors import DataFault

# Photos that all have one size no larger than this are taken as they are, where the recipe names no size.
SMALL = 96


def read(
    origin: Origin,
    diagnosis: Diagnosis,
    image_size: int | None,
    shape: tuple[int, int, int],
    square: str = "squash",
) -> Splits:
    """Decode the photos that a diagnosis lets train, validate and test.

    Args:
        origin: Where they come from.
        diagnosis: What an examination found.
        image_size: Side of the square that every photo is brought to. `None`: small photos of one size stay as they
            are, and others are brought to the architecture's size.
        shape: The architecture's own (height, width, channels).
        square: How a photo of another shape is brought to it, see `recipes.data.decode.fit`.

    Raises:
        DataFault: When nothing can be trained on these photos, or one changed since it was examined.
    """
    diagnosis.refuse()
    size = (image_size, image_size) if image_size is not None else _common_size(diagnosis.used) or shape[:2]
    classes = diagnosis.listing.classes
    by_split: dict[str, list[Photo]] = {split: [] for split in SPLIT_NAMES}
    for photo in diagnosis.used:
        by_split[diagnosis.places[photo.entry.name]].append(photo)
    parts = {split: images_of(photos, classes, (*size, shape[2]), square) for split, photos in by_split.items()}
    return Splits(**parts, class_names=tuple(classes), origin=origin)


def images_of(
    photos: Sequence[Photo], classes: Sequence[str], shape: tuple[int, int, int], square: str = "squash"
) -> Images:
    """Decode photos, at the cost of reading them where they were decoded before.

    Args:
        photos: Those that can be used.
        classes: All classes, in the order of their numbers.
        shape: (height, width, channels) that every photo is brought to.
        square: How, where it has another shape, see `recipes.data.decode.fit`.

    Raises:
        DataFault: When one changed since it was examined.
    """
    labels = {label: index for index, label in enumerate(classes)}

    def content(place: int) -> bytes:
        try:
            return content_of(photos[place].entry.path)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise DataFault(f"{photos[place].entry.path} cannot be read any more: {reason}") from error

    names = [photo.entry.name for photo in photos]
    pixels = decoded(content, [photo.sha256 for photo in photos], names, shape, square)
    truths = np.array([labels[photo.entry.label] for photo in photos], "int64")
    return Images(pixels, truths, np.array(names))


def same_photos(root: str | Path, decided: str | Path | None, group_by: str | None) -> list[str]:
    """Words of a command line by which another command sees the same photos, with the same labels and groups.

    Args:
        root: The folder or table.
        decided: A table of decisions about the labels; `None` takes the one beside the photos.
        group_by: What names their groups; `None` for none.
    """
    elsewhere = decided is not None and Path(decided) != decisions.beside(Path(root))
    options = {"--decisions": str(decided) if elsewhere else None, "--group-by": group_by}
    return [str(root), *(word for name, value in options.items() if value is not None for word in (name, value))]


def _common_size(photos: Sequence[Photo]) -> tuple[int, int] | None:
    """(height, width) of photos that are small and all of one size."""
    sizes = {photo.size[::-1] for photo in photos}
    size = sizes.pop() if len(sizes) == 1 else None
    return size if size and max(size) <= SMALL else None
