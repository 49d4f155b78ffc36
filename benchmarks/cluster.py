"""What a cluster of processes on one machine brings, and that its results are those of one process.

    python benchmarks/cluster.py --seeds 4

The short setting of fashion_cnn (three epochs on the bundled sample) is certified three times: one seed after the
other, with `--cluster local:2`, and so again while one of the two workers is killed with signal 9 in the middle of a
seed. Every run's predictions, history and weights are compared byte for byte. Results go to results/cluster.json and,
between the marks, into docs/en/cluster.md. `--smoke` takes a network of one layer and two seeds, and writes nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from zoo.text.markdown import table

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
WORKERS = "local:2"


def certified(folder: Path, recipe: list[str], seeds: int, *, cluster: bool, kill: bool = False) -> dict[str, Any]:
    """Certify into a folder; gives seconds, whether a worker was killed, and what every run left, as digests."""
    command = [sys.executable, "-m", "recipes.certify", *recipe, "--smoke", "--seeds", str(seeds)]
    command += ["--runs", str(folder), "--into", str(folder / "results"), *(["--cluster", WORKERS] if cluster else [])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    began, killed = time.monotonic(), threading.Event()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        if kill and not killed.is_set() and (owner := _in_the_middle(folder)):
            os.kill(owner, signal.SIGKILL)
            killed.set()
        time.sleep(0.02)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return {
        "seconds": round(time.monotonic() - began, 1),
        "killed": killed.is_set(),
        "runs": {run.name.rpartition("-")[2]: _digests(run) for run in sorted(folder.glob("*-seed*"))},
    }


def _in_the_middle(folder: Path) -> int | None:
    """The process that has saved an epoch of a run."""
    for state in folder.glob("*/state/state-*.npz"):
        owner = state.parents[1] / ".owner"
        if owner.is_file() and (number := owner.read_text()):
            return int(number)
    return None


def _digests(run: Path) -> dict[str, str]:
    """sha256 of what a run gave: every answer, every epoch's figures, and the weights."""
    from recipes.console.backend import load_backend

    load_backend()
    import keras

    found = {name: hashlib.sha256((run / name).read_bytes()) for name in ("predictions.csv", "history.csv")}
    found["weights"] = hashlib.sha256()
    for weight in keras.saving.load_model(run / "model.keras", compile=False).get_weights():
        found["weights"].update(weight.tobytes())
    return {name: digest.hexdigest() for name, digest in found.items()}


def markdown(found: dict[str, Any]) -> str:
    """The three ways as a table, and a sentence on their conditions."""
    rows = [
        (name, f"{row['seconds']:.0f} s", "yes" if row["equal"] else "no") for name, row in found["rows"].items()
    ]  # fmt: skip
    return table((f"{found['seeds']} seeds of {found['certified']}", "wall time", "equal, byte for byte"), rows) + (
        f"\n{found['hardware']['processor']}, {found['hardware']['cores']} cores that other work shared, Keras "
        f"{found['versions']['keras']}, Dask {found['versions']['distributed']}; `{found['command']}`.\n"
    )


def main() -> None:
    """Certify in three ways, compare, print, and store."""
    parse = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parse.add_argument("--seeds", type=int, default=4, metavar="N", help="how many (default 4)")
    parse.add_argument("--smoke", action="store_true", help="one layer, two seeds, nothing stored")
    options = parse.parse_args()
    recipe, seeds = (
        (["one_layer:MINE", "--import", "one_layer"], 2) if options.smoke else (["fashion_cnn"], options.seeds)
    )
    ways = {
        "one process": {"cluster": False},
        f"--cluster {WORKERS}": {"cluster": True},
        f"--cluster {WORKERS}, a worker killed": {"cluster": True, "kill": True},
    }
    given = {}
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, way) in enumerate(ways.items()):
            given[name] = certified(Path(folder) / str(number), recipe, seeds, **way)
            print(name, given[name]["seconds"], flush=True)
    from importlib.metadata import version

    from recipes.execution import environment

    first = given["one process"]["runs"]
    found = {
        "certified": f"{recipe[0]}, short setting",
        "seeds": seeds,
        "rows": {name: one | {"equal": one["runs"] == first and len(first) == seeds} for name, one in given.items()},
        "command": f"python benchmarks/cluster.py --seeds {seeds}",
        "versions": environment.versions() | {"distributed": version("distributed")},
        "hardware": environment.hardware(),
    }
    print(markdown(found))
    if not options.smoke:
        from recipes.files.atomic import write_json
        from recipes.study.results_table import put_in_docs

        write_json(ROOT / "results" / "cluster.json", found)
        put_in_docs(ROOT / "docs", "cluster.md", "cluster", markdown(found))


if __name__ == "__main__":
    main()
