"""What follows when a run has ended: its result and the next command are said, then requirements and exports."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recipes.console.screen import RESULT
from recipes.errors import AccuracyFault, CorruptFault
from recipes.evaluate.statistics import wilson
from recipes.execution.job import Job
from recipes.execution.request import Request
from recipes.files import history_files, run_folder
from recipes.files import manifest as manifests
from recipes.files.manifest import Manifest

if TYPE_CHECKING:
    from recipes.evaluate.predictions import Predictions

log = logging.getLogger("recipes")


def say_result(job: Job, manifest: Manifest) -> None:
    """Say the accuracy, and what else is worth a line."""
    reached, published = manifest.result.test_accuracy, manifest.result.published_accuracy
    beside = f" (published {published:.4f}, {reached - published:+.4f})" if published else ""
    if job.origin.kind == "photos":
        images = manifest.data.images("test")
        low, high = wilson(round(reached * images), images)
        beside = f" (95% interval {low:.3f} to {high:.3f}, of {images:,} test photos)"
    if job.origin.kind == "sample":
        beside = f" on the sample (published on the full data: {published:.4f})" if published else " on the sample"
    log.log(RESULT, "test accuracy %.4f%s", reached, beside)
    if job.curve is not None:
        log.info("%s", job.curve.words())
    if manifest.boundary:
        log.info("the frozen part took %.0f%% of the run's time", 100 * manifest.frozen_share)
    if manifest.not_repeated:
        log.info("%s", manifest.not_repeated)


def say_next(job: Job, manifest: Manifest, tables: dict[str, Predictions]) -> None:
    """Say what to do now, the reason before each command: the last uses the network."""
    from recipes.report import next_step

    other = job.request.other_variant() if job.origin.kind != "photos" else None
    if other is not None:
        steps: tuple[next_step.Step, ...] = (next_step.Step(other.command()),)
    elif job.origin.kind != "photos" or job.request.smoke:
        steps = (next_step.use(str(job.folder)),)
    else:
        gain = job.curve.gain if job.curve else None
        steps = next_step.steps(next_step.of_run(manifest, tables, job.folder, gain=gain))
    for step in steps:
        if step.why:
            log.info("%s", step.why)
        log.info("next   %s", step.command)


def require(request: Request, manifest: Manifest) -> None:
    """Fail a run that is below the accuracy required of it, or has no operating point as required; its files stay.

    Raises:
        AccuracyFault: With both figures, or why no probability serves.
    """
    left = " Nothing was exported." if request.export else ""
    point = manifest.operating_point
    if point is not None and point.threshold is None:
        raise AccuracyFault(f"No operating point: {point.reason}.{left}")
    reached = manifest.result.test_accuracy
    if request.require_accuracy is not None and reached < request.require_accuracy:
        raise AccuracyFault(f"Test accuracy {reached:.4f} is below the required {request.require_accuracy:g}.{left}")


def export(folder: Path, kind: str) -> None:
    """Make a bundle in the run's folder, unless it is there.

    Raises:
        Fault: What `recipes.inference.bundle.make.export` raises.
    """
    made = folder / "export" / kind
    if made.is_dir():
        log.log(RESULT, "bundle %s is there already", made)
        return
    from recipes.inference.bundle import make

    agreement = make.export(folder, kind, made)
    log.log(RESULT, "bundle %s (compared on %s)", made, agreement.compared)


def already_done(folder: Path, request: Request) -> dict[str, Any]:
    """Tell a finished run's result again, and make the bundle that is asked for now.

    Raises:
        CorruptFault: When somebody has taken away its network or its report.
    """
    manifest = manifests.read(folder)
    lost = [name for name in (run_folder.MODEL, run_folder.REPORT) if not (folder / name).is_file()]
    if lost:
        raise CorruptFault(f"{folder} has lost its {' and its '.join(lost)}. --overwrite trains again.")
    log.log(
        RESULT, "already done: test accuracy %.4f, report %s (--overwrite trains again)",
        manifest.result.test_accuracy, folder / run_folder.REPORT,
    )  # fmt: skip
    if request.tensorboard and not (folder / history_files.EVENTS).exists():
        log.warning("NOTICE --tensorboard writes while a run trains, and this one has ended: there are no events.")
    require(request, manifest)
    if request.export is not None:
        export(folder, request.export)
    return manifest.as_dict() | {"folder": str(folder)}
