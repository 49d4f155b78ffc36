"""Search a recipe's settings: keras-tuner proposes, the engine trains, and what a trial gave is remembered.

Every finished trial is a file of its own. A search that is started again asks keras-tuner for the same proposals in the
same order and answers from these files, so that it comes to where it was, whatever the tuner keeps in memory; then it
goes on. keras-tuner's own project files are not relied upon.
"""

from __future__ import annotations

import dataclasses
import logging
import math
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import keras
import keras_tuner
from sklearn.exceptions import ConvergenceWarning

from recipes.console.signals import Signals
from recipes.errors import CorruptFault, DivergedFault, MemoryFault, UsageFault
from recipes.execution import prepare
from recipes.files import atomic, run_folder, typed
from recipes.recipe import Recipe
from recipes.study.searches.trial import Retraining, Trainer, Trial

if TYPE_CHECKING:
    from recipes.study.searches.settings import Settings

TUNERS = {
    "random": keras_tuner.RandomSearch,
    "bayesian": keras_tuner.BayesianOptimization,
    "hyperband": keras_tuner.Hyperband,
}
TRIALS, RETRAINED = "trials", "retrained"
Record = TypeVar("Record", Trial, Retraining)
log = logging.getLogger("recipes")


@dataclass
class Search:
    """One search of one recipe in one folder.

    Attributes:
        recipe: Says what is searched, in `tune`; all else stays as it is.
        trainer: Trains the trials.
        folder: Where trials are remembered.
        tuner: A name of `TUNERS`.
        objective: `"val_accuracy"` or `"val_loss"`.
        trials: Trials, at most.
        hours: No trial is begun after so many hours of trials; `None` sets no limit.
        seed: Fixes the proposals and every training.
        on_trial: Called with each finished trial, those that were remembered too.
        elsewhere: Trains a trial in place of this process, as `try_out` does.
    """

    recipe: Recipe
    trainer: Trainer
    folder: Path
    tuner: str = "bayesian"
    objective: str = "val_accuracy"
    trials: int = 20
    hours: float | None = None
    seed: int = 42
    on_trial: Callable[[Trial], None] = lambda trial: None
    elsewhere: Callable[[Search, Trial], Trial] | None = None
    found: list[Trial] = field(default_factory=list)

    def run(self) -> list[Trial]:
        """Search, or go on with a search.

        Returns:
            All trials, in their order.

        Raises:
            CorruptFault: When what is remembered does not fit this search.
            Fault: Whatever else stops a training; a trial that diverges or does not fit into memory is remembered.
        """
        self.propose()
        shutil.rmtree(self.folder / run_folder.STATE, ignore_errors=True)
        return self.found

    def propose(self) -> None:
        """Ask keras-tuner for proposals until there are enough, and find out or remember what each gives."""
        with tempfile.TemporaryDirectory() as project:
            tuner = _with_memory(self, project)
            tuner.oracle.max_trials = self.trials
            tuner.oracle.verbose = 0
            try:
                with warnings.catch_warnings():
                    # Of a failed trial's figures the tuner takes the best all the same, and figures that are mostly
                    # noise make its Gaussian process complain.
                    warnings.filterwarnings("ignore", "All-NaN", RuntimeWarning)
                    warnings.simplefilter("ignore", ConvergenceWarning)
                    # A signal within keras-tuner's own code would leave its lock taken, or pass for a failed trial.
                    with self.trainer.signals.deferred():
                        tuner.search()
            except keras_tuner.errors.FatalError as error:
                raise error.__cause__ or error from None

    def best(self) -> Trial | None:
        """The trial with the best figure, of those that trained longest; `None` when none has a figure."""
        whole = [trial for trial in self.found if not trial.failed]
        longest = max((trial.epochs for trial in whole), default=0)
        whole = [trial for trial in whole if trial.epochs == longest]
        return min(whole, key=self._rank) if whole else None

    def retrain(self, trial: Trial | None, seed: int) -> dict[str, Any]:
        """Train a trial's settings (`None`: the recipe as it was) on another seed, once; later calls remember it.

        Returns:
            The seed, val_accuracy and val_loss, or the reason why it failed, and seconds.
        """
        name = f"{'page' if trial is None else f'trial-{trial.number:04d}'}-seed{seed}"
        path, states = self.folder / RETRAINED / f"{name}.json", self.folder / RETRAINED / name
        if known := _read(path, Retraining):
            shutil.rmtree(states, ignore_errors=True)  # Of a process that was killed before it came to that.
            return known.as_dict()
        with atomic.disk_faults(states):  # A folder of a search that was deleted meanwhile is not made anew.
            path.parent.mkdir(exist_ok=True)
            states.mkdir(exist_ok=True)
        recipe = self.recipe if trial is None else self.applied(trial.values)
        began = time.monotonic()
        figures: dict[str, Any] = {"seed": seed}
        try:
            figures |= self.trainer.train(recipe, self.build(recipe, seed), states, seed=seed, epochs=recipe.epochs())
        except DivergedFault as fault:
            figures["reason"] = str(fault)
        figures["seconds"] = round(time.monotonic() - began, 2)
        atomic.write_json(path, figures)
        shutil.rmtree(states)
        log.info("%s: %s", name, figures.get("reason") or f"val_accuracy {figures['val_accuracy']:.4f}")
        return figures

    def applied(self, values: Mapping[str, Any]) -> Recipe:
        """The recipe with a trial's values."""
        recipe = self.recipe
        for path, value in values.items():
            recipe = recipe.override(path, value)
        return recipe

    def build(self, recipe: Recipe, seed: int) -> keras.Model:
        """A recipe's fresh network."""
        weights = self.trainer.weights
        if recipe.weights == "imagenet":  # Those of the base, which a trial may choose.
            weights = prepare.find_weights(recipe)
        return prepare.build(recipe, self.trainer.splits, seed, weights)

    def train(self, proposed: Trial) -> dict[str, Any]:
        """Train what a trial proposes, from where it stands or from the trial that it goes on with."""
        recipe, folder = self.applied(proposed.values), self.states(proposed.number)
        note = folder.with_suffix(".json")
        if _read(note, Trial) != proposed:  # It was guessed that another trial would come here.
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        atomic.write_json(note, dataclasses.asdict(proposed))
        before = None if proposed.goes_on is None else self.states(proposed.goes_on)
        model = self.build(recipe, self.seed)
        return self.trainer.train(recipe, model, folder, seed=self.seed, epochs=proposed.epochs, before=before)

    def try_out(self, proposed: Trial) -> Trial:
        """Train what a trial proposes; gives the trial with its figures, or with the reason why it has none."""
        began = time.monotonic()
        # As `Tuner.run_trial` without its callbacks, which want TensorBoard installed.
        keras.utils.clear_session()
        figures: dict[str, Any]
        try:
            figures = self.train(proposed)
        except (DivergedFault, MemoryFault, UsageFault) as fault:
            figures = {"reason": str(fault)}
        return dataclasses.replace(proposed, **figures, seconds=round(time.monotonic() - began, 2))

    def is_over(self) -> bool:
        """Whether no further trial is to begin."""
        spent = sum(ended.seconds for ended in self.found) / 3600
        return self.hours is not None and spent >= self.hours

    def _rank(self, trial: Trial) -> tuple[float, float]:
        accuracy, loss = -(trial.val_accuracy or 0), trial.val_loss or math.inf
        return (accuracy, loss) if self.objective == "val_accuracy" else (loss, accuracy)

    def drawn(self, hyperparameters: keras_tuner.HyperParameters) -> dict[str, Any]:
        """The values that a proposal means."""
        return {path: space.read(hyperparameters.values[path]) for path, space in self.recipe.tune.items()}

    def remembered(self, proposed: Trial) -> Trial | None:
        """The trial as it ended in an earlier call, if it did.

        Raises:
            CorruptFault: When another trial is remembered under its number.
        """
        path = self._path(proposed)
        trial = _read(path, Trial)
        if trial is None:
            return None
        if (trial.values, trial.epochs, trial.goes_on) != (proposed.values, proposed.epochs, proposed.goes_on):
            raise CorruptFault(
                f"{path} holds another trial than keras-tuner proposes now: the search was made with other versions "
                "or changed by hand. Search anew with --overwrite, or in another --out."
            )
        return trial

    def remember(self, trial: Trial) -> None:
        """Write a finished trial. Its training state stays for Hyperband to go on with; others need it no more."""
        path = self._path(trial)
        path.parent.mkdir(exist_ok=True)
        atomic.write_json(path, dataclasses.asdict(trial))
        if self.tuner != "hyperband":
            shutil.rmtree(self.states(trial.number), ignore_errors=True)

    def states(self, number: int) -> Path:
        """Where the training state of a trial is kept."""
        return self.folder / run_folder.STATE / f"{number:04d}"

    def _path(self, trial: Trial) -> Path:
        return self.folder / TRIALS / f"{trial.number:04d}.json"


def _read(path: Path, kind: type[Record]) -> Record | None:
    """What a search noted of a training; `None` where it noted nothing, or the note is damaged: it trains again."""
    if not path.is_file():
        return None
    try:
        return typed.read(path, kind)
    except CorruptFault as fault:
        log.warning("warning: %s That training runs again.", fault)
        return None


def search_of(ready: prepare.Prepared, folder: Path, settings: Settings, signals: Signals) -> Search:
    """The search of a prepared request in a folder."""
    trainer = Trainer(ready.splits, ready.weights, ready.request.precision, signals)
    return Search(
        ready.recipe, trainer, folder, tuner=settings.tuner, objective=settings.objective, trials=settings.trials,
        hours=settings.hours, seed=ready.request.seed,
    )  # fmt: skip


def _with_memory(search: Search, project: str) -> keras_tuner.Tuner:
    """keras-tuner's tuner of the search's kind, which answers from memory what was answered before."""
    kind = TUNERS[search.tuner]

    class Remembering(kind):  # type: ignore[misc, valid-type]
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> dict[str, float]:
            given = trial.hyperparameters.values
            parent = given.get("tuner/trial_id")
            proposed = Trial(
                number=int(trial.trial_id),
                values=search.drawn(trial.hyperparameters),
                epochs=given.get("tuner/epochs", search.recipe.epochs()),
                goes_on=None if parent is None else int(parent),
            )
            try:
                search.trainer.refuse_to_go_on()
                ended = search.remembered(proposed)
                if ended is None:
                    ended = search.elsewhere(search, proposed) if search.elsewhere else search.try_out(proposed)
                    search.remember(ended)
                search.found.append(ended)
                search.on_trial(ended)
            except Exception as error:
                raise keras_tuner.errors.FatalError(str(error)) from error
            # To keras-tuner, a figure that is not a number is a failed trial.
            figures = {"val_accuracy": ended.val_accuracy, "val_loss": ended.val_loss}
            return {name: math.nan if value is None else value for name, value in figures.items()}

        def on_trial_end(self, trial: Any) -> None:
            super().on_trial_end(trial)
            if search.is_over():
                self.oracle.max_trials = len(search.found)

    space = keras_tuner.HyperParameters()
    for path, wanted in search.recipe.tune.items():
        wanted.declare(space, path)
    budget = {"max_epochs": search.recipe.epochs()} if search.tuner == "hyperband" else {"max_trials": search.trials}
    # Given a network to build, keras-tuner builds one before the first trial, to ask it for the ranges: here they are.
    return Remembering(
        objective=keras_tuner.Objective(search.objective, "max" if search.objective == "val_accuracy" else "min"),
        hyperparameters=space,
        seed=search.seed,
        # Failed trials are told with their reasons at the end; they do not end the search.
        max_consecutive_failed_trials=search.trials + 1,
        directory=project,
        project_name="search",
        **budget,
    )
