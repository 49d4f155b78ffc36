"""What a run's network says of photos and folders of photos, and how often it is right where folders tell."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from recipes.console.backend import load_backend
from recipes.console.screen import RESULT, Screen
from recipes.data.photos.listing import photos_below, printable
from recipes.errors import DataFault
from recipes.inference.predictor import Table, class_names, collect, comes_trained, load

log = logging.getLogger("recipes")


@dataclass(frozen=True)
class Answers:
    """What a network says of photos.

    Attributes:
        table: A row for each photo that could be read.
        accuracy: The share, 0-1, of photos under subfolders that are classes for which it says that class; `None`
            where no subfolder is.
    """

    table: Table
    accuracy: float | None

    def as_json(self, top: int) -> dict[str, Any]:
        """Everything as plain values, with the `top` most probable classes of each photo."""
        kind = self.table.kind
        images = [
            {
                "path": str(name),
                "prediction": best[0][0],
                kind: best[0][1],
                "top": [{"class": label, kind: value} for label, value in best],
            }
            for name, best in zip(self.table.ids, self.table.top(top), strict=True)
        ]
        problems = [{"path": name, "reason": reason} for name, reason in self.table.problems.items()]
        return {"images": images, "problems": problems, "accuracy": self.accuracy}


def answer(run: Path, paths: Sequence[Path], *, labelled: bool, show: int, screen: Screen) -> Answers:
    """Let a network say what is on photos, and show it while it goes.

    Args:
        run: The folder of a finished run, or a network that comes trained: see `recipes.load`.
        paths: Photos, and folders of them.
        labelled: Whether the subfolders of a folder are classes; those of a network that comes trained never are.
        show: The most probable classes to show of each photo; 0 shows none.
        screen: Where to show how far it is.

    Raises:
        DataFault: When a folder holds no photos, or subfolders that are no classes of the network.
        Fault: When the run cannot be read.
    """
    names = class_names(run)
    labelled = labelled and not comes_trained(run)
    photos: list[Path] = []
    truths: dict[str, str] = {}
    for path in paths:
        below = list(photos_below(path)) if path.is_dir() else [path]
        if not below:
            raise DataFault(f"{path} holds no photos.")
        if path.is_dir() and labelled:
            truths |= _truths(path, below, names)
        photos += below

    load_backend()
    predictor = load(run)
    with screen.counting("predict") as watch:

        def followed() -> Iterator[tuple[str, np.ndarray | str]]:
            for done, (name, row) in enumerate(predictor.stream(photos), start=1):
                if isinstance(row, str):
                    log.warning("%s: %s", name, row)
                elif show:
                    log.log(RESULT, "%s  %s", name, _said(row, predictor.class_names, show))
                if len(photos) > 1:
                    watch(done, len(photos))
                yield name, row

        table = collect(followed(), predictor.class_names, predictor.kind)
    if table.problems:
        log.warning("%d of %d photos could not be read.", len(table.problems), len(photos))
    return Answers(table, _accuracy(table, truths))


def _truths(folder: Path, photos: Sequence[Path], class_names: Sequence[str]) -> dict[str, str]:
    """What the subfolders of a folder say of its photos: `folder/<class>/...`.

    Returns:
        The class of each photo by its path; nothing when the folder has photos of its own or one subfolder only.

    Raises:
        DataFault: When the subfolders are other classes than the model's.
    """
    parts = [photo.relative_to(folder).parts for photo in photos]
    found = {part[0] for part in parts if len(part) > 1}
    if len(found) < 2 or any(len(part) == 1 for part in parts):
        return {}
    if strange := sorted(found - set(class_names)):
        raise DataFault(
            f"{folder} holds the classes {', '.join(strange[:5])}, and the model knows {', '.join(class_names[:5])}"
            + (" and others" if len(class_names) > 5 else "")
            + ". If these folders are no classes: --unlabelled"
        )
    return {printable(photo): part[0] for photo, part in zip(photos, parts, strict=True)}


def _accuracy(table: Table, truths: dict[str, str]) -> float | None:
    guesses = zip(table.ids, table.predictions, strict=True)
    known = [(truths[name], guess) for name, guess in guesses if name in truths]
    if not known:
        return None
    right = sum(truth == guess for truth, guess in known)
    log.log(
        RESULT, "accuracy %.4f (%s of %s photos, by their folders)", right / len(known), f"{right:,}", f"{len(known):,}"
    )
    return right / len(known)


def _said(row: np.ndarray, class_names: Sequence[str], top: int) -> str:
    order = np.argsort(-row, kind="stable")[:top]
    return "  ".join(f"{class_names[index]} {row[index]:.4f}" for index in order)
