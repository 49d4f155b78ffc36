"""One pass over a split gives one table; every score and picture is derived from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np

from recipes.data.pipeline import ordered_batches
from recipes.data.splits import Images
from recipes.errors import DivergedFault
from recipes.evaluate.probabilities import as_classes
from recipes.files.csv_text import csv_text
from recipes.freeze import frozen_runner
from recipes.train.memory import evaluation_batch

NEAREST = 3


@dataclass(frozen=True)
class Predictions:
    """What a model says of each image, beside the truth.

    Attributes:
        ids: (images,), names.
        truth: (images,), class indices.
        probabilities: (images, classes), each row sums to 1.
        class_names: In the order of the indices.
        likeness: (images,), how like each is to what the model learned from; `None` where it does not tell.
        nearest: (images, `NEAREST` or less), places of the training images that each is most like, the nearest first;
            `None` where that was not asked.
    """

    ids: np.ndarray
    truth: np.ndarray
    probabilities: np.ndarray
    class_names: tuple[str, ...]
    likeness: np.ndarray | None = None
    nearest: np.ndarray | None = None

    @property
    def prediction(self) -> np.ndarray:
        """(images,), the most probable class's index."""
        return self.probabilities.argmax(axis=1)

    @property
    def losses(self) -> np.ndarray:
        """(images,), cross-entropy of each image in nats."""
        of_truth = self.probabilities[np.arange(len(self.truth)), self.truth]
        return -np.log(np.clip(of_truth, 1e-7, 1.0))

    def as_csv(self) -> str:
        """The table as CSV: id, truth, prediction, then a probability per class."""
        header = ["id", "truth", "prediction", *(f"probability {name}" for name in self.class_names)]
        return csv_text(
            header,
            (
                [name, self.class_names[truth], self.class_names[guess], *(f"{value:.6g}" for value in row)]
                for name, truth, guess, row in zip(
                    self.ids, self.truth, self.prediction, self.probabilities, strict=True
                )
            ),
        )


def predict(
    model: keras.Model,
    images: Images,
    class_names: tuple[str, ...],
    watch: Callable[[int, int], None] = lambda done, total: None,
    *,
    likenesses: int = 0,
) -> Predictions:
    """Run a model over images once, keeping truth and probabilities of the same batch together.

    It computes in float32, by `recipes.freeze.frozen_runner.exact`.

    Args:
        model: From raw 0-255 pixels to probabilities; one sigmoid unit counts as the probability of class 1.
        images: The split; what `model` takes.
        class_names: In the order of the labels.
        watch: Called with (images done, images to do) after every batch.
        likenesses: So many of the model's last columns are that: one of `recipes.evaluate.likeness.extended`, joined,
            or more of `compared`, whose places then are in `nearest`.

    Raises:
        DivergedFault: When the model gives a probability that is not a number.
    """
    engine = frozen_runner.exact(model, len(images), np.asarray(images.pixels[: frozen_runner.BATCH], "float32"))
    truths, rows, like, nearest, done = [], [], [], [], 0
    for pixels, labels in ordered_batches(images, evaluation_batch(model, at_most=250)):
        found = engine.run(pixels.numpy().astype("float32")).astype("float64")
        answers = found.shape[1] - likenesses
        rows.append(found[:, :answers])
        if likenesses:
            like.append(found[:, answers:].max(axis=1))
            nearest.append(np.argsort(-found[:, answers:], axis=1, kind="stable")[:, :NEAREST])
        truths.append(labels.numpy())
        done += len(truths[-1])
        watch(done, len(images))
    probabilities = np.concatenate(rows)
    if not np.isfinite(probabilities).all():
        raise DivergedFault("The model gives probabilities that are not numbers. Train with a lower learning rate.")
    return Predictions(
        images.ids,
        np.concatenate(truths),
        as_classes(probabilities),
        tuple(class_names),
        np.concatenate(like) if likenesses else None,
        np.concatenate(nearest) if likenesses > 1 else None,
    )
