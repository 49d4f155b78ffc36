"""The state of an unfinished training: everything needed to go on as if nothing had happened.

One file per save, written atomically, the last two kept: a file damaged from outside costs one step back, not the run.
"""

from __future__ import annotations

import json
import logging
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from recipes.errors import CorruptFault
from recipes.rundir import atomic_path, disk_faults

KEPT = 2
log = logging.getLogger("recipes")


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

    phase: int = 0
    epoch: int = 0
    step: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    best: float | None = None
    best_epoch: int | None = None
    waited: int = 0
    epochs: int = 0
    schedule_changes: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0
    arrays: dict[str, list[np.ndarray]] = field(default_factory=dict)


def save(folder: Path, state: TrainingState) -> None:
    """Add a state to the folder and drop all but the newest two.

    Raises:
        DiskFault: When the disk is full or cannot be written; the earlier states are as they were.
    """
    with disk_faults(folder):
        folder.mkdir(exist_ok=True)
    facts = {key: value for key, value in vars(state).items() if key != "arrays"}
    named = {f"{group}/{index}": array for group, arrays in state.arrays.items() for index, array in enumerate(arrays)}
    number = 1 + max((_number(path) for path in folder.glob("state-*.npz")), default=0)
    with atomic_path(folder / f"state-{number:06d}.npz") as path:
        np.savez(path, **named, facts=np.frombuffer(json.dumps(facts).encode(), "uint8"))  # type: ignore[arg-type]
    for old in sorted(folder.glob("state-*.npz"))[:-KEPT]:
        old.unlink()


def load(folder: Path) -> TrainingState | None:
    """The newest readable state; `None` when none was ever saved.

    Raises:
        CorruptFault: When there are states and none can be read.
    """
    paths = sorted(folder.glob("state-*.npz"), reverse=True)
    for path in paths:
        try:
            return _read(path)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            log.warning("warning: %s is damaged (%s); trying the one before it.", path, error)
    if paths:
        raise CorruptFault(f"No readable training state is left in {folder}. Start again with --overwrite.")
    return None


def _read(path: Path) -> TrainingState:
    groups: dict[str, dict[int, np.ndarray]] = {}
    with np.load(path, allow_pickle=False) as file:
        facts = json.loads(file["facts"].tobytes())
        for name in file.files:
            if name != "facts":
                group, _, index = name.partition("/")
                groups.setdefault(group, {})[int(index)] = file[name]
    arrays = {group: [members[index] for index in sorted(members)] for group, members in groups.items()}
    return TrainingState(**facts, arrays=arrays)


def _number(path: Path) -> int:
    return int(path.stem.removeprefix("state-"))
