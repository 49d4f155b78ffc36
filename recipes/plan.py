"""What a run would do and how long it may take, without doing it."""

from __future__ import annotations

import logging
from typing import Any

from recipes import conditions, data, engine, execute, precision
from recipes.data.stream import steps_per_epoch
from recipes.request import SMOKE_IMAGES, Request

log = logging.getLogger("recipes")


def plan(request: Request) -> dict[str, Any]:
    """Say what a request would run: data, network, phases, and minutes from a few timed steps on this machine.

    Returns:
        The same facts as a dictionary.

    Raises:
        Fault: What the run itself would raise before training.
    """
    origin = data.find(request.dataset(), request.data_mode(), request.data_dir)
    recipe = request.recipe(origin.dataset)
    splits = data.read(origin, recipe.split)
    if request.smoke:
        splits = splits.take(**SMOKE_IMAGES)
    weights = execute.find_weights(recipe)
    model = execute.build(recipe, splits, request.seed, weights)
    number_format = precision.choose(request.precision)
    seconds = engine.seconds_per_step(recipe, splits, model, precision=number_format)
    steps = steps_per_epoch(splits.train, recipe.batch_size)
    minutes = seconds * steps * recipe.epochs() / 60
    facts = conditions.model_facts(model, recipe.architecture)

    log.info("%s, %s: would run", recipe.name, request.variant)
    if origin.notice:
        log.warning("NOTICE %s", origin.notice)
    log.info("data   %s", conditions.describe_data(splits))
    if weights:
        log.info("weights from %s: %s", weights.kind, weights.path)
    log.info("model  %s: %s parameters, %s MACs an image", model.name, f"{facts['parameters']:,}", f"{facts['macs']:,}")
    for phase in recipe.phases:
        log.info(
            "phase  %s: %d epochs at most of %d steps, %s at %g (%s), training %s",
            phase.name, phase.epochs, steps, phase.optimizer, phase.learning_rate, phase.schedule,
            ", ".join(phase.train),
        )  # fmt: skip
    log.info(
        "time   about %.1f minutes of training in %s (%.0f ms a step, measured now)",
        minutes,
        number_format,
        1e3 * seconds,
    )
    return {
        "recipe": recipe.name,
        "variant": request.variant,
        "data": {"kind": origin.kind, "dataset": origin.dataset, "counts": splits.counts(), "notice": origin.notice},
        "model": facts,
        "precision": number_format,
        "steps_per_epoch": steps,
        "seconds_per_step": seconds,
        "minutes": minutes,
        "settings": recipe.as_dict(),
    }
