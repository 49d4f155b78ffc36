"""What a run needs before it can train, in the order in which it can fail: cheap first, then images, then steps."""

from __future__ import annotations

import dataclasses
import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import zoo
from recipes import data
from recipes.console.screen import Screen
from recipes.errors import CorruptFault, DataFault, EnvironmentFault, UsageFault
from recipes.execution import examination
from recipes.execution.request import SMOKE_IMAGES, Request
from recipes.files import atomic, earlier_run, model_file, run_folder
from recipes.recipe import Recipe, Shares
from zoo import registry
from zoo.pretrained import bases
from zoo.pretrained.applications import PREPARED
from zoo.registry import BUILTIN
from zoo.weights import Source, WeightsCorrupt, WeightsMissing, at_hand, locate, locate_all

if TYPE_CHECKING:
    import keras

    from recipes.data.photos.diagnosis import Diagnosis
    from recipes.evaluate import further
    from recipes.train.heads import audition
    from recipes.train.heads.hearing import Hearing

# Of the bases that a person has used before, so many are heard of their own photos.
MOST_OTHERS = 3
log = logging.getLogger("recipes")


@dataclass(frozen=True)
class Outline:
    """What is known before an image is read.

    Attributes:
        request: What was asked, with a base that stands in for one without weights.
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
        request: What was asked, with what the audition chose.
        origin: Where the images come from.
        recipe: The recipe to execute, for so many images.
        splits: The images.
        findings: What an examination of a person's own photos found.
        diagnosis: The examination.
        groups: (training images,), a number for each, equal for those that must stay together.
        weights: Pretrained weights, if the recipe wants any.
        model: The network, freshly initialised from the request's seed.
        network: What the network consists of: `recipes.train.network.describe`.
    """

    request: Request
    origin: data.Origin
    recipe: Recipe
    splits: data.Splits
    findings: dict[str, Any] | None
    diagnosis: Diagnosis | None
    groups: np.ndarray
    weights: Source | None
    model: keras.Model
    network: dict[str, Any]

    def without_test(self) -> Prepared:
        """The same without test images: what cannot be seen cannot be chosen by."""
        nothing = self.splits.test.select(np.arange(0))
        return dataclasses.replace(self, splits=dataclasses.replace(self.splits, test=nothing))


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
    origin = origin or _find(request)
    recipe = request.recipe(origin.dataset)
    try:
        weights = find_weights(recipe)
    except EnvironmentFault as fault:
        request = _with_stand_in(request, recipe, fault)
        recipe = request.recipe(origin.dataset)
        weights = find_weights(recipe)
    described = data.describe(origin, recipe.image_size, _own_shape(recipe))
    model, began = None, time.monotonic()
    if described is not None:
        if wanted := request.wanted():
            wanted.require(described.class_names)
        model = _build_checked(recipe, described, request.seed, weights)
    return Outline(request, origin, recipe, weights, described, model, time.monotonic() - began)


def _with_stand_in(request: Request, recipe: Recipe, fault: EnvironmentFault) -> Request:
    """The request with the base that stands in for one without weights.

    Raises:
        EnvironmentFault: The one that is given, where none stands in, or the base or its weights were asked for.
    """
    if not recipe.stand_in or recipe.weights != "imagenet" or "model.backbone" in dict(request.overrides):
        raise fault
    log.warning("NOTICE %s stands in: %s", recipe.stand_in, fault)
    return dataclasses.replace(request, chosen=(*request.chosen, ("model.backbone", recipe.stand_in)))


def _find(request: Request) -> data.Origin:
    return data.find(
        request.dataset(), request.data_mode(), request.data_dir, request.decisions, group_by=request.group_by
    )


def prepare(
    request: Request, screen: Screen, *, known: Outline | None = None, folder: Path | None = None, chooses: bool = True
) -> Prepared:
    """Prepare what a request needs; a person's own photos are examined first.

    Args:
        request: What was asked.
        screen: Shows the progress of the examination.
        known: What `outline` gave for the request, where that was asked before.
        folder: Where to write what the examination found.
        chooses: Whether folds choose what the recipe leaves to them; else all is as the recipe has it.

    Raises:
        DataFault: When nothing can be trained on the images.
        UsageFault: When a recall or precision is asked of a class that is not there.
        Fault: What `outline` raises.
    """
    known = known or outline(request)
    request = known.request
    diagnosis = _examine(known, screen, folder)
    splits = _read(known, diagnosis)
    if wanted := request.wanted():
        wanted.require(splits.class_names)
    recipe = request.for_images(known.recipe, splits.counts()["train"])
    first = None
    if chooses and request.wants_audition(recipe):
        held = _hear(recipe, known.origin, splits, diagnosis, request, screen)
        if folder is not None:
            atomic.write_json(folder / run_folder.AUDITION, held.as_dict())
        first = held.heard[0].backbone, held.heard[0].size
        request = dataclasses.replace(request, chosen=held.overrides())
        known = outline(request, known.origin)
        if known.recipe.image_size != recipe.image_size:
            splits = _read(known, diagnosis)
        recipe = request.for_images(known.recipe, splits.counts()["train"])
    if chooses and request.wants_further(recipe):
        known, splits = _further(known, splits, diagnosis, first, folder)
        request = known.request
        recipe = request.for_images(known.recipe, splits.counts()["train"])
    elif chooses and request.minutes is not None and request.joins():
        joined = recipe.model["backbone"]
        log.warning("NOTICE --minutes brings nothing: the bases of %s have no last stage in common to train.", joined)
    model = known.model
    if known.described != data.Description(splits.image_shape, splits.class_names) or model is None:
        model = _build_checked(recipe, splits, request.seed, known.weights)
    from recipes.train import network

    network.say_what_was_frozen(recipe, model)
    findings = examination.findings(diagnosis) if diagnosis else None
    groups = _groups(splits, diagnosis)
    return Prepared(
        request, known.origin, recipe, splits, findings, diagnosis, groups, known.weights, model,
        network.describe(model),
    )  # fmt: skip


def _examine(known: Outline, screen: Screen, folder: Path | None) -> Diagnosis | None:
    """What an examination of a person's own photos finds; `None` for other data."""
    if known.origin.kind != "photos":
        return None
    earlier = earlier_run.read(Path(known.request.after)) if known.request.after else None
    diagnosis = examination.examine(
        known.origin.path, _shares(known.recipe), screen, known.origin.decided, known.origin.group_by, earlier
    )
    if folder is not None:
        examination.write(diagnosis, folder)
        earlier_run.write_division(folder, examination.divided(diagnosis))
    examination.say(diagnosis)
    if earlier is not None:
        examination.say_changes(diagnosis, earlier, known.request.name, known.request.chosen)
    return diagnosis


def _shares(recipe: Recipe) -> Shares:
    return recipe.split if isinstance(recipe.split, Shares) else Shares()


def _read(known: Outline, diagnosis: Diagnosis | None) -> data.Splits:
    recipe = known.recipe
    splits = data.read(
        known.origin, recipe.split, recipe.image_size,
        shape=_own_shape(recipe), square=recipe.square, diagnosis=diagnosis,
    )  # fmt: skip
    return splits.take(**SMOKE_IMAGES) if known.request.smoke else splits


def _hear(
    recipe: Recipe,
    origin: data.Origin,
    splits: data.Splits,
    diagnosis: Diagnosis | None,
    request: Request,
    screen: Screen,
) -> audition.Audition:
    """Let the bases of a recipe be heard on a sample of the training images.

    Raises:
        DataFault: When they are too few to be divided into folds.
        EnvironmentFault: When there are weights for none of the bases.
        UsageFault: When a base is not known.
    """
    from recipes.train.heads import audition
    from recipes.train.heads.averages import Averages

    where = hearing(recipe, origin, splits, diagnosis, request)
    recipe, heard, groups = where.recipe, where.images, where.groups
    by_photo = diagnosis.look_alikes(heard.ids) if diagnosis and diagnosis.named_groups else None

    def look(base: str, size: int) -> Averages:
        with screen.counting(f"{base} at {size}") as watch:
            return where.averages(base, size, watch)

    if by_photo is not None and (few := set(splits.train.labels.tolist()) - set(heard.labels.tolist())):
        names = ", ".join(repr(splits.class_names[label]) for label in sorted(few))
        raise DataFault(
            f"To choose by folds each class must have two groups to train with, and there is one in {names}. Add "
            "photos of other groups, name smaller ones, or choose without folds: --set model.backbone=NAME"
        )
    log.info("audition of %d bases on %d of %d training images", len(recipe.audition), len(heard), len(splits.train))
    try:
        held = audition.hold(recipe, look, heard.labels, groups, by_photo)
    except WeightsMissing as error:
        raise EnvironmentFault(str(error)) from error
    except WeightsCorrupt as error:
        raise CorruptFault(str(error)) from error
    except ValueError as error:
        raise UsageFault(f"audition: {error}") from error
    audition.say(held)
    return held


def hearing(
    recipe: Recipe, origin: data.Origin, splits: data.Splits, diagnosis: Diagnosis | None, request: Request
) -> Hearing:
    """What the bases of a recipe are heard on; of a person's own photos those are heard too that were used before."""
    from recipes.train.heads.hearing import Hearing

    if origin.kind == "photos" and recipe.weights == "imagenet" and "audition" not in dict(request.overrides):
        known = at_hand([bases.find(name) for name in PREPARED])
        others = [f"{name}@{recipe.image_size}" for name in known[:MOST_OTHERS]]
        recipe = dataclasses.replace(recipe, audition=(*recipe.audition, *others))
    heard, groups = _sample(splits, diagnosis)
    return Hearing(recipe, origin, heard, groups, diagnosis, request.precision)


def _further(
    known: Outline,
    splits: data.Splits,
    diagnosis: Diagnosis | None,
    first: tuple[str, int] | None,
    folder: Path | None,
) -> tuple[Outline, data.Splits]:
    """The recipe with its further phase, and the images at its size, where folds say that it helps.

    Args:
        known: The recipe as it would be trained without the phase.
        splits: The images, at its size.
        diagnosis: What an examination of a person's own photos found.
        first: The base that was heard first, and its size: the phase trains that one. `None` is the recipe's own.
        folder: Where to write what the trial found.

    Returns:
        What was given, where folds do not say it; but the request names its phases, so that it is not asked again.
    """
    from recipes.evaluate import further

    request, phase, minutes = known.request, known.recipe.then[0], known.request.minutes or 0.0
    names = [one.name for one in known.recipe.phases]
    base = (("model.backbone", first[0]), ("image_size", str(first[1]))) if first else ()
    chosen = (*base, *further.CHANGES, ("phases", ",".join([*names, phase.name])))
    longer = outline(dataclasses.replace(request, chosen=chosen), known.origin)
    images = splits if longer.recipe.image_size == known.recipe.image_size else _read(longer, diagnosis)
    before, groups = _side(known, splits, diagnosis)
    after, _ = _side(longer, images, diagnosis)
    log.info("is %s worth it? %d folds of %d training images", phase.name, further.FOLDS, len(groups))

    def work(number: int) -> int:
        """Images in all epochs, of so many to train with."""
        return number * longer.request.for_images(longer.recipe, {"any": number}).epochs()

    trial = further.tried(
        before, after, groups, splits.class_names,
        minutes=minutes, whole=lambda number: work(len(splits.train)) / work(number),
    )  # fmt: skip
    further.say(trial, minutes)
    if folder is not None:
        atomic.write_json(folder / run_folder.FURTHER, trial.as_dict())
    if trial.helps:
        sure = f"phases.{phase.name}.temperature", f"{trial.temperature:.4g}"
        asked = dataclasses.replace(longer.request, chosen=(*longer.request.chosen, sure))
        return dataclasses.replace(longer, request=asked, recipe=longer.recipe.override(*sure)), images
    named = (*request.chosen, ("phases", ",".join(names)))
    return dataclasses.replace(known, request=dataclasses.replace(request, chosen=named)), splits


def _side(known: Outline, splits: data.Splits, diagnosis: Diagnosis | None) -> tuple[further.Side, np.ndarray]:
    """A recipe with a sample of the training images that it is tried on, and a number for each: `_sample`."""
    from recipes.evaluate.further import Side, for_folds
    from recipes.evaluate.predictions import Predictions, predict
    from recipes.train import engine

    request = known.request
    recipe = request.for_images(known.recipe, splits.counts()["train"])
    weighed = dataclasses.replace(known.recipe, class_weights=recipe.class_weights)

    def train(fold: data.Splits, until: float) -> Predictions | None:
        of_fold = for_folds(request.for_images(weighed, fold.counts()["train"]))
        model = build(of_fold, fold, request.seed, known.weights)
        in_time = engine.Hooks(stop_requested=lambda: time.monotonic() > until)
        try:
            engine.train(of_fold, fold, model, seed=request.seed, precision=request.precision, hooks=in_time)
        except engine.StopRequested:
            return None
        return predict(model, fold.validation, fold.class_names)

    images, groups = _sample(splits, diagnosis)
    return Side(weighed, images, train), groups


def _sample(splits: data.Splits, diagnosis: Diagnosis | None) -> tuple[data.Images, np.ndarray]:
    """Some of the training images, and a number for each, equal for those that must stay together."""
    from recipes.train.heads import audition

    groups = _groups(splits, diagnosis)
    places = audition.sample(splits.train.labels, groups)
    return splits.train.select(places), groups[places]


def _groups(splits: data.Splits, diagnosis: Diagnosis | None) -> np.ndarray:
    """(training images,), a number for each, equal for those that must stay together."""
    ids = splits.train.ids
    # Certified folds come of these very numbers.
    return diagnosis.groups(ids) if diagnosis else -1 - np.arange(len(ids))


def _own_shape(recipe: Recipe) -> tuple[int, int, int]:
    return zoo.info(recipe.architecture).input_shape or (180, 180, 3)


def _build_checked(
    recipe: Recipe, splits: data.Splits | data.Description, seed: int, weights: Source | None
) -> keras.Model:
    """The network, once it is known that the phases can train it."""
    model = build(recipe, splits, seed, weights)
    _check_phases(recipe, model)
    return model


def _check_phases(recipe: Recipe, model: keras.Model) -> None:
    """Refuse what a phase names and the network does not have; the network stays as it was built.

    Raises:
        UsageFault: When a glob matches no layer; the message lists the names.
    """
    from recipes.freeze.layers import set_trainable, thaw
    from recipes.train.heads import solver
    from recipes.train.optimizers import optimizer_for

    flags = [layer.trainable for layer in model.layers]
    for phase in recipe.phases:
        thaw(model, phase.train)
        optimizer_for(phase, 1, model)
        if phase.is_solved:
            solver.parts(model, phase)
    set_trainable(model, flags)


def build(recipe: Recipe, splits: data.Splits | data.Description, seed: int, weights: Source | None) -> keras.Model:
    """The recipe's network for these images: see `recipes.train.network.build`."""
    from recipes.train import network

    return network.build(recipe, splits.image_shape, len(splits.class_names), seed, weights)


def find_weights(recipe: Recipe) -> Source | None:
    """Where the recipe's pretrained weights are; `None` when it wants none.

    Raises:
        EnvironmentFault: When they are nowhere; the message says what to install or where to put which file.
        CorruptFault: When a network of one's own that they are in cannot be loaded.
    """
    base = zoo.info(recipe.architecture).base
    if base:  # The one it is built on where nobody chooses.
        base = recipe.model.get("backbone", base)
    if recipe.weights == "imagenet" and not base and recipe.architecture not in BUILTIN:
        return Source("builder", Path("imagenet"), "")
    if recipe.weights is None and (own := registry.weights_of(recipe.architecture)) is not None:
        log.warning(
            "NOTICE the network starts from random weights, without its builder's own weights=%r, for the recipe names "
            "none: --weights %s", own, own,
        )  # fmt: skip
    try:
        return locate_all(recipe.weights, bases.find_all(base)) if base else locate(recipe.weights)
    except WeightsMissing as error:
        raise EnvironmentFault(str(error)) from error
    except WeightsCorrupt as error:
        if str(base).endswith(".keras"):  # It names the cause, and what is to be done.
            file = Path(base).expanduser()
            model_file.refuse_other_files(file)
            model_file.read(file)
        raise CorruptFault(str(error)) from error
    except ValueError as error:
        raise UsageFault(f"{recipe.architecture}: {error}") from error
