"""What a run needs before it can train, in the order in which it can fail: cheap first, then images, then steps."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import zoo
from recipes import data
from recipes.console.screen import Screen
from recipes.errors import EnvironmentFault, UsageFault
from recipes.execution import examination
from recipes.execution.request import SMOKE_IMAGES, Request
from recipes.recipe import Recipe, Shares
from zoo.pretrained import bases
from zoo.registry import BUILTIN
from zoo.weights import Source, WeightsMissing, locate

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Outline:
    """What is known before an image is read.

    Attributes:
        request: What was asked.
        origin: Where the images come from.
        recipe: The recipe before the number of images is known.
        weights: Its pretrained weights, if it wants any.
        described: What the images will look like; `None` where that cannot be known yet.
        model: The network for such images, built from the request's seed and checked; `None` likewise.
        seconds: That took.
    """

    request: Request
    origin: data.Origin
    recipe: Recipe
    weights: Source | None
    described: data.Description | None
    model: keras.Model | None
    seconds: float


@dataclass(frozen=True)
class Prepared:
    """Everything that a training needs.

    Attributes:
        origin: Where the images come from.
        recipe: The recipe to execute, for so many images.
        splits: The images.
        findings: What an examination of a person's own photos found.
        weights: Pretrained weights, if the recipe wants any.
        model: The network, freshly initialised from the request's seed.
        network: What the network consists of: `recipes.train.network.describe`.
    """

    origin: data.Origin
    recipe: Recipe
    splits: data.Splits
    findings: dict[str, Any] | None
    weights: Source | None
    model: keras.Model
    network: dict[str, Any]


def outline(request: Request, origin: data.Origin | None = None) -> Outline:
    """Find the data and the weights, build the network and check what the phases name, before an image is read.

    Args:
        request: What was asked.
        origin: Where the images come from, where that is known; else it is decided now.

    Raises:
        UsageFault: When the recipe, its network or what its phases name cannot work.
        EnvironmentFault: When data or weights are nowhere; the message says what to install or to put where.
        CorruptFault: When the weights fail their check.
        DataFault: When there are no images.
    """
    origin = origin or data.find(request.dataset(), request.data_mode(), request.data_dir, request.decisions)
    recipe = request.recipe(origin.dataset)
    weights = find_weights(recipe)
    described = data.describe(origin, recipe.image_size, _own_shape(recipe))
    model, began = None, time.monotonic()
    if described is not None:
        model = _build_checked(recipe, described, request.seed, weights)
    return Outline(request, origin, recipe, weights, described, model, time.monotonic() - began)


def prepare(request: Request, screen: Screen, *, known: Outline | None = None, folder: Path | None = None) -> Prepared:
    """Prepare what a request needs; a person's own photos are examined first.

    Args:
        request: What was asked.
        screen: Shows the progress of the examination.
        known: What `outline` gave for the request, where that was asked before.
        folder: Where to write what the examination found.

    Raises:
        DataFault: When nothing can be trained on the images.
        Fault: What `outline` raises.
    """
    known = known or outline(request)
    splits, findings = _read(known, screen, folder)
    recipe = request.for_images(known.recipe, len(splits.train))
    model = known.model
    if known.described != data.Description(splits.image_shape, splits.class_names) or model is None:
        model = _build_checked(recipe, splits, request.seed, known.weights)
    from recipes.train import network

    return Prepared(known.origin, recipe, splits, findings, known.weights, model, network.describe(model))


def _read(known: Outline, screen: Screen, folder: Path | None) -> tuple[data.Splits, dict[str, Any] | None]:
    recipe, origin = known.recipe, known.origin
    diagnosis = None
    if origin.kind == "photos":
        shares = recipe.split if isinstance(recipe.split, Shares) else Shares()
        diagnosis = examination.examine(origin.path, shares, screen, origin.decided)
        if folder is not None:
            examination.write(diagnosis, folder)
        examination.say(diagnosis)
    splits = data.read(origin, recipe.split, recipe.image_size, shape=_own_shape(recipe), diagnosis=diagnosis)
    if known.request.smoke:
        splits = splits.take(**SMOKE_IMAGES)
    return splits, examination.findings(diagnosis) if diagnosis else None


def _own_shape(recipe: Recipe) -> tuple[int, int, int]:
    return zoo.info(recipe.architecture).input_shape or (180, 180, 3)


def _build_checked(
    recipe: Recipe, splits: data.Splits | data.Description, seed: int, weights: Source | None
) -> keras.Model:
    """The network, once it is known that the phases can train it; says what they train of what the builder froze."""
    from recipes.train import network

    model = build(recipe, splits, seed, weights)
    _check_phases(recipe, model)
    network.say_what_was_frozen(recipe, model)
    return model


def _check_phases(recipe: Recipe, model: keras.Model) -> None:
    """Refuse what a phase names and the network does not have; the network stays as it was built.

    Raises:
        UsageFault: When a glob matches no layer; the message lists the names.
    """
    from recipes.freeze.layers import set_trainable, thaw
    from recipes.train.optimizers import optimizer_for

    flags = [layer.trainable for layer in model.layers]
    for phase in recipe.phases:
        thaw(model, phase.train)
        optimizer_for(phase, 1, model)
    set_trainable(model, flags)


def build(recipe: Recipe, splits: data.Splits | data.Description, seed: int, weights: Source | None) -> keras.Model:
    """The recipe's network for these images: see `recipes.train.network.build`."""
    from recipes.train import network

    return network.build(recipe, splits.image_shape, len(splits.class_names), seed, weights)


def find_weights(recipe: Recipe) -> Source | None:
    """Where the recipe's pretrained weights are; `None` when it wants none.

    Raises:
        EnvironmentFault: When they are nowhere; the message says what to install or where to put which file.
    """
    base = zoo.info(recipe.architecture).base
    if base:  # The one it is built on where nobody chooses.
        base = recipe.model.get("backbone", base)
    if recipe.weights == "imagenet" and not base and recipe.architecture not in BUILTIN:
        return Source("builder", Path("imagenet"), "")
    try:
        return locate(recipe.weights, bases.find(base) if base else None)
    except WeightsMissing as error:
        raise EnvironmentFault(str(error)) from error
    except ValueError as error:
        raise UsageFault(f"{recipe.architecture}: {error}") from error
