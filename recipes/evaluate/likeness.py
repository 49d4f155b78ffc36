"""How like a photo is to those that a network learned from: a second output of the network, of Keras's own layers.

It is the cosine between what reaches the last layer for the photo and for the training photo that is most like it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from recipes.errors import CorruptFault
from recipes.evaluate.none_of_these import FILE
from recipes.freeze import frozen_runner
from zoo.structure.macs import count_macs

if TYPE_CHECKING:
    from recipes.data.splits import Images, Splits
    from recipes.evaluate.predictions import Predictions
    from recipes.freeze.boundary import Features
    from recipes.train.engine import Outcome

MOST_PHOTOS, MOST_BYTES = 1000, 4_000_000
Run = Callable[[np.ndarray], np.ndarray]


def features(model: keras.Model) -> keras.KerasTensor | None:
    """What reaches the last dense layer or convolution of a flat network, averaged over places; `None` without one."""
    weighted = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense | keras.layers.Conv2D)]
    found = weighted[-1].input if weighted else None
    if not isinstance(found, keras.KerasTensor) or len(found.shape) not in (2, 4):
        return None
    return found if len(found.shape) == 2 else keras.layers.GlobalAveragePooling2D(name="likeness_average")(found)


def learned(model: keras.Model, last: Features | None, splits: Splits) -> np.ndarray | None:
    """What is kept of the training photos; `None` of a network whose features cannot be followed.

    Args:
        model: The trained network, flat and in float32.
        last: What its last phase trained on, which spares the photos the frozen part.
        splits: The images.

    Returns:
        (photos, features), float16, of length 1: as many photos of each class as go, 1,000 or 4 MB at most.
    """
    tensor = features(model)
    if tensor is None:
        return None
    places = chosen(splits.train.labels, tensor.shape[-1])
    if is_exact(last):
        given, entrance = last.train[0], model.get_layer(last.layer).output  # type: ignore[union-attr]
    else:
        given, entrance = splits.train.pixels, model.inputs[0]
    try:
        run = _runner(entrance, tensor, given, len(places))
    except ValueError:  # A path leads around the tensor.
        return None
    return directions(run, given, places)


def is_exact(last: Features | None) -> bool:
    """Whether what was kept of the frozen part is what the network itself finds, and not in eight bits."""
    return last is not None and not last.validation.facts["engine"].endswith("int8")


def extended(model: keras.Model, photos: np.ndarray, *, joined: bool) -> keras.Model:
    """The network with a second output: how like a photo is, (batch, 1), -1 to 1.

    Args:
        model: A flat network.
        photos: What `learned` gives.
        joined: As one output instead, the likeness in the last column.

    Raises:
        CorruptFault: When the photos are of another network.
    """
    column = keras.layers.Reshape((len(photos), 1), name="likeness_column")(_each(model, photos))
    likeness = keras.layers.GlobalMaxPooling1D(name="likeness")(column)
    outputs = [model.outputs[0], likeness]
    return keras.Model(
        model.inputs[0], keras.layers.Concatenate(name="answer_and_likeness")(outputs) if joined else outputs
    )


def compared(model: keras.Model, photos: np.ndarray) -> keras.Model:
    """The network's answer and, in the last columns, how like a photo is to each of some: -1 to 1.

    Args:
        model: A flat network.
        photos: What `learned` gives.

    Raises:
        CorruptFault: When the photos are of another network.
    """
    outputs = [model.outputs[0], _each(model, photos)]
    return keras.Model(model.inputs[0], keras.layers.Concatenate(name="answer_and_each")(outputs))


def _each(model: keras.Model, photos: np.ndarray) -> keras.KerasTensor:
    """How like a photo is to each of some, (batch, photos)."""
    tensor = features(model)
    if tensor is None or tensor.shape[-1] != photos.shape[1]:
        raise CorruptFault(f"{FILE} is of another network: it has {photos.shape[1]:,} features.")
    compare = keras.layers.Dense(len(photos), use_bias=False, name="likeness_to_each")
    each = compare(keras.layers.UnitNormalization(name="likeness_direction")(tensor))
    compare.set_weights([photos.T.astype("float32")])
    return each


def of_validation(outcome: Outcome, photos: np.ndarray, table: Predictions, images: Images) -> np.ndarray:
    """(images,), how like the validation images are, as the network will find it in others.

    Where its frozen part gave the table in eight bits, 1,000 images at most pass it again.

    Args:
        outcome: The trained network, and what it was trained on.
        photos: What `learned` gives.
        table: What it says of the validation images, with their likeness.
        images: The validation images.
    """
    if outcome.last is None or is_exact(outcome.last):
        return np.asarray(table.likeness)
    model = outcome.model
    places = np.sort(np.random.default_rng(0).permutation(len(images))[:MOST_PHOTOS])
    run = _runner(model.inputs[0], features(model), images.pixels, len(places))
    found = directions(run, images.pixels, places).astype("float32")
    return (found @ photos.astype("float32").T).max(axis=1)


def chosen(labels: np.ndarray, size: int) -> np.ndarray:
    """Places of the training photos that are kept: as many of each class as go, 1,000 or 4 MB at most.

    Args:
        labels: (photos,), class indices.
        size: How many features a photo has.
    """
    most = max(1, min(MOST_PHOTOS, MOST_BYTES // (2 * size)))
    order = np.random.default_rng(0).permutation(len(labels))
    turn = np.zeros(len(labels), int)
    for label in np.unique(labels):
        places = order[labels[order] == label]
        turn[places] = np.arange(len(places))
    return np.sort(order[np.argsort(turn[order], kind="stable")[:most]])


def _runner(entrance: keras.KerasTensor, tensor: keras.KerasTensor | None, given: Any, number: int) -> Run:
    if tensor is entrance:
        return lambda batch: batch.reshape(len(batch), -1)
    network = keras.Model(entrance, tensor)
    name = frozen_runner.choose("auto", "float32", work=number * count_macs(network))
    return frozen_runner.build(network, name, np.asarray(given[: frozen_runner.BATCH], "float32")).run


def directions(run: Run, images: Any, places: np.ndarray) -> np.ndarray:
    """(photos, features), float16, of length 1: what a function gives of some of its images, in batches."""
    batches = [places[first : first + frozen_runner.BATCH] for first in range(0, len(places), frozen_runner.BATCH)]
    found = np.concatenate([run(np.asarray(images[batch], "float32")) for batch in batches]).astype("float64")
    return (found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)).astype("float16")
