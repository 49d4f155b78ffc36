"""Does a recipe reach the same on every backend of Keras, and what does it cost? Paired seeds, each in its own process.

    python benchmarks/backends.py --data-dir DIR [--seeds 42 43 44] [--recipes NAME ...] [--smoke]

fashion_cnn trains as published on TensorFlow, JAX and torch, xception_feature_extract as tuned on TensorFlow and JAX,
whole and with every seed; the extras `jax` and `torch` must be installed. Tuned, fashion_cnn has forty epochs in place
of about ten. Compared are test accuracies, seed by seed, with the 95% interval of the mean difference to
TensorFlow, and the minutes of a run. Runs stay below runs/backends, and the same command goes on where it was stopped.
Results go to results/backends.json and, between the marks, into docs/en/backends.md. `--smoke` takes fashion_cnn's
sample and an epoch, and writes nothing.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from zoo.text.markdown import table

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
# The variant of each recipe, and what it is run on.
RECIPES = {
    "fashion_cnn": ("published", ("tensorflow", "jax", "torch")),
    "xception_feature_extract": ("tuned", ("tensorflow", "jax")),
}
NAMES = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "torch"}


def ran(name: str, backend: str, seed: int, folder: Path, options: Sequence[str]) -> dict[str, Any]:
    """Run a recipe in a process of its own; a run that has ended is asked for its result.

    Returns:
        The manifest's accuracy, epochs, number format, minutes and versions.
    """
    command = [sys.executable, "-m", "recipes.run", name, "--variant", RECIPES[name][0], "--seed", str(seed)]
    command += ["--out", str(folder), "--json"]
    if (folder / "run.json").exists() and not (folder / "manifest.json").exists():
        command = [sys.executable, "-m", "recipes.run", "--resume", str(folder), "--json"]
        options = ()
    environment = os.environ | {"KERAS_BACKEND": backend, "PYTHONPATH": str(ROOT)}
    child = subprocess.run([*command, *options], env=environment, stdout=subprocess.PIPE, text=True, check=True)
    manifest = json.loads(child.stdout.splitlines()[-1])
    seconds, passes = manifest["seconds"], manifest["boundary"].values()
    left_out = seconds.get("report", 0.0) + sum(facts["seconds"] for facts in passes)
    return {
        "test_accuracy": manifest["result"]["test_accuracy"],
        "epochs": manifest["result"]["epochs"],
        "precision": manifest["precision"],
        "test_images": sum(manifest["data"]["counts"]["test"].values()),
        "minutes": (sum(seconds.values()) - left_out) / 60,
        "passed": {phase: facts["engine"] for phase, facts in manifest["boundary"].items()},
        "versions": manifest["versions"],
    }


def differences(runs: dict[str, dict[str, Any]], backend: str) -> dict[str, Any]:
    """How much more a backend reaches than TensorFlow with the same seeds; shares of the test images."""
    from recipes.evaluate.statistics import student_t

    seeds = [seed for seed in runs["tensorflow"] if seed in runs[backend]]
    found = [runs[backend][seed]["test_accuracy"] - runs["tensorflow"][seed]["test_accuracy"] for seed in seeds]
    interval = list(student_t(found)) if len(found) > 1 else None
    return {"mean": statistics.mean(found), "interval": interval, "seeds": [int(seed) for seed in seeds]}


def rows(found: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """A line for each recipe and backend."""
    for name, runs in found["runs"].items():
        for backend, of_seeds in runs.items():
            values = list(of_seeds.values())
            accuracies = [run["test_accuracy"] for run in values]
            spread = f" ± {statistics.stdev(accuracies):.4f}" if len(values) > 1 else ""
            beside = "-"
            if backend != "tensorflow":
                difference = found["differences"][name][backend]
                low, high = difference["interval"] or (float("nan"),) * 2
                beside = f"{difference['mean']:+.4f} ({low:+.4f} to {high:+.4f})"
            minutes = statistics.median(run["minutes"] for run in values)
            reached = f"{statistics.mean(accuracies):.4f}{spread}"
            recipe = f"{name}, {RECIPES[name][0]}"
            yield recipe, NAMES[backend], values[0]["precision"], reached, beside, f"{minutes:.1f}"


def markdown(found: dict[str, Any]) -> str:
    """The comparison as a table and a sentence on its conditions."""
    hardware, versions = found["hardware"], found["versions"]
    head = ("recipe", "backend", "number format", "test accuracy", "against TensorFlow (95% interval)", "minutes a run")
    seeds = ", ".join(map(str, found["seeds"]))
    named = ", ".join(f"{NAMES.get(name, name)} {version}" for name, version in versions.items())
    return "\n".join(
        [
            table(head, list(rows(found))),
            f"Seeds {seeds}; mean ± standard deviation, and the median of the minutes, which lack what the "
            f"frozen part's activations took. {hardware['processor']}, {hardware['cores']} cores; {named}; "
            f"`{found['command']}`.",
            "",
        ]
    )


def measured(recipes: Sequence[str], seeds: Sequence[int], folder: Path, options: Sequence[str]) -> dict[str, Any]:
    """Every recipe on every backend with every seed, a run after another."""
    from recipes.execution import environment

    runs: dict[str, Any] = {}
    versions: dict[str, str] = {}
    for name in recipes:
        backends = [backend for backend in RECIPES[name][1] if importlib.util.find_spec(backend)]
        runs[name] = {backend: {} for backend in backends}
        for seed in seeds:
            for backend in backends:
                run = ran(name, backend, seed, folder / f"{name}-{backend}-{seed}", options)
                versions |= {package: run["versions"][package] for package in ("keras", backend)}
                del run["versions"]
                runs[name][backend][str(seed)] = run
                print(f"{name}, {backend}, seed {seed}: {json.dumps(run)}", flush=True)
    return {
        "runs": runs,
        "differences": {
            name: {backend: differences(of, backend) for backend in of if backend != "tensorflow"}
            for name, of in runs.items()
        },
        "seeds": list(seeds),
        "versions": versions,
        "hardware": environment.hardware(),
    }


def main() -> None:
    """Run every seed on every backend, print, and store."""
    parse = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parse.add_argument("--data-dir", help="where TFDS keeps its data sets")
    parse.add_argument("--seeds", type=int, nargs="+", default=[42, 43, 44])
    parse.add_argument("--recipes", nargs="+", choices=RECIPES, default=list(RECIPES), help="default: both")
    parse.add_argument("--runs", type=Path, default=Path("runs/backends"), metavar="DIR")
    parse.add_argument("--smoke", action="store_true", help="fashion_cnn's sample, an epoch, nothing stored")
    options = parse.parse_args()
    if not options.smoke and not options.data_dir:
        parse.error("--data-dir or --smoke is needed")
    names = ["fashion_cnn"] if options.smoke else options.recipes
    given = ["--smoke"] if options.smoke else ["--data", "full", "--data-dir", options.data_dir]
    found = measured(names, options.seeds, options.runs, given)
    words = f" --recipes {' '.join(names)}" if names != list(RECIPES) else ""
    found["command"] = (
        f"python benchmarks/backends.py --data-dir DIR --seeds {' '.join(map(str, options.seeds))}{words}"
    )
    print(markdown(found))
    if not options.smoke:
        from recipes.files.atomic import write_json
        from recipes.study.results_table import put_in_docs

        write_json(ROOT / "results" / "backends.json", found)
        put_in_docs(ROOT / "docs", "backends.md", "backends", markdown(found))


if __name__ == "__main__":
    main()
