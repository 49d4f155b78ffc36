"""What is asked for when an album is sorted, and what cannot be done of it."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from pathlib import Path

from recipes.data.photos.tables import refuse_to_overwrite
from recipes.errors import DataFault, UsageFault
from recipes.files.csv_text import csv_text
from recipes.study.sorting import folders, journal, table
from recipes.study.sorting.keys import DIGITS

# What Windows takes for a device, whatever the extension.
DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10))}


@dataclass(frozen=True)
class Request:
    """What is asked for.

    Attributes:
        album: The folder of the photos.
        classes: Their classes, in the order of their keys.
        out: Where classes get their folders, and decisions are kept; `None` only with both tables.
        link: Whether to make links in place of copies.
        csv: A table to write in place of copies.
        csv_in: A table of names to take in place of showing a page.
    """

    album: Path
    classes: tuple[str, ...]
    out: Path | None = None
    link: bool = False
    csv: Path | None = None
    csv_in: Path | None = None


def classes_of(text: str) -> tuple[str, ...]:
    """Classes as they are typed, with commas between.

    Raises:
        UsageFault: When they are too few or too many for the keys, or one cannot be the name of a folder.
    """
    classes = tuple(unicodedata.normalize("NFC", name.strip()) for name in text.split(","))
    for name in classes:
        if not _is_folder_name(name):
            raise UsageFault(
                f"--classes: {name[:40]!r} cannot be the name of a folder. It must begin with a letter or digit, have "
                "no slash, colon or quote and no more than 200 bytes, and be no device of Windows, such as CON."
            )
    if twice := next(
        (name for name in classes if sum(name.casefold() == other.casefold() for other in classes) > 1), ""
    ):
        raise UsageFault(f"--classes names {twice!r} twice. Leave one out.")
    if not 2 <= len(classes) <= len(DIGITS):
        raise UsageFault(
            f"--classes takes 2 to {len(DIGITS)}, a key for each. Got {len(classes)}: {', '.join(classes)}."
        )
    return classes


def _is_folder_name(name: str) -> bool:
    """Whether every system takes a name for a folder."""
    is_odd = any(letter in '/\\:*?"<>|' or not letter.isprintable() for letter in name)
    is_device = name.partition(".")[0].casefold() in DEVICES
    return name[:1].isalnum() and name[-1:] != "." and not is_odd and not is_device and len(name.encode()) <= 200


def refuse(request: Request) -> None:
    """Refuse what cannot be done, before anything is read.

    Raises:
        UsageFault: With what to type in place of it.
        DataFault: When there is no album.
        DiskFault: When what is in the place of a table cannot be looked at.
    """
    _refuse_what_contradicts(request)
    if not request.album.is_dir():
        raise DataFault(f"There is no folder at {request.album}. Name the folder of the photos.")
    album = request.album.resolve()
    if request.out is not None:
        out = request.out.resolve()
        if out.is_relative_to(album):
            raise UsageFault(f"{request.out} is in the album, where nothing is written. Choose another --out.")
        if album.is_relative_to(out):
            raise UsageFault(f"The album {request.album} is in {request.out}. Choose an --out beside it.")
        kept = out / journal.FILE
        for name, file in (("csv", request.csv), ("csv-in", request.csv_in)):
            if file is not None and file.resolve() in (kept, out / folders.FILE):
                raise UsageFault(f"{file} is where decisions are kept. Choose another file for --{name}.")
    if request.csv is not None:
        if request.csv.resolve().is_relative_to(album):
            raise UsageFault(f"{request.csv} is in the album, where nothing is written. Choose another --csv.")
        if not request.csv.resolve().parent.is_dir():
            raise UsageFault(f"{request.csv} cannot be written: its folder does not exist. Make it, or choose another.")
        refuse_to_overwrite(request.csv, [request.csv_in] if request.csv_in else [], csv_text(table.HEADER, []))


def _refuse_what_contradicts(request: Request) -> None:
    """Refuse options that leave out, or pass over, one another.

    Raises:
        UsageFault: With the mend.
    """
    if request.out is None and request.csv_in is None:
        raise UsageFault("Decisions must be kept somewhere. Name a folder for them: --out OUT.")
    if request.out is None and request.csv is None:
        raise UsageFault("--csv-in needs somewhere to write to: --csv FILE for a table, --out OUT for folders.")
    if request.link and (request.csv is not None or request.out is None):
        raise UsageFault("--link is for the folders of --out; with --csv no file is put anywhere. Leave one out.")
