"""The state of an unfinished training: everything needed to go on as if nothing had happened.

One file per save, written atomically, the last two kept: a file damaged from outside costs one step back, not the run.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from annotated_types import Ge, Le

from recipes.errors import CorruptFault
from recipes.files import typed
from recipes.files.atomic import atomic_path, disk_faults
from recipes.files.typed import Count, FiniteFloat, Seconds

if TYPE_CHECKING:
    from recipes.recipe import Recipe

KEPT = 2
FORMAT = 1
FILES = f"state-{'[0-9]' * 6}.npz"
log = logging.getLogger("recipes")


def _is_number(low: float, high: float) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int | float) and low <= value <= high


# What every row of a history holds, and whether a value of it is possible.
ROW: dict[str, Callable[[Any], bool]] = {
    "phase": lambda value: isinstance(value, str),
    "epoch": lambda value: isinstance(value, int),
    "loss": _is_number(0, math.inf),
    "accuracy": _is_number(0, 1 + 1e-6),
    "val_loss": _is_number(0, math.inf),
    "val_accuracy": _is_number(0, 1 + 1e-6),
    "learning_rate": _is_number(0, math.inf),
}


# What is noted of a schedule that was drawn anew.
CHANGE = {"phase", "from_epoch", "epochs_before", "epochs"}


@dataclass
class TrainingState:
    """Where a training stands.

    Attributes:
        phase: Index of the phase.
        epoch: Epochs of the phase that are done.
        step: Steps of the next epoch that are done; 0 at an epoch's end.
        history: One row for each finished epoch, all phases.
        best: The best monitored figure of the phase so far.
        best_epoch: The epoch (counted from 1) that had it.
        waited: Epochs since.
        epochs: Epochs that the phase's schedule is drawn for; 0 where that is not known.
        schedule_changes: Where a resumed run drew a schedule anew, for more epochs: phase, from_epoch (counted from
            1), epochs_before and epochs.
        seconds: Training took so far, in every sitting.
        arrays: Weights, random-number state, optimizer, running metrics and best weights, by group.
    """

    __pydantic_config__: ClassVar = {"arbitrary_types_allowed": True}

    phase: Count = 0
    epoch: Count = 0
    step: Count = 0
    history: list[dict[str, str | int | FiniteFloat]] = field(default_factory=list)
    best: FiniteFloat | None = None
    best_epoch: Count | None = None
    waited: Count = 0
    epochs: Count = 0
    schedule_changes: list[dict[str, str | int]] = field(default_factory=list)
    seconds: Seconds = 0.0
    arrays: dict[str, list[np.ndarray]] = field(default_factory=dict)


def save(folder: Path, state: TrainingState) -> None:
    """Add a state to the folder and drop all but the newest two.

    Raises:
        DiskFault: When the disk is full or cannot be written; the earlier states are as they were.
    """
    with disk_faults(folder):
        folder.mkdir(exist_ok=True)
    named = {f"{group}/{index}": array for group, arrays in state.arrays.items() for index, array in enumerate(arrays)}
    shapes = {name: list(np.shape(array)) for name, array in named.items()}
    facts = {"format": FORMAT, **vars(state), "shapes": shapes}
    del facts["arrays"]
    content = json.dumps(facts).encode()
    number = 1 + max((_number(path) for path in folder.glob(FILES)), default=0)
    with atomic_path(folder / f"state-{number:06d}.npz") as path:
        np.savez(path, **named, facts=np.frombuffer(content, "uint8"))  # type: ignore[arg-type]
    for old in sorted(folder.glob(FILES))[:-KEPT]:
        old.unlink()


def load(folder: Path, recipe: Recipe | None = None, images: int | None = None) -> TrainingState | None:
    """The newest sound state; `None` when none was ever saved.

    Args:
        folder: Where states are saved.
        recipe: That is trained: a state that cannot come from it is not sound.
        images: It is trained with.

    Raises:
        CorruptFault: When there are states and none is sound.
    """
    paths = sorted(folder.glob(FILES), reverse=True)
    for path in paths:
        try:
            state = _read(path)
            if recipe is not None:
                _refuse_contradictions(state, recipe, images)
        except Exception as error:  # What readers of zip and of NumPy raise has no end.
            log.warning("warning: %s is damaged (%s); trying the one before it.", path, error)
        else:
            return state
    if paths:
        raise CorruptFault(f"No readable training state is left in {folder}. Start again with --overwrite.")
    return None


@dataclass
class _Stored(TrainingState):
    """A state as its file has it, beside the arrays, with the shape of each."""

    format: Annotated[int, Ge(1), Le(FORMAT)] = FORMAT
    shapes: dict[str, list[Count]] | None = None


def _read(path: Path) -> TrainingState:
    with np.load(path, allow_pickle=False) as file:
        facts = vars(typed.parse(file["facts"].tobytes(), _Stored))
        named = {name: file[name] for name in file.files if name != "facts"}
    shapes = facts.pop("shapes")
    del facts["format"]
    for name in sorted({*named, *(shapes or ())}):
        if name not in named or (shapes is not None and list(named[name].shape) != shapes.get(name)):
            raise ValueError(f"arrays: {name} is missing or has another shape than was saved")
        if named[name].dtype.kind in "fc" and not np.isfinite(named[name]).all():
            raise ValueError(f"arrays: {name} holds numbers that are not finite")
    groups: dict[str, dict[int, np.ndarray]] = {}
    for name, array in named.items():
        group, _, index = name.partition("/")
        groups.setdefault(group, {})[int(index)] = array
    arrays = {group: [members[index] for index in sorted(members)] for group, members in groups.items()}
    return TrainingState(**facts | {"arrays": arrays})


def _refuse_contradictions(state: TrainingState, recipe: Recipe, images: int | None) -> None:
    """Refuse a state whose parts do not fit the recipe or each other.

    Raises:
        ValueError: The message names the field.
    """
    if state.phase >= len(recipe.phases):
        raise ValueError(f"phase: {state.phase} is none of the {len(recipe.phases)} of {recipe.name}")
    phase = recipe.phases[state.phase]
    for number, row in enumerate(state.history, start=1):
        if wrong := [name for name, is_sound in ROW.items() if not is_sound(row.get(name))]:
            raise ValueError(f"history: {wrong[0]!r} of row {number} is missing or impossible")
    names = [row["phase"] for row in state.history]
    rows = [row for row in state.history if row["phase"] == phase.name]
    if list(dict.fromkeys([*names, phase.name])) != [each.name for each in recipe.phases[: state.phase + 1]]:
        raise ValueError(f"history: its phases are not those up to {phase.name!r}")
    in_order = all(row["epoch"] == number for number, row in enumerate(rows, start=1))
    if not in_order or len(rows) != state.epoch or state.epoch > phase.epochs:
        raise ValueError(f"epoch: {state.epoch} of phase {phase.name!r} does not follow from the history")
    if any(change.keys() != CHANGE for change in state.schedule_changes) or state.epochs > phase.epochs:
        raise ValueError("epochs or schedule_changes: they do not fit the recipe")
    if images is not None and state.step * recipe.batch_size >= images:
        raise ValueError(f"step: {state.step} is more than an epoch of {images} images has")
    best = rows[state.best_epoch - 1][phase.monitor] if state.best_epoch and state.best_epoch <= state.epoch else None
    if state.best != best or state.waited != state.epoch - (state.best_epoch or 0) or (rows and best is None):
        raise ValueError("best, best_epoch or waited: they do not follow from the history")
    wanted = ["model", "optimizer", *(["metrics"] if state.step else []), *(["best"] if rows else [])]
    if missing := [group for group in wanted if not state.arrays.get(group)]:
        raise ValueError(f"arrays: there are none of {missing[0]!r}")


def _number(path: Path) -> int:
    return int(path.stem.removeprefix("state-"))
