"""Make a bundle of a finished run, and keep it only when it answers as the run's network does."""

from __future__ import annotations

import logging
import platform
import re
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from recipes.errors import CorruptFault, Fault, first_line
from recipes.evaluate import none_of_these
from recipes.files import atomic, model_file, model_notes
from recipes.files import manifest as manifests
from recipes.files.manifest import Manifest
from recipes.inference.bundle import originals
from recipes.inference.bundle.card import card
from recipes.inference.bundle.check import ORIGINALS, verify
from recipes.inference.bundle.compare import Agreement
from recipes.inference.bundle.facts import FACTS, FORMAT, installed
from recipes.inference.bundle.formats import RUNTIMES, Runtime
from recipes.inference.bundle.preparation import preparation
from zoo.checksum import sha256_of
from zoo.structure.graph import is_own

GOLDEN = "golden"
log = logging.getLogger("recipes")
# How LiteRT's converter, ONNX's runtime and OpenVINO name the operations that they do not have.
_LACKS = re.compile(r"'tf\.(\w+)' op|No Op registered for (\w+)|found for operations: (\w+(?:, \w+)*)")


def export(run: Path, kind: str, folder: Path) -> Agreement:
    """Write a bundle, load it again in its own runtime, and compare.

    Args:
        run: The folder of a finished run.
        kind: One of `recipes.inference.bundle.FORMATS`.
        folder: The bundle's folder, new or empty.

    Returns:
        How near its answers are.

    Raises:
        UsageFault: When no run has ended in `run`.
        EnvironmentFault: When what the format needs is not installed; said before anything is written.
        CorruptFault: When the bundle cannot be made or answers otherwise; it is then deleted.
    """
    RUNTIMES[kind].require(to_write=True)
    manifests.read(run)
    from recipes.console.backend import load_backend

    load_backend()
    from recipes.inference.saved import load

    predictor = load(run)
    images = sorted((run / GOLDEN).glob("*.png"))
    if not images:
        raise CorruptFault(f"{run} has no images in {GOLDEN}/ to check a bundle with. Run the recipe again.")
    temporary = folder.with_name(f".{folder.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    with atomic.disk_faults(folder):
        (temporary / GOLDEN).mkdir(parents=True)
    try:
        agreement = _write(predictor, images, kind, temporary, run)
        with atomic.disk_faults(folder):
            if folder.exists():
                folder.rmdir()
            temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    if agreement.files:
        log.warning(
            "%s holds photos as they came, with what the camera noted: look before you publish them", folder / ORIGINALS
        )
    return agreement


def _write(predictor: Any, images: list[Path], kind: str, folder: Path, run: Path) -> Agreement:
    runtime = RUNTIMES[kind]
    with atomic.disk_faults(folder):
        for image in images:
            shutil.copyfile(image, folder / GOLDEN / image.name)
    try:
        runtime.write(_written(predictor, runtime), folder / runtime.file)
        if runtime.file.endswith(".keras"):
            notes = model_notes.Notes(class_names=list(predictor.class_names), square=predictor.square)
            model_notes.add(folder / runtime.file, notes)
    except (Fault, MemoryError):
        raise
    except OSError:  # Not the network's fault.
        with atomic.disk_faults(folder / runtime.file):
            raise
    except Exception as error:  # Each converter has exceptions of its own.
        raise _refused(predictor.model, kind, error) from error
    pixels = {image.stem: np.asarray(Image.open(image)).reshape(predictor.image_shape) for image in images}
    told = predictor.answers(np.stack(list(pixels.values())))
    answers = {name: answer.row.tolist() for name, answer in zip(pixels, told, strict=True)}
    likeness = {name: answer.likeness for name, answer in zip(pixels, told, strict=True)}
    found = originals.find(run, predictor.manifest, pixels)
    facts = _facts(predictor, kind, runtime.file) | {
        "golden": [
            {"file": f"{GOLDEN}/{name}.png", "probabilities": row}
            | ({"likeness": likeness[name]} if predictor.known and runtime.likeness else {})
            for name, row in answers.items()
        ],
        "originals": [
            {"file": f"{ORIGINALS}/{name}", "probabilities": answers[name.partition(".")[0]]} for name in found
        ],
    }
    for name, content in found.items():
        with atomic.disk_faults(folder):
            (folder / ORIGINALS).mkdir(exist_ok=True)
        atomic.write(folder / ORIGINALS / name, content)
    if predictor.known and not runtime.likeness:
        none_of_these.save(folder / none_of_these.FILE, predictor.known)
    atomic.write(folder / "README.md", card(predictor.manifest, facts))
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    hashes = {path.relative_to(folder).as_posix(): sha256_of(path) for path in files}
    atomic.write_json(folder / FACTS, facts | {"files": hashes})
    try:
        return verify(folder)
    except CorruptFault as fault:
        if fault.__cause__ is None:
            raise
        raise _refused(predictor.model, kind, fault.__cause__) from fault  # Written, and its runtime refuses it.


def _written(predictor: Any, runtime: Runtime) -> Any:
    """The network that a bundle holds: with how like a photo is as a second output, where that is known."""
    if predictor.known is None or not runtime.likeness:
        return predictor.model
    from recipes.evaluate.likeness import extended

    return extended(predictor.model, predictor.known.photos, joined=False)


def _refused(model: Any, kind: str, error: BaseException) -> CorruptFault:
    """What a format lacks, and which layer needs it, as far as the converter's words tell."""
    words = str(error)
    lacks = _LACKS.search(words)
    reason = f", which has no {next(filter(None, lacks.groups()))}" if lacks else f": {first_line(error).rstrip('.')}"
    named = [layer for layer in model.layers if re.search(rf"\b{re.escape(layer.name)}(_\d+)*/", words)]
    own = [layer for layer in model.layers if is_own(layer)]
    layers = ", ".join(f"{layer.name!r} ({type(layer).__name__})" for layer in named or own)
    where = f" Look at the layer {layers}: write it with what the format has, or choose" if layers else " Choose"
    return CorruptFault(f"The network cannot be written as {kind}{reason}.{where} another format, such as --to keras.")


def _facts(predictor: Any, kind: str, file: str) -> dict[str, Any]:
    """What a program needs to know that uses the bundle without this package."""
    manifest: Manifest = predictor.manifest
    units = predictor.model.output_shape[-1]
    own = sorted(model_file.own_parts(predictor.model)) if kind == "keras" else []
    return {
        "bundle_format": FORMAT,
        "format": kind,
        "made_with": _versions(RUNTIMES[kind]),
        "model": file,
        "own_layers": own,
        "modules": model_file.modules_of(predictor.model, manifest.modules) if own else [],
        "class_names": list(predictor.class_names),
        "input": preparation(predictor.image_shape, predictor.square),
        "output": "the probability of each class"
        if units > 1
        else f"one number: the probability of {predictor.class_names[1]!r}",
        "none_of_these": _none_of_these(predictor, kind),
        "operating_point": _operating_point(manifest),
        "recipe": manifest.recipe,
        "variant": manifest.variant,
        "command": manifest.command,
        "version": manifest.version,
        "why": manifest.why,
        "result": asdict(manifest.result),
        "versions": manifest.versions,
    }


def _versions(runtime: Runtime) -> dict[str, str]:
    """Versions of what a bundle is made with."""
    needs = (module.replace("_", "-") for module in runtime.needs)
    packages = dict.fromkeys(["keras-zoo-recipes", "keras", *needs, "numpy", "pillow", "opencv-python-headless"])
    return {"python": platform.python_version()} | {package: installed(package) for package in packages}


def _operating_point(manifest: Manifest) -> dict[str, Any] | None:
    """From which probability on a program says one class; `None` where it says the most probable."""
    point = manifest.operating_point
    if point is None or point.threshold is None:
        return None
    answer = "class_name where its probability is threshold or more, else the most probable of the other classes"
    return {"answer": answer} | asdict(point)


def _none_of_these(predictor: Any, kind: str) -> dict[str, Any] | None:
    """How a program tells that a photo is none of the classes; `None` where the run does not."""
    known, manifest = predictor.known, predictor.manifest
    if known is None or manifest.none_of_these is None:
        return None
    tellable = [rate for rate in (0.01, 0.02, 0.05, 0.1) if rate >= known.lowest_rate]
    rates = sorted({*tellable, manifest.none_of_these.rate})
    by_hand = f"the largest cosine between a row of photos in {none_of_these.FILE} and what reaches the last layer"
    # LiteRT lists outputs in an order of its own; their names end in :0 and :1.
    second = "the second output" + (", sorted by name; the first is output" if kind == "litert" else "")
    return {
        "likeness": second if RUNTIMES[kind].likeness else by_hand,
        "refused": "a photo whose likeness is below that of a rate of false alarms",
        "least": {f"{rate:.6g}": known.least(rate) for rate in rates},
        "measured": asdict(manifest.none_of_these),
    }
