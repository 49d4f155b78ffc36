"""Whether a bundle still says what its network said: in its own runtime, on its golden images."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from recipes.data.decode import content_of, decode, opened
from recipes.errors import CorruptFault, EnvironmentFault, Fault, UsageFault, first_line
from recipes.inference.bundle import facts as bundle_facts
from recipes.inference.bundle.compare import Agreement, Examination, compare, compare_likeness, compare_originals
from recipes.inference.bundle.facts import FACTS, Entrance, Facts, installed
from recipes.inference.bundle.formats import RUNTIMES, Runtime
from zoo.checksum import sha256_of

# Photos as they came, which whoever passes a bundle on may delete.
ORIGINALS = "golden/originals"


def verify(bundle: Path) -> Agreement:
    """Check every file of a bundle and run its golden images.

    Args:
        bundle: A folder that `recipes.export` made.

    Raises:
        UsageFault: When it is no bundle.
        EnvironmentFault: When its runtime is not installed, its format is newer than this package, or the libraries
            here decode its original files otherwise.
        CorruptFault: When a file changed, it cannot be loaded, or it answers otherwise than it should.
    """
    examined = examine(bundle)
    if examined.agreement is None:
        raise examined.fault or CorruptFault(f"{bundle} could not be checked.")
    return examined.agreement


def examine(bundle: Path) -> Examination:
    """The same, with a row for each thing that was looked at.

    Raises:
        UsageFault: When it is no bundle.
    """
    examined = Examination()
    try:
        examined.agreement = _examined(bundle, examined)
    except UsageFault:
        raise
    except Fault as fault:
        examined.fault = fault
        if all(check.ok for check in examined.checks):
            examined.note(f"after {examined.checks[-1].what}" if examined.checks else FACTS, False, str(fault), "")
    return examined


def _examined(bundle: Path, examined: Examination) -> Agreement:
    facts = bundle_facts.read(bundle)
    if facts.format not in RUNTIMES:
        raise CorruptFault(f"{bundle / FACTS} is damaged: format cannot be {facts.format!r}.")
    made_with = facts.made_with.get("keras-zoo-recipes", "one that does not name itself")
    examined.note(FACTS, True, f"bundle format {facts.bundle_format}, by {made_with}", f"1 to {bundle_facts.FORMAT}")
    originals = [image for image in facts.originals if os.path.exists(bundle / image.file)]
    _check_files(bundle, facts, examined)
    runtime = RUNTIMES[facts.format]
    _refuse_unlisted(bundle, facts, runtime.file)
    _refuse_code(bundle, facts.modules)
    runtime.require(to_write=False)
    _note_runtime(runtime, facts, examined)
    arrays = [_pixels(_within(bundle, image.file), facts.input.shape) for image in facts.golden]
    batch = np.stack([*arrays, *(_decoded(_within(bundle, image.file), facts.input) for image in originals)])
    runtime.refuse(bundle / runtime.file)
    try:
        found, *more = runtime.load(bundle / runtime.file, facts.modules)(batch)
    except (Fault, MemoryError):
        raise
    except Exception as error:  # Each runtime has exceptions of its own.
        raise CorruptFault(f"{bundle} cannot be run: {first_line(error)}") from error
    found, number = np.asarray(found, "float64"), len(facts.golden)
    agreement = compare(bundle, facts, found[:number], examined, len(originals))
    compare_likeness(bundle, facts.golden, more, examined)
    compare_originals(bundle, facts, originals, found[number:], examined)
    return agreement


def _refuse_unlisted(bundle: Path, facts: Facts, model: str) -> None:
    """Refuse facts that leave out a file that will be read: nothing would tell that it changed.

    Raises:
        CorruptFault: With the first.
    """
    parts = [*bundle.glob(f"{Path(model).stem}.*"), *(bundle / model).rglob("*")]
    read = {image.file for image in facts.golden} | {
        path.relative_to(bundle).as_posix() for path in parts if path.is_file() and path.name != FACTS
    }
    has_model = any(name == model or name.startswith(f"{model}/") for name in facts.files)
    if lacking := sorted(read - facts.files.keys()) if has_model else [model]:
        raise CorruptFault(f"{bundle / FACTS} is damaged: files: {lacking[0]} is missing.")


def _check_files(bundle: Path, facts: Facts, examined: Examination) -> None:
    """Check that each file is there and as it was written.

    Raises:
        CorruptFault: With all that are missing or changed.
    """
    bad: dict[str, list[str]] = {"missing": [], "changed": []}
    for name, digest in facts.files.items():
        path = _within(bundle, name)
        if name.startswith(f"{ORIGINALS}/") and not os.path.exists(path):
            continue
        now = sha256_of(path) if os.path.isfile(path) else None  # Also of a name that no system takes.
        if not examined.note(name, now == digest, f"sha256 {now[:12]}" if now else "missing", f"sha256 {digest[:12]}"):
            bad["changed" if now else "missing"].append(name)
    words = [
        f"{kind}: {', '.join(names[:3])}{' and others' * (len(names) > 3)}" for kind, names in bad.items() if names
    ]
    if words:
        raise CorruptFault(f"{bundle} is not as it was made ({'; '.join(words)}). Get it again.")


def _refuse_code(bundle: Path, modules: Sequence[str]) -> None:
    """Refuse modules that Python would take out of the bundle: called in its folder, it looks there first.

    Raises:
        CorruptFault: With the module.
    """
    for name in modules:
        try:
            found = importlib.util.find_spec(name.partition(".")[0])
        except (ImportError, ValueError):  # Whoever imports it says so.
            continue
        places = [found.origin or "", *(found.submodule_search_locations or ())] if found else []
        if any(Path(place).resolve().is_relative_to(bundle.resolve()) for place in filter(os.path.exists, places)):
            raise CorruptFault(f"{bundle} brings the module {name!r} itself, which is not to be trusted.")


def _note_runtime(runtime: Runtime, facts: Facts, examined: Examination) -> None:
    """Note the version of the runtime here, beside the one that the bundle was made with."""
    package = runtime.needs[0].replace("_", "-")
    here = installed(package)
    examined.note(
        f"runtime {package}", True, here, f"any; made with {facts.made_with.get(package, 'one that is not named')}"
    )


def _within(bundle: Path, name: str) -> Path:
    """A file of a bundle.

    Raises:
        CorruptFault: When it is not in the bundle's folder, or a link leads out of it.
    """
    path = bundle / name
    try:
        inside = path.resolve().is_relative_to(bundle.resolve())
    except (OSError, RuntimeError, ValueError):  # A circle of links; a name that no system takes.
        inside = False
    if not inside:
        raise CorruptFault(f"{path} leads out of the bundle, which is not to be trusted.")
    return path


def _pixels(path: Path, shape: list[int]) -> np.ndarray:
    """A golden image, which is as large as the network takes it.

    Raises:
        CorruptFault: When it is no such image; one of another size is not decoded.
    """
    try:
        with opened(content_of(path)) as image:
            if [image.height, image.width] != shape[:2]:
                raise ValueError(f"{image.width:,} x {image.height:,} pixels in place of {shape[1]} x {shape[0]}")
            return np.asarray(image, "float32").reshape(shape)
    except (OSError, ValueError) as error:
        raise CorruptFault(f"{path} is no golden image of this bundle: {error}.") from error


def _decoded(path: Path, entrance: Entrance) -> np.ndarray:
    height, width, channels = entrance.shape
    try:
        return decode(content_of(path), (height, width), channels, entrance.square).astype("float32")
    except (OSError, ValueError) as error:
        raise EnvironmentFault(f"{path} cannot be read here: {error}") from error
