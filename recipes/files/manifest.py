"""What a run writes down about itself, typed: `run.json` when it begins, `manifest.json` when it has ended."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired, TypeAlias

from annotated_types import Ge, Le, MaxLen, MinLen, Predicate
from typing_extensions import TypedDict

from recipes.errors import UsageFault
from recipes.files import run_folder, typed
from recipes.files.typed import Count, FiniteFloat, Seconds, Share

# The form that is written today, and the latest that is read. A file without a number has the first.
FORMAT = 1

Format: TypeAlias = Annotated[int, Ge(1), Le(FORMAT)]
Sha256: TypeAlias = Annotated[str, MinLen(64), MaxLen(64)]
Kind: TypeAlias = Literal["tfds", "download", "sample", "photos"]


def has_phases(settings: dict[str, Any]) -> bool:
    """Whether a recipe's values have what a comparison relies on; what else is in them is compared, not read."""
    phases = settings.get("phases")
    return (
        isinstance(phases, list)
        and bool(phases)
        and all(
            isinstance(phase, dict) and isinstance(phase.get("name"), str) and type(phase.get("epochs")) is int
            for phase in phases
        )
    )


Settings: TypeAlias = Annotated[dict[str, Any], Predicate(has_phases)]


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the images of a run come from, see `recipes.data.Origin`."""

    kind: Kind
    dataset: str


@dataclass(frozen=True, kw_only=True)
class Result:
    """What came of a run; shares of images."""

    test_accuracy: Share
    validation_accuracy: Share
    published_accuracy: Share | None = None
    epochs: Count
    kept_epoch: dict[str, Count]


@dataclass(frozen=True, kw_only=True)
class Data:
    """The images of a run.

    Attributes:
        kind: See `recipes.data.Origin`, as for what follows up to `group_by`.
        dataset: The data set's name.
        path: Its folder or table.
        notice: What the reader of a result must know about it.
        decisions: A table of decisions about the labels in place of the one beside the photos.
        group_by: What names groups of photos that stay together.
        fingerprint: Of all images.
        class_names: In the order of the outputs.
        counts: For each split, the images of each class.
    """

    kind: Kind
    dataset: str
    path: str = ""
    notice: str = ""
    decisions: str | None = None
    group_by: str | None = None
    fingerprint: str
    class_names: Annotated[list[str], MinLen(1)]
    counts: dict[str, dict[str, Count]]

    def images(self, split: str) -> int:
        """Images of a split."""
        return sum(self.counts[split].values())


@dataclass(frozen=True, kw_only=True)
class Weights:
    """The pretrained weights of a run, see `zoo.weights.Source`."""

    kind: str
    path: str
    sha256: Sha256 | Literal[""]


@dataclass(frozen=True, kw_only=True)
class Model:
    """The network of a run, see `recipes.execution.environment.model_facts`."""

    architecture: str
    use: str
    input_shape: Annotated[list[Annotated[int, Ge(1)]], MinLen(3), MaxLen(3)]
    parameters: Count
    macs: Count
    trained_layers: list[str]


@dataclass(frozen=True, kw_only=True)
class FrozenPass:
    """What a phase kept of the frozen part, see `recipes.freeze.boundary.Features`."""

    layer: str
    views: Count
    engine: str
    dtype: str
    bytes: Count
    images_passed: Count
    seconds: Seconds


@dataclass(frozen=True, kw_only=True)
class NoneOfThese:
    """How many photos of the classes are refused, see `recipes.evaluate.none_of_these.Refused`."""

    rate: Share
    least: FiniteFloat
    validation: tuple[Count, Count]
    test: tuple[Count, Count]


@dataclass(frozen=True, kw_only=True)
class OperatingPoint:
    """From which probability on one class is said, see `recipes.evaluate.operating_point.OperatingPoint`."""

    class_name: str
    figure: Literal["recall", "precision"]
    wanted: Share
    threshold: Share | None
    reason: str
    folds: Count
    validation: Count
    recall: tuple[Count, Count]
    precision: tuple[Count, Count]
    false_alarms: tuple[Count, Count]


@dataclass(frozen=True, kw_only=True)
class After:
    """The run before, what became of its photos, and both on its test photos: `recipes.evaluate.growth.Growth`."""

    folder: str
    added: Count
    gone: Count
    changed: Count
    new_classes: list[str]
    lost_classes: dict[str, str]
    test: Count
    right_before: Count
    right_now: Count
    p_value: Share


@dataclass(frozen=True, kw_only=True)
class Hardware:
    """Where a run was made."""

    processor: str
    cores: int | None
    memory_gb: FiniteFloat
    system: str


class Findings(TypedDict):
    """What readers need of what the examination of a person's own photos found, `execution.examination.findings`."""

    __pydantic_config__ = {"extra": "allow"}  # type: ignore[misc]

    photos: Count
    used: Count
    bad: dict[str, str]
    left_out: list[dict[str, str]]
    warnings: list[str]
    shortcuts: NotRequired[list[dict[str, Any]]]
    decisions: NotRequired[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class ScheduleChange:
    """A resume with more epochs, after which a phase's learning rate follows the longer schedule."""

    phase: str
    from_epoch: Count
    epochs_before: Count
    epochs: Count


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What was asked, on what, with what, and what came of it: `manifest.json`.

    Attributes:
        format: The form of this file.
        recipe: The recipe's name.
        variant: `"tuned"` or `"published"`.
        overrides: (path, value) pairs in the order given.
        chosen: (path, value) pairs that the recipe's audition chose.
        seed: That fixed weights, order, augmentation and dropout.
        smoke: A few hundred images and one epoch a phase.
        precision: The number format it trained in.
        backend: Of Keras, on which it trained.
        command: The command line that asks for the same.
        result: What came of it.
        data: The images.
        weights: The pretrained weights; `None` for none.
        modules: To import before the model can be loaded: those of its own layers.
        model: The network.
        network: Digest of the built network; `None` where none was taken.
        doctor: What the examination of own photos found; `None` for other data.
        boundary: For each phase that trained above a frontier, what was kept of the frozen part.
        none_of_these: How often a photo of the classes is called none of these; `None` where nothing is.
        operating_point: From which probability on one class is said; `None` where the most probable class is.
        version: 1, and one more in each run after another.
        why: What is new in it, in a line.
        after: The run before; `None` where it comes after none.
        schedule_changes: Where a resume with more epochs drew a learning-rate schedule anew.
        settings: The recipe's values, as `Recipe.as_dict` gives them.
        seconds: For each stage of the run.
        versions: Of Python and of packages.
        hardware: Where it was made.
        files: sha256 of every other file in the folder, by its path in it.
    """

    format: Format = FORMAT
    recipe: str
    variant: str
    overrides: list[tuple[str, str]]
    chosen: list[tuple[str, str]] = field(default_factory=list)
    seed: Count
    smoke: bool = False
    precision: str
    backend: str = "tensorflow"
    command: str
    result: Result
    data: Data
    weights: Weights | None = None
    modules: list[str] = field(default_factory=list)
    model: Model
    network: str | None = None
    doctor: Findings | None = None
    boundary: dict[str, FrozenPass] = field(default_factory=dict)
    none_of_these: NoneOfThese | None = None
    operating_point: OperatingPoint | None = None
    version: Annotated[int, Ge(1)] = 1
    why: str = ""
    after: After | None = None
    schedule_changes: list[ScheduleChange] = field(default_factory=list)
    settings: Settings
    seconds: dict[str, Seconds]
    versions: dict[str, str]
    hardware: Hardware
    files: dict[str, Sha256] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """As plain, JSON-ready values."""
        return dataclasses.asdict(self)

    @property
    def square(self) -> str:
        """How a photo of another shape became one of the network's: `Recipe.square`."""
        return str(self.settings.get("square", "squash"))

    @property
    def frozen_share(self) -> float:
        """Share of the run's time, without the report, that the frozen part took to give the activations; 0 to 1."""
        seconds = sum(facts.seconds for facts in self.boundary.values())
        return seconds / max(sum(self.seconds.values()), 1e-9)

    @property
    def not_repeated(self) -> str:
        """Why the command alone does not give these figures again; empty where it does."""
        words = [
            f"from epoch {change.from_epoch} of phase {change.phase!r} on it was drawn for {change.epochs} epochs in "
            f"place of {change.epochs_before}"
            for change in self.schedule_changes
        ]
        if not words:
            return ""
        return f"The command has another learning-rate schedule than this run: {'; '.join(words)}."


def read(folder: Path) -> Manifest:
    """The manifest of a finished run.

    Raises:
        UsageFault: When no run has ended there.
        CorruptFault: When the manifest is damaged; the message names the field.
    """
    if not run_folder.is_finished(folder):
        raise UsageFault(f"{folder} is not the folder of a finished run: it has no {run_folder.MANIFEST}.")
    return typed.read(folder / run_folder.MANIFEST, Manifest)
