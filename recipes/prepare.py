"""What a run needs before it can train: its images in splits, its pretrained weights, its network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import zoo
from recipes import data, doctor
from recipes.errors import CorruptFault, EnvironmentFault, UsageFault
from recipes.recipe import Recipe, Shares
from recipes.request import SMOKE_IMAGES, Request
from recipes.screen import Screen
from zoo.weights import Source, WeightsCorrupt, WeightsMissing, locate


def read(
    recipe: Recipe, origin: data.Origin, request: Request, screen: Screen, folder: Path | None = None
) -> tuple[data.Splits, dict[str, Any] | None]:
    """The images in splits; a person's own photos are examined first.

    Args:
        recipe: Says how to divide them, and the network.
        origin: Where they come from.
        request: Whether a few will do.
        screen: Shows the progress of the examination.
        folder: Where to write what it found.

    Returns:
        The splits, and what the examination found.

    Raises:
        DataFault: When nothing can be trained on them.
    """
    diagnosis = None
    if origin.kind == "photos":
        diagnosis = doctor.examine(origin.path, recipe.split if isinstance(recipe.split, Shares) else Shares(), screen)
        if folder is not None:
            doctor.write(diagnosis, folder)
        doctor.say(diagnosis)
    shape = zoo.info(recipe.architecture).input_shape or (180, 180, 3)
    splits = data.read(origin, recipe.split, recipe.image_size, shape=shape, diagnosis=diagnosis)
    if request.smoke:
        splits = splits.take(**SMOKE_IMAGES)
    return splits, doctor.findings(diagnosis) if diagnosis else None


def build(recipe: Recipe, splits: data.Splits, seed: int, weights: Source | None):
    """The recipe's network for these images, freshly initialised from the seed.

    Raises:
        UsageFault: When the architecture is unknown or cannot take the images.
        EnvironmentFault: When its weights are not there.
        CorruptFault: When its weights fail their check.
    """
    import keras

    from recipes import precision

    keras.utils.set_random_seed(seed)
    try:
        return precision.keep_own(
            zoo.get(
                recipe.architecture,
                input_shape=splits.image_shape,
                classes=len(splits.class_names),
                weights=weights,
                **recipe.model,
            )
        )
    except WeightsMissing as error:
        raise EnvironmentFault(str(error)) from error
    except WeightsCorrupt as error:
        raise CorruptFault(str(error)) from error
    except ValueError as error:
        raise UsageFault(str(error)) from error


def find_weights(recipe: Recipe) -> Source | None:
    """Where the recipe's pretrained weights are; `None` when it wants none.

    Raises:
        EnvironmentFault: When they are nowhere; the message says what to install or where to put which file.
    """
    try:
        return locate(recipe.weights)
    except WeightsMissing as error:
        raise EnvironmentFault(str(error)) from error
