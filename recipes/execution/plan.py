"""What a run would do and how long it may take, without doing it."""

from __future__ import annotations

import logging
import shutil
import time
from typing import TYPE_CHECKING, Any

from recipes import data, precision
from recipes.console.screen import Screen
from recipes.data.pipeline import steps_per_epoch
from recipes.errors import CorruptFault, EnvironmentFault, UsageFault
from recipes.execution import environment, prepare
from recipes.execution.request import Request
from recipes.freeze import frozen_runner
from recipes.freeze.feature_cache import remaining
from recipes.freeze.frozen_pass import refuse_large
from recipes.freeze.layers import split_at
from recipes.freeze.scale import scales
from recipes.recipe import Augment, Phase, Recipe
from recipes.train.phase import Phases
from recipes.train.timing import pace, seconds_of, seconds_per_step
from zoo.cache import cache_folder
from zoo.weights import WeightsCorrupt, WeightsMissing

if TYPE_CHECKING:
    import keras

    from recipes.train.heads.hearing import Cost

# Seconds to import Keras, to draw and to write, on two cores; and for the heads of an audition, for each of its photos.
AROUND, OF_HEADS = 25, 0.05
log = logging.getLogger("recipes")


def plan(request: Request, screen: Screen) -> dict[str, Any]:
    """Say what a request would run: data, network, phases, and minutes from a few timed steps on this machine.

    Returns:
        The same facts as a dictionary.

    Raises:
        Fault: What the run itself would raise before training.
    """
    began = time.monotonic()
    ready = prepare.prepare(request, screen, chooses=False)
    reading = time.monotonic() - began
    origin, recipe, splits, weights, model = ready.origin, ready.recipe, ready.splits, ready.weights, ready.model
    number_format = precision.computes_in(model, request.precision)
    steps = steps_per_epoch(splits.train, recipe.batch_size)
    seconds = {
        phase.name: seconds_per_step(recipe, splits, model, phase=index, precision=request.precision)
        for index, phase in enumerate(recipe.phases)
    }
    # A step goes forward and back, which is three times the work of the forward pass that validates.
    share_validating = len(splits.validation) / (3 * len(splits.train))
    training = sum(seconds[phase.name] * steps * phase.epochs for phase in recipe.phases) * (1 + share_validating) / 60
    costs = _audition(ready, screen) if request.wants_audition(recipe) else []
    frozen = _frozen_pass(recipe, splits, model, request)
    scoring = _scoring_seconds(splits, model, frozen) / 60
    minutes = {"reading": reading / 60, "frozen pass": frozen["minutes"], "training": training, "scoring": scoring}
    if costs:
        minutes["audition"] = (sum(cost.seconds for cost in costs) + OF_HEADS * _heard(ready)) / 60
    minutes["starting and reporting"] = AROUND / 60
    most, dearest = _most(costs, recipe, splits, minutes)
    if request.wants_further(recipe):
        most += request.minutes or 0.0
    facts = environment.model_facts(model, recipe.architecture)

    log.info("%s, %s: would run", recipe.name, request.variant)
    if origin.notice:
        log.warning("NOTICE %s", origin.notice)
    log.info("data   %s", environment.describe_data(splits))
    if weights:
        log.info("weights from %s: %s", weights.kind, weights.path)
    log.info("model  %s: %s parameters, %s MACs an image", model.name, f"{facts['parameters']:,}", f"{facts['macs']:,}")
    for cost in costs:
        log.info(
            "hears  %s at %d: %d of %d photos pass it, in about %.1f minutes",
            cost.base, cost.size, cost.photos, _heard(ready), cost.seconds / 60,
        )  # fmt: skip
    for phase in recipe.phases:
        log.info("phase  %s: %s", phase.name, _in_words(phase, steps, chosen=bool(costs)))
    if request.wants_further(recipe):
        log.info("phase  %s: where folds say that it helps, in %g minutes", recipe.then[0].name, request.minutes)
    if frozen["bytes"]:
        log.info(
            "cache  %.2f GB of activations in %s (%.2f GB there already, %.1f GB free), %s; computing the rest takes "
            "about %.1f minutes",
            frozen["bytes"] / 1e9, cache_folder(), (frozen["bytes"] - frozen["missing_bytes"]) / 1e9,
            frozen["free_bytes"] / 1e9, frozen["engine"], frozen["minutes"],
        )  # fmt: skip
    for stretch in frozen["million"]:
        log.info("       %s", stretch["words"])
    log.info(
        "time   about %.1f minutes in all, from a few batches timed now: %s; training in %s, %s ms a step",
        sum(minutes.values()), ", ".join(f"{part} {value:.1f}" for part, value in minutes.items()), number_format,
        ", ".join(f"{1e3 * one:.0f}" for one in seconds.values()),
    )  # fmt: skip
    if dearest:
        log.info(
            "       so much where folds choose %s; about %.1f minutes where they choose %s, and two joined take both",
            _named(recipe), most, dearest,
        )  # fmt: skip
    refuse_large(frozen["missing_bytes"])
    return {
        "recipe": recipe.name,
        "variant": request.variant,
        "data": {"kind": origin.kind, "dataset": origin.dataset, "counts": splits.counts(), "notice": origin.notice},
        "model": facts,
        "precision": number_format,
        "steps_per_epoch": steps,
        "seconds_per_step": seconds,
        "frozen_pass": frozen,
        "minutes": sum(minutes.values()),
        "minutes_of": minutes,
        "minutes_at_most": most,
        "settings": recipe.as_dict(),
    }


def _frozen_pass(recipe: Recipe, splits: data.Splits, model: keras.Model, request: Request) -> dict[str, Any]:
    """Size of the activations a run keeps, and minutes to compute what of them is missing, from a timed batch."""
    network = precision.cast(model, request.precision)
    boundary = Phases(recipe, splits, network, seed=request.seed, precision=request.precision).boundary
    needs, passing = boundary.needs(), boundary.remaining()
    seconds, name = 0.0, ""
    each: dict[int, float] = {}
    for prefix in {id(prefix): prefix for prefix, _ in passing}.values():
        name = name or boundary.engine(prefix)
        images = sum(number for other, number in passing if other is prefix)
        if images:
            timed = pace(prefix.network, boundary.engine(prefix))
            seconds += timed.seconds(images)
            each[id(prefix)] = timed.each
    views = recipe.views if recipe.augment != Augment() else 1
    folder = cache_folder()
    cuts = boundary.cuts(len(recipe.phases) - 1)
    return {
        "engine": name,
        "layer": cuts[-1] if cuts else "",
        "bytes": sum(rows.nbytes for _, rows in needs),
        "missing_bytes": sum(rows.missing_bytes for _, rows in needs),
        "images": sum(number for _, number in passing),
        "free_bytes": shutil.disk_usage(next(path for path in (folder, *folder.parents) if path.exists())).free,
        "minutes": seconds / 60,
        "million": [vars(one) | {"words": one.words()} for one in scales(needs, views, each)],
    }


def _scoring_seconds(splits: data.Splits, model: keras.Model, frozen: dict[str, Any]) -> float:
    """To score the test images, and the validation images, where they do not lie behind the frozen part already."""
    if frozen["layer"] and len(model.get_layer(frozen["layer"]).output.shape) == 2:
        prefix, _ = split_at(model, frozen["layer"])
        name, images = remaining(prefix, splits.test.pixels, dtype="float32")
        return pace(prefix, name).seconds(images) if images else 0.0
    images = len(splits.test) + (0 if frozen["layer"] else len(splits.validation))
    batch = splits.train.pixels[: frozen_runner.BATCH].astype("float32")
    began = time.monotonic()
    run = frozen_runner.exact(model, images, batch).run
    run(batch)
    return time.monotonic() - began + seconds_of(run, batch) / len(batch) * images


def _heard(ready: prepare.Prepared) -> int:
    """Photos that bases are heard on."""
    from recipes.train.heads import audition

    return len(audition.sample(ready.splits.train.labels, ready.groups))


def _audition(ready: prepare.Prepared, screen: Screen) -> list[Cost]:
    """What it takes to hear each base of a recipe, from a few batches timed now; nothing for one without weights.

    Raises:
        EnvironmentFault: When there are weights for none.
        UsageFault: When a base is not known.
        CorruptFault: When weights fail their check.
    """
    where = prepare.hearing(ready.recipe, ready.origin, ready.splits, ready.diagnosis, ready.request)
    found, missing, heard = [], "", where.recipe.bases()
    with screen.counting("timed", "bases") as watch:
        for number, (base, size) in enumerate(heard, 1):
            try:
                found.append(where.cost(base, size))
            except WeightsMissing as error:
                missing = str(error)
                log.warning("NOTICE %s would not be heard: %s", base, error)
            except WeightsCorrupt as error:
                raise CorruptFault(str(error)) from error
            except ValueError as error:
                raise UsageFault(f"audition: {error}") from error
            watch(number, len(heard))
    if not found:
        raise EnvironmentFault(missing)
    return found


def _most(costs: list[Cost], recipe: Recipe, splits: data.Splits, minutes: dict[str, float]) -> tuple[float, str]:
    """Minutes in all where folds choose the base that takes longest, and which that is; empty where there is no choice.

    Args:
        costs: Of the bases that are heard.
        recipe: Gives the base that the minutes are of.
        splits: All images.
        minutes: Of each part.
    """
    if not costs:
        return sum(minutes.values()), ""
    dearest = max(costs, key=lambda cost: cost.pace.each)
    own = next((cost for cost in costs if f"{cost.base} at {cost.size}" == _named(recipe)), costs[0])
    passing = dearest.pace.seconds(len(splits.train) + len(splits.validation)) / 60
    scoring = minutes["scoring"] * dearest.pace.each / own.pace.each
    others = sum(value for part, value in minutes.items() if part not in ("frozen pass", "scoring"))
    return others + passing + scoring, f"{dearest.base} at {dearest.size}"


def _named(recipe: Recipe) -> str:
    return f"{recipe.model.get('backbone', recipe.architecture)} at {recipe.image_size}"


def _in_words(phase: Phase, steps: int, *, chosen: bool) -> str:
    """What a phase does."""
    if phase.is_solved:
        how = "folds choose how" if chosen else phase.optimizer.replace("_", " ")
        return f"solved for ({how}), in no steps, training {', '.join(phase.train)}"
    return (
        f"{phase.epochs} epochs at most of {steps} steps, {phase.optimizer} at {phase.learning_rate:g} "
        f"({phase.schedule}), training {', '.join(phase.train)}"
    )
