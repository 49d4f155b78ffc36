"""What a run would do and how long it may take, without doing it."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from recipes import data, precision
from recipes.console.screen import Screen
from recipes.data.pipeline import steps_per_epoch
from recipes.execution import environment, prepare
from recipes.execution.request import Request
from recipes.freeze import frozen_runner
from recipes.freeze.feature_cache import refuse_large
from recipes.recipe import Recipe
from recipes.train.phase import Phases
from recipes.train.timing import seconds_per_step
from zoo.cache import cache_folder

if TYPE_CHECKING:
    import keras

# Seconds to import Keras, to draw and to write, on two cores.
AROUND = 25
log = logging.getLogger("recipes")


def plan(request: Request, screen: Screen) -> dict[str, Any]:
    """Say what a request would run: data, network, phases, and minutes from a few timed steps on this machine.

    Returns:
        The same facts as a dictionary.

    Raises:
        Fault: What the run itself would raise before training.
    """
    began = time.monotonic()
    ready = prepare.prepare(request, screen)
    reading = time.monotonic() - began
    origin, recipe, splits, weights, model = ready.origin, ready.recipe, ready.splits, ready.weights, ready.model
    number_format = precision.choose(request.precision)
    steps = steps_per_epoch(splits.train, recipe.batch_size)
    seconds = {
        phase.name: seconds_per_step(recipe, splits, model, phase=index, precision=request.precision)
        for index, phase in enumerate(recipe.phases)
    }
    # A step goes forward and back, which is three times the work of the forward pass that validates.
    share_validating = len(splits.validation) / (3 * len(splits.train))
    training = sum(seconds[phase.name] * steps * phase.epochs for phase in recipe.phases) * (1 + share_validating) / 60
    frozen = _frozen_pass(recipe, splits, model, request)
    scoring = _scoring_seconds(model, splits, bool(frozen["bytes"])) / 60
    minutes = {"reading": reading / 60, "frozen pass": frozen["minutes"], "training": training, "scoring": scoring}
    minutes["starting and reporting"] = AROUND / 60
    facts = environment.model_facts(model, recipe.architecture)

    log.info("%s, %s: would run", recipe.name, request.variant)
    if origin.notice:
        log.warning("NOTICE %s", origin.notice)
    log.info("data   %s", environment.describe_data(splits))
    if weights:
        log.info("weights from %s: %s", weights.kind, weights.path)
    log.info("model  %s: %s parameters, %s MACs an image", model.name, f"{facts['parameters']:,}", f"{facts['macs']:,}")
    for phase in recipe.phases:
        log.info(
            "phase  %s: %d epochs at most of %d steps, %s at %g (%s), training %s",
            phase.name, phase.epochs, steps, phase.optimizer, phase.learning_rate, phase.schedule,
            ", ".join(phase.train),
        )  # fmt: skip
    if frozen["bytes"]:
        log.info(
            "cache  %.2f GB of activations in %s (%.2f GB there already, %.1f GB free), %s; computing the rest takes "
            "about %.1f minutes",
            frozen["bytes"] / 1e9, cache_folder(), (frozen["bytes"] - frozen["missing_bytes"]) / 1e9,
            frozen["free_bytes"] / 1e9, frozen["engine"], frozen["minutes"],
        )  # fmt: skip
    log.info(
        "time   about %.1f minutes in all, from a few batches timed now: %s; training in %s, %s ms a step",
        sum(minutes.values()), ", ".join(f"{part} {value:.1f}" for part, value in minutes.items()), number_format,
        ", ".join(f"{1e3 * one:.0f}" for one in seconds.values()),
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
        "settings": recipe.as_dict(),
    }


def _frozen_pass(recipe: Recipe, splits: data.Splits, model: keras.Model, request: Request) -> dict[str, Any]:
    """Size of the activations a run keeps, and minutes to compute what of them is missing, from a timed batch."""
    network = precision.cast(model, request.precision)
    phases = Phases(recipe, splits, network, seed=request.seed, precision=request.precision)
    needs = phases.boundary.needs()
    seconds, name = 0.0, ""
    for prefix in {id(prefix): prefix for prefix, _ in needs}.values():
        name = name or phases.boundary.engine(prefix)
        images = sum(rows.missing_bytes // rows.row_bytes for other, rows in needs if other is prefix)
        if images:
            seconds += _pass_seconds(prefix.network, phases.boundary.engine(prefix), images)
    folder = cache_folder()
    return {
        "engine": name,
        "bytes": sum(rows.nbytes for _, rows in needs),
        "missing_bytes": sum(rows.missing_bytes for _, rows in needs),
        "free_bytes": shutil.disk_usage(next(path for path in (folder, *folder.parents) if path.exists())).free,
        "minutes": seconds / 60,
    }


def _pass_seconds(network: keras.Model, name: str, images: int) -> float:
    """To make an engine, and to run it over so many images."""
    batch = np.random.default_rng(0).uniform(0, 255, (frozen_runner.BATCH, *network.input_shape[1:]))
    began = time.monotonic()
    run = frozen_runner.build(network, name, batch).run
    run(batch)  # The first call prepares.
    return time.monotonic() - began + _seconds(run, batch) / len(batch) * images


def _scoring_seconds(model: keras.Model, splits: data.Splits, keeps_validation: bool) -> float:
    """To score the test images, and the validation images where they do not lie behind the frozen part already."""
    images = len(splits.test) + (0 if keeps_validation else len(splits.validation))
    batch = splits.train.pixels[: frozen_runner.BATCH].astype("float32")
    began = time.monotonic()
    run = frozen_runner.exact(model, images, batch).run
    run(batch)
    return time.monotonic() - began + _seconds(run, batch) / len(batch) * images


def _seconds(run: Callable[[np.ndarray], np.ndarray], batch: np.ndarray) -> float:
    """What a batch takes: the least of three, for the first ones still warm up."""
    found = []
    for _ in range(3):
        began = time.monotonic()
        run(batch)
        found.append(time.monotonic() - began)
    return min(found)
