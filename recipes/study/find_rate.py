"""Find a learning rate for each phase of a recipe: a picture and a suggestion (`recipes.run NAME --find-lr`)."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from recipes.console.screen import RESULT, Screen
from recipes.execution import prepare
from recipes.execution.request import Request
from recipes.files import atomic
from recipes.report.figures import learning_rates, style
from recipes.train import engine
from recipes.train.lr_range import sweep_rates

log = logging.getLogger("recipes")


def find(request: Request, folder: Path, screen: Screen) -> dict[str, Any]:
    """Sweep the learning rate of each phase, from the weights that the phases before it give.

    Args:
        request: The recipe, its data and seed.
        folder: Where the pictures go.
        screen: Shows the progress.

    Returns:
        For each phase that takes steps the suggestion and the recipe's own rate.

    Raises:
        Fault: What the run itself would raise.
    """
    ready = prepare.prepare(request, screen)
    recipe, splits = ready.recipe, ready.splits
    with atomic.disk_faults(folder):
        folder.mkdir(parents=True, exist_ok=True)
    if ready.origin.notice:
        log.warning("NOTICE %s", ready.origin.notice)
    found = {}
    for index, phase in enumerate(recipe.phases):
        if phase.is_solved:
            log.log(RESULT, "%s: solved for (%s), in no steps: it has no rate", phase.name, phase.optimizer)
            continue
        model = prepare.build(recipe, splits, request.seed, ready.weights)
        if index:
            log.info("phase  %s begins where %s ended: training that", phase.name, recipe.phases[index - 1].name)
            engine.train(recipe, splits, model, seed=request.seed, precision=request.precision, phases=index)
        with screen.counting(f"{phase.name} frozen part") as watch:
            swept = sweep_rates(
                recipe, splits, model, phase=index, seed=request.seed, precision=request.precision, watch=watch
            )
        picture = folder / f"{phase.name}.png"
        atomic.write(
            picture, style.png(learning_rates.rates_figure(swept, phase, f"{recipe.name}, phase {phase.name}"))
        )
        found[phase.name] = {"suggestion": swept.suggestion, "recipe": phase.learning_rate, "picture": str(picture)}
        if swept.suggestion is None:
            log.log(RESULT, "%s: the loss falls at no rate (%s)", phase.name, picture)
        else:
            log.log(
                RESULT, "%s: --set phases.%s.learning_rate=%.2g (the recipe has %g; %s)",
                phase.name, phase.name, swept.suggestion, phase.learning_rate, picture,
            )  # fmt: skip
    return found
