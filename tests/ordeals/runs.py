"""Whole runs that are disturbed, resumed until they are done, and compared with runs that nothing disturbed."""

import contextlib
import importlib
import pkgutil
import random
import shutil
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout

import recipes
import zoo
from ordeals import material
from ordeals.children import Ended, forked
from ordeals.fates import Fates, disk, undisturbed
from ordeals.server import Server
from ordeals.stages import Stage, stages

LIMIT = 400
MOST_DISTURBED = 4
AGAIN = 0.35
# What doctor and sort import, late, too.
WITHOUT_KERAS = (
    "recipes.doctor", "recipes.sort", "recipes.study.sorting.session", "recipes.data.photos.diagnosis",
    "recipes.report", "pandas", "sklearn.linear_model",
)  # fmt: skip
LOCKS = (".lock", ".sorting.lock")


@dataclass
class Whole:
    """A stage that nothing disturbed: its figures, files and changes of files, and how long it took."""

    figures: object
    files: set[str]
    events: int
    seconds: float


@dataclass
class Tally:
    """What was done and found.

    Attributes:
        trials: Runs that were disturbed and resumed until they were done.
        sittings: Commands that were called for it.
        by_stage: How often each disturbance came in each stage.
        codes: How often a disturbed command ended with each code.
        struck: How many disturbances came before the command had ended.
        bugs: What was lost, left behind, or ended otherwise than it may.
        slowest: Seconds of the longest command.
    """

    trials: int = 0
    sittings: int = 0
    struck: int = 0
    by_stage: dict[str, Counter] = field(default_factory=dict)
    codes: Counter = field(default_factory=Counter)
    bugs: list[dict] = field(default_factory=list)
    slowest: float = 0.0

    def as_dict(self):
        """JSON-ready."""
        return {
            "runs": self.trials, "commands": self.sittings,
            "disturbances": sum(map(Counter.total, self.by_stage.values())),
            "before_the_end": self.struck, "by_stage": self.by_stage,
            "exit_codes": {str(code): number for code, number in sorted(self.codes.items())},
            "bugs": self.bugs, "slowest_seconds": round(self.slowest, 1),
        }  # fmt: skip


class Ordeal:
    """Runs stages in one place, again and again.

    Args:
        base: A folder of its own.
        only: Names of stages; all where there are none.
    """

    def __init__(self, base: Path, only: Sequence[str] = ()):
        self.base, self.place = base, base / "place"
        self.server = Server(base)
        self.material = material.make(base, self.server.address)
        self.server.start(self.material.weights)
        self.stages = stages(self.material, lambda name: self.base / "kept" / name.replace(" ", "_"))
        self.needed = [name for name in self.stages if not only or name in only]
        self.wholes: dict[str, Whole] = {}
        self.tally = Tally()
        (base / "temporary").mkdir()
        (base / "temporary").chmod(0o1777)

    def sit(self, stage: Stage, fate, *, first: bool) -> Ended:
        """Call the stage's command once."""
        surroundings = {
            "KERAS_ZOO_CACHE": str(self.place / "cache"),
            "KERAS_HOME": str(self.place / "keras" if stage.downloads else self.material.keras),
            "TMPDIR": str(self.base / "temporary"),
        }
        command = stage.command(self.place, first=first)
        signals = fate.signals
        if stage.until and not signals.sent:
            signals.after, signals.sent = stage.until.encode(), [(0.0, 2)]
        ended = forked(stage.work(command), self.place, surroundings, fate.acts, signals, LIMIT)
        self.tally.sittings += 1
        self.tally.slowest = max(self.tally.slowest, ended.seconds)
        return ended

    def whole(self, name: str) -> Whole:
        """The stage left to itself; run once."""
        if name not in self.wholes:
            stage = self.stages[name]
            if name in ("export", "serve"):
                self.whole("two phases")
            self._empty(stage)
            ended = self.sit(stage, undisturbed(), first=True)
            assert ended.code in _good(stage), f"{name}, undisturbed: {ended.code}\n{ended.said}"
            self.wholes[name] = Whole(stage.figures(self.place), self._files(), ended.events, ended.seconds)
            shutil.copytree(self.place, self.base / "kept" / name.replace(" ", "_"), symlinks=True)
        return self.wholes[name]

    def trial(self, number: int, seed: int, mounted: bool) -> None:
        """Disturb one run, resume it until it is done, and compare."""
        draw = random.Random(f"{seed}/{number}")  # noqa: S311 (nothing secret)
        stage = self.stages[self.needed[number % len(self.needed)]]
        whole, fates, told = self.whole(stage.name), Fates(self.place, mounted, self.server), []
        self._empty(stage)
        for sitting in range(MOST_DISTURBED + 1):
            disturbed = sitting == 0 or (sitting < MOST_DISTURBED and draw.random() < AGAIN)
            fate = fates.draw(draw, stage, whole.events, whole.seconds) if disturbed else undisturbed()
            ended = self.sit(stage, fate, first=sitting == 0)
            fate.heal()
            told.append(f"{fate.kind}: {ended.code} after {ended.events} changes")
            if disturbed:
                self.tally.by_stage.setdefault(stage.name, Counter())[fate.kind] += 1
                self.tally.codes[ended.code] += 1
                self.tally.struck += ended.code != 0
            if ended.hung or ended.code not in fate.codes | _good(stage) or "bug of ours" in ended.said:
                self._found(number, stage, told, "hung" if ended.hung else f"ended with {ended.code}", ended.said)
                return
            is_done = ended.code in _good(stage) and (stage.until == "" or stage.until in ended.said)
            if is_done and fate.kind != "folder gone":  # What was made may be gone with it.
                break
        print(f"{number} {stage.name}: {'; '.join(told)}", file=sys.stderr)
        self._compare(number, stage, whole, told, ended)
        self.tally.trials += 1

    def _compare(self, number, stage, whole, told, ended):
        try:
            figures = stage.figures(self.place)
        except Exception as error:  # A file that is missing or damaged.
            self._found(number, stage, told, f"no figures: {type(error).__name__}: {error}", ended.said)
            return
        if figures != whole.figures:
            self._found(number, stage, told, f"other figures: {_difference(whole.figures, figures)}", "")
        files = self._files()
        lost = {name for name in whole.files - files if not name.startswith("cache/")}  # It can be had again.
        for what, names in (("stray files", files - whole.files), ("lost files", lost)):
            if names:
                self._found(number, stage, told, f"{what}: {sorted(names)[:5]}", "")
        for path in self.place.rglob("*"):
            if path.name in LOCKS or path.suffix == ".lock":
                with contextlib.suppress(FileNotFoundError):
                    try:
                        FileLock(path).acquire(timeout=0).lock.release()
                    except Timeout:
                        self._found(number, stage, told, f"a lock is held: {path.name}", "")

    def _found(self, number, stage, told, what, said):
        found = {"trial": number, "stage": stage.name, "told": told, "what": what[:600], "said": said[-1500:]}
        self.tally.bugs.append(found)
        print(f"trial {number}, {stage.name}: {what[:300]} ({'; '.join(told)})\n{said[-1500:]}", file=sys.stderr)

    def _files(self):
        return {
            path.relative_to(self.place).as_posix()
            for path in self.place.rglob("*")
            if not path.is_dir() and path.name not in LOCKS and path.suffix != ".lock"
        }

    def _empty(self, stage):
        self.place.mkdir(exist_ok=True)
        for path in self.place.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        stage.bring(self.place)


def _good(stage):
    """Codes that a stage ends well with."""
    return {0, 130} if stage.until else {0}


def _difference(one, other, at=""):
    """Where two figures differ first."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in {**one, **other}:
            if one.get(name) != other.get(name):
                return _difference(one.get(name), other.get(name), f"{at}/{name}")
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for place, (mine, theirs) in enumerate(zip(one, other, strict=True)):
            if mine != theirs:
                return _difference(mine, theirs, f"{at}/{place}")
    if isinstance(one, bytes | str) and isinstance(other, type(one)):
        pairs = enumerate(zip(one, other, strict=False))
        place = next((place for place, (mine, theirs) in pairs if mine != theirs), min(len(one), len(other)))
        at, one, other = f"{at}@{place}", one[max(0, place - 60) :], other[max(0, place - 60) :]
    return f"{at}: {str(one[:200])} -> {str(other[:200])}" if one and other else f"{at}: {one!r:.200} -> {other!r:.200}"


def _import_all(*, computing):
    """Import what commands import, so that no child has to; nothing is computed, and so no thread started."""
    for module in WITHOUT_KERAS:
        importlib.import_module(module)
    if not computing:
        return
    for module in ("keras", "matplotlib.pyplot", "tensorflow"):
        importlib.import_module(module)
    for package in (recipes, zoo):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)


def disturb(base: Path, runs: int, seed: int, *, first: int = 0, minutes: float | None = None, only=()) -> dict:
    """Disturb so many runs, or as many as there are minutes for; gives the figures.

    Args:
        base: An empty folder.
        runs: How many.
        seed: Fixes what happens to each, by its number.
        first: The number of the first.
        minutes: No run begins after so many.
        only: Names of stages; all where there are none.
    """
    began = time.monotonic()
    base.chmod(0o755)  # Whoever has lost permission to write still reads.
    ordeal = Ordeal(base, only)
    _import_all(computing=any(ordeal.stages[name].computes for name in ordeal.needed))
    with disk(ordeal.place) as mounted:
        try:
            for number in range(first, first + runs):
                if minutes is not None and time.monotonic() - began > 60 * minutes:
                    break
                ordeal.trial(number, seed, mounted)
        except KeyboardInterrupt:
            print("stopped", file=sys.stderr)
        finally:
            ordeal.server.stop()
    skipped = [] if mounted else ["disk full and disk read-only: no file system may be mounted here"]
    whole = {name: round(one.seconds, 1) for name, one in ordeal.wholes.items()}
    return ordeal.tally.as_dict() | {"skipped": skipped, "seconds_undisturbed": whole}
