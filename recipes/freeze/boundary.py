"""What the phases of a recipe keep of the frozen part of a network, and train on."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import keras

import zoo
from recipes.data.splits import Splits
from recipes.files.sharded_array import Rows
from recipes.freeze import frozen_runner as engines
from recipes.freeze.cache_key import images_key
from recipes.freeze.frozen_pass import Pass, Prefix, Shard, View, Watch, kept_rows, new_places, ready_for, run_over
from recipes.recipe import Augment, Recipe
from zoo.pretrained.bases import BASES


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
    _passes: dict[tuple[int, int], Pass] = field(default_factory=dict)

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
            kept, now = run_over(prefix, views, self.recipe.cache_dtype, name, None, watch)
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
            for prefix, _, kept in self._stretches(phase):
                found |= {rows.key: (prefix, rows) for rows in kept}
        return list(found.values())

    def remaining(self) -> list[tuple[Prefix, int]]:
        """The stretches of all phases, and how many images would pass each: those of which nothing is kept anywhere."""
        found: dict[str, tuple[Prefix, int]] = {}
        for phase in range(len(self.frontiers)):
            for prefix, views, kept in self._stretches(phase):
                for rows, view in zip(kept, views, strict=True):
                    if rows.key not in found:
                        found[rows.key] = prefix, len(new_places(rows, view))
        return list(found.values())

    def shards(self, phase: int) -> list[list[Shard]]:
        """All that a phase keeps and that is missing, for each stretch of the network in turn.

        Args:
            phase: Index of the phase.
        """
        found = []
        for _, _, kept in self._stretches(phase):
            numbered = [(view, shard) for view, rows in enumerate(kept) for shard in rows.missing_shards().items()]
            found.append([Shard(view, shard, stop - start) for view, (shard, (start, stop)) in numbered])
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

    def _pass_of(self, phase: int, stage: int) -> Pass:
        if (phase, stage) not in self._passes:
            below = self._pass_of(phase, stage - 1).kept if stage else []
            for rows in below:
                rows.look_again()
            views = [View(rows, rows.key) for rows in below] if stage else self._views
            prefix = self._stages(self.cuts(phase))[stage]
            ready = ready_for(prefix, views, self.recipe.cache_dtype, self.engine(prefix), None)
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

    def _stretches(self, phase: int) -> Iterator[tuple[Prefix, list[View], list[Rows]]]:
        """Each stretch for a phase in turn, the views that pass it, and where what it gives for them is or will be."""
        views = self._views
        for prefix in self._stages(self.cuts(phase)):
            kept = kept_rows(prefix, views, self.recipe.cache_dtype, self.engine(prefix), None)
            yield prefix, views, kept
            views = [View(rows, rows.key) for rows in kept]
