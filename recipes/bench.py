"""Measure how fast a recipe trains, against the source's protocol in plain Keras, each in a process of its own.

Measures, on the same images and machine, in turns: seconds an epoch (training and validation, without the first of a
phase, which compiles), and training seconds until the test accuracy first reaches the published one, scored after every
epoch off the clock. The plain script stops there, or where its source stops.

Examples:
    python -m recipes.bench fashion_cnn --repeats 3 --readme README.md
    python -m recipes.bench mnist_functional --accuracy 0.99
    python -m recipes.bench vgg16_feature_extract --epochs 2
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from recipes import book, rundir
from recipes.command import Parser, guarded, seed
from recipes.errors import EnvironmentFault, UsageFault
from recipes.screen import RESULT, Screen, flush_stdout
from zoo.markdown import table

# The plain script, our engine on the same protocol, and the tuned recipe, in turns.
ROLES = ("plain", "published", "tuned")
# The second role is timed only: so many epochs a phase.
TIMED = 3
log = logging.getLogger("recipes")


class Clock:
    """Seconds that run only while training does, and the test accuracy at the end of each epoch.

    Args:
        target: The test accuracy that is to be reached; `None` for none.
        score: Gives the test accuracy of a model.
    """

    def __init__(self, target: float | None, score: Callable[[Any], float]):
        self.target, self.score = target, score
        self.epochs: dict[str, list[float]] = {}
        self.accuracies: list[float] = []
        self.seconds_to_target: float | None = None
        self.began = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds of training so far."""
        return sum(map(sum, self.epochs.values()))

    def epoch_ended(self, phase: str, model: Any) -> None:
        """Stop the clock, score the test images, start it again."""
        self.epochs.setdefault(phase, []).append(time.perf_counter() - self.began)
        if self.target is not None:
            self.accuracies.append(self.score(model))
            if self.seconds_to_target is None and self.accuracies[-1] >= self.target:
                self.seconds_to_target = self.seconds
        self.began = time.perf_counter()

    def is_over(self) -> bool:
        """Whether the target is reached and an epoch after the first was timed."""
        return self.seconds_to_target is not None and any(len(epochs) > 1 for epochs in self.epochs.values())

    def report(self) -> dict[str, Any]:
        """Median seconds an epoch of each phase, after its first; seconds to the target (`None`: not reached)."""
        return {
            "seconds_per_epoch": {
                phase: statistics.median(epochs[1:]) for phase, epochs in self.epochs.items() if len(epochs) > 1
            },
            "epochs": {phase: len(epochs) for phase, epochs in self.epochs.items()},
            "seconds_to_target": self.seconds_to_target,
            "seconds": self.seconds,
            "best_test_accuracy": max(self.accuracies, default=None),
        }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and give its exit code; errors are one line on stderr."""
    return guarded(_command, arguments)


def parser() -> Parser:
    """The command line."""
    parse = Parser("bench", __doc__ or "")
    parse.add_argument("name", metavar="NAME", help="a recipe")
    parse.add_argument("--repeats", type=int, default=3, metavar="N", help="rounds (default 3)")
    parse.add_argument("--accuracy", type=float, metavar="A", help="reach this one, where the source published none")
    parse.add_argument("--epochs", type=int, metavar="N", help="stop the plain script after N epochs a phase")
    parse.add_argument("--seed", type=seed, default=42)
    parse.add_argument("--data", default="full", choices=("full", "sample"), help="default: full")
    parse.add_argument("--data-dir", metavar="DIR", help="where TFDS keeps its data sets (default: TFDS_DATA_DIR)")
    parse.add_argument("--into", type=Path, default=Path("results/bench"), metavar="DIR", help="default: results/bench")
    parse.add_argument("--readme", type=Path, metavar="FILE", help="a page with the marks <!-- speed -->")
    parse.add_argument("--role", choices=ROLES, help=argparse.SUPPRESS)
    return parse


def _command(arguments: Sequence[str] | None) -> int:
    options = parser().parse(arguments)
    published = book.get(options.name, "published")
    options.accuracy = options.accuracy or published.published_accuracy
    if options.repeats < 1 or (options.epochs is not None and options.epochs < 2):
        raise UsageFault("--repeats must be 1 or more, and --epochs 2 or more: the first epoch does not count.")
    if options.role:
        print(json.dumps(measure(options)))
        return 0
    Screen()
    rounds = []
    for number in range(options.repeats):
        rounds.append({role: _in_process(role, options) for role in ROLES})
        log.info("round %d: %s", number + 1, json.dumps(rounds[-1]))
    found = summary(options, rounds)
    log.log(RESULT, "%s", markdown(found))
    if options.data == "full":
        from recipes.results_table import put_between_marks

        options.into.mkdir(parents=True, exist_ok=True)
        rundir.write_json(options.into / f"{options.name}.json", found)
        if options.readme:
            put_between_marks(options.readme, "speed", markdown(found))
    flush_stdout()
    return 0


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Train in one role, in this process."""
    import keras

    from recipes import data, engine, evaluate, precision, prepare
    from recipes.backend import load_backend
    from recipes.request import Request, Variant

    variant: Variant = "tuned" if options.role == "tuned" else "published"
    request = Request(options.name, variant, data=options.data, data_dir=options.data_dir, seed=options.seed)
    origin = data.find(request.dataset(), request.data, request.data_dir)
    recipe = request.recipe(origin.dataset)
    load_backend()
    splits, _ = prepare.read(recipe, origin, request, Screen(quiet=True, to_stderr=True))
    model = prepare.build(recipe, splits, options.seed, prepare.find_weights(recipe))
    keras.utils.set_random_seed(options.seed)

    def score(trained: keras.Model) -> float:
        return evaluate.scores(evaluate.predict(trained, splits.test, splits.class_names))["accuracy"]

    clock = Clock(options.accuracy, score)
    if options.role == "plain":
        from recipes.plain import train

        train(recipe, splits, model, clock=clock, epochs=options.epochs)
        return clock.report()
    if options.role == "published":
        for phase in recipe.phases:
            recipe = recipe.override(f"phases.{phase.name}.epochs", min(TIMED, phase.epochs))
    hooks = engine.Hooks(
        on_epoch=lambda phase, row, worker, best: clock.epoch_ended(phase.name, worker),
        stop_requested=clock.is_over if options.role == "tuned" else lambda: False,
    )
    with contextlib.suppress(engine.StopRequested):
        engine.train(recipe, splits, model, seed=options.seed, precision=precision.choose("auto"), hooks=hooks)
    return clock.report()


def _in_process(role: str, options: argparse.Namespace) -> dict[str, Any]:
    """Measure one role in a fresh process."""
    words = [options.name, "--role", role, "--seed", str(options.seed), "--data", options.data]
    for name in ("accuracy", "epochs", "data_dir"):
        value = getattr(options, name)
        words += [] if value is None else [f"--{name.replace('_', '-')}", str(value)]
    result = subprocess.run(
        [sys.executable, "-m", "recipes.bench", *words],
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}, stdout=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    if result.returncode:
        raise EnvironmentFault(f"The {role} training ended with exit code {result.returncode}; its message is above.")
    return json.loads(result.stdout.splitlines()[-1])


def summary(options: argparse.Namespace, rounds: list[dict[str, dict[str, Any]]]) -> dict[str, Any]:
    """What was measured, with its conditions."""
    from recipes import conditions

    words = [f"python -m recipes.bench {options.name} --repeats {options.repeats}"]
    words += [f"--accuracy {options.accuracy}"] if book.get(options.name).published_accuracy != options.accuracy else []
    words += [f"--epochs {options.epochs}"] if options.epochs else []
    words += [f"--seed {options.seed}"] if options.seed != 42 else []
    words += [f"--data {options.data}"] if options.data != "full" else []
    return {
        "recipe": options.name,
        "target": options.accuracy,
        "seed": options.seed,
        "rounds": rounds,
        "command": " ".join(words),
        "versions": conditions.versions(),
        "hardware": conditions.hardware(),
    }


def markdown(found: Mapping[str, Any]) -> str:
    """What was measured as a table and a sentence on its conditions."""
    rounds, target = found["rounds"], found["target"]
    titles = {"plain": "plain Keras script", "published": "recipe, published", "tuned": "recipe, tuned"}
    goal = [] if target is None else [f"training until test accuracy {target:.4f}", "ratio"]
    rows = []
    for phase in rounds[0]["plain"]["seconds_per_epoch"]:
        for role in ROLES:
            epochs = [one[role]["seconds_per_epoch"].get(phase) for one in rounds]
            plain = [one["plain"]["seconds_per_epoch"][phase] for one in rounds]
            figures = titles[role], phase, _median(epochs), _ratio(epochs, plain, role)
            rows.append((*figures, *_to_target(rounds, role)) if goal else figures)
    timed = "; ".join(
        f"{role} {', '.join(f'{number - 1} {phase}' for phase, number in rounds[0][role]['epochs'].items())}"
        for role in ROLES
    )
    hardware, versions = found["hardware"], found["versions"]
    notes = (
        f"Medians of {len(rounds)} round{'s' * (len(rounds) > 1)} (ratios within a round: median, least to most), seed "
        f"{found['seed']}; epochs timed a round, after the first: {timed}; {hardware['processor']}, "
        f"{hardware['cores']} cores, Keras {versions['keras']}, TensorFlow {versions['tensorflow']}; "
        f"`{found['command']}`."
    )
    return "\n".join([table([found["recipe"], "phase", "an epoch", "ratio", *goal], rows), notes, ""])


def _to_target(rounds: Sequence[Mapping[str, Any]], role: str) -> tuple[str, str]:
    """Seconds until the target, and their ratio; a plain script that never reaches it is a lower bound."""
    if role == "published":
        return "-", "-"
    ours = [one[role]["seconds_to_target"] for one in rounds]
    reached = [one["plain"]["seconds_to_target"] for one in rounds]
    bounds = [one["plain"]["seconds"] for one in rounds]
    if role == "plain" and None in reached:
        return f"not reached in {_median(bounds)}", "1"
    plain = [seconds or bound for seconds, bound in zip(reached, bounds, strict=True)]
    return _median(ours), _ratio(ours, plain, role)


def _median(seconds: Sequence[float | None]) -> str:
    known = [value for value in seconds if value is not None]
    return f"{statistics.median(known):.1f} s" if len(known) == len(seconds) else "not reached"


def _ratio(ours: Sequence[float | None], plain: Sequence[float], role: str) -> str:
    if role == "plain":
        return "1"
    ratios = [one / other for one, other in zip(ours, plain, strict=True) if one is not None]
    if len(ratios) < len(plain):
        return "-"
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


if __name__ == "__main__":
    sys.exit(main())
