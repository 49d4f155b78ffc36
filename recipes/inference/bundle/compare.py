"""How near a bundle comes to what it should say, image by image, and the rows that say so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from recipes.data.decode import DECODER
from recipes.errors import CorruptFault, EnvironmentFault, Fault
from recipes.evaluate.probabilities import as_classes
from recipes.inference.bundle.facts import FACTS, Facts, Image

TOLERANCE = 1e-4
# Of files, which another version of a decoder may read a little otherwise.
FILES_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Agreement:
    """How near a bundle comes to what it should say.

    Attributes:
        format: One of `recipes.inference.bundle.FORMATS`.
        images: Golden images compared.
        difference: The largest difference of a probability on them.
        files: Original files compared.
    """

    format: str
    images: int
    difference: float
    files: int = 0

    @property
    def compared(self) -> str:
        """On what, in words."""
        files = f" and {self.files} original file{'s' * (self.files != 1)}" if self.files else ""
        return f"{self.images} images{files}"


@dataclass(frozen=True)
class Check:
    """One thing that was looked at: what, whether it is as it should be, what was found, what was expected."""

    what: str
    ok: bool
    found: str
    expected: str


@dataclass
class Examination:
    """What a look at a bundle came to.

    Attributes:
        checks: In the order they were made; what comes after a fault was not looked at.
        agreement: How near its answers are; `None` where they were not compared, or not near enough.
        fault: Why it is not to be used; `None` where it is sound.
    """

    checks: list[Check] = field(default_factory=list)
    agreement: Agreement | None = None
    fault: Fault | None = None

    def note(self, what: str, ok: bool, found: str, expected: str) -> bool:
        """Add a check; gives whether it is as it should be."""
        self.checks.append(Check(what, bool(ok), found, expected))
        return bool(ok)


def compare(bundle: Path, facts: Facts, found: np.ndarray, examined: Examination, files: int) -> Agreement:
    """Compare what is said of golden images with what must be said.

    Raises:
        CorruptFault: When a probability is further off than `TOLERANCE`, or another class is the most probable.
    """
    shape = (len(facts.golden), len(facts.class_names))
    found = as_classes(found) if found.ndim == 2 else found
    if found.shape != shape or not np.isfinite(found).all():
        raise CorruptFault(f"{bundle} gives {found.shape} in place of {shape} probabilities.")
    if wrong := next((image.file for image in facts.golden if len(image.probabilities) != shape[1]), None):
        raise CorruptFault(f"{bundle / FACTS} is damaged: golden: {wrong} has not {shape[1]} probabilities.")
    furthest, other = 0.0, ""
    for image, row in zip(facts.golden, found, strict=True):
        expected = np.array(image.probabilities)
        difference = float(np.abs(row - expected).max())
        is_same = row.argmax() == expected.argmax()
        furthest = max(furthest, difference)
        said, wanted = (f"{facts.class_names[one.argmax()]} {one.max():.4f}" for one in (row, expected))
        examined.note(
            f"answer on {image.file}", is_same and difference <= TOLERANCE, said, f"{wanted}, to {TOLERANCE:g}"
        )
        if not is_same:
            other = other or f"; {image.file} becomes {facts.class_names[row.argmax()]!r}"
    if furthest > TOLERANCE or other:
        raise CorruptFault(
            f"{bundle} answers otherwise than the network it was made from: probabilities differ by up to "
            f"{furthest:.2g} (at most {TOLERANCE:g} is allowed){other}."
        )
    return Agreement(facts.format, len(facts.golden), furthest, files)


def compare_likeness(bundle: Path, golden: Sequence[Image], more: Sequence[np.ndarray], examined: Examination) -> None:
    """Compare the second output, how like each golden image is to what the network learned from.

    Raises:
        CorruptFault: When it is otherwise.
    """
    expected = np.array([image.likeness for image in golden if image.likeness is not None], "float64")
    if not len(expected):
        return
    found = np.asarray(more[0], "float64").reshape(-1)[: len(expected)] if more else np.full(len(expected), np.nan)
    difference = float(np.abs(found - expected).max()) if len(found) == len(expected) else np.nan
    if not examined.note("likeness", difference <= TOLERANCE, f"differs by {difference:.2g}", f"to {TOLERANCE:g}"):
        raise CorruptFault(
            f"{bundle} finds golden images otherwise like what it learned from than the network it was made from: by "
            f"{difference:.2g} (at most {TOLERANCE:g} is allowed)."
        )


def compare_originals(
    bundle: Path, facts: Facts, originals: Sequence[Image], found: np.ndarray, examined: Examination
) -> None:
    """Compare what is said of files as they came, which takes the decoder that the bundle was made with.

    Raises:
        EnvironmentFault: When it is otherwise.
    """
    near = []
    for image, row in zip(originals, as_classes(found), strict=True):
        expected = np.array(image.probabilities)
        difference = float(np.abs(row - expected).max()) if len(row) == len(expected) else np.nan
        ok = difference <= FILES_TOLERANCE
        near.append(
            examined.note(f"answer on {image.file}", ok, f"differs by {difference:.2g}", f"to {FILES_TOLERANCE:g}")
        )
    if not all(near):
        raise EnvironmentFault(
            f"{bundle} answers as it should on arrays, and otherwise on the files they came from: those are decoded "
            f"otherwise here ({DECODER}) than where it was made ({facts.input.decoder})."
        )
