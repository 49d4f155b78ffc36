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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from recipes.errors import UsageFault
from recipes.recipe import overrides, stored
from recipes.recipe.augmentation import Augment
from recipes.recipe.checks import integer, is_number, must, number, one_of
from recipes.recipe.phase import Phase
from recipes.recipe.search_space import Space

ENGINES = ("auto", "keras", "openvino", "int8")
# How a photo of another shape becomes a square: `recipes.data.decode.fit`.
SQUARES = ("squash", "crop", "letterbox")
LARGEST_SEED = 2**32 - 1  # Of NumPy and scikit-learn.
# All trials of a search have the same images, weights and epochs; no phase follows, and no published figure is compared
# with.
FIXED = (
    "data",
    "split",
    "image_size",
    "square",
    "weights",
    "stand_in",
    "audition",
    "published_accuracy",
    "epochs",
    "save_every_epoch",
    "then",
)
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
        yield from one_of(self, "method", ("shuffled", "stratified", "last"))
        yield from number(self, "validation", above=0, below=1)
        yield from integer(self, "seed", at_least=0, at_most=LARGEST_SEED)


@dataclass(frozen=True)
class Choice:
    """A fixed number of images for each split, equally many of each class.

    Images are taken in the order of the numbers in their file names: first `train`, then `validation`, then `test`.
    The choice depends on the files that are there, not on the order in which they are stored. With `folds`, each image
    is a test image of one fold: the images are shuffled by their names, one in `folds` of each class tests, and the
    others train and validate.

    Attributes:
        train: Training images.
        validation: Validation images.
        test: Test images, at most: as many as are left; with `folds`, all of the fold.
        folds: Into how many folds the images are divided; 0 for none.
        fold: Which of them tests, from 0 on.
    """

    train: int
    validation: int
    test: int
    folds: int = 0
    fold: int = 0

    def faults(self) -> Iterator[str]:
        """Say what is wrong with the values, a sentence each."""
        for name in ("train", "validation", "test"):
            yield from integer(self, name, at_least=1)
        yield from _fold_faults(self)


@dataclass(frozen=True)
class Shares:
    """How photos are divided that nobody has divided: each by a number drawn from what it looks like.

    A photo stays where it is when others come or go, and photos that look the same share a side. With `folds`, each of
    a person's own photos is a test photo of one fold, whatever side it was given, and the others train and validate.

    Attributes:
        validation: Share of the validation images, about; with `folds`, of those that do not test.
        test: Share of the test images, about; with `folds`, a fold tests.
        seed: Another seed is another division.
        folds: Into how many folds a person's own photos are divided; 0 for none.
        fold: Which of them tests, from 0 on.
    """

    validation: float = 0.2
    test: float = 0.2
    seed: int = 0
    folds: int = 0
    fold: int = 0

    def faults(self) -> Iterator[str]:
        """Say what is wrong with the values, a sentence each."""
        for name in ("validation", "test"):
            yield from number(self, name, at_least=0, below=1)
        yield from integer(self, "seed", at_least=0, at_most=LARGEST_SEED)
        yield from _fold_faults(self)
        if is_number(self.validation) and is_number(self.test) and self.validation + self.test >= 1:
            yield "The shares of validation and test must leave something to train."


def _fold_faults(split: Choice | Shares) -> Iterator[str]:
    """Say what is wrong with the folds of a division, a sentence each."""
    yield from integer(split, "folds", at_least=0)
    yield from integer(split, "fold", at_least=0)
    if split.folds == 1 or (split.fold and split.fold >= split.folds):
        yield f"fold must be one of 0 to folds - 1, and folds 2 or more. Got fold {split.fold} of {split.folds}."


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
        square: How an image of another shape becomes that square: `"squash"` gives up its aspect ratio, `"crop"` takes
            the middle, `"letterbox"` takes the whole on grey.
        batch_size: Images a step.
        augment: Random changes to training images.
        label_smoothing: Share of each label spread over all classes, 0 to 1.
        class_weights: `"balanced"` lets every class weigh the same, however many images it has: in the loss and
            accuracy of training and, so that the epoch that is kept is the best by the same measure, of validation.
        model: Keywords for the architecture's builder, such as `{"dropout": 0.3}`.
        weights: Pretrained weights: `"imagenet"`, a path, or `None`.
        stand_in: The base that takes the place of `model["backbone"]` where the ImageNet weights of that one cannot be
            had; the run says so. Empty: the run fails.
        views: Where a base is frozen, how many augmented views of each training image pass it, once, to be kept on
            disk: the epochs take turns with them. 0 passes each batch anew ("online"), in every epoch.
        cache_dtype: How activations are kept on disk: `"float16"` or `"float32"`.
        engine: What runs the frozen part: `"keras"`, `"openvino"`, `"int8"` (OpenVINO in eight bits), or `"auto"` for
            the fastest that is here and that folds cannot tell from float32.
        published_accuracy: The source's test accuracy; `None` where it printed none.
        on_data: What else changes when `data` is overridden with this name: the source's other experiment.
        audition: Pretrained bases as `NAME@PIXELS`, such as `"xception@288"`: folds on the photos that train choose one
            of them, how many of its stages, and the head, before anything trains; see `recipes.train.heads.audition`.
            Empty: the recipe is as it stands.
        then: Phases that may follow where the user gives minutes for them and folds say that they help; see
            `recipes.evaluate.further`. To override `phases` with names, such as `"head,finetune"`, takes them.
        tune: Where `python -m recipes.tune` looks for better values: a range for each override path.
    """

    name: str
    architecture: str
    data: str
    phases: tuple[Phase, ...]
    split: Split | Choice | Shares = Split()
    image_size: int | None = None
    square: str = "squash"
    batch_size: int = 32
    augment: Augment = Augment()
    label_smoothing: float = 0.0
    class_weights: str | None = None
    model: Mapping[str, Any] = field(default_factory=dict)
    weights: str | None = None
    stand_in: str = ""
    views: int = 0
    cache_dtype: str = "float16"
    engine: str = "auto"
    published_accuracy: float | None = None
    on_data: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    audition: tuple[str, ...] = ()
    then: tuple[Phase, ...] = ()
    tune: Mapping[str, Space] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # What is wrong already would be wrong at each value of a search, too.
        if faults := list(self.faults()) or list(self._not_searched()):
            raise UsageFault(f"The recipe {self.name!r} cannot work. " + " ".join(faults))

    def faults(self) -> Iterator[str]:
        """Say what is wrong with the values, a sentence each."""
        for name in ("name", "architecture", "data"):
            if not isinstance(getattr(self, name), str) or not getattr(self, name):
                yield must(self, name, "a name")
        if not self.phases:
            yield must(self, "phases", "at least one phase")
        names = [phase.name for phase in self._known()]
        if len(set(names)) < len(names):
            yield must(self, "phases", "phases with different names", names)
        yield from integer(self, "batch_size", at_least=1)
        yield from number(self, "label_smoothing", at_least=0, below=1)
        if self.image_size is not None:
            yield from integer(self, "image_size", at_least=1)
        yield from one_of(self, "square", SQUARES)
        if self.class_weights is not None:
            yield from one_of(self, "class_weights", ("balanced",))
        yield from integer(self, "views", at_least=0, at_most=1000)
        yield from one_of(self, "cache_dtype", ("float16", "float32"))
        yield from one_of(self, "engine", ENGINES)
        yield from self._not_heard()
        yield from self.split.faults()
        yield from self.augment.faults()
        for phase in self._known():
            yield from phase.faults()

    def _not_searched(self) -> Iterator[str]:
        """What a search cannot vary, a sentence each."""
        for path, space in self.tune.items():
            yield from space.faults()
            yield from self._refused(path, space)

    def override(self, path: str, value: Any) -> Recipe:
        """A copy with one value changed.

        Args:
            path: Such as `"batch_size"`, `"augment.flip"`, `"phases.train.learning_rate"` or `"model.dropout"`;
                `"phases"` takes names of phases, in order.
            value: The new value, of the field's type, or a string to be read as one.

        Raises:
            UsageFault: For an unknown path (with suggestions) or a value the recipe cannot take.
        """
        if path == "phases":
            return self._with_phases([name.strip() for name in str(value).split(",")])
        _, _, step = path.partition("phases.")
        name = step.partition(".")[0]
        if name in {phase.name for phase in self.then} - {phase.name for phase in self.phases}:
            return overrides.override(self, f"then.{step}", value)
        changed = overrides.override(self, path, value)
        if path != "data":
            return changed
        for other_path, other_value in changed.on_data.get(changed.data, {}).items():
            changed = overrides.override(changed, other_path, other_value)
        return changed

    def on_other_data(self, name: str) -> Recipe:
        """The recipe for data it was not made for.

        The images are divided by what they look like, and nothing is published. That the last epoch is the one to keep,
        or how many there should be, was chosen on other images: the epoch with the lowest validation loss is kept.
        """
        phases = tuple(
            phase if phase.keep == "best" else dataclasses.replace(phase, keep="best", monitor="val_loss")
            for phase in self.phases
        )
        return dataclasses.replace(self, data=name, phases=phases, split=Shares(), published_accuracy=None)

    def for_few(self, times: float) -> Recipe:
        """The recipe for a fraction of the images it was tuned with: as many steps, and more views of each image.

        Args:
            times: How many times more images it was tuned with; 1 or more.
        """
        phases = tuple(
            phase
            if phase.is_solved
            else dataclasses.replace(
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
        return stored.sparse(dataclasses.replace(self, on_data={}, tune={}, then=()))

    def epochs(self) -> int:
        """Epochs over all phases, at most."""
        return sum(phase.epochs for phase in self.phases)

    def _known(self) -> tuple[Phase, ...]:
        """The phases, and those that may follow and are not among them."""
        names = {phase.name for phase in self.phases}
        return (*self.phases, *(phase for phase in self.then if phase.name not in names))

    def _with_phases(self, names: Sequence[str]) -> Recipe:
        known = {phase.name: phase for phase in self._known()}
        if strange := [name for name in names if name not in known]:
            raise UsageFault(
                f"The recipe {self.name!r} has no phase {strange[0]!r}. There are: "
                f"{', '.join(f'phases.{name}' for name in known)}."
            )
        return dataclasses.replace(self, phases=tuple(known[name] for name in names))

    def bases(self) -> list[tuple[str, int]]:
        """The bases of the audition, and the side of the square that each is heard at, in pixels."""
        return [(name, int(size)) for name, _, size in (one.rpartition("@") for one in self.audition)]

    def _not_heard(self) -> Iterator[str]:
        """Why there can be no audition."""
        for one in self.audition:
            name, _, size = one.rpartition("@")
            if not name or not size.isdecimal() or not int(size):
                yield must(self, "audition", "bases as NAME@PIXELS, such as xception@288", one)
        if self.audition and not (self.architecture == "transfer" and any(phase.is_solved for phase in self.phases)):
            yield "An audition chooses base and head of the architecture transfer, where a phase solves for the head."

    def _refused(self, path: str, space: Space) -> Iterator[str]:
        """Why a search cannot vary a path, or the recipe cannot take the values of a range."""
        steps = path.split(".")
        if (steps[2] if steps[0] == "phases" and len(steps) > 2 else steps[0]) in FIXED:
            yield f"It cannot be tuned at {path!r}, which every trial has in common. {_searched()}"
            return
        for phase in self.phases:
            if path == f"phases.{phase.name}.temperature" and not phase.is_solved:
                yield (
                    f"It cannot be tuned at {path!r}: {phase.optimizer} takes steps, and what they give is validated "
                    "before the temperature divides it. Leave it out of tune={...}."
                )
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
    del complete["on_data"], complete["tune"], complete["then"]
    return json.loads(json.dumps(complete))
