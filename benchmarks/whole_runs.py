"""How long whole commands take, with nothing cached but weights, and what `--plan` said beforehand.

    python benchmarks/whole_runs.py --data-dir DIR [--smoke]

Each command runs in a process of its own, one after the other, on a cache that holds nothing but the weights. So the
frozen pass, scoring and the report count, and starting Python. `--plan` looks at the same empty cache just before. The
first two rows are vgg16_finetune as it is, and as it was until four views and four epochs turned out to be as accurate.
Results go to results/bench/whole_runs.json, a row as soon as it is there, and, between the marks, into results.md of
the docs. `--smoke` runs one small recipe on a few images, and writes nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zoo.text.markdown import table

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = (
    ("vgg16_finetune",),
    ("vgg16_finetune", "--set", "views=16", "--set", "phases.block5.epochs=16"),
    ("xception_finetune",),
    ("xception_feature_extract",),
    ("transfer",),
    ("fashion_cnn",),
)
SMOKE = (("mnist_functional", "--smoke"),)


def measured(arguments: Sequence[str]) -> dict[str, Any]:
    """Plan a run and run it, from a cache that finds the weights and nothing else.

    Raises:
        subprocess.CalledProcessError: When one of both fails.
    """
    from zoo.cache import cache_folder

    with tempfile.TemporaryDirectory() as place:
        cold = Path(place) / "cache"
        cold.mkdir()
        if (cache_folder() / "weights").is_dir():
            (cold / "weights").symlink_to(cache_folder() / "weights")

        def run(*more: str) -> bytes:
            command = [sys.executable, "-m", "recipes.run", *arguments, "--quiet", *more]
            return subprocess.run(
                command, cwd=ROOT, env=os.environ | {"KERAS_ZOO_CACHE": str(cold)}, stdout=subprocess.PIPE, check=True
            ).stdout

        planned = json.loads(run("--plan", "--json"))["minutes"]
        began = time.monotonic()
        run("--out", f"{place}/run")
        took = time.monotonic() - began
        manifest = json.loads(Path(place, "run", "manifest.json").read_text())
        scores = json.loads(Path(place, "run", "metrics.json").read_text())["test"]
    return {
        "command": f"python -m recipes.run {shlex.join(arguments)}",
        "minutes": took / 60,
        "planned_minutes": planned,
        "seconds_by_stage": manifest["seconds"],
        "seed": manifest["seed"],
        "test_images": sum(manifest["data"]["counts"]["test"].values()),
        "accuracy": scores["accuracy"],
    }


def markdown(found: dict[str, Any]) -> str:
    """A line a command, and a sentence on their conditions."""
    heads = ("command", "minutes", "minutes planned", "planned of real", "test images right")
    lines = [
        (
            f"`{row['command']}`", f"{row['minutes']:.1f}", f"{row['planned_minutes']:.1f}",
            f"{row['planned_minutes'] / row['minutes']:.2f}", f"{row['accuracy']:.4f} of {row['test_images']:,}",
        )
        for row in found["rows"]
    ]  # fmt: skip
    hardware, versions = found["hardware"], found["versions"]
    return "\n".join(
        [
            table(heads, lines),
            f"One after the other, seed 42. {hardware['processor']}, {hardware['cores']} cores, Keras "
            f"{versions['keras']}; `{found['command']}`.",
            "",
        ]
    )


def main() -> None:
    """Run every command, print, and store."""
    parse = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parse.add_argument("--data-dir", help="where TFDS keeps the data sets")
    parse.add_argument("--smoke", action="store_true", help="one small recipe on a few images, nothing stored")
    options = parse.parse_args()
    if not options.smoke and not options.data_dir:
        parse.error("--data-dir or --smoke is needed")

    from recipes.execution import environment
    from recipes.files.atomic import write_json
    from recipes.study.results_table import put_in_docs

    if options.data_dir:
        os.environ["TFDS_DATA_DIR"] = options.data_dir
    found: dict[str, Any] = {
        "rows": [],
        "command": "python benchmarks/whole_runs.py --data-dir DIR",
        "versions": environment.versions(),
        "hardware": environment.hardware(),
    }
    for arguments in SMOKE if options.smoke else COMMANDS:
        found["rows"].append(measured(arguments))
        print(found["rows"][-1], flush=True)
        if not options.smoke:
            write_json(ROOT / "results" / "bench" / "whole_runs.json", found)
    print(markdown(found))
    if not options.smoke:
        put_in_docs(ROOT / "docs", "results.md", "whole runs", markdown(found))


if __name__ == "__main__":
    main()
