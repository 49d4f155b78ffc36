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

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import zoo
from recipes.data.augment import augment as change
from recipes.data.splits import Splits
from recipes.errors import DiskFault, UsageFault
from recipes.files.sharded_array import Rows
from recipes.freeze import frozen_runner as engines
from recipes.freeze import known_rows
from recipes.freeze.cache_key import images_key, network_key
from recipes.recipe import Augment, Recipe
from zoo.cache import cache_folder
from zoo.pretrained.bases import BASES
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
    return _pass(given, views, dtype, name, folder, watch)[0][0]


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
    return name, len(_new(_rows(given, [view], dtype, name, None)[0], view))


def _alone(prefix: keras.Model, view: View, engine: str, precision: str) -> tuple[Prefix, list[View], str]:
    """A network with the one view of images that passes it, and what runs it."""
    given = Prefix(prefix)
    name = engines.choose(engine, precision, work=len(view.images) * given.macs, depthwise=given.is_depthwise)
    return given, [view], name


@dataclass(frozen=True)
class Features:
    """The activations that a phase trains on, and what they cost.

    Attributes:
        layer: The network is cut behind it.
        train: For each view, (images, ...) activations of the training images.
        validation: (images, ...), of the validation images, one plain view.
        bytes: On disk, for all cuts of the phase.
        passed: Images that passed the frozen part now; 0 where all was there already.
        seconds: That took.
    """

    layer: str
    train: list[Rows]
    validation: Rows
    bytes: int
    passed: int
    seconds: float

    def facts(self) -> dict[str, Any]:
        """What the manifest of a run says of it."""
        return {
            "layer": self.layer,
            "views": len(self.train),
            "engine": self.validation.facts["engine"],
            "dtype": str(self.validation.dtype),
            "bytes": self.bytes,
            "images_passed": self.passed,
            "seconds": round(self.seconds, 2),
        }


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


@dataclass
class Boundary:
    """What the phases of a recipe keep of the frozen part of a network.

    Attributes:
        recipe: Gives the phases, views, augmentation, number format on disk and engine.
        splits: The images.
        seed: The run's seed, which fixes the views.
        precision: As the run was asked for: `"auto"`, `"float32"` or `"bfloat16"`.
        model: The flat network.
        frontiers: For each phase, where the frozen part of the network ends: `recipes.freeze.frontier`.
    """

    recipe: Recipe
    splits: Splits
    seed: int
    precision: str
    model: keras.Model
    frontiers: Sequence[str | None]
    _prefixes: dict[tuple[str | None, str], Prefix] = field(default_factory=dict)
    _passes: dict[tuple[int, int], _Pass] = field(default_factory=dict)

    def cuts(self, phase: int) -> list[str]:
        """The layers behind which a phase keeps activations, in order; the last is the phase's own frontier.

        Where a later phase thaws more, its frontier comes first and the phase's own is computed from there: the bulk
        of the network runs once for both.

        Args:
            phase: Index of the phase.
        """
        own = self.frontiers[phase]
        if own is None or not self.recipe.views:
            return []
        order = [layer.name for layer in self.model.layers]
        first = min((cut for cut in self.frontiers[phase:] if cut is not None), key=order.index)
        return [first, own] if first != own else [own]

    def features(self, phase: int, watch: Watch) -> Features:
        """The activations for a phase, computed where they are not there yet.

        Args:
            phase: Index of the phase; it has `cuts`.
            watch: Called with (images done, images to do) after every batch.

        Raises:
            DiskFault: When the disk is full or cannot be written.
            EnvironmentFault: When the engine asked for is not installed.
        """
        began = time.monotonic()
        cuts = self.cuts(phase)
        views, size, passed = self._views, 0, 0
        for prefix in self._stages(cuts):
            name = self.engine(prefix)
            kept, now = _pass(prefix, views, self.recipe.cache_dtype, name, None, watch)
            size += sum(rows.nbytes for rows in kept)
            passed = passed or now
            views = [View(rows, rows.key) for rows in kept]
        return Features(cuts[-1], kept[:-1], kept[-1], size, passed, time.monotonic() - began)

    def needs(self) -> list[tuple[Prefix, Rows]]:
        """What all phases keep, and the stretches that give it, as far as it is known from the weights of now.

        Each `Rows` knows what of it is missing.
        """
        found: dict[str, tuple[Prefix, Rows]] = {}
        for phase in range(len(self.frontiers)):
            views = self._views
            for prefix in self._stages(self.cuts(phase)):
                kept = self._kept(prefix, views, self.engine(prefix))
                found |= {rows.key: (prefix, rows) for rows in kept}
                views = [View(rows, rows.key) for rows in kept]
        return list(found.values())

    def remaining(self) -> list[tuple[Prefix, int]]:
        """The stretches of all phases, and how many images would pass each: those of which nothing is kept anywhere."""
        found: dict[str, tuple[Prefix, int]] = {}
        for phase in range(len(self.frontiers)):
            views = self._views
            for prefix in self._stages(self.cuts(phase)):
                kept = self._kept(prefix, views, self.engine(prefix))
                for rows, view in zip(kept, views, strict=True):
                    if rows.key not in found:
                        found[rows.key] = prefix, len(_new(rows, view))
                views = [View(rows, rows.key) for rows in kept]
        return list(found.values())

    def shards(self, phase: int) -> list[list[Shard]]:
        """All that a phase keeps and that is missing, for each stretch of the network in turn.

        Args:
            phase: Index of the phase.
        """
        found, views = [], self._views
        for prefix in self._stages(self.cuts(phase)):
            kept = self._kept(prefix, views, self.engine(prefix))
            numbered = [(view, shard) for view, rows in enumerate(kept) for shard in rows.missing_shards().items()]
            found.append([Shard(view, shard, stop - start) for view, (shard, (start, stop)) in numbered])
            views = [View(rows, rows.key) for rows in kept]
        return found

    def fill(self, phase: int, stage: int, shard: Shard, watch: Watch) -> int:
        """Make one of the `shards`, if it is still missing.

        Args:
            phase: Index of the phase.
            stage: Index of the stretch; those before it are complete.
            shard: The shard.
            watch: Called with (images done, images to do) after every batch. What it raises ends the work.

        Returns:
            How many rows were made.

        Raises:
            Fault: What `features` raises.
        """
        return self._pass_of(phase, stage).fill(watch, shard)

    def _pass_of(self, phase: int, stage: int) -> _Pass:
        if (phase, stage) not in self._passes:
            below = self._pass_of(phase, stage - 1).kept if stage else []
            for rows in below:
                rows.look_again()
            views = [View(rows, rows.key) for rows in below] if stage else self._views
            prefix = self._stages(self.cuts(phase))[stage]
            ready = _prepared(prefix, views, self.recipe.cache_dtype, self.engine(prefix), None)
            self._passes[phase, stage] = ready
        return self._passes[phase, stage]

    def engine(self, prefix: Prefix) -> str:
        """What runs a stretch over all views: `recipes.freeze.frozen_runner.choose`."""
        base = BASES.get(str(self.recipe.model.get("backbone", zoo.info(self.recipe.architecture).base)))
        return engines.choose(
            self.recipe.engine,
            self.precision,
            work=sum(len(view.images) for view in self._views) * prefix.macs,
            int8_serves=base is not None and base.int8 and self.recipe.weights == "imagenet",
            depthwise=prefix.is_depthwise,
        )

    def forget(self, moved: Sequence[keras.Variable]) -> None:
        """Compute the keys anew of what contains one of these weights: they changed."""
        handles = set(map(id, moved))
        self._prefixes = {
            cuts: prefix
            for cuts, prefix in self._prefixes.items()
            if handles.isdisjoint(map(id, prefix.network.weights))
        }

    def _stages(self, cuts: Sequence[str]) -> list[Prefix]:
        """The network from the image to the first cut, from there to the second, and so on."""
        stages, below = [], None
        for above in cuts:
            if (below, above) not in self._prefixes:
                entrance = self.model.inputs[0] if below is None else self.model.get_layer(below).output
                network = keras.Model(entrance, self.model.get_layer(above).output)
                self._prefixes[below, above] = Prefix(network)
            stages.append(self._prefixes[below, above])
            below = above
        return stages

    @cached_property
    def _views(self) -> list[View]:
        """Every view of the training images, then one plain view of the validation images."""
        augment = None if self.recipe.augment == Augment() else self.recipe.augment
        # Without augmentation every view would be the same.
        number = self.recipe.views if augment else 1
        train, validation = self.splits.train.pixels, self.splits.validation.pixels
        key = images_key(train)
        views = [View(train, key, augment, self.seed, view) for view in range(number)]
        return [*views, View(validation, images_key(validation))]

    def _kept(self, prefix: Prefix, views: Sequence[View], engine: str) -> list[Rows]:
        return _rows(prefix, views, self.recipe.cache_dtype, engine, None)


def is_small(kept: Rows) -> bool:
    """Whether what is kept of each image is a row of features."""
    return len(kept.shape) == 2


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
class _Pass:
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


def _pass(
    prefix: Prefix, views: Sequence[View], dtype: str, name: str, folder: Path | None, watch: Watch
) -> tuple[list[Rows], int]:
    """Run a frozen network over several views, as far as their activations are nowhere yet; gives how many passed."""
    ready = _prepared(prefix, views, dtype, name, folder)
    total = ready.new()
    ready.fill(watch)
    for rows, given in zip(ready.kept, ready.inputs, strict=True):
        if given:
            known_rows.keep(rows, given)
    return ready.kept, total


def _prepared(prefix: Prefix, views: Sequence[View], dtype: str, name: str, folder: Path | None) -> _Pass:
    """Find what is there of several views, here and in other sets, and make the engine that runs over the others."""
    name = prefix.fallback or name
    kept = _rows(prefix, views, dtype, name, folder)
    # An augmented view is another one in another set.
    open_ends = [view.augment is None and not known_rows.is_kept(rows) for view, rows in zip(views, kept, strict=True)]
    pairs = zip(views, open_ends, strict=True)
    inputs = [known_rows.contents(view.images) if open_end else [] for view, open_end in pairs]
    known = [known_rows.find(rows, given) for rows, given in zip(kept, inputs, strict=True)]
    ready = _Pass(views, kept, inputs, known)
    refuse_large(sum(rows.missing_bytes for rows in kept), folder)
    if not ready.new():
        return ready
    some = np.linspace(0, len(views[0].images) - 1, engines.CALIBRATION).astype(int)
    calibration = np.asarray(views[0].images[np.unique(some)], "float32") if name.endswith("int8") else None
    first = views[0].batch(np.arange(min(engines.BATCH, len(views[0].images))))
    engine = engines.build(prefix.network, name, first, calibration)
    if engine.name != name:
        prefix.fallback = engine.name  # Tried, and said, once.
        return _prepared(prefix, views, dtype, engine.name, folder)
    return replace(ready, run=engine.run)


def _new(rows: Rows, view: View) -> np.ndarray:
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


def _rows(prefix: Prefix, views: Sequence[View], dtype: str, engine: str, folder: Path | None) -> list[Rows]:
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
