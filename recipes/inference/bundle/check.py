"""Whether a bundle still says what its network said: in its own runtime, on its golden images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from recipes.errors import CorruptFault, Fault, UsageFault, first_line
from recipes.evaluate.probabilities import as_classes
from recipes.files.atomic import read_json
from recipes.inference.bundle.formats import RUNTIMES
from zoo.checksum import sha256_of

FACTS = "bundle.json"
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Agreement:
    """How near a bundle comes to what it should say.

    Attributes:
        format: One of `recipes.inference.bundle.FORMATS`.
        images: Golden images compared.
        difference: The largest difference of a probability.
    """

    format: str
    images: int
    difference: float


def verify(bundle: Path) -> Agreement:
    """Check every file of a bundle and run its golden images.

    Args:
        bundle: A folder that `recipes.export` made.

    Raises:
        UsageFault: When it is no bundle.
        EnvironmentFault: When its runtime is not installed.
        CorruptFault: When a file changed, it cannot be loaded, or it answers otherwise than it should.
    """
    if not (bundle / FACTS).is_file():
        raise UsageFault(f"{bundle} is not a bundle: it has no {FACTS}.")
    facts = read_json(bundle / FACTS)
    try:
        runtime, files, golden = RUNTIMES[facts["format"]], facts["files"], facts["golden"]
        expected = np.array([image["probabilities"] for image in golden], "float64")
        class_names = facts["class_names"]
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptFault(f"{bundle / FACTS} is damaged: {error}.") from error
    for name, digest in files.items():
        path = bundle / name
        if not path.is_file() or sha256_of(path) != digest:
            raise CorruptFault(f"{path} is missing or changed since the bundle was made.")
    runtime.require(to_write=False)
    batch = np.stack([_pixels(bundle / image["file"], facts["input"]["shape"]) for image in golden])
    try:
        found = runtime.load(bundle / runtime.file, facts.get("modules", ()))(batch)
    except (Fault, MemoryError):
        raise
    except Exception as error:  # Each runtime has exceptions of its own.
        raise CorruptFault(f"{bundle} cannot be run: {first_line(error)}") from error
    return _compare(bundle, facts["format"], as_classes(np.asarray(found, "float64")), expected, class_names)


def _compare(bundle: Path, kind: str, found: np.ndarray, expected: np.ndarray, class_names: list[str]) -> Agreement:
    if found.shape != expected.shape or not np.isfinite(found).all():
        raise CorruptFault(f"{bundle} gives {found.shape} in place of {expected.shape} probabilities.")
    difference = float(np.abs(found - expected).max())
    other = np.flatnonzero(found.argmax(axis=1) != expected.argmax(axis=1))
    if difference > TOLERANCE or len(other):
        words = f"; image {other[0]} becomes {class_names[found[other[0]].argmax()]!r}" if len(other) else ""
        raise CorruptFault(
            f"{bundle} answers otherwise than the network it was made from: probabilities differ by up to "
            f"{difference:.2g} (at most {TOLERANCE:g} is allowed){words}."
        )
    return Agreement(kind, len(expected), difference)


def _pixels(path: Path, shape: Any) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image, "float32").reshape(shape)
