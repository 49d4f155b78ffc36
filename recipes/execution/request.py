"""What the user asked for, and the recipe that follows from it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from annotated_types import Ge, Gt, Lt

import zoo
from recipes import book
from recipes.data import TFDS, is_own
from recipes.errors import UsageFault
from recipes.evaluate.operating_point import Wanted, parse
from recipes.files.typed import Share
from recipes.recipe import Choice, Recipe, Shares

# An epoch costs something even where it has one step: a handful of images does not train a thousand epochs.
MOST_TIMES = 20.0
# From so many times the images of another class on, a class would outweigh it.
IMBALANCE = 2.0
Variant: TypeAlias = Literal["tuned", "published"]
# What a run after another has of it, where it is not asked otherwise; and what asks for another choice of base.
TAKEN_OVER = (
    "variant", "precision", "weights", "minutes", "modules", "decisions", "group_by",
)  # fmt: skip
CHOOSES = {"audition", "model.backbone", "image_size"}
SMOKE_IMAGES = {"train": 512, "validation": 256, "test": 256}


@dataclass(frozen=True)
class Request:
    """One call of `python -m recipes.run`; stored in the run folder so that a resume repeats it.

    Attributes:
        name: A recipe's name, or `package.module:RECIPE`.
        variant: `"tuned"` or `"published"`.
        overrides: (path, value) pairs in the order given.
        chosen: (path, value) pairs that the recipe's audition chose; empty until it was held.
        data: `"auto"`, `"full"`, `"sample"`, `"tfds:<name>"`, or the path of a folder or table of photos.
        data_dir: TFDS's data folder, if given.
        require_recall: `CLASS=SHARE`: the class is said from that probability on which gives it this recall.
        require_precision: `CLASS=SHARE`: or this precision; not both.
        minutes: Given to further phases, where folds say that they help; `None` for none.
        seed: Fixes weights, data order, augmentation and dropout.
        precision: `"auto"`, `"float32"` or `"bfloat16"`.
        weights: Pretrained weights to use instead of the recipe's; `"none"` for none.
        smoke: A few hundred images and one epoch a phase: does it work at all?
        require_accuracy: The test accuracy without which the run counts as failed.
        export: A format to export to when the run has ended.
        tensorboard: Also write each epoch's figures as TensorBoard events.
        modules: Imported first, for the architectures and layers that they register.
        decisions: A table of decisions about the labels of own photos, in place of the one beside them.
        group_by: A regular expression with one group: own photos in whose names it finds the same stay together.
        after: The folder of an earlier run on own photos: what it used stays in its splits.
    """

    name: str
    variant: Variant = "tuned"
    overrides: tuple[tuple[str, str], ...] = ()
    data: str = "auto"
    data_dir: str | None = None
    seed: Annotated[int, Ge(0), Lt(2**32)] = 42
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    weights: str | None = None
    smoke: bool = False
    require_accuracy: Share | None = None
    export: str | None = None
    tensorboard: bool = False
    modules: tuple[str, ...] = ()
    chosen: tuple[tuple[str, str], ...] = ()
    decisions: str | None = None
    group_by: str | None = None
    minutes: Annotated[float, Gt(0)] | None = None
    require_recall: str | None = None
    require_precision: str | None = None
    after: str | None = None

    def dataset(self) -> str:
        """The data set that is wanted, before anything is said about where to find it; own photos' folder's name."""
        if is_own(self.data):
            return Path(self.data).resolve().stem
        if self.data.startswith(TFDS):
            return self.data.removeprefix(TFDS)
        chosen = [value for path, value in self.overrides if path == "data"]
        return chosen[-1] if chosen else book.get(self.name, self.variant).data

    def data_mode(self) -> str:
        """Where data may come from: a smoke run that may choose takes the bundled sample and downloads nothing."""
        if self.data.startswith(TFDS):
            return "full"
        return "sample" if self.smoke and self.data == "auto" else self.data

    def following(self, earlier: Request) -> Request:
        """This request with what is not asked otherwise taken over from an earlier one of the same recipe.

        What the earlier one's audition chose holds, unless a base, a size or an audition is asked for that was not.
        """
        fields = {field.name: field.default for field in dataclasses.fields(self)}
        taken = {name: getattr(earlier, name) for name in TAKEN_OVER if getattr(self, name) == fields[name]}
        fresh = [change for change in self.overrides if change not in earlier.overrides]
        before = [change for change in earlier.overrides if change not in self.overrides]
        chosen = () if {path for path, _ in fresh} & CHOOSES else earlier.chosen
        return dataclasses.replace(self, overrides=(*before, *self.overrides), chosen=chosen, **taken)

    def recipe(self, dataset: str) -> Recipe:
        """The recipe for a data set, with every override.

        Raises:
            UsageFault: For an unknown recipe, architecture, path or value.
        """
        recipe = book.get(self.name, self.variant)
        if is_own(self.data):
            recipe = recipe.on_other_data(dataset)
        elif dataset != recipe.data:
            foreign = self.data.startswith(TFDS) and dataset not in recipe.on_data
            recipe = recipe.on_other_data(dataset) if foreign else recipe.override("data", dataset)
        # What is said of a phase that may follow is said before it is chosen.
        further = tuple(f"phases.{phase.name}." for phase in recipe.then)
        early = [one for one in self.overrides if one[0].startswith(further)]
        for path, value in (*early, *self.chosen, *self.overrides):
            if path != "data":
                recipe = recipe.override(path, value)
        if self.weights is not None:
            recipe = recipe.override("weights", self.weights)
        if self.smoke:
            for phase in recipe.phases:
                recipe = recipe.override(f"phases.{phase.name}.epochs", 1)
        try:
            zoo.info(recipe.architecture)
        except ValueError as error:
            raise UsageFault(str(error)) from error
        return recipe

    def wanted(self) -> Wanted | None:
        """The recall or precision that is asked of a class.

        Raises:
            UsageFault: When both are, or it is not `CLASS=SHARE`.
        """
        if self.require_recall is not None and self.require_precision is not None:
            raise UsageFault(
                "--require-recall and --require-precision: one threshold cannot answer for both. Give one."
            )
        if self.require_recall is not None:
            return parse(self.require_recall, "recall")
        return parse(self.require_precision, "precision") if self.require_precision is not None else None

    def wants_audition(self, recipe: Recipe) -> bool:
        """Whether folds are still to choose base and head: not where that was done, or the user names a base."""
        named = {"model.backbone", "image_size"} & {path for path, _ in self.overrides}
        return bool(recipe.audition) and not (self.smoke or self.chosen or named)

    def wants_further(self, recipe: Recipe) -> bool:
        """Whether folds are still to say if the recipe's further phases help: not where the user names the phases.

        Two bases that are joined have no last stage in common that could be trained.
        """
        said = {path for path, _ in (*self.chosen, *self.overrides)}
        can = bool(recipe.then) and not self.joins()
        return self.minutes is not None and can and not (self.smoke or "phases" in said)

    def joins(self) -> bool:
        """Whether the user names two bases to be joined."""
        return "+" in dict(self.overrides).get("model.backbone", "")

    def for_images(self, recipe: Recipe, counts: Mapping[str, int]) -> Recipe:
        """The recipe for so many training images of each class of a person's own.

        Where it was tuned with a fixed, larger number of them, few images make few steps in an epoch: the epochs become
        more. Where a class has more than twice as many as another, classes weigh the same. What was overridden stays.
        """
        if is_own(self.data) and recipe.class_weights is None and "class_weights" not in dict(self.overrides):
            there = [number for number in counts.values() if number]
            if max(there) > IMBALANCE * min(there):
                recipe = dataclasses.replace(recipe, class_weights="balanced")
        images = sum(counts.values())
        tuned_with = book.get(self.name, self.variant).split
        if self.smoke or not isinstance(tuned_with, Choice) or not isinstance(recipe.split, Shares):
            return recipe
        times = min(MOST_TIMES, tuned_with.train / max(images, 1))
        if times <= 1:
            return recipe
        stretched = recipe.for_few(times)
        for path, value in self.overrides:
            if path != "data":
                stretched = stretched.override(path, value)
        return stretched

    def other_variant(self) -> Request | None:
        """A whole run of the recipe's other variant on the same data; `None` where none takes the overrides."""
        variant: Variant = "published" if self.variant == "tuned" else "tuned"
        other = dataclasses.replace(self, variant=variant, smoke=False, require_accuracy=None, export=None)
        try:
            if book.get(other.name, other.variant) == book.get(self.name, self.variant):
                return None
            other.recipe(other.dataset())
        except UsageFault:
            return None
        return other

    def command(self) -> str:
        """The command line that repeats this request."""
        import shlex

        words = ["python", "-m", "recipes.run", self.name]
        for option in dataclasses.fields(self):
            value = getattr(self, option.name)
            if option.name in ("name", "overrides", "modules", "chosen") or value == option.default:
                continue
            words += [f"--{option.name.replace('_', '-')}"] + ([] if value is True else [str(value)])
        words += [word for path, value in self.overrides for word in ("--set", f"{path}={value}")]
        words += [word for module in self.modules for word in ("--import", module)]
        if "--seed" not in words:
            words += ["--seed", str(self.seed)]
        return shlex.join(words)
