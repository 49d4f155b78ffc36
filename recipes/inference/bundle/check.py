"""Whether a bundle still says what its network said: in its own runtime, on its golden images."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from recipes.data.decode import DECODER, MOST_PIXELS, decode, opened
from recipes.errors import CorruptFault, EnvironmentFault, Fault, UsageFault, first_line
from recipes.evaluate.probabilities import as_classes
from recipes.files.atomic import read_json
from recipes.inference.bundle.formats import RUNTIMES
from zoo.checksum import sha256_of

FACTS = "bundle.json"
# Photos as they came, which whoever passes a bundle on may delete.
ORIGINALS = "golden/originals"
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


def verify(bundle: Path) -> Agreement:
    """Check every file of a bundle and run its golden images.

    Args:
        bundle: A folder that `recipes.export` made.

    Raises:
        UsageFault: When it is no bundle.
        EnvironmentFault: When its runtime is not installed, or the libraries here decode its original files otherwise.
        CorruptFault: When a file changed, it cannot be loaded, or it answers otherwise than it should.
    """
    if not (bundle / FACTS).is_file():
        raise UsageFault(f"{bundle} is not a bundle: it has no {FACTS}.")
    facts = read_json(bundle / FACTS)
    try:
        runtime, files, golden = RUNTIMES[facts["format"]], facts["files"], facts["golden"]
        expected = np.array([image["probabilities"] for image in golden], "float64")
        class_names, modules = facts["class_names"], facts.get("modules", ())
        _refuse_other_types(files, [*golden, *facts.get("originals", [])], class_names, modules)
        originals = [image for image in facts.get("originals", []) if os.path.exists(bundle / image["file"])]
        told = np.array([image["probabilities"] for image in originals], "float64")
        likeness = np.array([image["likeness"] for image in golden if "likeness" in image], "float64")
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptFault(f"{bundle / FACTS} is damaged: {error}.") from error
    for name, digest in files.items():
        path = _within(bundle, name)
        if name.startswith(f"{ORIGINALS}/") and not os.path.exists(path):
            continue
        if not os.path.isfile(path) or sha256_of(path) != digest:  # Also of a name that no system takes.
            raise CorruptFault(f"{path} is missing or changed since the bundle was made.")
    _refuse_contradictions(bundle, facts)
    runtime.require(to_write=False)
    arrays = [_pixels(_within(bundle, image["file"]), facts["input"]["shape"]) for image in golden]
    batch = np.stack([*arrays, *(_decoded(_within(bundle, image["file"]), facts["input"]) for image in originals)])
    runtime.refuse(bundle / runtime.file)
    try:
        found, *more = runtime.load(bundle / runtime.file, modules)(batch)
    except (Fault, MemoryError):
        raise
    except Exception as error:  # Each runtime has exceptions of its own.
        raise CorruptFault(f"{bundle} cannot be run: {first_line(error)}") from error
    found = as_classes(np.asarray(found, "float64"))
    agreement = _compare(bundle, facts["format"], found[: len(golden)], expected, class_names)
    if len(likeness):
        _compare_likeness(bundle, more, likeness)
    if originals and np.abs(found[len(golden) :] - told).max() > FILES_TOLERANCE:
        raise EnvironmentFault(
            f"{bundle} answers as it should on arrays, and otherwise on the files they came from: those are decoded "
            f"otherwise here ({DECODER}) than where it was made ({facts['input']['decoder']})."
        )
    return replace(agreement, files=len(originals))


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


def _compare_likeness(bundle: Path, more: Sequence[np.ndarray], expected: np.ndarray) -> None:
    """Check the second output, how like each golden image is to what the network learned from."""
    found = np.asarray(more[0], "float64").reshape(-1)[: len(expected)] if more else np.full(len(expected), np.nan)
    difference = np.abs(found - expected).max()
    if not difference <= TOLERANCE:
        raise CorruptFault(
            f"{bundle} finds golden images otherwise like what it learned from than the network it was made from: by "
            f"{difference:.2g} (at most {TOLERANCE:g} is allowed)."
        )


def _within(bundle: Path, name: str) -> Path:
    """A file of a bundle.

    Raises:
        CorruptFault: When it is not in the bundle's folder, or a link leads out of it.
    """
    path = bundle / name
    if "\0" in name or not path.resolve().is_relative_to(bundle.resolve()):
        raise CorruptFault(f"{path} leads out of the bundle, which is not to be trusted.")
    return path


def _refuse_other_types(files: Any, images: Sequence[Any], class_names: Any, modules: Any) -> None:
    """Refuse names that are none.

    Raises:
        TypeError: With the field.
    """
    if not isinstance(files, dict):
        raise TypeError("files must name each file and its sha256")
    if not all(isinstance(image["file"], str) for image in images):
        raise TypeError("the file of a golden image must be a name")
    for field, names in (("class_names", class_names), ("modules", modules)):
        if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
            raise TypeError(f"{field} must be names")


def _refuse_contradictions(bundle: Path, facts: Mapping[str, Any]) -> None:
    """Refuse facts by which no image could be read.

    Raises:
        CorruptFault: With the field.
    """
    entrance = facts.get("input")
    shape: Any = entrance.get("shape") if isinstance(entrance, dict) else None
    is_shape = isinstance(shape, list) and len(shape) == 3 and all(type(side) is int and side > 0 for side in shape)
    if not is_shape or shape[2] not in (1, 3) or shape[0] * shape[1] > MOST_PIXELS:
        raise CorruptFault(f"{bundle / FACTS} is damaged: input.shape cannot be {shape!r}.")
    if not facts["golden"]:
        raise CorruptFault(f"{bundle / FACTS} is damaged: golden names no image to check the bundle with.")


def _pixels(path: Path, shape: list[int]) -> np.ndarray:
    """A golden image, which is as large as the network takes it.

    Raises:
        CorruptFault: When it is no such image; one of another size is not decoded.
    """
    try:
        with opened(path.read_bytes()) as image:
            if [image.height, image.width] != shape[:2]:
                raise ValueError(f"{image.width:,} x {image.height:,} pixels in place of {shape[1]} x {shape[0]}")
            return np.asarray(image, "float32").reshape(shape)
    except (OSError, ValueError) as error:
        raise CorruptFault(f"{path} is no golden image of this bundle: {error}.") from error


def _decoded(path: Path, entrance: Mapping[str, Any]) -> np.ndarray:
    height, width, channels = entrance["shape"]
    try:
        return decode(path.read_bytes(), (height, width), channels, entrance["square"]).astype("float32")
    except (OSError, ValueError) as error:
        raise EnvironmentFault(f"{path} cannot be read here: {error}") from error
