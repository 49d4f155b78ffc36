"""What a run writes down about itself: `run.json` when it begins, `manifest.json` when it has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recipes import conditions

if TYPE_CHECKING:
    from recipes.data import Splits
    from recipes.engine import Outcome
    from recipes.job import Job


def started(job: Job) -> dict[str, Any]:
    """What a resume needs to know: written before anything runs."""
    return {
        "request": job.request.as_dict(),
        "recipe": job.asked.as_dict(),
        "origin": {"kind": job.origin.kind, "dataset": job.origin.dataset},
        "weights": job.weights.sha256 if job.weights else None,
        "fingerprint": job.fingerprint,
        "network": job.network,
    }


def finished(job: Job, splits: Splits, outcome: Outcome, metrics: dict[str, Any]) -> dict[str, Any]:
    """The manifest of a finished run: what was asked, on what, with what, and what came of it."""
    from recipes import model_file, precision

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
        "modules": model_file.modules_of_run(outcome.model, job.request.name, job.recipe.architecture),
        "model": conditions.model_facts(outcome.model, job.recipe.architecture),
        "network": job.network and job.network["digest"],
        "doctor": job.findings,
        "boundary": outcome.boundary,
        "schedule_changes": outcome.schedule_changes,
        "settings": job.recipe.as_dict(),
        "seconds": job.seconds,
        "versions": conditions.versions(),
        "hardware": conditions.hardware(),
    }
