"""What a run would do and how long it may take, without doing it."""

from __future__ import annotations

import logging
import shutil
import time
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

log = logging.getLogger("recipes")


def plan(request: Request, screen: Screen) -> dict[str, Any]:
    """Say what a request would run: data, network, phases, and minutes from a few timed steps on this machine.

    Returns:
        The same facts as a dictionary.

    Raises:
        Fault: What the run itself would raise before training.
    """
    ready = prepare.prepare(request, screen)
    origin, recipe, splits, weights, model = ready.origin, ready.recipe, ready.splits, ready.weights, ready.model
    number_format = precision.choose(request.precision)
    steps = steps_per_epoch(splits.train, recipe.batch_size)
    seconds = {
        phase.name: seconds_per_step(recipe, splits, model, phase=index, precision=number_format)
        for index, phase in enumerate(recipe.phases)
    }
    training = sum(seconds[phase.name] * steps * phase.epochs for phase in recipe.phases) / 60
    frozen = _frozen_pass(recipe, splits, model, request.seed, number_format)
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
        "time   about %.1f minutes in all, of which %.1f minutes of training in %s (%s ms a step, measured now)",
        training + frozen["minutes"], training, number_format,
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
        "minutes": training + frozen["minutes"],
        "settings": recipe.as_dict(),
    }


def _frozen_pass(
    recipe: Recipe, splits: data.Splits, model: keras.Model, seed: int, number_format: str
) -> dict[str, Any]:
    """Size of the activations a run keeps, and minutes to compute what of them is missing, from a timed batch."""
    phases = Phases(recipe, splits, precision.cast(model, number_format), seed=seed, precision=number_format)
    name = frozen_runner.choose(recipe.engine, number_format)
    needs = phases.boundary.needs()
    seconds = 0.0
    for network in {id(network): network for network, rows in needs if rows.missing_bytes}.values():
        images = sum(rows.missing_bytes // rows.row_bytes for other, rows in needs if other is network)
        batch = np.random.default_rng(0).uniform(0, 255, (frozen_runner.BATCH, *network.input_shape[1:]))
        run = frozen_runner.build(network, name, batch).run
        run(batch)  # The first call prepares.
        began = time.monotonic()
        run(batch)
        seconds += (time.monotonic() - began) / frozen_runner.BATCH * images
    folder = cache_folder()
    return {
        "engine": name,
        "bytes": sum(rows.nbytes for _, rows in needs),
        "missing_bytes": sum(rows.missing_bytes for _, rows in needs),
        "free_bytes": shutil.disk_usage(next(path for path in (folder, *folder.parents) if path.exists())).free,
        "minutes": seconds / 60,
    }
