"""What a run writes down: `run.json` as it begins, `manifest.json` when it has ended; and what they refuse."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from recipes.console.backend import chosen, load_backend
from recipes.data import is_own
from recipes.errors import UsageFault
from recipes.execution import environment
from recipes.execution.request import Request
from recipes.files import earlier_run, run_folder, typed
from recipes.files import manifest as manifests
from recipes.files.manifest import (
    FORMAT,
    After,
    Data,
    Format,
    FrozenPass,
    Hardware,
    Manifest,
    Model,
    NoneOfThese,
    OperatingPoint,
    Place,
    Result,
    ScheduleChange,
    Settings,
    Sha256,
    Weights,
)
from recipes.recipe.diff import differences, recipe_changes
from zoo.registry import BUILTIN

if TYPE_CHECKING:
    from recipes.data import Splits
    from recipes.evaluate import operating_point
    from recipes.evaluate.growth import Growth
    from recipes.evaluate.none_of_these import Refused
    from recipes.execution.job import Job
    from recipes.train.checkpoint import TrainingState
    from recipes.train.engine import Outcome

# What a request may ask for that leaves the result as it is.
WITHOUT_EFFECT = ("require_accuracy", "export", "tensorboard", "modules")


@dataclass(frozen=True, kw_only=True)
class Started:
    """What a resume needs to know: `run.json`.

    Attributes:
        request: What was asked.
        recipe: The recipe's values, as `Recipe.as_dict` gives them, before the number of images was known.
        origin: Where the images come from.
        weights: sha256 of the pretrained weights; `None` for none.
        fingerprint: Of the images; `None` until they are read.
        network: The built network's description; `None` until it is built.
        format: The form of this file.
        backend: Of Keras, on which it trains.
    """

    request: Request
    recipe: Settings
    origin: Place
    weights: Sha256 | Literal[""] | None = None
    fingerprint: str | None = None
    network: dict[str, Any] | None = None
    format: Format = FORMAT
    backend: str = "tensorflow"


def started(job: Job) -> dict[str, Any]:
    """What `run.json` holds: written before anything runs, and again when data and network are known."""
    return dataclasses.asdict(
        Started(
            request=job.request,
            recipe=job.asked.as_dict(),
            origin=Place(kind=job.origin.kind, dataset=job.origin.dataset),  # type: ignore[arg-type]
            weights=job.weights.sha256 if job.weights else None,
            fingerprint=job.fingerprint,
            network=job.network,
            backend=chosen(),
        )
    )


def read_started(folder: Path) -> Started:
    """What a run was started with.

    Raises:
        CorruptFault: When `run.json` is missing or damaged; the message names the field.
    """
    return typed.read(folder / run_folder.STARTED, Started)


def follow(request: Request, *, named: bool, out: Path | None = None) -> Request:
    """A request that comes after an earlier run, with the recipe of that run and what its audition chose.

    Args:
        request: Whose `after` is a folder or `last`.
        named: Whether its recipe was named: one other than the earlier run's has nothing of that but its division.
        out: The run's own folder, which `last` does not mean.

    Raises:
        UsageFault: When it is not on photos of one's own, or there is no such earlier run.
        CorruptFault: When what that left is damaged.
    """
    if not is_own(request.data):
        raise UsageFault("--after is for photos of your own that have grown: --data FOLDER.")
    folder = earlier_run.given(str(request.after), Path(request.data), besides=out)
    earlier_run.read(folder)
    was = read_started(folder).request
    request = dataclasses.replace(request, after=str(folder), name=request.name if named else was.name)
    return request.following(was) if request.name == was.name else request


def refuse_other_request(folder: Path, was: Started, request: Request) -> None:
    """Compare the request a folder's run was started with and one that is made now.

    Two requests are one where they ask for the same recipe, data, seed and number format, however they are worded.

    Raises:
        UsageFault: When they are not; the message gives both, and what differs.
    """
    request = dataclasses.replace(request, chosen=was.request.chosen)
    apart = (*WITHOUT_EFFECT, "overrides")
    then, now = (
        {name: value for name, value in vars(one).items() if name not in apart} for one in (was.request, request)
    )
    changes = differences(then, now) or differences(was.request.dataset(), request.dataset(), "data")
    if changes := changes or recipe_changes(was.recipe, request.recipe(was.origin.dataset).as_dict()):
        raise UsageFault(
            f"{folder} holds the run of another request: {'; '.join(changes)}. It was: {was.request.command()}. "
            f"Asked now: {request.command()}. Choose another --out, or train anew there with --overwrite."
        )


def refuse_edited_network(folder: Path, was: Started, request: Request) -> None:
    """Refuse to answer for a network of one's own that is built otherwise by now than a finished run's was.

    Raises:
        UsageFault: With each layer that differs, or what building it raises.
        CorruptFault: When the run's manifest is damaged.
    """
    recipe = dataclasses.replace(request, chosen=was.request.chosen).recipe(was.origin.dataset)
    if was.network is None or recipe.architecture in BUILTIN:
        return
    from recipes.train import network

    then = manifests.read(folder)
    height, width, channels = then.model.input_shape
    load_backend()
    now = network.build(recipe, (height, width, channels), len(then.data.class_names), request.seed, None)
    if changes := network.differences(was.network, network.describe(now)):
        raise UsageFault(
            f"{folder} holds the run of another network: {'; '.join(changes)}. Choose another --out, or train anew "
            "there with --overwrite."
        )


def refuse_other_backend(folder: Path, was: Started) -> None:
    """Refuse to take a run for one on another backend of Keras than it was started on: its numbers would be others.

    Raises:
        UsageFault: With both.
    """
    if was.backend == (now := chosen()):
        return
    mend = f"Go on with KERAS_BACKEND={was.backend}, or start a new run."
    if run_folder.is_finished(folder):
        mend = f"Ask for it with KERAS_BACKEND={was.backend}, choose another --out, or train anew with --overwrite."
    raise UsageFault(f"{folder} was started on {was.backend}, and Keras is set to {now}. {mend}")


def refuse_other_images(job: Job, splits: Splits) -> None:
    """Refuse to go on with other images than the run was started with; keeps their fingerprint.

    Raises:
        UsageFault: With both fingerprints.
    """
    if job.fingerprint not in (None, splits.fingerprint):
        raise UsageFault(
            f"The data changed since {job.folder} was started (fingerprint {job.fingerprint[:12]} then, "
            f"{splits.fingerprint[:12]} now). Start a new run."
        )
    job.fingerprint = splits.fingerprint


def refuse_other_network(job: Job, now: dict[str, Any]) -> None:
    """Refuse to go on with another network than the run was started with; keeps its description.

    Raises:
        UsageFault: With each layer that differs.
    """
    from recipes.train import network

    if job.network is not None and (changes := network.differences(job.network, now)):
        raise UsageFault(
            f"The network changed since {job.folder} was started: {'; '.join(changes)}. "
            "Undo the change, or start a new run."
        )
    job.network = now


def refuse_epochs_without_effect(job: Job, saved: TrainingState | None) -> None:
    """Refuse more epochs for a phase that the training has left, or that ends by its patience.

    Raises:
        UsageFault: With the phase.
    """
    if saved is None:
        return
    phases = job.recipe.phases
    for index, phase in enumerate(phases[: saved.phase + 1]):
        by_patience = phase.patience is not None and saved.waited >= phase.patience
        if phase.name in job.longer and (index < saved.phase or by_patience):
            reason = f"{phases[saved.phase].name!r} trains now" if index < saved.phase else "its patience is used up"
            raise UsageFault(
                f"Phase {phase.name!r} of {job.folder} has ended ({reason}): --set phases.{phase.name}.epochs="
                f"{phase.epochs} cannot change it. Leave it out, or start a new run with it."
            )


def finished(
    job: Job,
    splits: Splits,
    outcome: Outcome,
    metrics: dict[str, Any],
    refused: Refused | None = None,
    point: operating_point.OperatingPoint | None = None,
    growth: Growth | None = None,
) -> Manifest:
    """The manifest of a finished run, before its files are known."""
    from recipes import precision
    from recipes.files import model_file

    return Manifest(
        recipe=job.recipe.name,
        variant=job.request.variant,
        overrides=list(job.request.overrides),
        chosen=list(job.request.chosen),
        seed=job.request.seed,
        smoke=job.request.smoke,
        precision=precision.computes_in(outcome.model, job.request.precision),
        backend=chosen(),
        command=job.request.command(),
        result=Result(
            test_accuracy=metrics["test"]["accuracy"],
            validation_accuracy=metrics["validation"]["accuracy"],
            published_accuracy=job.recipe.published_accuracy,
            epochs=len(outcome.history),
            kept_epoch=outcome.kept,
        ),
        data=Data(
            kind=job.origin.kind,  # type: ignore[arg-type]
            dataset=job.origin.dataset,
            path=str(job.origin.path),
            notice=job.origin.notice,
            decisions=job.request.decisions,
            group_by=job.request.group_by,
            fingerprint=splits.fingerprint,
            class_names=list(splits.class_names),
            counts=splits.counts(),
        ),
        weights=Weights(kind=job.weights.kind, path=str(job.weights.path), sha256=job.weights.sha256)
        if job.weights
        else None,
        modules=model_file.modules_of_run(outcome.model, job.request.name, job.recipe.architecture),
        model=Model(**environment.model_facts(outcome.model, job.recipe.architecture)),
        network=job.network["digest"] if job.network else None,
        doctor=job.findings,  # type: ignore[arg-type]
        boundary={phase: FrozenPass(**facts) for phase, facts in outcome.boundary.items()},
        none_of_these=NoneOfThese(**vars(refused)) if refused else None,
        operating_point=OperatingPoint(**vars(point)) if point else None,
        version=growth.version if growth else 1,
        why=growth.words() if growth else f"the first, on {len(splits.train):,} training images",
        after=After(**growth.as_dict()) if growth else None,
        schedule_changes=[ScheduleChange(**change) for change in outcome.schedule_changes],
        settings=job.recipe.as_dict(),
        seconds=job.seconds,
        versions=environment.versions(),
        hardware=Hardware(**environment.hardware()),
    )
