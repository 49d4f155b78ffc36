"""What the bases of a recipe are heard on: a sample of the photos that train, at the sizes that are asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from recipes import data
from recipes.freeze.feature_cache import remaining
from recipes.recipe import Recipe
from recipes.train.heads.averages import Averages, averages, network
from recipes.train.timing import Pace, pace

if TYPE_CHECKING:
    from recipes.data.photos.diagnosis import Diagnosis


@dataclass(frozen=True)
class Cost:
    """What it takes to hear a base.

    Attributes:
        base: Its name.
        size: Side of the square that the photos are brought to, in pixels.
        photos: So many pass it: the others did before.
        pace: How fast.
    """

    base: str
    size: int
    photos: int
    pace: Pace

    @property
    def seconds(self) -> float:
        """That it takes."""
        return self.pace.seconds(self.photos)


@dataclass(frozen=True)
class Hearing:
    """Photos that bases are heard on.

    Attributes:
        recipe: Gives the bases, their weights and what runs them.
        origin: Where the photos come from.
        images: The sample, at the recipe's size.
        groups: (images,), equal for those that must stay together.
        diagnosis: Of a person's own photos.
        precision: As the run was asked for.
    """

    recipe: Recipe
    origin: data.Origin
    images: data.Images
    groups: np.ndarray
    diagnosis: Diagnosis | None
    precision: str

    def averages(self, base: str, size: int, watch: Callable[[int, int], None]) -> Averages:
        """What a base finds in the photos at a size: see `recipes.train.heads.averages.averages`."""
        recipe = self.recipe
        return averages(
            base, self.at(size), weights=recipe.weights, engine=recipe.engine, precision=self.precision, watch=watch
        )

    def cost(self, base: str, size: int) -> Cost:
        """What `averages` would take, from a few batches timed now.

        Raises:
            ValueError: When there is no such base.
            zoo.weights.WeightsMissing: When its weights are nowhere.
            zoo.weights.WeightsCorrupt: When they fail their check.
        """
        pixels, recipe = self.at(size).pixels, self.recipe
        joined, _ = network(base, pixels.shape[1:], weights=recipe.weights)
        engine, photos = remaining(joined, pixels, dtype="float32", engine=recipe.engine, precision=self.precision)
        return Cost(base, size, photos, pace(joined, engine))

    def at(self, size: int) -> data.Images:
        """The photos at a size."""
        height, _, channels = self.images.pixels.shape[1:]
        if size == height:
            return self.images
        return data.read_again(self.origin, self.images, (size, size, channels), self.recipe, self.diagnosis)
