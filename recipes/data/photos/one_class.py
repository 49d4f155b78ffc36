"""Tables that ask for something else than one class a photo: several labels, or a figure. They are refused by name."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from recipes.errors import DataFault

SEPARATORS = re.compile(r"\s*[,;|]\s*")
# Fewer photos than these may well be of a class each.
FEW = 10
ONE_HOT = {"0", "1", "0.0", "1.0", "true", "false", ""}
SEVERAL = "photos of several labels are not taken"
log = logging.getLogger("recipes")


def hint(columns: Mapping[str, Iterable[str]]) -> str:
    """What to write where a table without a column label has a column for each class; empty where it has not.

    Args:
        columns: Cells of the columns that are neither path, split nor group, by the column's name.
    """
    classes = [name for name, cells in columns.items() if {cell.strip().lower() for cell in cells} <= ONE_HOT]
    if len(classes) < 2:
        return ""
    return (
        f" {classes[0]}, {classes[1]} look like a column for each class: write the one class of each photo; {SEVERAL}."
    )


def refuse(path: Path, photos: Sequence[tuple[str, str]]) -> None:
    """Refuse a table whose photos have several labels, or a figure of their own each.

    Args:
        path: The table.
        photos: (path, label) of each row that has both.

    Raises:
        DataFault: With the row or the label that shows it.
    """
    labels_of: dict[str, set[str]] = {}
    for name, label in photos:
        labels_of.setdefault(name, set()).add(label)
    if several := next(((name, labels) for name, labels in labels_of.items() if len(labels) > 1), None):
        name, labels = several
        raise DataFault(f"{path}: {name!r} has the labels {_named(labels)}. Leave it one; {SEVERAL}.")
    twice = [name for name, number in Counter(name for name, _ in photos).items() if number > 1]
    if twice:
        raise DataFault(
            f"{path} lists {len(twice)} path{'s' * (len(twice) != 1)} more than once, {twice[0]!r} among them."
        )
    classes = {label for _, label in photos}
    _refuse_joined(path, classes)
    if len(photos) >= FEW and 2 * len(classes) > len(photos) and all(map(_is_figure, classes)):
        raise DataFault(
            f"{path}: the label is a figure that differs from photo to photo, such as {_named(classes)}. A figure "
            "(regression) is not learned here: give each photo a class, such as low or high."
        )


def _refuse_joined(path: Path, classes: set[str]) -> None:
    """Refuse labels that are made of others; say which are taken for one class though they have a part in common."""
    parts = {label: [part for part in SEPARATORS.split(label) if part] for label in classes}
    joined = {label: names for label, names in parts.items() if len(names) > 1}
    if several := next((label for label in sorted(joined) if set(joined[label]) <= classes), None):
        raise DataFault(
            f"{path}: {several!r} is made of labels that stand alone elsewhere. Give each photo a single label; "
            f"{SEVERAL}."
        )
    shared = Counter(name for names in joined.values() for name in set(names))
    if alike := next((label for label in sorted(joined) if any(shared[name] > 1 for name in joined[label])), None):
        log.warning("NOTICE %s: %r is taken for the name of one class; %s.", path, alike, SEVERAL)


def _is_figure(label: str) -> bool:
    try:
        float(label)
    except ValueError:
        return False
    return True


def _named(labels: Iterable[str]) -> str:
    return ", ".join(map(repr, sorted(labels)[:3]))
