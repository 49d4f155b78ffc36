"""Certify a recipe: run several seeds, and write what they gave with its spread, conditions and command.

A certification that is stopped goes on where it was: finished seeds are not run again. `--smoke` certifies a short
setting on the bundled sample; `--check NAME --smoke` runs a seed of it again and fails when it leaves the interval.

Examples:
    python -m recipes.certify fashion_cnn --seeds 5
    python -m recipes.certify vgg16_finetune --variant published --seeds 3 --readme README.md
    python -m recipes.certify --check fashion_cnn --smoke
"""

from __future__ import annotations

import datetime
import logging
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from recipes import book, results, rundir
from recipes.changes import recipe_changes, refuse_other_request
from recipes.command import Parser, guarded
from recipes.errors import AccuracyFault, CorruptFault, UsageFault
from recipes.overrides import parse_assignment
from recipes.request import Request
from recipes.screen import RESULT, Screen
from recipes.signals import Signals

FIRST_SEED = 42
SHORT_EPOCHS = "3"
log = logging.getLogger("recipes")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and give its exit code; errors are one line on stderr."""
    return guarded(_command, arguments)


def parser() -> Parser:
    """The command line."""
    parse = Parser("certify", __doc__ or "")
    parse.add_argument("name", nargs="?", metavar="NAME", help="a recipe")
    parse.add_argument("--variant", choices=book.VARIANTS, default="tuned")
    parse.add_argument("--seeds", type=int, default=5, metavar="N", help="how many, from 42 on (default 5)")
    parse.add_argument("--set", metavar="data=NAME", help="another data set the recipe knows, such as data=mnist")
    parse.add_argument("--data-dir", metavar="DIR", help="where TFDS keeps its data sets (default: TFDS_DATA_DIR)")
    parse.add_argument("--runs", type=Path, default=Path("runs/certify"), metavar="DIR", help="default: runs/certify")
    parse.add_argument("--into", type=Path, default=Path("results"), metavar="DIR", help="default: results")
    parse.add_argument("--readme", type=Path, metavar="FILE", help="a page with the marks <!-- results -->")
    parse.add_argument("--smoke", action="store_true", help="a short setting on the bundled sample")
    parse.add_argument("--check", metavar="NAME", help="run one certified seed again; with --smoke")
    return parse


def short(name: str, seed: int) -> Request:
    """The short setting of a recipe: three epochs a phase on the bundled sample, in float32."""
    phases = book.get(name).phases
    epochs = tuple((f"phases.{phase.name}.epochs", SHORT_EPOCHS) for phase in phases)
    return Request(name, overrides=epochs, data="sample", seed=seed, precision="float32")


def run(request: Request, folder: Path, screen: Screen, signals: Signals) -> dict[str, Any]:
    """Run a request in its own folder; what is finished is taken as it is, what was stopped goes on.

    Raises:
        UsageFault: When the folder holds a run of something else.
    """
    from recipes import execute
    from recipes.manifest import read_started

    if rundir.is_started(folder) and not rundir.is_finished(folder):
        refuse_other_request(folder, read_started(folder), request)
        return execute.resume(folder, (), screen=screen, signals=signals)
    return execute.start(request, out=folder, overwrite=False, screen=screen, signals=signals)


def check(name: str, certified: Path, folder: Path, screen: Screen, signals: Signals) -> float:
    """Run one seed of a certified short setting again, always from the start; its report stays in `folder`.

    Returns:
        The accuracy it reached.

    Raises:
        UsageFault: When the recipe was not certified, or changed since.
        AccuracyFault: When it leaves the certified interval.
    """
    if not certified.is_file():
        raise UsageFault(f"{name} has no certified short setting in {certified}.")
    stored = rundir.read_json(certified)
    try:
        seed, (low, high) = stored["runs"][0]["seed"], stored["image_interval"]
        settings = stored["settings"]
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise CorruptFault(f"{certified} is damaged: {error}.") from error
    from recipes import execute

    manifest = execute.start(short(name, seed), out=folder, overwrite=True, screen=screen, signals=signals)
    if recipe_changes(settings, manifest["settings"]):
        raise UsageFault(f"{name} changed since {certified} was written. Certify it again.")
    reached = manifest["result"]["test_accuracy"]
    if not low <= reached <= high:
        raise AccuracyFault(f"{name}: {reached:.4f} lies outside of the certified {low:.4f} to {high:.4f}.")
    return reached


def _command(arguments: Sequence[str] | None) -> int:
    options = parser().parse(arguments)
    name = options.check or options.name
    if name is None:
        raise UsageFault("Which recipe? python -m recipes.run --list shows them all.")
    if options.check and not options.smoke:
        raise UsageFault("--check needs --smoke: a whole certification is run without --check.")
    if options.seeds < 1:
        raise UsageFault("--seeds must be 1 or more, and 2 or more for a spread.")
    overrides = (parse_assignment(options.set),) if options.set else ()
    if overrides and (overrides[0][0] != "data" or options.smoke):
        raise UsageFault("A recipe is certified as it stands: --set takes data=NAME alone, and no --smoke.")
    Request(name, options.variant, overrides).recipe(Request(name, options.variant, overrides).dataset())
    screen, signals = Screen(), Signals("The same command goes on.")
    signals.listen()
    place = options.into / "smoke" if options.smoke else options.into
    if options.check:
        reached = check(name, place / f"{name}.json", options.runs / f"{name}-check", screen, signals)
        log.log(RESULT, "%s: %.4f is within the certified interval", name, reached)
        return 0

    folders = []
    for seed in range(FIRST_SEED, FIRST_SEED + options.seeds):
        request = (
            short(name, seed)
            if options.smoke
            else Request(name, options.variant, overrides, data="full", data_dir=options.data_dir, seed=seed)
        )
        kind = "smoke" if options.smoke else f"{request.dataset()}-{options.variant}"
        folders.append(options.runs / f"{name}-{kind}-seed{seed}")
        run(request, folders[-1], screen, signals)
    ((key, group),) = results.collect(folders, short=options.smoke).items()
    group["certified"] = {
        "command": _repeat(options),
        "commit": commit(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }
    place.mkdir(parents=True, exist_ok=True)
    written = place / (f"{name}.json" if options.smoke else f"{key}.json")
    rundir.write_json(written, group)
    if options.readme and not options.smoke:
        results.put_between_marks(options.readme, "results", results.table(results.load(options.into)))
    log.log(RESULT, "certified %s: %s", written, results.in_words(group))
    return 0


def commit() -> str:
    """The commit this code is at, with `-dirty` where it was changed since; `"unknown"` outside of a checkout."""
    here = Path(__file__).resolve().parents[1]
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"],
            cwd=here, capture_output=True, text=True, check=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()


def _repeat(options: Any) -> str:
    words = ["python -m recipes.certify", options.name, f"--seeds {options.seeds}"]
    if options.variant != "tuned":
        words.append(f"--variant {options.variant}")
    if options.set:
        words.append(f"--set {options.set}")
    return " ".join([*words, "--smoke"] if options.smoke else words)


if __name__ == "__main__":
    sys.exit(main())
