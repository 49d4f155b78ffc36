"""What a run writes down, from what is known of it: `run.json` as it begins, `manifest.json` when it has ended."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from recipes import conditions
from recipes.manifest import (
    Data,
    FrozenPass,
    Hardware,
    Manifest,
    Model,
    Place,
    Result,
    ScheduleChange,
    Started,
    Weights,
)

if TYPE_CHECKING:
    from recipes.data import Splits
    from recipes.engine import Outcome
    from recipes.job import Job


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


def finished(job: Job, splits: Splits, outcome: Outcome, metrics: dict[str, Any]) -> Manifest:
    """The manifest of a finished run, before its files are known."""
    from recipes import model_file, precision

    return Manifest(
        recipe=job.recipe.name,
        variant=job.request.variant,
        overrides=list(job.request.overrides),
        seed=job.request.seed,
        smoke=job.request.smoke,
        precision=precision.choose(job.request.precision),
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
            fingerprint=splits.fingerprint,
            class_names=list(splits.class_names),
            counts=splits.counts(),
        ),
        weights=Weights(kind=job.weights.kind, path=str(job.weights.path), sha256=job.weights.sha256)
        if job.weights
        else None,
        modules=model_file.modules_of_run(outcome.model, job.request.name, job.recipe.architecture),
        model=Model(**conditions.model_facts(outcome.model, job.recipe.architecture)),
        network=job.network["digest"] if job.network else None,
        doctor=job.findings,  # type: ignore[arg-type]
        boundary={phase: FrozenPass(**facts) for phase, facts in outcome.boundary.items()},
        schedule_changes=[ScheduleChange(**change) for change in outcome.schedule_changes],
        settings=job.recipe.as_dict(),
        seconds=job.seconds,
        versions=conditions.versions(),
        hardware=Hardware(**conditions.hardware()),
    )
