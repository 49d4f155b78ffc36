"""What a run writes down about itself, typed: `run.json` when it begins, `manifest.json` when it has ended."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, Field, FiniteFloat

from recipes import conditions, rundir, typed
from recipes.request import Request

if TYPE_CHECKING:
    from recipes.data import Splits
    from recipes.engine import Outcome
    from recipes.execute import Job

# The form that is written today, and the latest that is read. A file without a number has the first.
FORMAT = 1

Format: TypeAlias = Annotated[int, Field(ge=1, le=FORMAT)]
Count: TypeAlias = Annotated[int, Field(ge=0)]
Share: TypeAlias = Annotated[FiniteFloat, Field(ge=0, le=1)]
Seconds: TypeAlias = Annotated[FiniteFloat, Field(ge=0)]
Sha256: TypeAlias = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Kind: TypeAlias = Literal["tfds", "download", "sample", "photos"]


def _settings(settings: dict[str, Any]) -> dict[str, Any]:
    """A recipe's values as far as a comparison must rely on them; what else is in them is compared, not read."""
    phases = settings.get("phases")
    if not isinstance(phases, list) or not phases:
        raise ValueError("'phases' must be a list of phases")
    for phase in phases:
        epochs = phase.get("epochs") if isinstance(phase, dict) else None
        if not isinstance(epochs, int) or isinstance(epochs, bool) or not isinstance(phase.get("name"), str):
            raise ValueError(f"each phase must have a 'name' and whole 'epochs'. Got {phase!r:.80}")
    return settings


Settings: TypeAlias = Annotated[dict[str, Any], AfterValidator(_settings)]


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the images of a run come from, see `recipes.data.Origin`."""

    kind: Kind
    dataset: str


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
    """

    request: Request
    recipe: Settings
    origin: Place
    weights: Sha256 | None = None
    fingerprint: str | None = None
    network: dict[str, Any] | None = None
    format: Format = FORMAT


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
        )
    )


def read_started(folder: Path) -> Started:
    """What a run was started with.

    Raises:
        CorruptFault: When `run.json` is missing or damaged; the message names the field.
    """
    return typed.read(folder / rundir.STARTED, Started)


def finished(job: Job, splits: Splits, outcome: Outcome, metrics: dict[str, Any]) -> dict[str, Any]:
    """The manifest of a finished run: what was asked, on what, with what, and what came of it."""
    from recipes import precision

    return {
        "recipe": job.recipe.name,
        "variant": job.request.variant,
        "overrides": [list(pair) for pair in job.request.overrides],
        "seed": job.request.seed,
        "smoke": job.request.smoke,
        "precision": precision.choose(job.request.precision),
        "command": job.request.command(),
        "result": {
            "test_accuracy": metrics["test"]["accuracy"],
            "validation_accuracy": metrics["validation"]["accuracy"],
            "published_accuracy": job.recipe.published_accuracy,
            "epochs": len(outcome.history),
            "kept_epoch": outcome.kept,
        },
        "data": {
            "kind": job.origin.kind,
            "dataset": job.origin.dataset,
            "path": str(job.origin.path),
            "notice": job.origin.notice,
            "fingerprint": splits.fingerprint,
            "class_names": list(splits.class_names),
            "counts": splits.counts(),
        },
        "weights": {"kind": job.weights.kind, "path": str(job.weights.path), "sha256": job.weights.sha256}
        if job.weights
        else None,
        "model": conditions.model_facts(outcome.model, job.recipe.architecture),
        "doctor": job.findings,
        "boundary": outcome.boundary,
        "settings": job.recipe.as_dict(),
        "seconds": job.seconds,
        "versions": conditions.versions(),
        "hardware": conditions.hardware(),
    }
