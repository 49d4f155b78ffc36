"""The connection to a cluster: workers on this machine, or those of a Dask scheduler anywhere."""

from __future__ import annotations

import logging
import secrets
import time
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recipes.console.screen import Screen
from recipes.errors import EnvironmentFault, Fault, MemoryFault, UsageFault, first_line
from recipes.execution.request import Request
from recipes.files.atomic import disk_faults
from recipes.study.cluster import worker
from recipes.study.cluster.terms import Terms
from zoo.cache import cache_folder

if TYPE_CHECKING:
    from distributed import Client, Future

    from recipes.execution.job import FrozenPass
    from recipes.execution.prepare import Prepared

LOCAL = "local:"
# Seconds to find a scheduler; for a worker to come, which may stand in a queue; for workers to save and stop.
TO_CONNECT, TO_HAVE_WORKERS, TO_STOP = 10, 60, 20
# How often it is looked whether a job has ended.
POLL = 0.2
Watch = Callable[[str, Any, int, int], None]
Count = Callable[[int, int], None]
log = logging.getLogger("recipes")


def _say(name: str, result: Any, done: int, total: int) -> None:
    log.info("%s: %s (%d of %d)", name, f"{result:.4f}" if isinstance(result, float) else "done", done, total)


@dataclass
class Cluster:
    """Workers that take jobs.

    Attributes:
        client: Dask's.
        address: As it was asked for.
        terms: What each worker must have.
    """

    client: Client
    address: str
    terms: Terms
    _futures: dict[Any, Future] = field(default_factory=dict)

    @property
    def workers(self) -> int:
        """How many there are now."""
        return self.client.scheduler_info(n_workers=0)["n_workers"]

    def submit(self, job: Callable[..., Any], *arguments: Any) -> Future:
        """Ask for a job, a function that works as `recipes.study.cluster.worker.at_work` does; `result` waits for it.

        Args:
            job: Takes the terms and the arguments.
            *arguments: What its result follows from.
        """
        future = self.client.submit(job, self.terms, *arguments, pure=False)
        self._futures[future.key] = future
        return future

    def ended(self, futures: Collection[Future], look: Callable[[], None] = lambda: None) -> list[Future]:
        """Those of some jobs that have ended, as soon as one has.

        Args:
            futures: What `submit` gave.
            look: Called again and again meanwhile. What it raises ends the waiting.

        Raises:
            EnvironmentFault: When there has been no worker for a minute.
        """
        served = time.monotonic()
        while not (found := [future for future in futures if future.done()]):
            look()
            time.sleep(POLL)
            if self.workers:
                served = time.monotonic()
            elif time.monotonic() - served > TO_HAVE_WORKERS:
                raise EnvironmentFault(
                    f"No worker of {self.address} is left. What is done is kept: the same command goes on."
                )
        return found

    def result(self, name: str, future: Future) -> Any:
        """What a job gives.

        Args:
            name: What it is called where something is said of it.
            future: What `submit` gave.

        Raises:
            EnvironmentFault: When the scheduler is lost.
            MemoryFault: When one worker after another died at it.
            UsageFault: When a worker does not have what the command has.
            Fault: Whatever the job raises.
        """
        from distributed.scheduler import KilledWorker

        try:
            return future.result()
        except KilledWorker as error:
            raise MemoryFault(
                f"{name}: one worker after another died at it, which most often is want of memory. Give each more, or "
                "take fewer."
            ) from error
        except CancelledError as error:
            raise EnvironmentFault(
                f"The scheduler of {self.address} was lost. What is done is kept: the same command goes on."
            ) from error
        finally:
            self._futures.pop(future.key, None)

    def run(self, job: Callable[..., Any], calls: Mapping[str, tuple[Any, ...]], watch: Watch = _say) -> dict[str, Any]:
        """Have a job done for each of some calls, and wait for all.

        Args:
            job: Takes the terms and the arguments of a call.
            calls: Arguments by the name of each call.
            watch: Called with (name, result, calls done, calls to do) as each ends.

        Returns:
            The results by name, in the order of the calls.

        Raises:
            Fault: What `ended` raises, and `result` of the call that fails first.
        """
        names = {self.submit(job, *arguments): name for name, arguments in calls.items()}
        found: dict[str, Any] = {}
        while names:
            for future in self.ended(names):
                name = names.pop(future)
                found[name] = self.result(name, future)
                watch(name, found[name], len(found), len(calls))
        return {name: found[name] for name in calls}

    def stop(self) -> None:
        """Let what is under way save and stop, as far as it does so in time; the token has gone by then."""
        from distributed import wait

        pending = list(self._futures.values())
        self._futures.clear()
        if pending and self.client.status == "running":
            waiting = [future for future in pending if future.status == "pending"]
            started = {key for keys in self.client.processing().values() for key in keys}
            self.client.cancel([future for future in waiting if future.key not in started])
            with suppress(Exception):  # What a job that is stopped ends with is nobody's concern any more.
                wait([future for future in waiting if future.key in started], timeout=TO_STOP)
            self.client.cancel(pending)


@contextmanager
def connected(address: str | None, request: Request, folder: Path) -> Iterator[Cluster | None]:
    """Workers that have what a request needs; `None` where no cluster is asked for.

    Args:
        address: `local:N`, a scheduler's address, or `None`.
        request: What is asked, or one of many that differ in seed or fold.
        folder: Of what is made; every worker must see it at the same path.

    Raises:
        EnvironmentFault: When Dask is not installed, the scheduler cannot be reached, or has no workers.
        UsageFault: When a worker does not have what the command has.
    """
    if address is None:
        yield None
        return
    with _connected(address, request, folder) as cluster:
        yield cluster


@contextmanager
def _connected(address: str, request: Request, folder: Path) -> Iterator[Cluster]:
    terms = Terms.here(request, folder.absolute() / f".cluster-{secrets.token_hex(8)}")
    with _client(address) as client, _there(terms.token):
        cluster = Cluster(client, address, terms)
        try:
            _require(client, terms)
            log.info("cluster %s: %d workers, dashboard %s", address, cluster.workers, client.dashboard_link)
            yield cluster
        finally:
            terms.token.unlink(missing_ok=True)
            cluster.stop()


def frozen_pass(address: str) -> FrozenPass:
    """What has the frozen part of a network run over its images on a cluster, a job for each shard of its rows."""

    def over(ready: Prepared, screen: Screen) -> None:
        stages = worker.boundary_of(ready).shards(0)
        if not any(stages):
            return
        with _connected(address, ready.request, cache_folder()) as cluster:
            for stage, shards in enumerate(stages):
                images = {f"view {one.view}, shard {one.number}": one.images for one in shards}
                calls = {name: (ready.request, stage, astuple(one)) for name, one in zip(images, shards, strict=True)}
                with screen.counting("frozen part on the cluster") as watch:
                    done = 0

                    def count(name: str, *_: Any, images: dict[str, int] = images, watch: Count = watch) -> None:
                        nonlocal done
                        done += images[name]
                        watch(done, sum(images.values()))

                    cluster.run(worker.fill, calls, count)

    return over


@contextmanager
def _there(token: Path) -> Iterator[None]:
    """A file as long as the block lasts."""
    with disk_faults(token):
        token.parent.mkdir(parents=True, exist_ok=True)
        token.touch()
    try:
        yield
    finally:
        with suppress(OSError):
            token.unlink(missing_ok=True)


@contextmanager
def _client(address: str) -> Iterator[Client]:
    """Dask's client of a scheduler that has a worker."""
    try:
        import dask
        from distributed import Client, LocalCluster
    except ModuleNotFoundError as error:
        raise EnvironmentFault("--cluster needs Dask: pip install 'keras-zoo-recipes[cluster]'") from error
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", module="distributed")
    if address.startswith(LOCAL):
        # Dask would have workers sum in one thread, and so in another order than this process.
        with dask.config.set({"distributed.nanny.pre-spawn-environ": {}}):
            workers = LocalCluster(
                n_workers=int(address.removeprefix(LOCAL)), threads_per_worker=1, processes=True,
                dashboard_address="127.0.0.1:0", silence_logs=logging.CRITICAL,
            )  # fmt: skip
        with workers, Client(workers) as client:
            yield client
        return
    try:
        client = Client(address, timeout=TO_CONNECT)
    except (OSError, ValueError) as error:
        raise EnvironmentFault(
            f"No Dask scheduler answers at {address} ({first_line(error)}). Start one there (dask scheduler), or take "
            "--cluster local:2."
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=TO_HAVE_WORKERS)
        except TimeoutError as error:
            raise EnvironmentFault(
                f"The scheduler at {address} has no workers. Start some (dask worker {address} --nthreads 1)."
            ) from error
        yield client


def _require(client: Client, terms: Terms) -> None:
    """Ask every worker that is there now; those that come later are asked with their first job.

    Raises:
        UsageFault: When one does not have what the command has.
    """
    try:
        answers = client.run(worker.check, terms, on_error="return")
    except Exception as error:  # A worker or scheduler without the project fails in ways of Dask's own.
        raise UsageFault(_without_project(error)) from error
    for answer in answers.values():
        if isinstance(answer, Fault):
            raise answer
        if isinstance(answer, Exception):
            raise UsageFault(_without_project(answer)) from answer


def _without_project(error: Exception) -> str:
    return f"A worker cannot load this project ({first_line(error)}). Install the same there as here."
