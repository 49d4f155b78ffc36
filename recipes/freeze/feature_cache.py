"""Run the frozen part of a network once, keep what it gives on disk, and train only what is above.

    thaw(model, ("block5_*", "head_*"))
    prefix, suffix = split_at(model, frontier(model))
    features = cache(prefix, images)            # (images, ...) activations, on disk
    suffix.compile(...)
    suffix.fit(features[:], targets)            # model is trained: it shares these layers

What is kept is found again by a key over all it depends on: images, network, weights, number formats, and for an
augmented view the settings, the seed and the view's number. Of a set that grew, the images that are as they were are
found in what is kept of the set before (`recipes.freeze.known_rows`). Anything else is computed anew.
"""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np

from recipes.files.sharded_array import Rows
from recipes.freeze import frozen_runner as engines
from recipes.freeze.cache_key import images_key
from recipes.freeze.frozen_pass import Prefix, View, Watch, kept_rows, new_places, run_over
from recipes.recipe import Augment


def cache(
    prefix: keras.Model,
    images: np.ndarray | Rows,
    *,
    augment: Augment | None = None,
    seed: int = 0,
    view: int = 0,
    dtype: str = "float16",
    engine: str = "auto",
    precision: str = "float32",
    folder: Path | None = None,
    watch: Watch = lambda done, total: None,
) -> Rows:
    """What a frozen network gives for each image, computed once and kept on disk.

    Shards that are there already are not computed again, whoever computed them; a kill loses one shard at most.

    Args:
        prefix: The frozen part, from `recipes.freeze.split_at`.
        images: (images, ...), what it takes: raw 0-255 pixels, or activations from an earlier cache.
        augment: Changes the images first; `None` leaves them as they are.
        seed: With `view`, fixes those changes.
        view: Which augmented view of the images this is.
        dtype: `"float16"` or `"float32"`, on disk.
        engine: See `recipes.freeze.frozen_runner.choose`.
        precision: Number format that Keras computes in, `"float32"`, `"bfloat16"` or `"auto"`.
        folder: Where to keep it. Default: `zoo.cache.cache_folder() / "activations"`.
        watch: Called with (images done, images to do) after every batch. What it raises ends the work.

    Returns:
        (images, ...) activations, read from disk as they are indexed.

    Raises:
        DiskFault: When they would take more than 70% of the free disk, or it cannot be written.
        EnvironmentFault: When the engine asked for is not installed.
        UsageFault: When an activation is too large for `dtype`.
    """
    given, views, name = _alone(prefix, View(images, images_key(images), augment, seed, view), engine, precision)
    return run_over(given, views, dtype, name, folder, watch)[0][0]


def remaining(
    prefix: keras.Model, images: np.ndarray | Rows, *, dtype: str, engine: str = "auto", precision: str = "float32"
) -> tuple[str, int]:
    """What `cache` would run a frozen network with, and over how many images: those of which nothing is kept.

    Args:
        prefix: The frozen part.
        images: (images, ...), what it takes.
        dtype: Number format on disk.
        engine: See `recipes.freeze.frozen_runner.choose`.
        precision: Number format that Keras computes in.
    """
    given, (view,), name = _alone(prefix, View(images, images_key(images)), engine, precision)
    return name, len(new_places(kept_rows(given, [view], dtype, name, None)[0], view))


def _alone(prefix: keras.Model, view: View, engine: str, precision: str) -> tuple[Prefix, list[View], str]:
    """A network with the one view of images that passes it, and what runs it."""
    given = Prefix(prefix)
    name = engines.choose(engine, precision, work=len(view.images) * given.macs, depthwise=given.is_depthwise)
    return given, [view], name


def is_small(kept: Rows) -> bool:
    """Whether what is kept of each image is a row of features."""
    return len(kept.shape) == 2
