"""What a pretrained base finds in photos, averaged over each: one row of features a photo, stage by stage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import numpy as np

import zoo
from recipes.data.splits import Images
from recipes.freeze.feature_cache import cache

MOST_STAGES = 4


@dataclass(frozen=True)
class Averages:
    """The averages of a base's last stages on some photos.

    Attributes:
        features: (images, features), float32, of all stages joined, the last stage last.
        widths: How many features each stage has.
    """

    features: np.ndarray
    widths: tuple[int, ...]

    def of_last(self, stages: int) -> np.ndarray:
        """(images, features) of so many of the last stages."""
        return self.features[:, -sum(self.widths[-stages:]) :]

    def stage(self, place: int) -> np.ndarray:
        """(images, features) of one stage; -1 is the last."""
        first = sum(self.widths[:place])
        return self.features[:, first : first + self.widths[place]]

    def select(self, places: np.ndarray) -> Averages:
        """Those of the photos at these places."""
        return Averages(self.features[places], self.widths)


def beside(first: Averages, other: Averages) -> Averages:
    """What two bases find in the same photos: the last stages of both together, the stages before them, and so on."""
    stages = min(len(first.widths), len(other.widths))
    parts = [one.stage(place) for place in range(-stages, 0) for one in (first, other)]
    widths = zip(first.widths[-stages:], other.widths[-stages:], strict=True)
    return Averages(np.concatenate(parts, axis=1), tuple(map(sum, widths)))


def averages(
    base: str,
    images: Images,
    *,
    weights: str | None = "imagenet",
    engine: str = "auto",
    precision: str = "auto",
    stages: int = MOST_STAGES,
    watch: Callable[[int, int], None] = lambda done, total: None,
) -> Averages:
    """Let photos pass a base, once; what it finds is kept on disk.

    Args:
        base: See `zoo.pretrained.bases.find`.
        images: Raw 0-255 RGB pixels.
        weights: As for the architecture `transfer`.
        engine: What runs it, see `recipes.freeze.frozen_runner.choose`.
        precision: `"auto"`, `"float32"` or `"bfloat16"`.
        stages: How many of its stages, at most.
        watch: Called with (images done, images to do) after every batch.

    Raises:
        ValueError: When there is no such base.
        zoo.weights.WeightsMissing: When its weights are nowhere.
        zoo.weights.WeightsCorrupt: When they fail their check.
    """
    joined, widths = network(base, images.pixels.shape[1:], weights=weights, stages=stages)
    kept = cache(joined, images.pixels, dtype="float32", precision=precision, engine=engine, watch=watch)
    return Averages(kept[:], widths)


def network(
    base: str, shape: Sequence[int], *, weights: str | None, stages: int = MOST_STAGES
) -> tuple[keras.Model, tuple[int, ...]]:
    """From photos to the averages of a base's last stages, joined; and how many features each has.

    Args:
        base: See `zoo.pretrained.bases.find`.
        shape: (height, width, channels) of the photos.
        weights: As for the architecture `transfer`.
        stages: How many of its stages, at most.

    Raises:
        ValueError: When there is no such base.
        zoo.weights.WeightsMissing: When its weights are nowhere.
        zoo.weights.WeightsCorrupt: When they fail their check.
    """
    height, width, channels = shape
    while True:
        try:
            sides = height, width, channels
            model = zoo.get("transfer", backbone=base, stages=stages, input_shape=sides, weights=weights)
            break
        except ValueError:
            if stages == 1:
                raise
            stages -= 1  # It has fewer.
    parts = [f"head_average_{place}" for place in range(stages, 1, -1)] + ["head_average"]
    joined = model.get_layer("head_joined" if stages > 1 else "head_average").output
    widths = tuple(model.get_layer(part).output.shape[-1] for part in parts)
    return keras.Model(model.inputs[0], joined), widths
