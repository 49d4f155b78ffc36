"""Execute a recipe: data, model, phases, evaluation, report, into one run folder."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import zoo
from recipes import data
from recipes.console.backend import load_backend
from recipes.console.screen import RESULT, Screen
from recipes.console.signals import Signals
from recipes.errors import DivergedFault, UsageFault
from recipes.execution import ending, environment, examination, prepare, record
from recipes.execution.job import FrozenPass, Job
from recipes.execution.record import refuse_other_request
from recipes.execution.request import Request
from recipes.files import atomic, earlier_run, history_files, model_file, run_folder
from recipes.inference import bundle
from recipes.recipe.diff import refuse_changes
from recipes.train import checkpoint

if TYPE_CHECKING:
    import keras

    from recipes.evaluate import operating_point
    from recipes.evaluate.growth import Growth
    from recipes.evaluate.none_of_these import Refused
    from recipes.evaluate.predictions import Predictions
    from recipes.recipe import Phase
    from recipes.train.engine import Outcome
    from recipes.train.heads.learning_curve import LearningCurve

log = logging.getLogger("recipes")


def start(
    request: Request,
    *,
    out: Path | None,
    overwrite: bool,
    screen: Screen,
    signals: Signals,
    frozen_pass: FrozenPass | None = None,
) -> dict[str, Any]:
    """Execute a request in a new folder.

    Args:
        request: What to do.
        out: The run folder; default `runs/<name>/<UTC time>-seed<N>`.
        overwrite: Retrain in a folder that holds a run.
        screen: Where to say it.
        signals: Asked whether to stop.
        frozen_pass: Keeps what the frozen part gives, before the training looks for it.

    Returns:
        The run's manifest.

    Raises:
        Fault: Whatever the user can mend; see `recipes.errors`.
    """
    wanted = request.recipe(request.dataset())  # A typing error shows before anything is touched.
    _require_extras(request)
    folder = out or run_folder.new(Path("runs"), wanted.name, request.seed)
    if data.is_own(request.data):
        examination.refuse_inside(folder, Path(request.data))
    with atomic.disk_faults(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with run_folder.owned(folder):
        again = run_folder.is_started(folder) and overwrite
        if not again and (run_folder.is_started(folder) or run_folder.is_finished(folder)):
            was = record.read_started(folder)
            refuse_other_request(folder, was, request)
            record.refuse_other_backend(folder, was)
            if run_folder.is_finished(folder):
                record.refuse_edited_network(folder, was, request)
                return ending.already_done(folder, request)
            if was.fingerprint is not None or (folder / run_folder.AUDITION).exists():
                raise UsageFault(
                    f"{folder} holds an unfinished run. Go on with: {resume_command(folder)}; "
                    "or train anew with --overwrite."
                )
            run_folder.clear(folder)  # Its images were never read to their end: it begins again, with those of now.
        with nullcontext() if again else run_folder.claimed(folder):
            load_backend()
            outline = prepare.outline(request)
            job = Job(outline.request, outline, folder, screen, signals, frozen_pass=frozen_pass)
        # A run that cannot begin takes nothing away of the one before.
        with run_folder.set_aside(folder) if again else run_folder.begun(folder):
            atomic.write_json(folder / run_folder.STARTED, record.started(job))
            ready = _prepare(job)
        return _run(job, ready)


def resume(
    folder: Path,
    overrides: tuple[tuple[str, str], ...],
    *,
    require_accuracy: float | None = None,
    export: str | None = None,
    tensorboard: bool = False,
    modules: tuple[str, ...] = (),
    screen: Screen,
    signals: Signals,
    frozen_pass: FrozenPass | None = None,
) -> dict[str, Any]:
    """Go on with a run that was stopped or killed. Only the number of epochs may have grown.

    Args:
        folder: The run folder; of a run that has ended, its result is told again.
        overrides: (path, value) pairs: more epochs.
        require_accuracy: In place of what the run was started with, as are those that follow.
        export: A format to export to when the run has ended.
        tensorboard: Also write each epoch's figures as TensorBoard events.
        modules: Imported in place of those the run was started with.
        screen: Where to say it.
        signals: Asked whether to stop.
        frozen_pass: Keeps what the frozen part gives, before the training looks for it.

    Raises:
        Fault: Whatever the user can mend; see `recipes.errors`.
    """
    if not run_folder.is_started(folder) and not run_folder.is_finished(folder):
        raise UsageFault(f"{folder} is not the folder of a run: it has no {run_folder.STARTED}.")
    with run_folder.owned(folder):
        started = record.read_started(folder)
        request = replace(
            started.request,
            overrides=(*started.request.overrides, *overrides),
            require_accuracy=started.request.require_accuracy if require_accuracy is None else require_accuracy,
            export=export or started.request.export,
            tensorboard=tensorboard or started.request.tensorboard,
            modules=modules or started.request.modules,
        )
        _require_extras(request)
        if run_folder.is_finished(folder) and not overrides:
            return ending.already_done(folder, request)
        if request.modules:
            load_backend()  # Quietly, for they may import it.
        for module in request.modules:
            model_file.import_module(module)
        recipe = request.recipe(started.origin.dataset)  # Here a misspelt path shows.
        if run_folder.is_finished(folder):
            given = " ".join(f"--set {path}={value}" for path, value in overrides)
            raise UsageFault(f"The run in {folder} has ended, and {given} cannot change it. Start a new run with it.")
        longer = refuse_changes(started.recipe, recipe)
        record.refuse_other_backend(folder, started)
        again = {"sample": "sample", "photos": request.data}.get(started.origin.kind, "full")
        load_backend()
        origin = data.find(request.dataset(), again, request.data_dir, request.decisions, group_by=request.group_by)
        outline = prepare.outline(request, origin)
        if (outline.weights.sha256 if outline.weights else None) != started.weights:
            raise UsageFault(f"The pretrained weights changed since {folder} was started. Start a new run.")
        job = Job(
            request, outline, folder, screen, signals, started.fingerprint, started.network, longer,
            frozen_pass=frozen_pass,
        )  # fmt: skip
        return _run(job, _prepare(job))


def _require_extras(request: Request) -> None:
    """Say at once what a request needs that is not installed."""
    if request.export is not None:
        bundle.require(request.export)
    if request.tensorboard:
        history_files.require_tensorboard()


def _prepare(job: Job) -> prepare.Prepared:
    """The first part of the walk: images and network, which are those the run was started with."""
    with job.screen.logging_to(job.folder / "log.txt"):
        _announce(job)
        with job.stage("data"):
            ready = prepare.prepare(job.request, job.screen, known=job.outline, folder=job.folder)
            job.take(ready)
            if job.recipe.epochs() != job.asked.epochs():
                log.info("epochs %d in place of %d: few photos make few steps", job.recipe.epochs(), job.asked.epochs())
            if job.recipe.class_weights and not job.asked.class_weights:
                log.info(
                    "class_weights=balanced: a class has more than twice the photos of another (against it: "
                    "--set class_weights=none)"
                )
            record.refuse_other_network(job, ready.network)
            record.refuse_other_images(job, ready.splits)
    return ready


def _run(job: Job, ready: prepare.Prepared) -> dict[str, Any]:
    """The rest of the walk: phases, evaluation, report."""
    splits = ready.splits
    with job.screen.logging_to(job.folder / "log.txt"):
        saved = checkpoint.load(job.folder / run_folder.STATE, job.recipe, len(splits.train))
        record.refuse_epochs_without_effect(job, saved)
        atomic.write_json(job.folder / run_folder.STARTED, record.started(job))
        log.info("data   %s", environment.describe_data(splits))

        with job.stage("train", saved.seconds if saved else 0.0) as clock:
            if job.frozen_pass is not None and not (saved and saved.phase):
                job.frozen_pass(ready, job.screen)
            outcome = _train(job, splits, ready.model, saved, clock)
        if job.origin.kind == "photos" and not job.request.smoke:
            with job.stage("learning curve"):
                job.curve = _learning_curve(job, ready, outcome)
        with job.stage("evaluate"):
            tables, metrics, refused = _evaluate(job, splits, outcome)
            point = _operating_point(job, ready, outcome, tables)
            metrics |= {"operating_point": vars(point)} if point else {}
        growth = _growth(job, tables["test"])
        manifest = record.finished(job, splits, outcome, metrics, refused, point, growth)
        with job.stage("report"):
            from recipes.execution import artifacts

            artifacts.write_results(job.folder, outcome, tables, metrics, manifest, splits)
            artifacts.write_golden(job.folder, splits.test)
        ending.say_result(job, manifest)
        if growth is not None:
            log.log(RESULT, "version %d: %s", growth.version, growth.words())
        for words in point.words() if point else ():
            log.log(RESULT, "%s", words)
        log.log(RESULT, "report %s", job.folder / run_folder.REPORT)
        ending.say_next(job, manifest, tables)
    run_folder.close(job.folder, manifest.as_dict())
    ending.require(job.request, manifest)
    if job.request.export is not None:
        ending.export(job.folder, job.request.export)
    return manifest.as_dict() | {"folder": str(job.folder)}


def _train(
    job: Job,
    splits: data.Splits,
    model: keras.Model,
    saved: checkpoint.TrainingState | None,
    clock: Callable[[], float],
) -> Outcome:
    from recipes import precision
    from recipes.train import engine

    if saved is not None:
        phase = job.recipe.phases[saved.phase].name
        step = f", step {saved.step}" if saved.step else ""
        log.info("resume after epoch %d of phase %r%s", saved.epoch, phase, step)
    number_format = precision.computes_in(model, job.request.precision)
    if all(phase.is_solved for phase in job.recipe.phases):
        log.info("train  %s, the head is solved for, in no steps", number_format)
    else:
        log.info(
            "train  %s, %d epochs at most, batches of %d", number_format, job.recipe.epochs(), job.recipe.batch_size
        )

    with job.screen.epochs(job.recipe.epochs(), len(saved.history) if saved else 0) as lines, job.signals.deferred():

        def on_epoch(phase: Phase, row: dict[str, Any], worker: keras.Model, is_best: bool) -> None:
            lines.epoch(phase, row, is_best)
            if phase.save_every_epoch:
                name = f"{row['epoch']:02d}-{row['val_accuracy']:.4f}.weights.h5"
                (job.folder / "checkpoints").mkdir(exist_ok=True)
                with atomic.atomic_path(job.folder / "checkpoints" / name) as path:
                    worker.save_weights(path)

        def on_save(current: checkpoint.TrainingState) -> None:
            current.seconds = clock()
            checkpoint.save(job.folder / run_folder.STATE, current)
            if current.history and not current.step:
                history_files.write_history(job.folder, current.history)
                if job.request.tensorboard:
                    history_files.write_events(job.folder, current.history[-1], len(current.history))

        hooks = engine.Hooks(
            on_save=on_save,
            on_step=lines.step,
            on_pass=lines.frozen_pass,
            on_epoch=on_epoch,
            stop_requested=lambda: job.signals.received is not None,
        )
        try:
            return engine.train(
                job.recipe,
                splits,
                model,
                seed=job.request.seed,
                precision=job.request.precision,
                state=saved,
                hooks=hooks,
            )
        except engine.StopRequested:
            raise job.signals.interrupted(
                f"Stopped; everything so far is saved. Go on with: {resume_command(job.folder)}"
            ) from None
        except DivergedFault as fault:
            raise DivergedFault(f"{fault}. {_keep_best(job, model, splits)}") from None


def _learning_curve(job: Job, ready: prepare.Prepared, outcome: Outcome) -> LearningCurve | None:
    """How accuracy grows with the photos, measured by folds and kept in the run's folder; `None` where it cannot be."""
    from recipes.train.heads import learning_curve

    curve = learning_curve.of_run(job.recipe, outcome, ready.splits, ready.groups)
    if curve is not None:
        atomic.write_json(job.folder / run_folder.LEARNING_CURVE, curve.as_dict())
    return curve


def _evaluate(
    job: Job, splits: data.Splits, outcome: Outcome
) -> tuple[dict[str, Predictions], dict[str, Any], Refused | None]:
    """What the network says of validation and test images, the scores, and how many it calls none of its classes."""
    from recipes.evaluate import likeness, none_of_these, predictions
    from recipes.evaluate.metrics import scores

    photos = likeness.learned(outcome.model, outcome.last, splits)
    tables = {}
    for name in ("validation", "test"):
        scored, columns = outcome.model, 0
        if photos is not None and name == "validation":
            scored, columns = likeness.extended(outcome.model, photos, joined=True), 1
        elif photos is not None:
            scored, columns = likeness.compared(outcome.model, photos), len(photos)
        with job.screen.counting(f"{name} images") as watch:
            model, images = _to_score(scored, outcome, splits, name, watch)
            # What passed the frozen part already needs no second line.
            shown = watch if images is getattr(splits, name) else lambda done, total: None
            tables[name] = predictions.predict(model, images, splits.class_names, shown, likenesses=columns)
    if photos is not None and (nearest := tables["test"].nearest) is not None:
        kept = likeness.chosen(splits.train.labels, photos.shape[1])
        tables["test"] = replace(tables["test"], nearest=kept[nearest])
    metrics = {name: scores(table) for name, table in tables.items()}
    if photos is None:
        return tables, metrics, None
    validation = likeness.of_validation(outcome, photos, tables["validation"], splits.validation)
    known, refused = none_of_these.fixed(photos, validation, np.asarray(tables["test"].likeness))
    none_of_these.save(job.folder / none_of_these.FILE, known)
    return tables, metrics, refused


def _operating_point(
    job: Job, ready: prepare.Prepared, outcome: Outcome, tables: dict[str, Predictions]
) -> operating_point.OperatingPoint | None:
    """From which probability on a class is said, where a recall or precision is asked of it; says what it is worth."""
    from recipes.evaluate import operating_point
    from recipes.train.heads import out_of_fold

    wanted = job.request.wanted()
    if wanted is None:
        return None
    by_folds = out_of_fold.of_run(job.recipe, outcome, ready.splits, ready.groups)
    return operating_point.fixed(wanted, tables, by_folds, ready.splits.train.labels)


def _growth(job: Job, test: Predictions) -> Growth | None:
    """What is new since the earlier run, and who is better on its test photos; `None` where there is none."""
    if job.request.after is None:
        return None
    from recipes.evaluate.growth import growth

    return growth(earlier_run.read(Path(job.request.after)), earlier_run.read_division(job.folder), test)


def _to_score(
    model: keras.Model, outcome: Outcome, splits: data.Splits, name: str, watch: Callable[[int, int], None]
) -> tuple[keras.Model, data.Images]:
    """A network, and a split as it takes it: images that passed the frozen part do not pass it again.

    Validation images passed it in the run. Test images pass it now, in float32; what it finds in them is kept for the
    next run, where it is smaller than they are.
    """
    from recipes.freeze.feature_cache import cache, is_small
    from recipes.freeze.layers import split_at

    images, last = getattr(splits, name), outcome.last
    if last is None or not (name == "validation" or is_small(last.validation)):
        return model, images
    prefix, suffix = split_at(model, last.layer)
    kept = last.validation if name == "validation" else cache(prefix, images.pixels, dtype="float32", watch=watch)
    return suffix, replace(images, pixels=kept)


def _keep_best(job: Job, model: keras.Model, splits: data.Splits) -> str:
    """After a divergence: save the best epoch's weights, if there was an epoch, and say so."""
    from recipes.execution import artifacts
    from recipes.train import engine

    saved = checkpoint.load(job.folder / run_folder.STATE, job.recipe)
    if saved is None or not saved.history:
        return "No epoch had ended, so there is nothing to keep."
    engine.restore_best(model, job.recipe, saved)
    artifacts.save_model(model, job.folder / "best.keras", splits.class_names, job.recipe.square)
    return f"The best epoch so far ({saved.best_epoch}) is kept in {job.folder / 'best.keras'}"


def resume_command(folder: Path) -> str:
    """The command that goes on with a run."""
    return f"python -m recipes.run --resume {shlex.quote(str(folder))}"


def _announce(job: Job) -> None:
    facts = zoo.info(job.recipe.architecture)
    log.info("%s, %s, seed %d: %s", job.recipe.name, job.request.variant, job.request.seed, facts.use)
    if job.weights:
        log.info("weights from %s: %s (sha256 %s...)", job.weights.kind, job.weights.path, job.weights.sha256[:12])
    if job.origin.notice:
        log.warning("NOTICE %s", job.origin.notice)
