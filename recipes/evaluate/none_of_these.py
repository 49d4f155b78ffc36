"""None of these: whether a photo is like anything that a network learned from, at a stated rate of false alarms.

How like a photo is: the cosine between what reaches the last layer for it and for the training photo that is most like
it. How unlike is too unlike, validation photos say, which are known to be of the classes: a photo is refused at a rate
of 0.05 when at most a twentieth of them are as unlike. That holds for photos such as those, by the rank alone
(conformal prediction); how many others are refused is measured, see docs/en/none-of-these.md.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recipes.errors import CorruptFault, UsageFault
from recipes.files.atomic import write

FILE = "none_of_these.npz"
RATE = 0.05


@dataclass(frozen=True)
class Known:
    """What a network learned from, as far as it takes to refuse what is unlike all of it.

    Attributes:
        photos: (photos, features), float16, of length 1: what reaches the last layer for some training photos.
        validation: (photos,), how like each validation photo is, ascending.
    """

    photos: np.ndarray
    validation: np.ndarray

    @property
    def lowest_rate(self) -> float:
        """The lowest rate of false alarms that so many validation photos can tell."""
        return 1 / (len(self.validation) + 1)

    def as_unlike(self, likeness: np.ndarray) -> np.ndarray:
        """(photos,), the share of validation photos that are as unlike, the photo itself counted among them."""
        below = np.searchsorted(self.validation, np.asarray(likeness, self.validation.dtype), side="right")
        return (below + 1) / (len(self.validation) + 1)

    def least(self, rate: float) -> float:
        """How like a photo must be: one that is less so is refused at this rate.

        Raises:
            UsageFault: When so few validation photos cannot tell the rate.
        """
        self.require(rate)
        return float(self.validation[int(rate * (len(self.validation) + 1) + 1e-9) - 1])

    def refused(self, as_unlike: np.ndarray, rate: float) -> np.ndarray:
        """(photos,), whether each is none of these.

        Args:
            as_unlike: (photos,), what `as_unlike` gives.
            rate: Of false alarms, above 0 and below 1.

        Raises:
            UsageFault: When so few validation photos cannot tell the rate.
        """
        self.require(rate)
        return np.asarray(as_unlike) <= rate + 1e-9

    def require(self, rate: float) -> None:
        """Make sure that a rate can be told.

        Raises:
            UsageFault: With the lowest that can.
        """
        if not rate < 1:
            raise UsageFault(f"The rate of false alarms must be below 1. Got {rate:g}; {RATE} is usual.")
        if not rate >= self.lowest_rate - 1e-9:
            lowest = np.ceil(1000 * self.lowest_rate) / 1000
            raise UsageFault(
                f"{len(self.validation):,} validation photos tell no rate of false alarms of {rate:g}. "
                f"Give {lowest:g} or more."
            )


@dataclass(frozen=True)
class Refused:
    """How many photos of the classes are refused at a rate: false alarms, that is.

    Attributes:
        rate: That was asked for.
        least: How like a photo must be: one that is less so is refused.
        validation: (refused, photos) of those that fixed it.
        test: (refused, photos) of those that did not.
    """

    rate: float
    least: float
    validation: tuple[int, int]
    test: tuple[int, int]


def fixed(photos: np.ndarray, validation: np.ndarray, test: np.ndarray) -> tuple[Known, Refused]:
    """What refuses, and what it refuses of test photos at the usual rate, or the lowest that can be told.

    Args:
        photos: What `recipes.evaluate.likeness.learned` gives.
        validation: (photos,), how like the validation photos are.
        test: (photos,), how like the test photos are.
    """
    known = Known(photos, np.sort(validation.astype("float32")))
    rate = max(RATE, known.lowest_rate)
    counted = [(int((known.as_unlike(like) <= rate + 1e-9).sum()), len(like)) for like in (validation, test)]
    return known, Refused(rate, known.least(rate), *counted)


def save(path: Path, known: Known) -> None:
    """Write it whole, or leave the file as it was.

    Raises:
        DiskFault: When it cannot be written.
    """
    content = io.BytesIO()
    np.savez(content, photos=known.photos, validation=known.validation)
    write(path, content.getvalue())


def read(path: Path) -> Known:
    """Read what `save` wrote.

    Raises:
        CorruptFault: When it is missing or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            known = Known(arrays["photos"], arrays["validation"])
        sound = known.photos.ndim == 2 and known.validation.ndim == 1 and len(known.photos) and len(known.validation)
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise CorruptFault(f"{path} is missing or damaged: {error}") from error
    if not sound or not all(np.isfinite(array).all() for array in (known.photos, known.validation)):
        raise CorruptFault(f"{path} is damaged: it holds no likeness.")
    return known
