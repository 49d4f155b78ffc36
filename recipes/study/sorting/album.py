"""The photos of an album that nobody has sorted: listed, looked at, and what a pretrained base finds in each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from recipes.console.screen import Screen
from recipes.data.photos import seen
from recipes.data.photos.entry import Entry
from recipes.data.photos.listing import photos_below, printable
from recipes.data.photos.scan import Photo
from recipes.errors import CorruptFault, DataFault, EnvironmentFault

if TYPE_CHECKING:
    import numpy as np

BASE, SIDE = "efficientnet_lite0", 224


@dataclass(frozen=True)
class Album:
    """The photos below a folder.

    Attributes:
        root: The folder.
        photos: Those that can be read, in the order of their names.
        problems: Why others cannot, by name.
    """

    root: Path
    photos: list[Photo]
    problems: dict[str, str]

    @property
    def names(self) -> list[str]:
        """Names of the photos, relative to the folder, with `/`."""
        return [photo.entry.name for photo in self.photos]

    @property
    def paths(self) -> dict[str, Path]:
        """Where the photos are, by name."""
        return {photo.entry.name: photo.entry.path for photo in self.photos}


def read(root: Path, screen: Screen) -> Album:
    """Look at every photo below a folder, at any depth; the names of its folders say nothing.

    Raises:
        DataFault: When there is no such folder, or no photo in it that can be read.
    """
    if not root.is_dir():
        raise DataFault(f"There is no folder at {root}. Name the folder of the photos.")
    entries, problems = [], {}
    for path in photos_below(root):
        try:
            name = path.relative_to(root).as_posix()
            name.encode()
        except UnicodeEncodeError:
            problems[printable(path.relative_to(root))] = "the name is not UTF-8"
        else:
            entries.append(Entry(name, path, ""))
    with seen.opened(root) as kept, screen.counting("photos") as watch:
        looked_at = seen.scan(entries, kept, watch)
    problems |= {photo.entry.name: photo.problem for photo in looked_at if photo.problem}
    photos = [photo for photo in looked_at if not photo.problem]
    if not photos:
        first = next(iter(problems.items()), None)
        raise DataFault(f"{root} holds no photo that can be read{f': {first[0]}: {first[1]}' if first else ''}.")
    return Album(root, photos, problems)


def features(album: Album, screen: Screen, *, weights: str | None = "imagenet", side: int = SIDE) -> np.ndarray:
    """(photos, features), the averages of the last stage of a frozen base; kept, so that no photo passes it twice.

    Args:
        album: The photos.
        screen: Where to show how far it is.
        weights: As for the architecture `transfer`.
        side: Pixels a side that each photo is brought to.

    Raises:
        DataFault: When a photo changed since it was looked at.
        EnvironmentFault: When the weights are nowhere.
        CorruptFault: When they fail their check.
    """
    from recipes.data.user_photos import images_of
    from recipes.train.heads.averages import averages
    from zoo.weights import WeightsCorrupt, WeightsMissing

    images = images_of(album.photos, [""], (side, side, 3))
    try:
        with screen.counting("features") as watch:
            return averages(BASE, images, weights=weights, stages=1, watch=watch).features
    except WeightsMissing as error:
        raise EnvironmentFault(str(error)) from error
    except WeightsCorrupt as error:
        raise CorruptFault(str(error)) from error
