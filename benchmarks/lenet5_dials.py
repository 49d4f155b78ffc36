"""What LeNet-5 gains by two changes of the years after it: ReLU for sigmoid, max for average pooling.

    python benchmarks/lenet5_dials.py [--seeds 3] [--data-dir DIR] [--runs DIR] [--smoke]

The published protocol of the recipe lenet5 trains each of the four networks on full Fashion-MNIST, with seeds from 42
on; finished runs in the folder of `--runs` are not run again. Results go to results/bench/lenet5_dials.json and,
between the marks, into docs/en/lenet5-dials.md. `--smoke` trains a moment on the bundled sample, and writes nothing.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from zoo.text.markdown import table

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
DIALS = [(activation, pool) for activation in ("sigmoid", "relu") for pool in ("average", "max")]
KEPT = ("precision", "runs", "mean", "standard_deviation", "seed_interval", "image_interval")


def measured(
    activation: str, pool: str, seeds: int, runs: Path, data_dir: str | None, *, smoke: bool
) -> dict[str, Any]:
    """One network trained from every seed: what the runs gave, with intervals."""
    from recipes.console.screen import Screen
    from recipes.console.signals import Signals
    from recipes.execution.request import Request
    from recipes.study import results_files
    from recipes.study.seeds import FIRST_SEED, run

    screen, signals, folders = Screen(), Signals("The same command goes on."), []
    signals.listen()
    for seed in range(FIRST_SEED, FIRST_SEED + seeds):
        request = Request(
            "lenet5", "published", (("model.activation", activation), ("model.pool", pool)),
            data="sample" if smoke else "full", data_dir=data_dir, seed=seed, smoke=smoke,
        )  # fmt: skip
        folders.append(runs / f"lenet5-{activation}-{pool}-seed{seed}")
        run(request, folders[-1], screen, signals)
    (group,) = results_files.collect(folders, short=True).values()
    return {"activation": activation, "pool": pool} | {name: group[name] for name in KEPT}


def markdown(found: dict[str, Any]) -> str:
    """The rows as a table, and a sentence on their conditions."""
    head = ("activation", "pooling", "test accuracy", "95% over seeds", "validation accuracy", "epochs")
    rows = [
        (
            row["activation"], row["pool"], f"**{row['mean']:.4f}** ± {row['standard_deviation']:.4f}",
            "{:.4f} to {:.4f}".format(*row["seed_interval"]),
            f"{statistics.mean(run['validation_accuracy'] for run in row['runs']):.4f}",
            ", ".join(str(run["epochs"]) for run in row["runs"]),
        )
        for row in found["rows"]
    ]  # fmt: skip
    first, hardware = found["rows"][0], found["hardware"]
    conditions = (
        f"Means of {len(first['runs'])} seeds ± standard deviation, intervals by Student's t; epochs of each seed, of "
        f"20 at most; in {first['precision']}. {hardware['processor']}, {hardware['cores']} cores, Keras "
        f"{found['versions']['keras']}; `{found['command']}`."
    )
    return "\n".join([table(head, rows), conditions, ""])


def main() -> None:
    """Train the four networks, print, and store."""
    parse = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parse.add_argument("--seeds", type=int, default=3, metavar="N", help="from 42 on, 2 or more (default 3)")
    parse.add_argument("--data-dir", metavar="DIR", help="where TFDS keeps its data sets (default: TFDS_DATA_DIR)")
    parse.add_argument("--runs", type=Path, default=Path("runs/lenet5_dials"), metavar="DIR", help="of the runs")
    parse.add_argument("--smoke", action="store_true", help="a moment on the bundled sample, nothing stored")
    options = parse.parse_args()
    if options.seeds < 2:
        parse.error("an interval takes two seeds or more")

    from recipes.execution import environment
    from recipes.files.atomic import write_json
    from recipes.study.results_table import put_between_marks
    from recipes.study.seeds import commit

    with tempfile.TemporaryDirectory() as few:
        runs = Path(few) if options.smoke else options.runs
        dials = DIALS[-1:] if options.smoke else DIALS
        rows = [
            measured(*dial, options.seeds, runs=runs, data_dir=options.data_dir, smoke=options.smoke) for dial in dials
        ]
    found = {
        "rows": rows,
        "command": f"python benchmarks/lenet5_dials.py --seeds {options.seeds}",
        "commit": commit(),
        "versions": environment.versions(),
        "hardware": environment.hardware(),
    }
    print(markdown(found))
    if not options.smoke:
        write_json(ROOT / "results" / "bench" / "lenet5_dials.json", found)
        put_between_marks(ROOT / "docs" / "en" / "lenet5-dials.md", "lenet5 dials", markdown(found))


if __name__ == "__main__":
    main()
