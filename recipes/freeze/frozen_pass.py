"""A pass of images through a frozen stretch of a network, as far as what it gives is not on disk yet."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from recipes.data.augment import augment as change
from recipes.errors import DiskFault, UsageFault
from recipes.files.sharded_array import Rows
from recipes.freeze import frozen_runner as engines
from recipes.freeze import known_rows
from recipes.freeze.cache_key import network_key
from recipes.recipe import Augment
from zoo.cache import cache_folder
from zoo.structure.macs import count_macs

SHARE_OF_FREE = 0.7
Watch = Callable[[int, int], None]


@dataclass(frozen=True)
class View:
    """Images on their way through the frozen part.

    Attributes:
        images: (images, ...) raw 0-255 pixels, or activations from further below.
        key: Tells them from others: their `images_key`.
        augment: Changes the images first; `None` leaves them as they are.
        seed: With `number`, fixes those changes.
        number: Which view of the images this is.
    """

    images: np.ndarray | Rows
    key: str
    augment: Augment | None = None
    seed: int = 0
    number: int = 0

    def facts(self) -> dict[str, Any]:
        """All that its pixels depend on."""
        augment = self.augment and self.augment.key_facts()
        changes = {"augment": augment, "seed": self.seed, "view": self.number} if augment else None
        return {"images": self.key, "changes": changes}

    def batch(self, places: np.ndarray) -> np.ndarray:
        """The images at these places, changed; float32. How they are changed follows from the first place."""
        batch = np.asarray(self.images[places], "float32")
        if self.augment is None:
            return batch
        draw = np.random.SeedSequence([self.seed, self.number, int(places[0])]).generate_state(2).view("int32")
        return change(tf.constant(batch), tf.constant(draw), self.augment).numpy()


@dataclass
class Prefix:
    """A frozen stretch of a network, and its key: computed once, so good for as long as its weights stay.

    Attributes:
        network: The stretch.
        fallback: The engine that runs it where the one that was chosen could not; empty until that is known.
    """

    network: keras.Model
    fallback: str = ""

    @cached_property
    def key(self) -> str:
        """The `network_key`."""
        return network_key(self.network)

    @cached_property
    def macs(self) -> int:
        """Multiply-accumulate operations for one image."""
        return count_macs(self.network)

    @property
    def is_depthwise(self) -> bool:
        """Whether it filters channels by themselves."""
        kinds = keras.layers.DepthwiseConv2D, keras.layers.SeparableConv2D
        return any(isinstance(layer, kinds) for layer in self.network.layers)


@dataclass(frozen=True)
class Shard:
    """A part of what a stretch of the network gives for one view: a job of its own, which any process may do.

    Attributes:
        view: Index of the view.
        number: Of the shard.
        images: How many images pass for it, at most.
    """

    view: int
    number: int
    images: int


def refuse_large(needed: int, folder: Path | None = None) -> None:
    """Refuse activations that would take more than 70% of the free disk.

    Args:
        needed: Bytes.
        folder: Where they will be kept. Default: the cache folder.

    Raises:
        DiskFault: With what is needed, what is free, and what to do.
    """
    folder = folder or cache_folder()
    free = shutil.disk_usage(next(parent for parent in (folder, *folder.parents) if parent.exists())).free
    if needed > SHARE_OF_FREE * free:
        raise DiskFault(
            f"The activations need {needed / 1e9:.2f} GB in {folder}, and {free / 1e9:.2f} GB are free there, of which "
            f"at most {SHARE_OF_FREE:.0%} are used. Choose fewer views (--set views=1), free some space, or let "
            "KERAS_ZOO_CACHE name a folder on another disk; --set views=0 keeps nothing and takes far longer."
        )


@dataclass(frozen=True)
class Pass:
    """A frozen network on its way over several views, as far as their activations are nowhere yet.

    Attributes:
        views: The images.
        kept: Where the activations of each view are, or will be.
        inputs: The `known_rows.contents` of each plain view; none of an augmented one.
        known: For each view, the places whose activations another set has.
        run: From a batch of inputs to a batch of activations; not called where nothing is missing.
    """

    views: Sequence[View]
    kept: list[Rows]
    inputs: list[list[bytes]]
    known: list[dict[int, tuple[Rows, int]]]
    run: Callable[[np.ndarray], np.ndarray] = np.asarray

    def new(self) -> int:
        """How many images pass."""
        pairs = zip(self.kept, self.known, strict=True)
        return sum(len(np.setdiff1d(rows.missing_places(), list(found))) for rows, found in pairs)

    def fill(self, watch: Watch, only: Shard | None = None) -> int:
        """Make what is missing, or of it one shard; gives how many rows were made here."""
        done, total, made = 0, only.images if only else self.new(), 0
        for number, (view, rows, found) in enumerate(zip(self.views, self.kept, self.known, strict=True)):

            def passed(places: np.ndarray, view: View = view, dtype: np.dtype = rows.dtype) -> np.ndarray:
                nonlocal done
                given = self.run(view.batch(places))
                if np.abs(given).max() > np.finfo(dtype).max:
                    raise UsageFault(f"Activations of {given.max():.3g} do not fit {dtype}: --set cache_dtype=float32")
                done += len(places)
                watch(done, total)
                return given.astype(dtype)

            if only is None or only.view == number:
                made += rows.fill(partial(_made, passed, rows, found), [only.number] if only else None)
        return made


def run_over(
    prefix: Prefix, views: Sequence[View], dtype: str, name: str, folder: Path | None, watch: Watch
) -> tuple[list[Rows], int]:
    """Run a frozen network over several views, as far as their activations are nowhere yet; gives how many passed."""
    ready = ready_for(prefix, views, dtype, name, folder)
    total = ready.new()
    ready.fill(watch)
    for rows, given in zip(ready.kept, ready.inputs, strict=True):
        if given:
            known_rows.keep(rows, given)
    return ready.kept, total


def ready_for(prefix: Prefix, views: Sequence[View], dtype: str, name: str, folder: Path | None) -> Pass:
    """Find what is there of several views, here and in other sets, and make the engine that runs over the others."""
    name = prefix.fallback or name
    kept = kept_rows(prefix, views, dtype, name, folder)
    # An augmented view is another one in another set.
    open_ends = [view.augment is None and not known_rows.is_kept(rows) for view, rows in zip(views, kept, strict=True)]
    pairs = zip(views, open_ends, strict=True)
    inputs = [known_rows.contents(view.images) if open_end else [] for view, open_end in pairs]
    known = [known_rows.find(rows, given) for rows, given in zip(kept, inputs, strict=True)]
    ready = Pass(views, kept, inputs, known)
    refuse_large(sum(rows.missing_bytes for rows in kept), folder)
    if not ready.new():
        return ready
    some = np.linspace(0, len(views[0].images) - 1, engines.CALIBRATION).astype(int)
    calibration = np.asarray(views[0].images[np.unique(some)], "float32") if name.endswith("int8") else None
    first = views[0].batch(np.arange(min(engines.BATCH, len(views[0].images))))
    engine = engines.build(prefix.network, name, first, calibration)
    if engine.name != name:
        prefix.fallback = engine.name  # Tried, and said, once.
        return ready_for(prefix, views, dtype, engine.name, folder)
    return replace(ready, run=engine.run)


def new_places(rows: Rows, view: View) -> np.ndarray:
    """Places of the images that would pass: what they give is not there, nor in another set."""
    missing = rows.missing_places()
    if not len(missing) or view.augment is not None:
        return missing
    if isinstance(view.images, Rows) and view.images.missing_bytes:
        return missing  # What they are is not known yet.
    return np.setdiff1d(missing, list(known_rows.find(rows, known_rows.contents(view.images))))


def _made(
    passed: Callable[[np.ndarray], np.ndarray],
    rows: Rows,
    known: Mapping[int, tuple[Rows, int]],
    start: int,
    stop: int,
) -> np.ndarray:
    """Rows from a first to before a last place: those that are known, and in batches those that pass now."""
    made = np.empty((stop - start, *rows.shape[1:]), rows.dtype)
    for place in known.keys() & range(start, stop):
        other, there = known[place]
        made[place - start] = other[there : there + 1][0]
    new = np.array([place for place in range(start, stop) if place not in known], int)
    for first in range(0, len(new), engines.BATCH):
        places = new[first : first + engines.BATCH]
        made[places - start] = passed(places)
    return made


def kept_rows(prefix: Prefix, views: Sequence[View], dtype: str, engine: str, folder: Path | None) -> list[Rows]:
    """Where the activations of each view are, or will be."""
    engine = prefix.fallback or engine
    facts = {
        "network": prefix.key,
        "engine": engine,
        "version": version("openvino" if engine.startswith("openvino") else keras.config.backend()),
    }
    if engine.startswith("keras") and keras.config.backend() != "tensorflow":
        facts["backend"] = keras.config.backend()
    if engine.endswith("int8"):
        facts["calibrated_on"] = views[0].key
    root = folder or cache_folder() / "activations"
    shape = prefix.network.output_shape[1:]
    return [Rows(root, facts | view.facts(), len(view.images), shape, dtype) for view in views]
