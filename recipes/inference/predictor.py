"""A finished run, ready to say what is on other photos."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from recipes.data.photos.listing import printable
from recipes.errors import UsageFault
from recipes.evaluate import likeness
from recipes.evaluate.none_of_these import FILE, Known
from recipes.evaluate.operating_point import Point, ranked
from recipes.evaluate.probabilities import as_classes, kind_of
from recipes.freeze import frozen_runner
from recipes.inference import pictures
from recipes.inference.pictures import Photo
from recipes.inference.table import Answer, Table, collect

if TYPE_CHECKING:
    import keras

    from recipes.files.manifest import Manifest

BATCH = 32


@dataclass(frozen=True)
class Predictor:
    """A trained network with the names of its classes; from `recipes.load`.

    Attributes:
        model: From raw 0-255 pixels to probabilities; a saved one of another house may give scores.
        class_names: In the order of the run.
        manifest: What the run says of itself; `None` for a saved model of no run.
        value_range: Lowest and highest value the network takes; those of this book take raw pixels.
        square: How a photo of another shape than the network's is brought to it, see `recipes.data.decode.fit`.
        point: From which probability on one class is said; `None` where the most probable is.
        known: What it learned from, to tell what is none of its classes; `None` where the run did not keep it.
    """

    model: keras.Model
    class_names: tuple[str, ...]
    manifest: Manifest | None
    value_range: tuple[float, float] = (0.0, 255.0)
    square: str = "squash"
    known: Known | None = None
    point: Point | None = None

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
                f"Nothing here tells what is none of the classes: that takes the folder of a run with {FILE}. "
                "Train it again; runs from before have none."
            )
        self.known.require(rate)

    def refuses(self, answer: Answer, rate: float | None) -> bool:
        """Whether a photo with this answer is none of the classes, at a rate of false alarms; no, without a rate."""
        if rate is None or self.known is None:
            return False
        return bool(self.known.refused(np.array([answer.as_unlike]), rate)[0])

    def ranked(self, answer: Answer) -> list[tuple[str, float]]:
        """Classes with their probabilities: first what is said, then the others, the most probable first."""
        order = ranked(answer.row[np.newaxis], self.point)[0]
        return [(self.class_names[index], float(answer.row[index])) for index in order]

    def predict(self, images: Photo | Sequence[Photo], none_of_these: float | None = None) -> Table:
        """Say what is on photos.

        Args:
            images: A photo, or several: paths of image files, the bytes of such, files that are open, Pillow's images,
                or arrays of raw 0-255 pixels, (height, width) or (height, width, 1 or 3), colours in the order red,
                green, blue, also of other libraries; an array of four dimensions is a batch, and so are grey images
                as (images, height, width). Other sizes are brought to the network's.
            none_of_these: A rate of false alarms, such as 0.05: `refused` in the table then says which photos are none
                of the classes, and this share of photos that are one of them is refused too.

        Returns:
            A row for each photo that can be read, by its path, or by its place where it has none.

        Raises:
            UsageFault: For what is no photo, such as an array that is not an image in 0-255, or a rate that cannot be
                told.
        """
        if none_of_these is not None:
            self.require(none_of_these)
        return collect(
            self.stream(pictures.several(images, self.image_shape[2])), self.class_names, self.kind,
            known=self.known, rate=none_of_these, point=self.point,
        )  # fmt: skip

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
