"""How fast a recipe trains, beside its source's protocol in plain Keras: measured, and told."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recipes import book
from recipes.console.screen import RESULT, Screen
from recipes.errors import EnvironmentFault
from recipes.files import atomic
from recipes.study.bench.clock import Clock
from zoo.text.markdown import table

# The plain script, our engine on the same protocol, and the tuned recipe, in turns.
ROLES = ("plain", "published", "tuned")
# The second role is timed only: so many epochs a phase.
TIMED = 3
log = logging.getLogger("recipes")


@dataclass(frozen=True)
class Race:
    """What is measured.

    Attributes:
        name: The recipe.
        accuracy: The test accuracy that is to be reached; `None` for none.
        epochs: Stop the plain script after so many a phase; `None` where its source stops.
        seed: Of all roles.
        data: `"full"` or `"sample"`.
        data_dir: TFDS's data folder, if given.
        repeats: Rounds.
        modules: Imported first, see `recipes.execution.request.Request`.
    """

    name: str
    accuracy: float | None
    epochs: int | None = None
    seed: int = 42
    data: str = "full"
    data_dir: str | None = None
    repeats: int = 3
    modules: tuple[str, ...] = ()


def run(race: Race, into: Path, docs: Path | None) -> None:
    """Measure all rounds, say what came out, and store it where the full data was used.

    Args:
        race: What is measured.
        into: The folder for NAME.json.
        docs: The folder docs/, if its page results.md is to show the table in each language.

    Raises:
        EnvironmentFault: When a training ends with an error.
    """
    rounds = []
    for number in range(race.repeats):
        rounds.append({role: measure_apart(race, role) for role in ROLES})
        log.info("round %d: %s", number + 1, json.dumps(rounds[-1]))
    found = summary(race, rounds)
    log.log(RESULT, "%s", markdown(found))
    if race.data != "full":
        return
    from recipes.study.results_table import put_in_docs

    into.mkdir(parents=True, exist_ok=True)
    atomic.write_json(into / f"{race.name}.json", found)
    if docs:
        put_in_docs(docs, "results.md", "speed", markdown(found))


def measure(race: Race, role: str) -> dict[str, Any]:
    """Train in one role, in this process, and give the clock's report.

    Raises:
        Fault: What the run itself would raise.
    """
    import keras

    from recipes.console.backend import load_backend
    from recipes.evaluate import predictions
    from recipes.evaluate.metrics import scores
    from recipes.execution import prepare
    from recipes.execution.request import Request, Variant
    from recipes.train import engine

    variant: Variant = "tuned" if role == "tuned" else "published"
    request = Request(race.name, variant, data=race.data, data_dir=race.data_dir, seed=race.seed)
    load_backend()
    ready = prepare.prepare(request, Screen(quiet=True, to_stderr=True))
    recipe, splits, model = ready.recipe, ready.splits, ready.model
    keras.utils.set_random_seed(race.seed)

    def score(trained: keras.Model) -> float:
        return scores(predictions.predict(trained, splits.test, splits.class_names))["accuracy"]

    clock = Clock(race.accuracy, score)
    if role == "plain":
        from recipes.study.bench.baseline import train

        train(recipe, splits, model, clock=clock, epochs=race.epochs)
        return clock.report()
    if role == "published":
        for phase in recipe.phases:
            recipe = recipe.override(f"phases.{phase.name}.epochs", min(TIMED, phase.epochs))
    hooks = engine.Hooks(
        on_epoch=lambda phase, row, worker, best: clock.epoch_ended(phase.name, worker),
        stop_requested=clock.is_over if role == "tuned" else lambda: False,
    )
    with contextlib.suppress(engine.StopRequested):
        engine.train(recipe, splits, model, seed=race.seed, precision="auto", hooks=hooks)
    return clock.report()


def measure_apart(race: Race, role: str) -> dict[str, Any]:
    """Measure one role in a fresh process.

    Raises:
        EnvironmentFault: When that ends with an error; it is on stderr.
    """
    words = [race.name, "--role", role, "--seed", str(race.seed), "--data", race.data]
    for name in ("accuracy", "epochs", "data_dir"):
        value = getattr(race, name)
        words += [] if value is None else [f"--{name.replace('_', '-')}", str(value)]
    words += [word for module in race.modules for word in ("--import", module)]
    result = subprocess.run(
        [sys.executable, "-m", "recipes.bench", *words],
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}, stdout=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    if result.returncode:
        raise EnvironmentFault(f"The {role} training ended with exit code {result.returncode}; its message is above.")
    return json.loads(result.stdout.splitlines()[-1])


def summary(race: Race, rounds: list[dict[str, dict[str, Any]]]) -> dict[str, Any]:
    """What was measured, with its conditions."""
    from recipes.execution import environment

    words = [f"python -m recipes.bench {race.name} --repeats {race.repeats}"]
    words += [f"--accuracy {race.accuracy}"] if book.get(race.name).published_accuracy != race.accuracy else []
    words += [f"--epochs {race.epochs}"] if race.epochs else []
    words += [f"--seed {race.seed}"] if race.seed != 42 else []
    words += [f"--data {race.data}"] if race.data != "full" else []
    words += [f"--import {module}" for module in race.modules]
    return {
        "recipe": race.name,
        "target": race.accuracy,
        "seed": race.seed,
        "rounds": rounds,
        "command": " ".join(words),
        "versions": environment.versions(),
        "hardware": environment.hardware(),
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
    other = "".join(f", {name} {versions[name]}" for name in ("jax", "torch") if name in versions)
    notes = (
        f"Medians of {len(rounds)} round{'s' * (len(rounds) > 1)} (ratios within a round: median, least to most), seed "
        f"{found['seed']}; epochs timed a round, after the first: {timed}; {hardware['processor']}, "
        f"{hardware['cores']} cores, Keras {versions['keras']}, TensorFlow {versions['tensorflow']}{other}; "
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
