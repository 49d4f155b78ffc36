"""A finished run, ready to say what is on other photos."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import zoo
from recipes.data.photos.listing import printable
from recipes.errors import CorruptFault, EnvironmentFault, UsageFault
from recipes.evaluate import likeness, none_of_these
from recipes.evaluate.none_of_these import Known
from recipes.evaluate.probabilities import as_classes, kind_of
from recipes.files import manifest as manifests
from recipes.files import model_file, model_notes
from recipes.files.atomic import read_json
from recipes.files.manifest import Manifest
from recipes.files.run_folder import MANIFEST
from recipes.freeze import frozen_runner
from recipes.inference import pictures
from recipes.inference.pictures import Photo
from recipes.inference.table import Answer, Table, collect
from recipes.recipe import SQUARES
from zoo.checksum import sha256_of
from zoo.pretrained import imagenet_classes
from zoo.pretrained.bases import find
from zoo.registry import BUILTIN
from zoo.weights import WeightsCorrupt, WeightsMissing

if TYPE_CHECKING:
    import keras

BATCH = 32
MODEL = "model.keras"
NONE_OF_THESE = none_of_these.FILE


@dataclass(frozen=True)
class Predictor:
    """A trained network with the names of its classes; from `recipes.load`.

    Attributes:
        model: From raw 0-255 pixels to probabilities; a saved one of another house may give scores.
        class_names: In the order of the run.
        manifest: What the run says of itself; `None` for a saved model of no run.
        value_range: Lowest and highest value the network takes; those of this book take raw pixels.
        square: How a photo of another shape than the network's is brought to it, see `recipes.data.decode.fit`.
        known: What it learned from, to tell what is none of its classes; `None` where the run did not keep it.
    """

    model: keras.Model
    class_names: tuple[str, ...]
    manifest: Manifest | None
    value_range: tuple[float, float] = (0.0, 255.0)
    square: str = "squash"
    known: Known | None = None

    @cached_property
    def kind(self) -> str:
        """What the network gives for each class: `"probability"` or `"score"`."""
        return kind_of(self.model, self.value_range)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of what the network takes."""
        return tuple(self.model.input_shape[1:])

    @cached_property
    def _answering(self) -> keras.Model:
        """The network; with how like a photo is in a last column, where that is known."""
        if self.known is None:
            return self.model
        return likeness.extended(self.model, self.known.photos, joined=True)

    def require(self, rate: float) -> None:
        """Make sure that none of these can be told at a rate of false alarms.

        Raises:
            UsageFault: When the run did not keep what it takes, or so few validation photos cannot tell the rate.
        """
        if self.known is None:
            raise UsageFault(
                f"Nothing here tells what is none of the classes: that takes the folder of a run with {NONE_OF_THESE}. "
                "Train it again; runs from before have none."
            )
        self.known.require(rate)

    def refuses(self, answer: Answer, rate: float | None) -> bool:
        """Whether a photo with this answer is none of the classes, at a rate of false alarms; no, without a rate."""
        if rate is None or self.known is None:
            return False
        return bool(self.known.refused(np.array([answer.as_unlike]), rate)[0])

    def predict(self, images: Photo | Sequence[Photo], none_of_these: float | None = None) -> Table:
        """Say what is on photos.

        Args:
            images: A photo, or several: paths of image files, the bytes of such, Pillow's images, or arrays of raw
                0-255 pixels, (height, width) or (height, width, 1 or 3), also of other libraries; an array of four
                dimensions is a batch. Other sizes are brought to the network's.
            none_of_these: A rate of false alarms, such as 0.05: `refused` in the table then says which photos are none
                of the classes, and this share of photos that are one of them is refused too.

        Returns:
            A row for each photo that can be read, by its path, or by its place where it has none.

        Raises:
            UsageFault: For an array that is not an image in 0-255, or a rate that cannot be told.
        """
        if none_of_these is not None:
            self.require(none_of_these)
        return collect(
            self.stream(pictures.several(images)), self.class_names, self.kind, known=self.known, rate=none_of_these
        )

    def stream(self, images: Iterable[Photo]) -> Iterator[tuple[str, Answer | str]]:
        """For each photo in order its name and the answer, or the reason why it cannot be read.

        Only a batch of photos is in memory at a time. Of many, whose number is known, the network is run by OpenVINO
        where that pays: `recipes.freeze.frozen_runner.exact`.
        """
        number = len(images) if isinstance(images, Sized) else BATCH
        waiting, run = enumerate(images), None
        with ThreadPoolExecutor() as threads:
            while some := list(islice(waiting, BATCH)):
                found = list(threads.map(lambda numbered: self._pixels(numbered[1]), some))
                readable = [pixels for pixels in found if not isinstance(pixels, str)]
                if readable:
                    batch = np.stack(readable)
                    run = run or frozen_runner.exact(self._answering, number, self.scaled(batch)).run
                    answers = iter(self.answers(batch, run))
                for (place, image), pixels in zip(some, found, strict=True):
                    name = printable(image) if isinstance(image, str | os.PathLike) else str(place)
                    yield name, pixels if isinstance(pixels, str) else next(answers)

    def _pixels(self, image: Photo) -> np.ndarray | str:
        return pictures.pixels(image, self.image_shape, self.square)

    def answers(self, batch: np.ndarray, run: Callable[[np.ndarray], np.ndarray] | None = None) -> list[Answer]:
        """What the network says of each image of a batch of its own shape, raw 0-255 pixels.

        Args:
            batch: (images, *image_shape).
            run: What runs the network with its likeness; default Keras.
        """
        given = np.asarray((run or self._answering.predict_on_batch)(self.scaled(batch)), "float64")
        if self.known is None:
            return [Answer(row) for row in as_classes(given, self.kind)]
        shares = self.known.as_unlike(given[:, -1])
        return list(map(Answer, as_classes(given[:, :-1], self.kind), given[:, -1].tolist(), shares.tolist()))

    def probabilities(self, batch: np.ndarray) -> np.ndarray:
        """(images, classes) for a batch of the network's own shape, raw 0-255 pixels; scores, where `kind` says so.

        Args:
            batch: (images, *image_shape).
        """
        given = self.model.predict_on_batch(self.scaled(batch))
        return as_classes(np.asarray(given, "float64"), self.kind)

    def scaled(self, pixels: np.ndarray) -> np.ndarray:
        """Raw 0-255 pixels as float32 in the values the network takes."""
        low, high = self.value_range
        return (low + (high - low) * pixels.astype("float64") / 255).astype("float32")


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
    model = load_keras(folder / MODEL, manifest.files[MODEL], manifest.modules)
    return Predictor(
        model, tuple(manifest.data.class_names), manifest, square=manifest.square, known=_known(folder, manifest.files)
    )


def _known(folder: Path, files: Mapping[str, str]) -> Known | None:
    """What a run kept of what it learned from; `None` of a run from before that."""
    if NONE_OF_THESE not in files:
        return None
    path = folder / NONE_OF_THESE
    if not path.is_file() or sha256_of(path) != files[NONE_OF_THESE]:
        raise CorruptFault(f"{path} is missing, or is not what the run wrote.")
    return none_of_these.read(path)


def _known_beside(path: Path) -> Known | None:
    """What a saved network learned from, where it lies in the folder of its run or in a bundle, unchanged."""
    for index in (MANIFEST, "bundle.json"):
        if (path.parent / index).is_file():
            files = read_json(path.parent / index).get("files", {})
            if NONE_OF_THESE in files and files.get(path.name) == sha256_of(path):
                return _known(path.parent, files)
    return None


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
    return Predictor(model, tuple(names), None, value_range, notes.square, _known_beside(path))


def _notes(path: Path) -> model_notes.Notes:
    notes = model_notes.read(path)
    if notes is None:
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
