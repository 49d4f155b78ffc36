"""What a recipe is: a frozen value that says which network, which data, and how to train.

    recipe = Recipe(name="tiny", architecture="fashion_cnn", data="fashion_mnist",
                    phases=(Phase("train", epochs=3),))
    recipe.override("phases.train.learning_rate", 1e-4)

Construction checks every value and reports all faults together. `override` is the only way to change a recipe: the
command line, tuner trials and tests all go through it.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from recipes.errors import UsageFault
from recipes.recipe import overrides, stored
from recipes.recipe.search_space import Space

OPTIMIZERS = ("adadelta", "adam", "adamw", "lion", "rmsprop", "sgd")
SCHEDULES = ("constant", "cosine", "one_cycle")
ENGINES = ("auto", "keras", "openvino")
# All trials of a search have the same images, weights and epochs, and no published figure is compared with.
FIXED = ("data", "split", "image_size", "weights", "published_accuracy", "epochs", "save_every_epoch")
MOST_VIEWS = 16


@dataclass(frozen=True)
class Split:
    """How validation images are taken out of the training images; the test images are the data set's own.

    Attributes:
        method: `"shuffled"` is scikit-learn's `train_test_split` with `seed`; `"stratified"` is the same with
            equal class shares; `"last"` takes the end of the data set, as Keras's `validation_split` does.
        validation: Share of the training images, between 0 and 1.
        seed: Fixes the split, whatever the seed of the run.
    """

    method: str = "shuffled"
    validation: float = 0.2
    seed: int = 42

    def faults(self) -> Iterator[str]:
        """Say what is wrong with the values, a sentence each."""
        yield from _one_of(self, "method", ("shuffled", "stratified", "last"))
        yield from _number(self, "validation", above=0, below=1)
        yield from _integer(self, "seed", at_least=0)


@dataclass(frozen=True)
class Choice:
    """A fixed number of images for each split, equally many of each class.

    Images are taken in the order of the numbers in their file names: first `train`, then `validation`, then `test`.
    The choice depends on the files that are there, not on the order in which they are stored.

    Attributes:
        train: Training images.
        validation: Validation images.
        test: Test images, at most: as many as are left.
    """

    train: int
    validation: int
    test: int

    def faults(self) -> Iterator[str]:
        """Say what is wrong with the values, a sentence each."""
        for name in ("train", "validation", "test"):
            yield from _integer(self, name, at_least=1)


@dataclass(frozen=True)
class Shares:
    """How photos are divided that nobody has divided: each by a number drawn from what it looks like.

    A photo stays where it is when others come or go, and photos that look the same share a side.

    Attributes:
        validation: Share of the validation images, about.
        test: Share of the test images, about.
        seed: Another seed is another division.
    """

    validation: float = 0.2
    test: float = 0.2
    seed: int = 0

    def faults(self) -> Iterator[str]:
        """Say what is wrong with the values, a sentence each."""
        for name in ("validation", "test"):
            yield from _number(self, name, at_least=0, below=1)
        yield from _integer(self, "seed", at_least=0)
        if _is_number(self.validation) and _is_number(self.test) and self.validation + self.test >= 1:
            yield "The shares of validation and test must leave something to train."


@dataclass(frozen=True)
class Augment:
    """Random changes to training images, drawn anew for every image and epoch. All zero: none.

    Attributes:
        flip: Mirror half of the images left to right.
        shift: Move by up to this share of height and width, in whole pixels; the gap is filled by reflection.
        rotation: Turn by up to this share of a full circle, as `keras.layers.RandomRotation`.
        zoom: Enlarge or shrink by up to this share, as `keras.layers.RandomZoom`.
        erase: Side of a grey square put at a random place, as a share of the image's side (cutout).
        strength: Multiplies all of them but flip.
        contrast: Spread an image's values, or draw them together, around its mean in each channel by up to this share,
            as `keras.layers.RandomContrast`.
        brightness: Make an image lighter or darker by up to this share of 255, as `keras.layers.RandomBrightness`.
    """

    flip: bool = False
    shift: float = 0.0
    rotation: float = 0.0
    zoom: float = 0.0
    erase: float = 0.0
    strength: float = 1.0
    contrast: float = 0.0
    brightness: float = 0.0

    def faults(self) -> Iterator[str]:
        """Say what is wrong with the values, a sentence each."""
        if not isinstance(self.flip, bool):
            yield _must(self, "flip", "true or false")
        for name in ("shift", "rotation", "zoom", "erase", "contrast", "brightness"):
            yield from _number(self, name, at_least=0, below=1)
        yield from _number(self, "strength", at_least=0)
        if _is_number(self.strength) and _is_number(self.contrast) and self.strength * self.contrast > 1:
            yield _must(self, "contrast", f"at most 1 when multiplied by the strength, {self.strength:g}: more inverts")

    def key_facts(self) -> dict[str, Any]:
        """What the key of augmented activations names: the first six fields always, later ones where they are used.

        A field that comes later must leave the keys of all that is on disk as they are.
        """
        first = ("flip", "shift", "rotation", "zoom", "erase", "strength")
        return {name: getattr(self, name) for name in first} | stored.sparse(self)


@dataclass(frozen=True)
class Phase:
    """One stretch of training, compiled afresh with a fresh optimizer.

    Attributes:
        name: Used in override paths and in the history.
        epochs: Passes over the training images, at most.
        train: Globs over layer names; what none of them matches is frozen.
        rates: Discriminative rates: for a glob over layer names, the factor on every update of those layers. Of
            several globs that match, the first counts.
        optimizer: One of `OPTIMIZERS`. `sgd` has Nesterov momentum of 0.9; the rest is as in Keras: `adam` and `adamw`
            have betas of 0.9 and 0.999, `lion` of 0.9 and 0.99, `adadelta` rho of 0.95, `rmsprop` rho of 0.9 and no
            momentum; epsilon is 1e-7; gradients are not clipped.
        learning_rate: The rate, or the peak of the schedule.
        schedule: `"constant"`; `"cosine"`, from the rate to zero; `"one_cycle"`, up from a 25th over the
            first 30%, then cosine to zero.
        weight_decay: Decoupled decay of kernels, each step: their share that is taken off, times the rate. 0 is none,
            with every optimizer.
        average_epochs: Length, in epochs, of an exponential moving average of the weights, which is then what
            is validated and kept; 0 for none.
        monitor: The figure of the history that chooses the best epoch.
        patience: Epochs without a better one before the phase stops; `None` never stops early.
        keep: `"best"` or `"last"` epoch's weights.
        save_every_epoch: Also keep each epoch's weights, named by epoch and validation accuracy.
    """

    name: str
    epochs: int
    train: tuple[str, ...] = ("*",)
    rates: Mapping[str, float] = field(default_factory=dict)
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    schedule: str = "constant"
    weight_decay: float = 0.0
    average_epochs: float = 0.0
    monitor: str = "val_loss"
    patience: int | None = None
    keep: str = "best"
    save_every_epoch: bool = False

    def faults(self) -> Iterator[str]:
        """Say what is wrong with the values, a sentence each."""
        yield from _integer(self, "epochs", at_least=1)
        if not isinstance(self.train, tuple) or not all(isinstance(glob, str) for glob in self.train) or not self.train:
            yield _must(self, "train", "a tuple of globs over layer names")
        if not all(_is_number(factor) and 0 < factor <= 1 for factor in self.rates.values()):
            yield _must(self, "rates", "factors above 0, at most 1, by glob over layer names")
        yield from _one_of(self, "optimizer", OPTIMIZERS)
        yield from _number(self, "learning_rate", above=0)
        yield from _one_of(self, "schedule", SCHEDULES)
        yield from _number(self, "weight_decay", at_least=0)
        yield from _number(self, "average_epochs", at_least=0)
        yield from _one_of(self, "monitor", ("val_loss", "val_accuracy"))
        if self.patience is not None:
            yield from _integer(self, "patience", at_least=1)
        yield from _one_of(self, "keep", ("best", "last"))
        if not isinstance(self.save_every_epoch, bool):
            yield _must(self, "save_every_epoch", "true or false")


@dataclass(frozen=True)
class Recipe:
    """Which network, which data, how to train.

    Attributes:
        name: The recipe's name; also that of its run folders.
        architecture: A name of `zoo.names()`.
        data: The TFDS name of a data set.
        phases: What to train, one after the other.
        split: How validation images are chosen; a `Choice` or `Shares` also chooses the training and test images.
        image_size: Side of the square, in pixels, that every image is brought to; `None` leaves them as they are.
        batch_size: Images a step.
        augment: Random changes to training images.
        label_smoothing: Share of each label spread over all classes, 0 to 1.
        class_weights: `"balanced"` lets every class weigh the same, however many images it has: in the loss and
            accuracy of training and, so that the epoch that is kept is the best by the same measure, of validation.
        model: Keywords for the architecture's builder, such as `{"dropout": 0.3}`.
        weights: Pretrained weights: `"imagenet"`, a path, or `None`.
        views: Where a base is frozen, how many augmented views of each training image pass it, once, to be kept on
            disk: the epochs take turns with them. 0 passes each batch anew ("online"), in every epoch.
        cache_dtype: How activations are kept on disk: `"float16"` or `"float32"`.
        engine: What runs the frozen part: `"keras"`, `"openvino"`, or `"auto"` for the faster one that is here.
        published_accuracy: The source's test accuracy; `None` where it printed none.
        on_data: What else changes when `data` is overridden with this name: the source's other experiment.
        tune: Where `python -m recipes.tune` looks for better values: a range for each override path.
    """

    name: str
    architecture: str
    data: str
    phases: tuple[Phase, ...]
    split: Split | Choice | Shares = Split()
    image_size: int | None = None
    batch_size: int = 32
    augment: Augment = Augment()
    label_smoothing: float = 0.0
    class_weights: str | None = None
    model: Mapping[str, Any] = field(default_factory=dict)
    weights: str | None = None
    views: int = 0
    cache_dtype: str = "float16"
    engine: str = "auto"
    published_accuracy: float | None = None
    on_data: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    tune: Mapping[str, Space] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if faults := list(self.faults()):
            raise UsageFault(f"The recipe {self.name!r} cannot work. " + " ".join(faults))

    def faults(self) -> Iterator[str]:
        """Say what is wrong with the values, a sentence each."""
        for name in ("name", "architecture", "data"):
            if not isinstance(getattr(self, name), str) or not getattr(self, name):
                yield _must(self, name, "a name")
        if not self.phases:
            yield _must(self, "phases", "at least one phase")
        names = [phase.name for phase in self.phases]
        if len(set(names)) < len(names):
            yield _must(self, "phases", "phases with different names", names)
        yield from _integer(self, "batch_size", at_least=1)
        yield from _number(self, "label_smoothing", at_least=0, below=1)
        if self.image_size is not None:
            yield from _integer(self, "image_size", at_least=1)
        if self.class_weights is not None:
            yield from _one_of(self, "class_weights", ("balanced",))
        yield from _integer(self, "views", at_least=0)
        yield from _one_of(self, "cache_dtype", ("float16", "float32"))
        yield from _one_of(self, "engine", ENGINES)
        yield from self.split.faults()
        yield from self.augment.faults()
        for phase in self.phases:
            yield from phase.faults()
        for path, space in self.tune.items():
            yield from space.faults()
            yield from self._refused(path, space)

    def override(self, path: str, value: Any) -> Recipe:
        """A copy with one value changed.

        Args:
            path: Such as `"batch_size"`, `"augment.flip"`, `"phases.train.learning_rate"` or `"model.dropout"`.
            value: The new value, of the field's type, or a string to be read as one.

        Raises:
            UsageFault: For an unknown path (with suggestions) or a value the recipe cannot take.
        """
        changed = overrides.override(self, path, value)
        if path != "data":
            return changed
        for other_path, other_value in changed.on_data.get(changed.data, {}).items():
            changed = overrides.override(changed, other_path, other_value)
        return changed

    def on_other_data(self, name: str) -> Recipe:
        """The recipe for data it was not made for: divided by what each image looks like, with nothing published."""
        return dataclasses.replace(self, data=name, split=Shares(), published_accuracy=None)

    def for_few(self, times: float) -> Recipe:
        """The recipe for a fraction of the images it was tuned with: as many steps, and more views of each image.

        Args:
            times: How many times more images it was tuned with; 1 or more.
        """
        phases = tuple(
            dataclasses.replace(
                phase,
                epochs=round(times * phase.epochs),
                average_epochs=times * phase.average_epochs,
                patience=phase.patience and round(times * phase.patience),
            )
            for phase in self.phases
        )
        return dataclasses.replace(
            self, phases=phases, views=min(round(times * self.views), max(self.views, MOST_VIEWS))
        )

    def as_dict(self) -> dict[str, Any]:
        """The recipe as plain, JSON-ready values, without those that have their default: `with_defaults` adds them."""
        return stored.sparse(dataclasses.replace(self, on_data={}, tune={}))

    def epochs(self) -> int:
        """Epochs over all phases, at most."""
        return sum(phase.epochs for phase in self.phases)

    def _refused(self, path: str, space: Space) -> Iterator[str]:
        """Why a search cannot vary a path, or the recipe cannot take the values of a range."""
        steps = path.split(".")
        if (steps[2] if steps[0] == "phases" and len(steps) > 2 else steps[0]) in FIXED:
            yield f"It cannot be tuned at {path!r}, which every trial has in common. {_searched()}"
            return
        for value in space.ends():
            try:
                overrides.override(dataclasses.replace(self, tune={}), path, value)
            except UsageFault as fault:
                yield f"It cannot be tuned at {path!r}: {fault}"
                return


def _searched() -> str:
    """Where a search can look, in words."""
    recipe, phase, augment = (
        [
            part.name
            for part in dataclasses.fields(kind)
            if part.name not in ("name", "phases", "augment", "on_data", "tune", *FIXED)
        ]
        for kind in (Recipe, Phase, Augment)
    )
    paths = [name + (".<keyword>" if name == "model" else "") for name in recipe]
    paths += [f"augment.{name}" for name in augment]
    paths += [f"phases.<phase>.{name}" + (".<glob>" if name == "rates" else "") for name in phase]
    return f"A search can vary: {', '.join(paths)}."


def with_defaults(settings: Mapping[str, Any]) -> dict[str, Any]:
    """A stored recipe in full, as JSON gives it: what is absent has its default value.

    Args:
        settings: What `Recipe.as_dict` gave, now or in an earlier version that knew fewer fields or stored them all.
    """
    split = settings.get("split", {})
    kind = Choice if "train" in split else Shares if "test" in split else Split
    complete = stored.full(Recipe, settings) | {
        "phases": [stored.full(Phase, phase) for phase in settings.get("phases", ())],
        "split": stored.full(kind, split),
        "augment": stored.full(Augment, settings.get("augment", {})),
    }
    del complete["on_data"], complete["tune"]
    return json.loads(json.dumps(complete))


def _must(owner: Any, name: str, constraint: str, value: Any = ...) -> str:
    """A sentence of one shape for every bad value."""
    value = getattr(owner, name) if value is ... else value
    where = f"phase {owner.name!r}" if isinstance(owner, Phase) else type(owner).__name__.lower()
    return f"The {name!r} of the {where} must be {constraint}. Got {value!r} instead."


def _one_of(owner: Any, name: str, allowed: tuple[str, ...]) -> Iterator[str]:
    if getattr(owner, name) not in allowed:
        yield _must(owner, name, "one of " + ", ".join(allowed))


def _integer(owner: Any, name: str, *, at_least: int) -> Iterator[str]:
    value = getattr(owner, name)
    if isinstance(value, bool) or not isinstance(value, int) or value < at_least:
        yield _must(owner, name, f"an integer of {at_least} or more")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _number(
    owner: Any, name: str, *, above: float | None = None, at_least: float | None = None, below: float = math.inf
) -> Iterator[str]:
    value = getattr(owner, name)
    low = above if above is not None else at_least
    if not _is_number(value) or value >= below or value < low or (above is not None and value == above):
        bounds = f"above {above:g}" if above is not None else f"{at_least:g} or more"
        yield _must(owner, name, f"a number {bounds}" + (f" and below {below:g}" if below < math.inf else ""))
