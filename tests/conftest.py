"""Shared pieces: a small real data set, a tiny recipe, and a way to call the command line in this process."""

import gc
import importlib
import logging
import os
import signal
import subprocess
import sys
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import pytest
import undrawn
from filelock import FileLock

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# As many workers as cores: more threads in each would only wait for one another.
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.pop("TFDS_DATA_DIR", None)

from photo_files import add_bad_files, add_odd_photos, colours, write_clothes, write_photos

import zoo
import zoo.registry
from recipes import Augment, Phase, Recipe, data
from recipes.execution.request import SMOKE_IMAGES
from recipes.run import main
from zoo.pretrained.bases import BASES, EFFICIENTNET_LITE0, VGG16
from zoo.pretrained.package_index import NotFetched, fetched
from zoo.weights import WeightsMissing, locate

# What is loaded by now stays: to look through it for garbage, again and again, takes longer than many a test.
gc.collect()
gc.freeze()

ROOT = Path(__file__).resolve().parents[1]
FULL_DATA = ROOT.parent / "shared" / "tfds"

needs_full_data = pytest.mark.skipif(
    not FULL_DATA.is_dir(), reason="skipped: the full data sets are not beside this checkout (shared/tfds)"
)


needs_posix = pytest.mark.skipif(
    os.name != "posix", reason="skipped: Windows has no such files, signals or limits of a process"
)


@pytest.fixture(scope="session")
def fashion():
    """320 training, 100 validation and 100 test images of the bundled Fashion-MNIST sample."""
    recipe = tiny_recipe()
    return data.read(data.find("fashion_mnist", "sample"), recipe.split).take(train=320, validation=100, test=100)


# The architectures without those that are another's network, frozen otherwise.
NETWORKS = [name for name in zoo.names() if name not in ("vgg16_finetune", "xception_finetune")]


def tiny_recipe(**changes) -> Recipe:
    """fashion_cnn with augmentation, averaging and a schedule, in epochs of ten steps."""
    settings = {
        "name": "tiny",
        "architecture": "fashion_cnn",
        "data": "fashion_mnist",
        "batch_size": 32,
        "augment": Augment(flip=True, shift=0.1, rotation=0.05),
        "phases": (Phase("train", epochs=3, schedule="cosine", average_epochs=0.5, keep="best"),),
    }
    return Recipe(**(settings | changes))


@pytest.fixture
def run_cli(capsys):
    """Call `python -m recipes.run` in this process; gives (exit code, stdout, stderr)."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def call(*arguments):
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    yield call
    for number, handler in handlers.items():
        signal.signal(number, handler)


# The longest files begin first, so that no worker is left alone with one at the end.
LONGEST = (
    "test_recipe test_architectures test_guests test_benchmarks test_first_evening test_certify test_own_photos "
    "test_browser test_bundle test_widgets test_walk test_after test_transfer test_stopping test_run_recipes"
).split()


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST))


@pytest.fixture(autouse=True)
def _undrawn(request, monkeypatch):
    """Runs without pictures and page, which take half their time, but for tests marked `drawn`."""
    if request.node.get_closest_marker("drawn"):
        return
    for name, instead in undrawn.in_place():
        monkeypatch.setattr(name, instead)


@pytest.fixture(autouse=True)
def _registered(monkeypatch):
    """What a test registers is forgotten when it ends."""
    monkeypatch.setattr(zoo.registry, "_registered", dict(zoo.registry._registered))


@pytest.fixture(scope="module")
def builder():
    """The package that builds the site, found beside its pages."""
    sys.path.insert(0, str(ROOT / "docs"))
    yield importlib.import_module("builder")
    sys.path.remove(str(ROOT / "docs"))
    for name in [name for name in sys.modules if name.partition(".")[0] == "builder"]:
        del sys.modules[name]


@pytest.fixture
def few_images(monkeypatch):
    """A smoke run in this process takes 128 images to train, and 64 each to validate and test."""
    for name, number in {"train": 128, "validation": 64, "test": 64}.items():
        monkeypatch.setitem(SMOKE_IMAGES, name, number)


@pytest.fixture
def one_layer(monkeypatch):
    """The architecture `one_layer`, registered for this test."""
    monkeypatch.delitem(sys.modules, "one_layer", raising=False)
    return importlib.import_module("one_layer")


@pytest.fixture(autouse=True)
def heard_logger(caplog):
    """What the project logs reaches `caplog` by no other logger, whatever a test or a library before did to those."""
    caplog.handler.setLevel(logging.NOTSET)
    for name in ("recipes", "zoo"):
        logger = logging.getLogger(name)
        logger.disabled, logger.propagate = False, False
        logger.handlers[:] = [caplog.handler]
        logger.setLevel(logging.WARNING)


@pytest.fixture(scope="module")
def small_bases():
    """The bases `small` and `other` are known while the tests of a file run."""
    with pytest.MonkeyPatch.context() as patch:
        for base in importlib.import_module("small_bases").BOTH:
            patch.setitem(BASES, base.name, base)
        yield


def _not_fetched(wheel, folder):
    raise NotFetched("no test asks the package index")


@pytest.fixture(autouse=True, scope="session")
def _offline(tmp_path_factory):
    """No test and no fixture reaches for the network, or for the user's data, cache and Keras folders."""
    base = tmp_path_factory.getbasetemp()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("recipes.data.origins.reachable", lambda url: False)
        patch.setattr("zoo.weights.reachable", lambda url: False)
        patch.setattr("zoo.weights.fetched", _not_fetched)
        patch.setattr("zoo.weights.cache_folder", lambda: _shared(tmp_path_factory, "fetched"))
        patch.setenv("KERAS_HOME", str(base / "keras"))
        patch.setenv("KERAS_ZOO_CACHE", str(base / "cache"))
        patch.setenv("TFDS_DATA_DIR", str(base / "tfds"))
        yield


def subprocess_environment(**more) -> dict[str, str]:
    """The environment for a child process that must find this checkout."""
    ours = {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    inherited = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    return inherited | ours | more


PYTHON = sys.executable


# dogs_vs_cats_aug as small and short as it still learns a little.
SMALL = ("--set", "image_size=80", "--set", "phases.train.epochs=2", "--set", "phases.train.average_epochs=0")


def _shared(tmp_path_factory, name):
    base = tmp_path_factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name


@contextmanager
def made_once(tmp_path_factory, name):
    """A folder that all workers share: whoever comes first makes it, and the others wait."""
    folder = _shared(tmp_path_factory, name)
    with FileLock(f"{folder}.lock"), pytest.MonkeyPatch.context() as patch:
        patch.setattr("zoo.weights.reachable", lambda url: False)
        patch.setattr("zoo.weights.fetched", _not_fetched)
        patch.setattr("zoo.weights.cache_folder", lambda: _shared(tmp_path_factory, "fetched"))
        patch.setenv("KERAS_ZOO_CACHE", str(folder / "cache"))
        if (folder / "made").exists():
            yield folder, True
        else:
            folder.mkdir()
            yield folder, False
            (folder / "made").touch()


@pytest.fixture(scope="session")
def photos(tmp_path_factory):
    """60 sound photos of 3 classes, with every odd and bad file among them."""
    with made_once(tmp_path_factory, "photos") as (folder, made):
        root = folder / "내 사진"
        if not made:
            write_photos(root)
            add_odd_photos(root)
            add_bad_files(root)
    return root


@pytest.fixture(scope="session")
def clothes(tmp_path_factory):
    """100 grey pictures of 28 x 28 pixels in ten classes, as photos of one's own: an epoch of them is short."""
    root = tmp_path_factory.mktemp("clothes")
    write_clothes(root)
    return root


@pytest.fixture(scope="session")
def trained(photos, tmp_path_factory):
    """A run of dogs_vs_cats_aug on them, with its pictures and pages."""
    with made_once(tmp_path_factory, "trained") as (folder, made):
        if not made:
            assert main(["dogs_vs_cats_aug", "--data", str(photos), "--out", str(folder / "run"), *SMALL]) == 0
    return folder / "run"


def _fetch(tmp_path_factory, base):
    """Fetch a base's weights from the package index to where all tests find them; skip where it cannot be reached."""
    with made_once(tmp_path_factory, base.name) as (_, made), pytest.MonkeyPatch.context() as patch:
        if not made:
            patch.setattr("zoo.weights.fetched", fetched)
            try:
                locate("imagenet", base)
            except WeightsMissing as error:
                pytest.skip(f"skipped: {error}")


@pytest.fixture(scope="session")
def vgg16_weights(tmp_path_factory):
    """The ImageNet weights of VGG16 are there."""
    _fetch(tmp_path_factory, VGG16)


@pytest.fixture(scope="session")
def lite0_weights(tmp_path_factory):
    """The ImageNet weights of EfficientNet-Lite0 are there."""
    _fetch(tmp_path_factory, EFFICIENTNET_LITE0)


FINE_TUNE = "vgg16_finetune --smoke --set image_size=32 --set views=2 --set batch_size=8".split()
FINE_TUNE += "--set phases.head.learning_rate=1e-3 --set phases.head.weight_decay=0".split()


@pytest.fixture(scope="session")
def fine_tuned(vgg16_weights, tmp_path_factory):
    """A run of vgg16_finetune on its sample and real ImageNet weights, beside the cache it filled and its stdout."""
    with made_once(tmp_path_factory, "fine_tuned") as (folder, made):
        if not made:
            with (folder / "stdout.txt").open("w", encoding="utf-8") as stdout, redirect_stdout(stdout):
                assert main([*FINE_TUNE, "--out", str(folder / "run")]) == 0
    return folder / "run"


@pytest.fixture
def published(run_cli, few_images, tmp_path_factory):
    """Give a recipe's name: its published run on its sample, beside its stdout. For tests marked `drawn`."""

    def run(name):
        with made_once(tmp_path_factory, f"published_{name}") as (folder, made):
            if not made:
                size = ["--set", "image_size=96"] if name == "dogs_vs_cats_aug" else []
                code, out, err = run_cli(name, "--variant", "published", "--smoke", *size, "--out", folder / "run")
                assert (code, err) == (0, "")
                (folder / "stdout.txt").write_text(out, encoding="utf-8")
        return folder / "run"

    return run


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A smoke run of fashion_cnn in a folder whose name has spaces, Korean and an emoji, and the process that ran."""
    with made_once(tmp_path_factory, "finished") as (folder, made):
        run, said = folder / "내 사진 🐱 run", [folder / "stdout.txt", folder / "stderr.txt"]
        command = [PYTHON, "-m", "recipes.run", "fashion_cnn", "--smoke", "--out", str(run)]
        command += ["--seed", "3", "--set", "batch_size=32", "--json"]
        if not made:
            environment = subprocess_environment()
            with said[0].open("w") as stdout, said[1].open("w") as stderr:
                subprocess.run(command, env=environment, cwd=ROOT, stdout=stdout, stderr=stderr, check=True)
    return run, subprocess.CompletedProcess(command, 0, *(path.read_text(encoding="utf-8") for path in said))


@pytest.fixture
def pile(tmp_path):
    """An album of 20 photos that nobody has sorted, in folders that are no classes; several are called alike."""
    write_photos(tmp_path / "album", number=4)
    add_odd_photos(tmp_path / "album")
    return tmp_path / "album"


@pytest.fixture
def by_colours(monkeypatch):
    """Albums are sorted by the colours of their photos, without a network."""
    monkeypatch.setattr("recipes.study.sorting.session.load_backend", lambda: None)
    monkeypatch.setattr("recipes.study.sorting.album.features", colours)


@pytest.fixture
def call(capsys):
    """Call a verb in this process; gives (exit code, stdout, stderr)."""

    def run(verb, *arguments):
        code = verb.main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run
