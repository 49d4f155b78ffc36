"""The commands that are disturbed, as tiny runs: how each begins, goes on, and what must come out."""

import csv
import importlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import undrawn

from ordeals.material import Material

# What says when and how long, and what is compared in another way.
OF_TIME = {"seconds", "date", "minutes", "hardware", "files", "boundary"}
Command = tuple[str, Sequence[str]]


@dataclass(frozen=True)
class Stage:
    """A command and what follows from it.

    Attributes:
        name: What it is called.
        begin: Module of `recipes` and its arguments.
        out: The folder or file it makes, in the place where it runs.
        go_on: From the place, the command that goes on with what was stopped; default the same again.
        figures: From the place, what must come out.
        bring: Puts into the place what must be there before.
        until: What it says when it is there; it ends by Ctrl-C then. Empty: it ends by itself.
        drawn: Whether pictures and pages are made too.
        downloads: Whether it fetches the weights of its base.
        computes: Whether it needs Keras.
    """

    name: str
    begin: Command
    out: str
    figures: Callable[[Path], object]
    go_on: Callable[[Path], Command] | None = None
    bring: Callable[[Path], None] = field(default=lambda place: None)
    until: str = ""
    drawn: bool = False
    downloads: bool = False
    computes: bool = True

    def command(self, place: Path, *, first: bool) -> Command:
        """What is called now."""
        return self.begin if first or self.go_on is None else self.go_on(place)

    def work(self, command: Command) -> Callable[[], int]:
        """What a child does for a command."""

        def call():
            _lighten(command[0], self.drawn)
            return importlib.import_module(f"recipes.{command[0]}").main([str(word) for word in command[1]])

        return call


def stages(material: Material, kept: Callable[[str], Path]) -> dict[str, Stage]:
    """All of them by name.

    Args:
        material: What they are made of.
        kept: Gives the place of a stage's run that nothing disturbed.
    """
    photos = ("--data", str(material.photos))
    into = ("--runs", "runs", "--into", "results")

    def run(name, *arguments, **more):
        begin = ("run", (*arguments, "--out", "run"))
        resume = ("run", ("--resume", "run"))
        return Stage(
            name, begin, "run", _of_run,
            lambda place: resume if (place / "run" / "run.json").exists() else begin, **more,
        )  # fmt: skip

    def bring_run(place):
        if not (place / "run").exists():
            shutil.copytree(kept("two phases") / "run", place / "run")

    def bundle(place):
        return ("verify", ("bundle",)) if (place / "bundle").exists() else export

    sort = ("sort", (material.photos, "--classes", "flower,other", "--csv-in", material.names))
    export = ("export", ("run", "--to", "keras", "--out", "bundle"))
    all_of_them = [
        run("two phases", "ordeals.book:TWO_PHASES", *photos),
        run("own photos", "ordeals.book:OWN", *photos),
        run("pictures", "ordeals.book:FLAT", *photos, "--export", "keras", drawn=True),
        run("download", "ordeals.book:FETCHED", *photos, downloads=True),
        Stage("tune", ("tune", ("ordeals.book:SEARCHED", *photos, "--trials", "2", "--tuner", "random", "--out",
              "search")), "search", _of_search),
        Stage("certify by seeds", ("certify", ("ordeals.book:FLAT", "--smoke", "--seeds", "2", *into)), "runs",
              lambda place: _json(place / "results" / "smoke" / "ordeals.book.FLAT.json")),
        Stage("certify by folds", ("certify", ("ordeals.book:FLAT", "--folds", "2", *photos, *into)), "runs",
              _of_folds),
        Stage("doctor", ("doctor", (material.photos, "--out", "checkup")), "checkup",
              lambda place: _texts(place / "checkup"), computes=False),
        Stage("sort", (sort[0], (*sort[1], "--out", "sorted")), "sorted",
              lambda place: _texts(place / "sorted"), computes=False),
        Stage("sort into a table", (sort[0], (*sort[1], "--csv", "sorted.csv")), "sorted.csv",
              lambda place: (place / "sorted.csv").read_text(), computes=False),
        Stage("export", export, "bundle", lambda place: _json(place / "bundle" / "bundle.json"), bundle, bring_run),
        Stage("serve", ("serve", ("run", "--port", "0")), "run", lambda place: None, bring=bring_run,
              until="Ctrl-C ends"),
    ]  # fmt: skip
    return {stage.name: stage for stage in all_of_them}


def _lighten(verb, drawn):
    """Leave out what takes long and is disturbed elsewhere; in the child alone."""
    if verb == "sort":
        from photo_files import colours

        from recipes.study.sorting import album, session

        session.load_backend, album.features = lambda: None, colours
    elif verb == "certify":
        from recipes.study import seeds

        seeds.SHORT_EPOCHS = "1"
    elif verb == "tune":
        from recipes.study.searches import tuning

        tuning.SEEDS = 1
    if verb in ("run", "certify") and not drawn:
        for name, instead in undrawn.in_place():
            mock.patch(name, instead).start()


def _of_run(place):
    run, manifest = place / "run", _json(place / "run" / "manifest.json")
    if manifest["weights"]:
        del manifest["weights"]["kind"]  # What was downloaded before is found when the run goes on.
    with (run / "history.csv").open(encoding="utf-8") as file:
        rows = [{name: text for name, text in row.items() if name not in OF_TIME} for row in csv.DictReader(file)]
    return {
        "predictions": (run / "predictions.csv").read_text(encoding="utf-8"),
        "history": rows,
        "manifest": manifest,
    }


def _of_search(place):
    found = _json(place / "search" / "search.json")
    return found | {"diff": (place / "search" / "TUNED.diff").read_text(encoding="utf-8")}


def _of_folds(place):
    folder = place / "results" / "folds"
    return {path.name: _json(path) if path.suffix == ".json" else path.read_text() for path in folder.iterdir()}


def _texts(folder):
    """Every file below a folder that is not hidden."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


def _json(path):
    return _timeless(json.loads(path.read_text(encoding="utf-8")))


def _timeless(value):
    if isinstance(value, dict):
        return {name: _timeless(one) for name, one in value.items() if name not in OF_TIME}
    return [_timeless(one) for one in value] if isinstance(value, list) else value
