"""Networks that are trained, loaded to be asked: a run's, one in a file, or one that comes trained."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import zoo
from recipes.data.samples.pictures import picture
from recipes.errors import CorruptFault, EnvironmentFault, UsageFault
from recipes.evaluate import none_of_these
from recipes.evaluate.none_of_these import Known
from recipes.evaluate.operating_point import Point
from recipes.files import manifest as manifests
from recipes.files import model_file, model_notes
from recipes.files.atomic import read_json
from recipes.files.run_folder import MANIFEST, MODEL
from recipes.inference.predictor import Predictor
from recipes.recipe import SQUARES
from zoo.checksum import sha256_of
from zoo.pretrained import imagenet_classes
from zoo.pretrained.bases import find
from zoo.registry import BUILTIN
from zoo.weights import WeightsCorrupt, WeightsMissing

log = logging.getLogger("recipes")

if TYPE_CHECKING:
    import keras

NONE_OF_THESE = none_of_these.FILE


def comes_trained(run: str | os.PathLike) -> bool:
    """Whether this is no folder but the name of an architecture that knows its classes before it is trained here."""
    return os.fspath(run) in _trained() and not Path(run).exists()


def _trained() -> list[str]:
    """The architectures whose base knows its classes."""
    return [name for name, info in BUILTIN.items() if info.base and find(info.base).head and info.classes == 1000]


def class_names(run: str | os.PathLike) -> tuple[str, ...]:
    """The classes of what `load` loads, without loading it.

    Raises:
        UsageFault: When no run has ended there, or a saved network does not name them.
    """
    if comes_trained(run):
        return imagenet_classes()
    if Path(run).is_file():
        return tuple(_notes(Path(run)).class_names)
    if not Path(run).exists():
        raise UsageFault(
            f"{run} is neither the folder of a finished run nor a network that comes trained: {', '.join(_trained())}."
        )
    return tuple(manifests.read(Path(run)).data.class_names)


def sample_picture(run: str | os.PathLike, number: int) -> Path:
    """The `number`-th bundled test picture, from 0, of the data set that a run learned, as a file; its class is logged.

    Raises:
        UsageFault: When the run learned photos of somebody's own, is no finished run, or no such picture is bundled.
    """
    folder = Path(run)
    if not folder.is_dir():
        raise UsageFault(
            f"--sample shows a picture of the data set that a run learned, and {run} is no run. Give a photo."
        )
    data = manifests.read(folder).data
    if data.kind == "photos":
        raise UsageFault(f"--sample: {run} learned photos of your own, of which none are bundled. Give a photo.")
    path, what = picture(data.dataset, number)
    log.info("sample %d is %s", number, what)
    return path


def digest(run: str | os.PathLike) -> str:
    """A name for the network that `load` loads, another one for another network."""
    path = Path(run)
    if path.is_dir():
        return manifests.read(path).files.get(MODEL, os.fspath(run))
    return sha256_of(path) if path.is_file() else os.fspath(run)


def load(run: str | os.PathLike) -> Predictor:
    """Load a finished run, the network of one, or a network that comes trained.

    Args:
        run: A run folder; its `model.keras`, wherever that is; or the name of an architecture that knows the classes of
            ImageNet: `"efficientnet_lite0"`.

    Raises:
        UsageFault: When no run has ended there, or a saved network does not name its classes.
        EnvironmentFault: When the weights of a network that comes trained are nowhere.
        CorruptFault: When the model is not what the run wrote, or weights fail their check.
    """
    if comes_trained(run):
        try:
            return Predictor(zoo.get(os.fspath(run)), imagenet_classes(), None)
        except WeightsMissing as error:
            raise EnvironmentFault(str(error)) from error
        except WeightsCorrupt as error:
            raise CorruptFault(str(error)) from error
    folder = Path(run)
    if folder.is_file():
        notes = _notes(folder)
        saved = load_file(folder)
        if saved.class_names != tuple(notes.class_names):
            raise CorruptFault(f"{folder} names {len(notes.class_names)} classes and tells {len(saved.class_names)}.")
        return saved
    manifest = manifests.read(folder)
    if MODEL not in manifest.files:
        raise CorruptFault(f"{folder / MANIFEST} is damaged: files: {MODEL} is missing.")
    _check_square(manifest.square, f"{folder / MANIFEST} is damaged: settings.square")
    point = manifest.operating_point
    model = load_keras(folder / MODEL, manifest.files[MODEL], manifest.modules)
    return Predictor(
        model, tuple(manifest.data.class_names), manifest, square=manifest.square,
        known=_known(folder, manifest.files),
        point=_point(asdict(point) if point else None, manifest.data.class_names, folder),
    )  # fmt: skip


def _point(found: Any, class_names: Sequence[str], folder: Path) -> Point | None:
    """From which probability on a run says one class; `None` where the most probable is said."""
    if found is not None and not isinstance(found, dict):
        raise CorruptFault(f"{folder} is damaged: operating_point cannot be {found!r:.100}.")
    if not found or found.get("threshold") is None:
        return None
    name, threshold = str(found.get("class_name")), found["threshold"]
    if name not in class_names or not isinstance(threshold, int | float) or not 0 <= threshold <= 1:
        raise CorruptFault(f"{folder} is damaged: operating_point names {name!r} and {threshold!r}.")
    return Point(list(class_names).index(name), float(threshold))


def _known(folder: Path, files: Mapping[str, str]) -> Known | None:
    """What a run kept of what it learned from; `None` of a run from before that."""
    if NONE_OF_THESE not in files:
        return None
    path = folder / NONE_OF_THESE
    if not path.is_file() or sha256_of(path) != files[NONE_OF_THESE]:
        raise CorruptFault(f"{path} is missing, or is not what the run wrote.")
    return none_of_these.read(path)


def _beside(path: Path) -> dict[str, Any]:
    """What stands beside a saved network, in the folder of its run or in a bundle, where both are unchanged."""
    for index in (MANIFEST, "bundle.json"):
        if (path.parent / index).is_file():
            facts = read_json(path.parent / index)
            files = facts.get("files") if isinstance(facts, dict) else None
            if isinstance(files, dict) and files.get(path.name) == sha256_of(path):
                return dict(facts)
    return {}


def load_file(path: Path, value_range: tuple[float, float] = (0.0, 255.0)) -> Predictor:
    """Load a saved network that stands alone; nothing in it is run as code.

    Args:
        path: A `.keras` or `.h5` file.
        value_range: Lowest and highest value that it takes; those of this book take raw pixels.

    Returns:
        It, with the names of its classes where the file has them, else "class 0", "class 1" and so on.

    Raises:
        UsageFault: When its layers cannot be followed, or it does not classify images of one size.
        CorruptFault: When it cannot be loaded.
    """
    import keras

    model = model_file.read(path)
    if not isinstance(model, keras.Sequential | keras.Function):
        raise UsageFault(f"{path} holds a {type(model).__name__}, whose layers cannot be followed. Save it functional.")
    if not model.built:
        raise UsageFault(f"{path} does not say which images it takes. Give it a keras.Input and save it again.")
    if len(model.inputs) != 1 or len(model.input_shape) != 4 or None in model.input_shape[1:]:
        raise UsageFault(f"{path} does not take images of one size: its input is {model.input_shape}.")
    if len(model.outputs) != 1 or len(model.output_shape) != 2:
        raise UsageFault(f"{path} does not classify: its output is {model.output_shape}.")
    names = [f"class {index}" for index in range(max(model.output_shape[-1], 2))]
    notes = model_notes.read(path) or model_notes.Notes(class_names=names)
    _check_square(notes.square, f"{path} is damaged: its square")
    if len(notes.class_names) == len(names):
        names = notes.class_names
    beside = _beside(path)
    known = _known(path.parent, beside.get("files", {}))
    return Predictor(
        model, tuple(names), None, value_range, notes.square, known,
        _point(beside.get("operating_point"), names, path.parent),
    )  # fmt: skip


def _notes(path: Path) -> model_notes.Notes:
    notes = model_notes.read(path)
    if notes is None:
        model_file.refuse_other_files(path)
        raise UsageFault(f"{path} does not name its classes. Give the folder of its run, or train it again.")
    return notes


def _check_square(square: str, what: str) -> None:
    if square not in SQUARES:
        raise CorruptFault(f"{what} must be one of {', '.join(SQUARES)}. Got {square!r}.")


def load_keras(path: Path, sha256: str, modules: Sequence[str] = ()) -> keras.Model:
    """Load a saved model that must have this sha256; nothing in it is run as code.

    Args:
        path: The file.
        sha256: Of what was written.
        modules: Those its own layers may be in, see `model_file.read`.

    Raises:
        UsageFault: When a module that it needs cannot be imported.
        CorruptFault: When it is missing, damaged, another, or holds code.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CorruptFault(f"{path} cannot be read: {error.strerror}") from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise CorruptFault(
            f"{path} is corrupt: {len(content):,} bytes with sha256 {found[:12]}..., and {sha256[:12]}... was written."
        )
    return model_file.read(path, modules)
