"""Answers into folders: each photo copied into the folder of what the network says of it, and never moved."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from recipes.errors import UsageFault
from recipes.files import atomic
from recipes.inference.answers import Answers
from recipes.inference.table import Table
from recipes.study.sorting import folders, journal
from recipes.study.sorting.request import DEVICES

UNSURE, UNREADABLE = "_unsure", "_unreadable"
TABLE = "answers.csv"


def refuse(out: Path, sources: Sequence[Path]) -> None:
    """Refuse folders that cannot be copied to, before a photo is read.

    Args:
        out: Where the copies are to be.
        sources: What the network is asked about.

    Raises:
        UsageFault: When one lies in the other, a source is an archive, whose photos are no files, or a table of
            somebody else is in the way.
    """
    if (out / TABLE).exists() and not (out / folders.FILE).exists():
        raise UsageFault(f"{out / TABLE} was not written by this command. Move it away, or choose another --copy-to.")
    for source in sources:
        if source.suffix.lower() == ".zip":
            raise UsageFault(f"--copy-to copies files, and {source} is an archive. Unpack it, and name its folder.")
        if out.resolve().is_relative_to(source.resolve()):
            raise UsageFault(f"{out} is in {source}, where nothing is written. Choose another --copy-to.")
        if source.is_dir() and source.resolve().is_relative_to(out.resolve()):
            raise UsageFault(f"The photos in {source} are in {out}. Choose a --copy-to beside them.")


def refuse_large(out: Path, files: Mapping[str, Path]) -> None:
    """Refuse copies that would fill the disk, before a network is asked.

    Args:
        out: Made where it is not there.
        files: Where each photo is, by its name.

    Raises:
        BusyFault: When another command writes there.
        DiskFault: When the disk is too small, or cannot be written.
    """
    with journal.held(out):
        folders.refuse_large(out, files)


def put(
    answers: Answers,
    out: Path,
    unsure: float | None,
    watch: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[folders.Put, Mapping[str, int]]:
    """Copy photos into `out/<class>/`, with `answers.csv` beside; asked again, what is there stays.

    Args:
        answers: What the network said.
        out: Made where it is not there.
        unsure: Below this probability of what is said a photo goes into `_unsure`; `None` for none.
        watch: Called with (photos done, photos to do).

    Returns:
        What became of the photos, and how many there are for each folder.

    Raises:
        BusyFault: When another command writes there.
        DiskFault: When the disk is too small, or cannot be written.
    """
    labels = dict(zip(answers.table.ids.tolist(), folders_of(answers.table, unsure), strict=True))
    labels |= dict.fromkeys(answers.table.problems, UNREADABLE)
    with journal.held(out):
        done = folders.put(out, answers.files, labels, watch=watch)
        atomic.write(out / TABLE, answers.table.as_csv())
    return done, Counter(labels[name] for name in labels if name not in dict(done.missing))


def folders_of(table: Table, unsure: float | None) -> list[str]:
    """The folder of each photo: of what is said of it; `_none` where it is none of the classes, `_unsure` below."""
    refused = np.zeros(len(table), bool) if table.refused is None else table.refused
    found = []
    for (name, probability), is_none in zip((best[0] for best in table.top(1)), refused, strict=True):
        if is_none:
            found.append(folders.NONE_FOLDER)
        elif unsure is not None and probability < unsure:
            found.append(UNSURE)
        else:
            found.append(_as_folder(name))
    return found


def _as_folder(name: str) -> str:
    """The name of a class as every system takes it for that of a folder, which leads nowhere else."""
    taken = re.sub(r'[/\\:*?"<>|\x00-\x1f]', " ", name).rstrip(" .") or "_"
    return f"{taken}_" if taken.partition(".")[0].casefold() in DEVICES else taken
