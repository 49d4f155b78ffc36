"""What a run's network says of photos and folders of photos, and how often it is right where folders tell."""

from __future__ import annotations

import logging
import math
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from recipes.console.backend import load_backend
from recipes.console.screen import Screen
from recipes.data.decode import MOST_BYTES
from recipes.data.formats import archive
from recipes.data.photos.entry import EXTENSIONS
from recipes.data.photos.listing import photos_below, printable
from recipes.data.photos.tables import paths_in_table
from recipes.errors import DataFault
from recipes.evaluate.none_of_these import RATE
from recipes.files.atomic import is_stream
from recipes.inference.journal import SUFFIX, Journal
from recipes.inference.predictor import Predictor
from recipes.inference.saved import class_names, comes_trained, digest, load
from recipes.inference.table import Answer, Table, collect

STDIN = Path("-")
log = logging.getLogger("recipes")


@dataclass(frozen=True)
class Score:
    """Photos that are called right, of so many."""

    right: int
    photos: int

    @property
    def accuracy(self) -> float:
        """The share, 0-1."""
        return self.right / self.photos


@dataclass(frozen=True)
class Answers:
    """What a network says of photos.

    Attributes:
        table: A row for each photo that could be read.
        score: How many photos under subfolders that are classes it calls by that class; `None` where no subfolder is.
        files: Where each photo is, by its name; what came out of an archive is there no more.
        journal: Of answers that are to be written to a table.
    """

    table: Table
    score: Score | None
    files: Mapping[str, Path] = field(default_factory=dict)
    journal: Journal | None = None

    def written(self) -> None:
        """Forget the answers that were kept while they came: the table holds them all."""
        if self.journal is not None:
            self.journal.remove()

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
        if self.table.refused is not None:
            shares = zip(self.table.refused.tolist(), np.asarray(self.table.as_unlike).tolist(), strict=True)
            for image, (refused, share) in zip(images, shares, strict=True):
                image |= {"none_of_these": refused, "as_unlike": share}
        problems = [{"path": name, "reason": reason} for name, reason in self.table.problems.items()]
        return {"images": images, "problems": problems, "accuracy": self.score and self.score.accuracy}


def answer(
    run: Path,
    paths: Sequence[Path],
    *,
    labelled: bool,
    none_of_these: float | None = None,
    keep: Path | None = None,
    beforehand: Callable[[Mapping[str, Path]], None] = lambda files: None,
    screen: Screen,
    tell: Callable[[str, Sequence[tuple[str, float]], bool], None] = lambda name, classes, refused: None,
) -> Answers:
    """Let a network say what is on photos.

    Args:
        run: The folder of a finished run, its model, or a network that comes trained: see `recipes.load`.
        paths: Photos, folders of them, zip archives, tables with a column `path`; `-` for what is on standard
            input, names, one a line, or a photo itself.
        labelled: Whether the subfolders of a folder are classes; those of a network that comes trained never are.
        none_of_these: The rate of false alarms at which a photo is called none of the classes; `None` does not ask.
        keep: The table that all answers will be written to. Beside it they are kept while they come: asked again
            after it was killed, the network sees the other photos alone. `Answers.written` is called in the end.
        beforehand: Called with where each photo is, by its name, before the network is loaded; what it raises ends all.
        screen: Where to show how far it is.
        tell: Called for each photo that could be read, as soon as it was, with (name, classes with probabilities, the
            answer first and then the most probable, whether it is none of these).

    Raises:
        DataFault: When a folder holds no photos, or subfolders that are no classes of the network.
        UsageFault: When the run cannot tell what is none of its classes at that rate.
        Fault: When the run cannot be read.
    """
    names = class_names(run)
    labelled = labelled and not comes_trained(run)
    photos: list[Path] = []
    truths: dict[str, str] = {}
    unpacked: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        for place, path in enumerate(paths):
            below = _below(path, Path(folder) / str(place), unpacked)
            if not below:
                raise DataFault(f"{path} holds no photos.")
            if os.path.isdir(path) and labelled:
                truths |= _truths(path, below, names)
            photos += below
        photos = _once(photos)
        files = {unpacked.get(printable(photo), printable(photo)): photo for photo in photos}
        beforehand(files)

        load_backend()
        predictor = load(run)
        if none_of_these is not None:
            predictor.require(none_of_these)
        if predictor.point is not None:
            named = predictor.class_names[predictor.point.place]
            log.info("%s is said from a probability of %.4g on: its operating point", named, predictor.point.threshold)
        with screen.counting("predict") as watch:

            def followed() -> Iterator[tuple[str, Answer | str]]:
                for done, (name, said) in enumerate(_resumed(photos, unpacked, predictor, journal), start=1):
                    if isinstance(said, str):
                        log.warning("%s: %s", name, said)
                    else:
                        tell(name, predictor.ranked(said), predictor.refuses(said, none_of_these))
                    if len(photos) > 1:
                        watch(done, len(photos))
                    yield name, said

            with _journal(keep, run, unpacked) as journal:
                table = collect(
                    followed(), predictor.class_names, predictor.kind,
                    known=predictor.known, rate=none_of_these, point=predictor.point,
                )  # fmt: skip
    if table.problems:
        log.warning("%d of %d photos could not be read.", len(table.problems), len(photos))
    if none_of_these is None and predictor.known is not None:
        _hint(table, len(predictor.known.validation), predictor.known.lowest_rate)
    return Answers(table, _scored(table, truths), files, journal)


def _once(photos: Sequence[Path]) -> list[Path]:
    """Each photo once, where it is named first, also where a folder is given twice or beside one that holds it."""
    found: dict[str, Path] = {}
    for photo in photos:
        found.setdefault(os.path.abspath(photo), photo)
    if again := len(photos) - len(found):
        log.warning(
            "NOTICE %s of %s photos are named again: each is asked about once.", f"{again:,}", f"{len(photos):,}"
        )
    return list(found.values())


def _journal(keep: Path | None, run: Path, unpacked: Mapping[str, str]) -> Journal | nullcontext[None]:
    """What was said before of the photos whose answers go into a table; nothing where none is kept."""
    if keep is None or is_stream(keep):
        return nullcontext()
    return Journal(keep.with_name(keep.name + SUFFIX), digest(run), unpacked)


def _resumed(
    photos: Sequence[Path], unpacked: Mapping[str, str], predictor: Predictor, journal: Journal | None
) -> Iterator[tuple[str, Answer | str]]:
    """For each photo in order its name and the answer: those of the journal, and of the network for the others."""
    named = [(unpacked.get(printable(photo), printable(photo)), photo) for photo in photos]
    known = [journal.said(name, photo) if journal else None for name, photo in named]
    rest = [photo for photo, said in zip(photos, known, strict=True) if said is None]
    if len(rest) < len(photos):
        log.info("%s of %s answers are known from before", f"{len(photos) - len(rest):,}", f"{len(photos):,}")
    asked = predictor.stream(rest)
    for (name, photo), before in zip(named, known, strict=True):
        said = next(asked)[1] if before is None else before
        if journal and before is None:
            journal.note(name, photo, said)
        yield name, said


def _hint(table: Table, validation: int, lowest: float) -> None:
    """Say how many photos are further from what the network learned from than any of the run's validation photos."""
    outside = int((np.asarray(table.as_unlike) <= lowest + 1e-9).sum())
    if outside:
        log.warning(
            "NOTICE %s of %s photos %s less like the training photos than all %s validation photos: "
            "--none-of-these %g says which may be none of the classes.",
            f"{outside:,}", f"{len(table):,}", "is" if outside == 1 else "are", f"{validation:,}",
            max(RATE, math.ceil(1000 * lowest) / 1000),
        )  # fmt: skip


def _below(path: Path, folder: Path, unpacked: dict[str, str]) -> list[Path]:
    """The photos that a path stands for; what comes out of an archive goes into a folder, and has another name."""
    if path == STDIN:
        return _from_standard_input(folder, unpacked)
    if os.path.isdir(path):  # Also of a name that no system takes.
        return list(photos_below(path))
    if path.suffix.lower() in (".csv", ".parquet") and os.path.isfile(path):
        return paths_in_table(path)
    if path.suffix.lower() != ".zip" or not os.path.isfile(path):
        return [path]
    photos = archive.unpacked(path, folder, EXTENSIONS, MOST_BYTES)
    unpacked |= {str(photo): f"{path}/{name}" for photo, name in photos.items()}
    return list(photos)


def _from_standard_input(folder: Path, unpacked: dict[str, str]) -> list[Path]:
    """The photos named there, one a line; or the photo that is there itself: no name holds a zero byte."""
    content = sys.stdin.buffer.read()
    if b"\0" not in content[:64]:
        return [Path(os.fsdecode(line)) for line in content.splitlines() if line.strip()]
    folder.mkdir()
    photo = folder / "photo"
    photo.write_bytes(content)
    unpacked[str(photo)] = "standard input"
    return [photo]


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


def _scored(table: Table, truths: dict[str, str]) -> Score | None:
    guesses = zip(table.ids, table.predictions, strict=True)
    known = [(truths[name], guess) for name, guess in guesses if name in truths]
    return Score(sum(truth == guess for truth, guess in known), len(known)) if known else None
