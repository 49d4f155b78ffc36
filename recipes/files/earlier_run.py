"""What a run on a person's own photos leaves for the run that comes after it, when the photos have grown."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from recipes.errors import CorruptFault, UsageFault
from recipes.files import manifest as manifests
from recipes.files import run_folder, typed
from recipes.files.atomic import write_json
from recipes.files.csv_text import harmless
from recipes.files.manifest import FORMAT, Format, Manifest, Sha256

PREDICTIONS = "predictions.csv"


@dataclass(frozen=True, kw_only=True)
class Divided:
    """A photo that a run used: its name and class, its split, and the sha256 of its file."""

    name: str
    label: str
    split: Literal["train", "validation", "test"]
    sha256: Sha256


@dataclass(frozen=True, kw_only=True)
class Division:
    """Every photo that a run used: `division.json`."""

    photos: list[Divided]
    format: Format = FORMAT


@dataclass(frozen=True)
class EarlierRun:
    """A finished run on a person's own photos.

    Attributes:
        folder: Where it is.
        manifest: What it says of itself.
        photos: Every photo that it used.
        answers: The class that each test photo was called, by the photo's name.
    """

    folder: Path
    manifest: Manifest
    photos: list[Divided]
    answers: dict[str, str]

    def side(self, name: str, sha256: str) -> str | None:
        """The split in which it used a photo: the same file, whatever it is called, else one of that name.

        Args:
            name: The photo's name now.
            sha256: Of its file now.
        """
        return self._by_content.get(sha256) or self._by_name.get(name)

    @cached_property
    def _by_content(self) -> dict[str, str]:
        return {photo.sha256: photo.split for photo in self.photos}

    @cached_property
    def _by_name(self) -> dict[str, str]:
        return {photo.name: photo.split for photo in self.photos}


def write_division(folder: Path, photos: Iterable[Divided]) -> None:
    """Write into a run's folder where each photo is used.

    Raises:
        DiskFault: When it cannot be written.
    """
    write_json(folder / run_folder.DIVISION, dataclasses.asdict(Division(photos=list(photos))))


def read_division(folder: Path) -> list[Divided]:
    """Where a run uses each photo.

    Raises:
        CorruptFault: When that is missing or damaged.
    """
    return typed.read(folder / run_folder.DIVISION, Division).photos


def given(text: str, photos: Path, besides: Path | None = None) -> Path:
    """The run that `--after` names: a folder, or `last` for the run on the same photos that ended last in `runs/`.

    Args:
        text: What was typed.
        photos: The folder or table of photos.
        besides: A run that is not meant.

    Raises:
        UsageFault: When `last` is asked for and there is none.
    """
    if text != run_folder.LAST or Path(text).exists():
        return Path(text).expanduser().absolute()
    ended = []
    for path in Path("runs").glob(f"*/*/{run_folder.MANIFEST}"):
        with suppress(CorruptFault):
            data = manifests.read(path.parent).data
            if data.kind == "photos" and Path(data.path).resolve() == photos.resolve():
                ended.append((path.stat().st_mtime_ns, path.parent.absolute()))
    ended = [(time, folder) for time, folder in ended if besides is None or folder != besides.absolute()]
    if not ended:
        raise UsageFault(
            f"--after last: no run on {photos} has ended below runs/ here. Name the folder of one, or leave "
            "--after out."
        )
    return max(ended)[1]


def read(folder: Path) -> EarlierRun:
    """Read a finished run on a person's own photos.

    Raises:
        UsageFault: When there is none, with what is there and what to do.
        CorruptFault: When what it left is damaged.
    """
    if not folder.is_dir():
        raise UsageFault(f"There is no run at {folder}: --after takes the folder of a finished run, or last.")
    if run_folder.is_started(folder) and not run_folder.is_finished(folder):
        raise UsageFault(
            f"The run in {folder} has not ended, so that nothing can come after it. Go on with it first: "
            f"python -m recipes.run --resume {folder}"
        )
    manifest = manifests.read(folder)
    if manifest.data.kind != "photos":
        raise UsageFault(
            f"The run in {folder} learned from the data set {manifest.data.dataset!r}, not from photos of your own: "
            "none can come after it. Leave --after out."
        )
    if not (folder / run_folder.DIVISION).is_file():
        raise UsageFault(
            f"The run in {folder} does not say which photos it tested: it has no {run_folder.DIVISION}. Train it anew "
            "first, or leave --after out."
        )
    return EarlierRun(folder, manifest, read_division(folder), _answers(folder, manifest))


def _answers(folder: Path, manifest: Manifest) -> dict[str, str]:
    """By test photo what it was called; names and classes as they are, and not as a spreadsheet takes them."""
    names = {harmless(photo.name): photo.name for photo in read_division(folder)}
    labels = {harmless(label): label for label in manifest.data.class_names}
    try:
        with (folder / PREDICTIONS).open(encoding="utf-8", newline="") as file:
            return {names[row["id"]]: labels[row["prediction"]] for row in csv.DictReader(file)}
    except (OSError, KeyError, ValueError, csv.Error) as error:
        raise CorruptFault(f"{folder / PREDICTIONS} is missing or damaged: {error}") from error
