"""Jobs on the workers of a cluster: what one process gives, whoever dies; and what a worker must have."""

import dataclasses
import importlib.util
import json
import os
import runpy
import signal
import sys
import threading
import time
from pathlib import Path

import pytest
from conftest import ROOT, needs_posix
from photo_files import write_photos

from recipes import certify, run, tune
from recipes.console.signals import Signals
from recipes.errors import Interrupted, UsageFault
from recipes.execution.request import Request
from recipes.files import run_folder, sharded_array
from recipes.study import seeds
from recipes.study.cluster import connection, worker
from recipes.study.cluster.terms import Terms
from recipes.study.searches import ahead, search, trial, tuning
from recipes.train.engine import StopRequested

HAS_DASK = importlib.util.find_spec("distributed") is not None
needs_dask = pytest.mark.skipif(not HAS_DASK, reason="skipped: the extra 'cluster' is not installed")
if HAS_DASK:
    import ordered_workers


@pytest.fixture(scope="module")
def orders(tmp_path_factory):
    return ordered_workers.Orders(tmp_path_factory.mktemp("orders"))


@pytest.fixture(scope="module")
def workers(orders):
    """A scheduler with two workers, processes of their own; a job may survive one of them.

    They are forked from a process that has loaded Keras and computed nothing: each would take seconds to load it.
    """
    import dask
    from distributed import Client, LocalCluster
    from distributed.utils import get_mp_context

    settings = {
        "distributed.nanny.pre-spawn-environ": {},
        "distributed.scheduler.allowed-failures": 1,
        "distributed.worker.multiprocessing-method": "forkserver",
    }
    with dask.config.set(settings):
        get_mp_context().set_forkserver_preload(["distributed", "keras"])
    with (
        dask.config.set(settings),
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50) as cluster,
        Client(cluster) as client,
    ):
        client.register_plugin(ordered_workers.Ordered(orders))
        worker.draw_apart()  # The scheduler is a thread of this process.
        yield cluster


@pytest.fixture
def address(workers):
    return workers.scheduler_address


@pytest.fixture
def call(capsys):
    """Call a verb in this process; gives (exit code, stdout, stderr)."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def called(verb, *arguments):
        code = verb.main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    yield called
    for number, handler in handlers.items():
        signal.signal(number, handler)


def meanwhile(folders, act):
    """Act once on the first of some run folders that has saved a state, with its owner's process number."""
    done = []

    def look():
        for folder, owner in list(until(lambda: owners_of(folders)).items())[:1]:
            act(owner)
            done.append(folder)

    threading.Thread(target=look, daemon=True).start()
    return done


def owners_of(folders):
    """The owner's process number of each run folder that has saved a state."""
    owned = [folder for folder in folders if (folder / run_folder.OWNER).exists()]
    begun = [folder for folder in owned if list((folder / run_folder.STATE).glob("*.npz"))]
    return {folder: int((folder / run_folder.OWNER).read_text()) for folder in begun}


def until(found, seconds=120):
    """What something gives as soon as that is true, or after so many seconds."""
    end = time.monotonic() + seconds
    while not (what := found()) and time.monotonic() < end:
        time.sleep(0.005)
    return what


def figures(path):
    """A result file without what differs from call to call."""
    found = json.loads(path.read_text())
    for one in found["runs"]:
        del one["seconds"]
    return found | {"certified": found["certified"]["command"]}


@needs_posix
@needs_dask
def test_seeds_on_a_cluster_that_is_stopped_and_whose_worker_dies_equal_those_of_one_process(
    address, tmp_path, call, one_layer, monkeypatch
):
    monkeypatch.setattr(seeds, "SHORT_EPOCHS", "20")
    arguments = ("one_layer:MINE", "--smoke", "--seeds", 2, "--import", "one_layer")
    there = ("--runs", tmp_path / "there", "--into", tmp_path / "there", "--cluster", address)
    folders = [tmp_path / "there" / f"one_layer.MINE-smoke-seed{seed}" for seed in (42, 43)]

    stopped = meanwhile(folders, lambda owner: os.kill(os.getpid(), signal.SIGINT))
    code, _, err = call(certify, *arguments, *there)
    assert (code, "The same command goes on" in err, bool(stopped)) == (130, True, True), err
    assert not any(map(run_folder.is_finished, folders)), "it went on after the stop"

    killed = meanwhile(folders, lambda owner: os.kill(owner, signal.SIGKILL))
    code, out, err = call(certify, *arguments, *there)
    assert (code, err) == (0, ""), err
    assert killed
    assert "(2 of 2)" in out
    assert "resume after epoch" in (killed[0] / "log.txt").read_text()

    here = ("--runs", tmp_path / "here", "--into", tmp_path / "here")
    assert call(certify, *arguments, *here)[0] == 0
    found = [figures(tmp_path / side / "smoke" / "one_layer.MINE.json") for side in ("here", "there")]
    assert found[0] == found[1]
    for folder in folders:
        for name in ("predictions.csv", "history.csv"):
            same = tmp_path / "here" / folder.name / name
            assert (folder / name).read_bytes() == same.read_bytes()

    monkeypatch.setattr(connection.Cluster, "submit", lambda *_: pytest.fail("done again"))
    code, out, err = call(certify, *arguments, *there)
    assert (code, out.count("already done")) == (0, 2), err
    assert not list((tmp_path / "there").glob(".cluster-*"))


@needs_dask
@pytest.mark.parametrize("tuner", ["random", "bayesian"], ids=["random, a worker dies", "bayesian"])
def test_a_search_on_a_cluster_has_the_trials_of_one_process(
    address, orders, tmp_path, call, one_layer, monkeypatch, tuner
):
    monkeypatch.setattr(tuning, "SEEDS", 1)
    before = orders.dead()
    if tuner == "random":
        orders.die(ordered_workers.SAVE)
    arguments = ("one_layer:SEARCHED", "--data", "sample", "--tuner", tuner, "--trials", 4, "--import", "one_layer")
    arguments += ("--set", "phases.train.epochs=2")
    for out, where in (("there", ("--cluster", address)), ("here", ())):
        code, _, err = call(tune, *arguments, "--out", tmp_path / out, *where)
        assert code == 0, err
    here, there = (json.loads((tmp_path / side / "search.json").read_text()) for side in ("here", "there"))
    for found in (here, there):
        for one in (*found["trials"], *found["retrained"]["page"], *found["retrained"]["winner"]):
            del one["seconds"]
        del found["seconds"]
    assert here == there
    assert len(orders.dead() - before) == (tuner == "random"), "no worker died in the middle of a trial"
    assert not (tmp_path / "there" / run_folder.STATE).exists()


def test_trials_that_depend_on_no_figure_are_asked_for_ahead(tmp_path, one_layer):
    recipe, idle = one_layer.SEARCHED, trial.Trainer(None, None, "float32", Signals())

    def next_ones(tuner, trials, found=0):
        hunt = search.Search(recipe, idle, tmp_path / tuner, tuner=tuner, trials=trials)
        for one in ahead.independent(hunt, found) if found else ():
            (tmp_path / tuner).mkdir(exist_ok=True)
            hunt.remember(dataclasses.replace(one, val_accuracy=0.5 + 0.01 * one.number, val_loss=1.0))
        return [one.number for one in ahead.independent(hunt, 99)]

    assert next_ones("random", 6) == [0, 1, 2, 3, 4, 5]
    assert next_ones("bayesian", 6)[:3] == [0, 1, 2]
    assert len(next_ones("bayesian", 6)) < 6, "from the fourth on they follow from the figures of those before"
    assert next_ones("bayesian", 4, found=3) == [3]


@needs_dask
def test_a_frozen_pass_on_a_cluster_whose_worker_dies_gives_the_same_run(address, orders, tmp_path, call, monkeypatch):
    before = orders.dead()
    orders.die(ordered_workers.SHARD)
    monkeypatch.setattr(sharded_array, "SHARD_BYTES", ordered_workers.SMALL_SHARDS)
    monkeypatch.delitem(sys.modules, "solved_layer", raising=False)
    arguments = ("solved_layer:MINE", "--data", "sample", "--import", "solved_layer")
    code, out, err = call(run, *arguments, "--out", tmp_path / "there", "--cluster", address)
    assert (code, err) == (0, ""), err
    assert "frozen part on the cluster: " in out
    passed = json.loads((tmp_path / "there" / "manifest.json").read_text())["boundary"]["head"]["images_passed"]
    assert passed == 0, "it was computed here"
    assert len(orders.dead() - before) == 1
    monkeypatch.setenv("KERAS_ZOO_CACHE", str(tmp_path / "cache"))
    assert call(run, *arguments, "--out", tmp_path / "here")[0] == 0
    same = [(tmp_path / side / "predictions.csv").read_bytes() for side in ("here", "there")]
    assert same[0] == same[1]


@needs_dask
def test_folds_on_a_cluster_that_grows_and_whose_worker_dies_equal_those_of_one_process(
    workers, orders, tmp_path, call, one_layer
):
    write_photos(tmp_path / "photos", 10)
    arguments = ("one_layer:OF_PHOTOS", "--folds", 3, "--data", tmp_path / "photos", "--import", "one_layer")
    name = "one_layer.OF_PHOTOS-photos-tuned"
    folders = [tmp_path / "there" / f"{name}-fold{fold}of3" for fold in range(3)]
    owners, before = {}, {nanny.pid for nanny in workers.workers.values()}
    orders.wait(ordered_workers.SAVE, True)

    def conduct():
        """Both workers have a fold that they do not end: a third one comes, has the last fold, and one of them dies."""
        try:
            until(lambda: len(owners_of(folders)) == 2)
            workers.scale(3)
            until(lambda: len(owners_of(folders)) == 3)
            owners.update(owners_of(folders))
            orders.die(ordered_workers.SAVE)
        finally:
            orders.wait(ordered_workers.SAVE, False)

    threading.Thread(target=conduct, daemon=True).start()
    there = ("--runs", tmp_path / "there", "--into", tmp_path / "there", "--cluster", workers.scheduler_address)
    code, _, err = call(certify, *arguments, *there)
    assert (code, err) == (0, ""), err
    assert len(set(owners.values()) - before) == 1, "the worker that came late had no fold"
    (dead,) = [folder for folder, owner in owners.items() if owner in orders.dead()]
    assert "resume after epoch 1" in (dead / "log.txt").read_text()

    here = ("--runs", tmp_path / "here", "--into", tmp_path / "here")
    assert call(certify, *arguments, *here)[0] == 0
    found = [figures(tmp_path / side / "folds" / f"{name}.json") for side in ("here", "there")]
    assert found[0] == found[1]
    answers = [(tmp_path / side / "folds" / f"{name}.csv").read_bytes() for side in ("here", "there")]
    assert answers[0] == answers[1]


@needs_dask
def test_own_photos_are_judged_on_a_cluster_whose_worker_dies_as_in_one_process(
    address, orders, tmp_path, small_bases, monkeypatch
):
    folders, before = [tmp_path / "one", tmp_path / "other"], orders.dead()
    for seed, folder in enumerate(folders):
        write_photos(folder, 10, seed=seed)
    script, bases = runpy.run_path(f"{ROOT}/benchmarks/own_photos.py"), ("small@32", "other@32")
    orders.die(ordered_workers.SHARD)
    with connection.connected(address, Request("own_photos", data=str(folders[0])), tmp_path) as cluster:
        there = script["folds"](folders, cluster, bases=bases)
    assert len(orders.dead() - before) == 1
    monkeypatch.setenv("KERAS_ZOO_CACHE", str(tmp_path / "cache"))
    assert there == script["folds"](folders, bases=bases)
    assert [row["set"] for row in there] == ["one"] * 3 + ["other"] * 3


@pytest.fixture
def terms(tmp_path):
    (tmp_path / "token").touch()
    return Terms.here(Request("fashion_cnn", data="sample"), tmp_path / "token")


@pytest.mark.parametrize(
    ("lacks", "words"),
    [
        ({"backend": "jax"}, "Keras is set to tensorflow there, and to jax here. Set KERAS_BACKEND"),
        ({"versions": {"keras": "0.1"}}, "other versions.*keras: '0.1' -> "),
        ({"code": "abc"}, "other code of this project"),
        ({"token": "nowhere/token"}, "does not see the folder nowhere. Mount it"),
        ({"request": Request("fashion_cnn", data="/nowhere")}, "does not see the data. --data must be"),
        ({"kind": "tfds"}, "finds the data as sample, and here it is tfds"),
        ({"recipe": {"name": "fashion_cnn"}}, "the recipe is another one there"),
    ],
    ids=lambda value: "" if isinstance(value, str) else next(iter(value)),
)
def test_a_worker_says_what_it_lacks(terms, lacks, words):
    terms.require(jobs_at_once=1)
    if "token" in lacks:
        lacks = {"token": Path(lacks["token"])}
    with pytest.raises(UsageFault, match=f"The worker {os.getpid()} on .* cannot work for this: .*{words}"):
        dataclasses.replace(terms, **lacks).require(jobs_at_once=1)
    with pytest.raises(UsageFault, match="takes 2 jobs at once.*--nthreads 1"):
        terms.require(jobs_at_once=2)


@needs_dask
def test_a_cluster_that_cannot_serve_is_said_in_time(address, tmp_path, call, monkeypatch):
    arguments = ("fashion_cnn", "--smoke", "--seeds", 2, "--runs", tmp_path, "--into", tmp_path, "--cluster")
    monkeypatch.setattr(connection, "TO_CONNECT", 1)
    began = time.monotonic()
    code, _, err = call(certify, *arguments, "tcp://127.0.0.1:9")
    assert (code, "No Dask scheduler answers at tcp://127.0.0.1:9" in err) == (4, True), err
    assert time.monotonic() - began < 20
    with monkeypatch.context() as patch:
        patch.setattr("recipes.study.cluster.terms.environment.versions", lambda: {"keras": "0.1"})
        code, _, err = call(certify, *arguments, address)
    assert (code, "has other versions (keras: '0.1' -> " in err) == (2, True), err
    assert not list(tmp_path.iterdir())


@needs_dask
def test_a_job_at_which_worker_after_worker_dies_is_8_and_a_cluster_without_workers_4(
    workers, tmp_path, call, monkeypatch
):
    arguments = ("fashion_cnn", "--smoke", "--seeds", 1, "--runs", tmp_path, "--into", tmp_path)
    arguments += ("--cluster", workers.scheduler_address)
    monkeypatch.setattr(seeds, "run_there", ordered_workers.deadly)
    code, _, err = call(certify, *arguments)
    assert (code, "fashion_cnn-smoke-seed42: one worker after another died at it" in err) == (8, True), err

    monkeypatch.setattr(seeds, "run_there", ordered_workers.endless)
    monkeypatch.setattr(workers.scheduler, "allowed_failures", 9)
    monkeypatch.setattr(connection, "TO_HAVE_WORKERS", 1)
    submit = connection.Cluster.submit

    def submitted(*job):
        future = submit(*job)
        workers.scale(0)
        return future

    monkeypatch.setattr(connection.Cluster, "submit", submitted)
    code, _, err = call(certify, *arguments)
    assert (code, f"No worker of {workers.scheduler_address} is left. What is done is kept" in err) == (4, True), err


def test_an_address_that_is_none_is_refused(call):
    for wrong in ("local:0", "local", "scheduler:8786", "tcp://scheduler"):
        code, _, err = call(certify, "fashion_cnn", "--cluster", wrong)
        assert (code, "must be local:N" in err) == (2, True), err
    assert call(certify, "--check", "fashion_cnn", "--smoke", "--cluster", "local:2")[0] == 2
    assert call(run, "fashion_cnn", "--plan", "--cluster", "local:2")[0] == 2


def test_without_dask_the_package_is_named(call, monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    code, _, err = call(certify, "fashion_cnn", "--smoke", "--runs", tmp_path, "--cluster", "local:2")
    assert (code, "pip install 'keras-zoo-recipes[cluster]'" in err) == (4, True), err


def test_a_fault_leaves_a_worker_without_what_stood_behind_it(terms, monkeypatch):
    monkeypatch.setattr(worker, "check", lambda terms: None)

    def stopped():
        try:
            raise StopRequested
        except StopRequested as error:
            raise Interrupted("Stopped.", signal.SIGINT) from error

    with pytest.raises(Interrupted) as raised, worker.at_work(terms):
        stopped()
    assert (raised.value.__context__, raised.value.__cause__) == (None, None)


def test_a_stop_goes_from_process_to_process():
    import pickle

    stopped = pickle.loads(pickle.dumps(Interrupted("Stopped.", signal.SIGTERM)))  # noqa: S301
    assert (str(stopped), stopped.exit_code) == ("Stopped.", 143)
