"""How a worker goes to work: with what the command has, and only as long as that runs.

Jobs follow from what they are given alone, and what they write is found again: one done twice is harmless.
"""

from __future__ import annotations

import random
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

from recipes.console.screen import Screen
from recipes.console.signals import Signals
from recipes.errors import Fault, UsageFault
from recipes.execution.request import Request
from recipes.study.cluster.terms import Terms
from zoo.cache import cache_folder

if TYPE_CHECKING:
    from distributed import Worker

    from recipes.execution.prepare import Prepared
    from recipes.freeze.boundary import Boundary

# How often it is looked whether the command still runs.
SECONDS = 1.0


def check(terms: Terms, dask_worker: Worker | None = None) -> None:
    """See whether a worker has what the command has.

    Args:
        terms: What that is.
        dask_worker: The worker, where it is asked beside its jobs; Dask fills it in.

    Raises:
        UsageFault: When it has not.
    """
    from distributed import get_worker

    terms.require(jobs_at_once=(dask_worker or get_worker()).state.nthreads)


def fill(terms: Terms, request: Request, stage: int, shard: tuple[int, int, int]) -> int:
    """Make one shard of what the first phase keeps of its frozen part; gives how many rows were made."""
    with at_work(terms) as (_, signals):
        from recipes.freeze.frozen_pass import Shard

        if (own := cache_folder()) != (shared := terms.token.parent):
            raise UsageFault(f"A worker's cache is {own}, and not {shared}. Let KERAS_ZOO_CACHE name that there.")

        def watch(done: int, total: int) -> None:
            if signals.received is not None:
                raise signals.interrupted("Stopped.")

        return _boundary(request).fill(0, stage, Shard(*shard), watch)


def boundary_of(ready: Prepared) -> Boundary:
    """What the phases of a prepared request keep of the frozen part of its network."""
    from recipes import precision
    from recipes.train.phase import Phases

    network = precision.cast(ready.model, ready.request.precision)
    phases = Phases(ready.recipe, ready.splits, network, seed=ready.request.seed, precision=ready.request.precision)
    return phases.boundary


def draw_apart() -> None:
    """Let Dask draw its random numbers elsewhere: ours follow from seeds, and it draws in a thread beside them.

    It measures samples of its messages, with the numbers of Python's module `random`, which Keras's seeds come from.
    """
    own = random.Random()  # noqa: S311
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in ("dask", "distributed", "tornado"):
            for attribute, value in list(vars(module).items()):
                if value is random:
                    setattr(module, attribute, own)
                elif callable(value) and value is getattr(random, attribute, None) and hasattr(own, attribute):
                    setattr(module, attribute, getattr(own, attribute))


@contextmanager
def at_work(terms: Terms) -> Iterator[tuple[Screen, Signals]]:
    """Keras loaded, the command's terms held to, and a signal as soon as the command has ended."""
    from recipes.console.backend import load_backend
    from recipes.files.model_file import import_module

    load_backend()
    for module in terms.request.modules:
        import_module(module)
    check(terms)
    draw_apart()
    screen, signals, over = _silent(), Signals("The same command goes on."), threading.Event()

    def watch() -> None:
        while not over.wait(SECONDS):
            if not terms.token.exists():
                signals.received = signal.SIGINT

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield screen, signals
    except Fault as fault:
        # Behind it stand errors of Keras and of ours beside it: to read those the command would have to load them.
        fault.__cause__ = fault.__context__ = None
        raise
    finally:
        over.set()


@lru_cache(maxsize=1)
def prepared(request: Request) -> Prepared:
    """Everything that a request needs, read once by a worker that has several jobs of it."""
    from recipes.execution import prepare

    return prepare.prepare(request, _silent())


@lru_cache(maxsize=1)
def _boundary(request: Request) -> Boundary:
    return boundary_of(prepared(request))


def _silent() -> Screen:
    """A screen that shows nothing: what a run says is in its log.txt."""
    screen = Screen(quiet=True)
    screen.console.quiet = True
    return screen
