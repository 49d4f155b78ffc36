"""The history of a training: a row for each epoch, which of them is best, and when a phase is over."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from typing import Any

from recipes.errors import DivergedFault
from recipes.recipe import Phase, Recipe
from recipes.train.checkpoint import TrainingState

log = logging.getLogger("recipes")


def epoch_row(
    recipe: Recipe, phase: Phase, epoch: int, fitted: dict[str, list[float]], scores: dict[str, float], rate: float
) -> dict[str, Any]:
    """One row of the history.

    Where the recipe weighs the classes, the row says so: its figures, of training and of validation, are weighted and
    can be compared with each other, but not with those of a training without class weights.

    Raises:
        DivergedFault: When the validation loss is not a finite number.
    """
    row: dict[str, Any] = {
        "phase": phase.name,
        "epoch": epoch + 1,
        "loss": float(fitted["loss"][0]),
        "accuracy": float(fitted["accuracy"][0]),
        "val_loss": float(scores["loss"]),
        "val_accuracy": float(scores["accuracy"]),
        "learning_rate": rate,
    }
    if recipe.class_weights:
        row["class_weights"] = recipe.class_weights
    if not math.isfinite(row["val_loss"]):
        raise diverged(phase, f"The validation loss became {row['val_loss']}", epoch, None, rate)
    return row


def judge(phase: Phase, row: dict[str, Any], state: TrainingState) -> bool:
    """Whether this epoch is the best so far; counts the epochs since."""
    value = row[phase.monitor]
    if state.best is None or (value < state.best if phase.monitor == "val_loss" else value > state.best):
        state.best, state.best_epoch, state.waited = value, row["epoch"], 0
        return True
    state.waited += 1
    return False


def is_over(phase: Phase, state: TrainingState) -> bool:
    """Whether the phase has run its epochs or its patience."""
    return state.epoch >= phase.epochs or (phase.patience is not None and state.waited >= phase.patience)


def kept_epochs(phases: Sequence[Phase], history: list[dict[str, Any]]) -> dict[str, int]:
    """For each phase, the epoch (counted from 1) whose weights are kept."""
    return {phase.name: kept_row(phase, history)["epoch"] for phase in phases}


def kept_row(phase: Phase, history: list[dict[str, Any]]) -> dict[str, Any]:
    """The row of the epoch whose weights a phase keeps, of those it has run."""
    rows = [row for row in history if row["phase"] == phase.name]
    if phase.keep == "last":
        return rows[-1]
    choose = min if phase.monitor == "val_loss" else max
    return choose(rows, key=lambda row: row[phase.monitor])


def say_what_is_kept(phase: Phase, history: list[dict[str, Any]], images: int) -> None:
    """Say which epoch a phase keeps; a warning where another was clearly better.

    Args:
        phase: The phase, which has ended.
        history: Its rows among those of others.
        images: How many validated; a difference above two standard errors is clear.
    """
    rows = [row for row in history if row["phase"] == phase.name]
    kept, best = kept_row(phase, history), max(rows, key=lambda row: row["val_accuracy"])
    log.info(
        "%s keeps epoch %d of %d: val_loss %.4f, val_accuracy %.4f",
        phase.name, kept["epoch"], len(rows), kept["val_loss"], kept["val_accuracy"],
    )  # fmt: skip
    error = math.sqrt(best["val_accuracy"] * (1 - best["val_accuracy"]) / images)
    if phase.keep == "last" and best["val_accuracy"] - kept["val_accuracy"] > max(2 * error, 1.5 / images):
        log.warning(
            "warning: phase %r keeps its last epoch, and epoch %d had %.4f of the validation images right, not %.4f: "
            "--set phases.%s.keep=best",
            phase.name, best["epoch"], best["val_accuracy"], kept["val_accuracy"], phase.name,
        )  # fmt: skip


def diverged(phase: Phase, what: str, epoch: int, step: int | None, rate: float) -> DivergedFault:
    """The fault of a figure that is not a finite number: where it came up, and what to try."""
    where = f"epoch {epoch + 1}" + (f", by step {step}" if step else "")
    return DivergedFault(
        f"{what} in phase {phase.name!r}, {where}, at a learning rate of {rate:.3g}. Try a lower one: "
        f"--set phases.{phase.name}.learning_rate={phase.learning_rate / 10:.2g}"
    )
