"""The trainings of a search as jobs of a cluster. A scheduler reads what they are given, and needs no Keras for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recipes.console.signals import Signals
from recipes.execution.request import Request
from recipes.study.cluster.terms import Terms
from recipes.study.cluster.worker import at_work, prepared
from zoo.cache import locked

if TYPE_CHECKING:
    from recipes.study.searches.search import Search
    from recipes.study.searches.settings import Settings


def try_out(
    terms: Terms, request: Request, settings: Settings, folder: Path, proposed: Mapping[str, Any]
) -> dict[str, Any]:
    """Train one trial of a search, from where it stands; gives it with its figures."""
    with at_work(terms) as (_, signals):
        from recipes.study.searches.trial import Trial

        search, trial = _search(request, settings, folder, signals), Trial(**proposed)
        state = search.states(trial.number)
        state.parent.mkdir(parents=True, exist_ok=True)
        # A worker that was given up for dead may work on.
        with locked(state.with_suffix(".lock")):
            return dataclasses.asdict(search.try_out(trial))


def retrain(
    terms: Terms, request: Request, settings: Settings, folder: Path, proposed: Mapping[str, Any] | None, seed: int
) -> float | str:
    """Train a trial's settings, or those of the page, on another seed; gives val_accuracy, or why there is none."""
    with at_work(terms) as (_, signals):
        from recipes.study.searches.search import RETRAINED
        from recipes.study.searches.trial import Trial

        trial = None if proposed is None else Trial(**proposed)
        (folder / RETRAINED).mkdir(exist_ok=True)
        with locked(folder / RETRAINED / f".{'page' if trial is None else trial.number}-{seed}.lock"):
            figures = _search(request, settings, folder, signals).retrain(trial, seed)
        return figures["val_accuracy"] if "val_accuracy" in figures else str(figures["reason"])


def _search(request: Request, settings: Settings, folder: Path, signals: Signals) -> Search:
    from recipes.study.searches.search import search_of

    return search_of(prepared(request).without_test(), folder, settings, signals)
