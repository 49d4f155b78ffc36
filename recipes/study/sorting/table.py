"""Names of photos as a table: given by a person, and written with what is proposed for the rest."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path

from recipes.data.photos.decisions import by_key, meant
from recipes.data.photos.tables import read_table
from recipes.errors import DataFault
from recipes.files.csv_text import csv_text
from recipes.study.sorting.folders import NONE, NONE_FOLDER
from recipes.study.sorting.keys import Sorting
from recipes.study.sorting.order import NOBODY
from zoo.text.suggest import closest

HEADER = ("path", "label", "how", "probability", "problem")
NAMED, PROPOSED = "named", "proposed"


def read(file: Path, album: Path, photos: Sequence[str], classes: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """The classes of photos in a table with the columns path and label.

    Rows without a label are passed over, and those whose column `how` says that they were proposed only.

    Args:
        file: CSV or Parquet.
        album: The folder of the photos; paths start there, or at the table's folder, or are absolute.
        photos: Names of all photos.
        classes: All classes.

    Returns:
        The class of each photo by its name, and what the table calls photos that are not in the album.

    Raises:
        DataFault: When it cannot be read, or a row has another class, or two rows contradict each other.
    """
    table = read_table(file)
    if missing := {"path", "label"} - set(table.columns):
        raise DataFault(
            f"{file} lacks the column{'s' * (len(missing) > 1)} {' and '.join(sorted(missing))}. "
            f"It must have path and label; it has: "
            f"{', '.join(map(str, table.columns))}."
        )
    names, labels = by_key(photos), by_key(classes) | {NONE_FOLDER: NONE}
    found: dict[str, str] = {}
    strange = []
    for number, row in enumerate(table.to_dict("records"), 2):
        path, written = row["path"].strip(), unicodedata.normalize("NFC", row["label"].strip())
        if not path or not written or str(row.get("how", "")).strip().lower() == PROPOSED:
            continue
        label = meant(written, labels)
        if label is None or label not in classes:
            raise DataFault(
                f"{file}, row {number} ({path}): there is no class {written!r}.{closest(written, classes)} Correct the "
                f"row, or add it to --classes, which has: {', '.join(classes)}."
            )
        name = meant(path, names) or _below(path, file, album, names)
        if name is None:
            strange.append(path)
        elif found.setdefault(name, label) != label:
            raise DataFault(f"{file}, row {number}: {path} is {found[name]} in an earlier row. Remove one of the two.")
    return found, strange


def as_csv(sorting: Sorting, problems: Mapping[str, str]) -> str:
    """All photos as CSV: those that are named, then those that are proposed, the surest first, then unreadable ones.

    Args:
        sorting: The album.
        problems: Why photos cannot be read, by name.
    """
    proposals = sorting.proposals
    named = [
        (name, sorting.classes[number], NAMED, "", "")
        for name, number in zip(sorting.photos, sorting.labels, strict=True)
        if number != NOBODY
    ]
    rest = [place for place, number in enumerate(sorting.labels) if number == NOBODY]
    if proposals is None:
        others = [(sorting.photos[place], "", "", "", "") for place in rest]
    else:
        rest.sort(key=lambda place: -proposals[place].max())
        others = [
            (
                sorting.photos[place],
                sorting.classes[proposals[place].argmax()],
                PROPOSED,
                f"{proposals[place].max():.4f}",
                "",
            )
            for place in rest
        ]
    return csv_text(HEADER, [*named, *others, *((name, "", "", "", reason) for name, reason in problems.items())])


def _below(written: str, file: Path, album: Path, names: dict[str, str]) -> str | None:
    """The photo that a path means which starts at the table's folder, or is absolute."""
    try:
        path = (file.parent / Path(written).expanduser()).resolve()
    except (OSError, RuntimeError, ValueError):  # No system can call a file so.
        return None
    root = album.resolve()
    return meant(path.relative_to(root).as_posix(), names) if path.is_relative_to(root) else None
