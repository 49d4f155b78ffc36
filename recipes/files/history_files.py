"""The history of a training beside it, to be watched from outside: history.csv after every epoch, and TensorBoard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from recipes.errors import EnvironmentFault
from recipes.files.atomic import write
from recipes.files.csv_text import csv_text

EVENTS = "tensorboard"


def write_history(folder: Path, history: Sequence[Mapping[str, Any]]) -> None:
    """The history so far as `history.csv`, a row for each epoch."""
    write(folder / "history.csv", csv_text(list(history[0]), (list(row.values()) for row in history)))


def require_tensorboard() -> None:
    """Make sure that events can be written.

    Raises:
        EnvironmentFault: When TensorBoard is not installed.
    """
    from importlib.util import find_spec

    if find_spec("tensorboard") is None:
        raise EnvironmentFault(
            "--tensorboard needs TensorBoard. Install it: pip install 'keras-zoo-recipes[tensorboard]'"
        )


def write_events(folder: Path, row: Mapping[str, Any], number: int) -> None:
    """An epoch's figures as events, training and validation in folders of their own: `tensorboard --logdir RUN_DIR`.

    Args:
        folder: The run folder.
        row: The epoch's row of the history.
        number: Of the epoch, counted from 1 over all phases.
    """
    import tensorflow as tf

    figures = {
        "train": {name: row[name] for name in ("loss", "accuracy", "learning_rate")},
        "validation": {name: row[f"val_{name}"] for name in ("loss", "accuracy")},
    }
    for kind, values in figures.items():
        writer = tf.summary.create_file_writer(str(folder / EVENTS / kind))
        with writer.as_default():
            for name, value in values.items():
                tf.summary.scalar(f"epoch_{name}", value, step=number)
        writer.close()
