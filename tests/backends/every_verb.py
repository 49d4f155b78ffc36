"""Run by the tests in a process for each backend: one verb after another, what each ended with as JSON."""

from __future__ import annotations

import dataclasses
import importlib
import io
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent)]
SMALL = ("--set", "batch_size=16", "--set", "phases.train.epochs=2")
HEARD = ("--weights", "none", "--set", "audition=vgg16@32")
ONE_LAYER = ("one_layer:MINE", "--import", "one_layer")
ended: dict[str, dict] = {}


def step(name: str, does: Callable[[], object]) -> None:
    """Do something in this process and keep its exit code, what it said and its seconds."""
    said, begun, code = io.StringIO(), time.perf_counter(), 0
    with redirect_stdout(said), redirect_stderr(said):
        try:
            code = does() or 0
        except BaseException:  # Whatever it is, the other steps are still told.
            code = 1
            traceback.print_exc()
    ended[name] = {"code": code, "said": said.getvalue()[-3000:], "seconds": round(time.perf_counter() - begun, 1)}
    print(name, code, ended[name]["seconds"], said.getvalue() if code == 1 else "", file=sys.__stderr__, flush=True)


def call(name: str, verb: str, *arguments: object) -> None:
    """Call a command as its user does."""
    step(name, lambda: importlib.import_module(f"recipes.{verb}").main([str(argument) for argument in arguments]))


def stopped(photos: Path) -> int:
    """A run that Ctrl-C stops after an epoch."""
    from recipes import run
    from recipes.train import checkpoint

    save = checkpoint.save

    def saved(path: Path, state: checkpoint.TrainingState) -> None:
        save(path, state)
        if state.epoch == 1 and not state.step:
            os.kill(os.getpid(), signal.SIGINT)

    with mock.patch.object(checkpoint, "save", saved):
        return run.main(["fashion_cnn", "--data", str(photos), *SMALL, "--out", "stopped"])


def served(photo: Path) -> None:
    """What the local page answers to a photo."""
    import recipes
    from recipes.pages.classify import ClassifyPage

    found = ClassifyPage(recipes.load(Path("run"))).classify(photo.read_bytes())
    print(found["classes"], found["overlay"][:30])


def checked() -> None:
    """What outsiders are given to check their networks and recipes with."""
    from recipes.testing import check_recipe
    from zoo.testing import check_architecture

    check_architecture("fashion_cnn")
    check_recipe("fashion_cnn")


def main(folder: Path) -> None:
    """Walk from a folder of photos through every verb; what trains often has one layer."""
    import one_layer
    from photo_files import write_clothes

    from recipes import Phase
    from recipes.recipe.search_space import LogFloat

    one_layer.MINE = dataclasses.replace(
        one_layer.MINE,
        phases=(Phase("train", epochs=1),),
        tune={"phases.train.learning_rate": LogFloat(1e-4, 1e-2)},
    )
    os.chdir(folder)
    photos = folder / "photos"
    write_clothes(photos)
    files = sorted(photos.rglob("*.png"))
    data = ("--data", photos)
    call("doctor", "doctor", photos)
    call("plan", "run", *ONE_LAYER, *data, "--set", "phases.train.average_epochs=0.5", "--plan")
    call("find_lr", "run", *ONE_LAYER, *data, "--find-lr", "--out", "rates")
    call("run", "run", "fashion_cnn", *data, *SMALL, "--out", "run")
    step("stopped", lambda: stopped(photos))
    call("resume", "run", "--resume", "stopped")
    with mock.patch("recipes.execution.record.chosen", return_value="tensorflow"):
        call("another_backend", "run", "fashion_cnn", *data, *SMALL, "--out", "run")
    call("predict", "predict", "run", *files[:3], "--csv", "answers.csv")
    call("explain", "explain", "run", files[0], "--out", "seen")
    call("features", "explain", "run", files[0], "--features", "conv1", "--out", "seen")
    call("filters", "explain", "run", "--filters", "conv1", "--out", "seen")
    step("serve", lambda: served(files[0]))
    for kind in ("keras", "onnx", "litert", "openvino", "saved_model"):
        call(kind, "export", "run", "--to", kind)
    call("verify", "verify", "run/export/keras")
    call("own_photos", "run", *data, *HEARD, "--out", "own")
    call("own_predict", "predict", "own", files[0])
    call("compare", "compare", "own", "run")
    table = folder / "names.csv"
    named = "".join(f"{file.relative_to(photos)},{'Bag' if file.parent.name == 'Bag' else 'none'}\n" for file in files)
    table.write_text(f"path,label\n{named}")
    call("sort", "sort", photos, "--classes", "Bag,none", "--csv-in", table, "--csv", "sorted.csv")
    call("tune", "tune", *ONE_LAYER, *data, "--trials", "1", "--out", "search")
    call("certify", "certify", *ONE_LAYER, "--folds", "2", *data, "--runs", "folds", "--into", "results")
    step("testing", checked)
    kept = {file: folder / file for file in ("run/manifest.json", "run/predictions.csv", "stopped/predictions.csv")}
    files_of_runs = {name: file.read_text() for name, file in kept.items() if file.exists()}
    print(json.dumps({"ended": ended, "files": files_of_runs}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
