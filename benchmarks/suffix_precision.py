"""Does training in bfloat16 lose anything? vgg16_finetune, tuned, in both number formats over several seeds.

    python benchmarks/suffix_precision.py --data-dir DIR [--seeds 42 43 44] [--smoke]

The layers that train compute in float32 or in bfloat16; both read the same activations of the frozen part, found in
the cache folder or computed first. Compared are the validation accuracy and loss of the last epoch, and the seconds
of an epoch of the last phase. Results go to results/bench/suffix_precision.json and, between the marks, into
docs/en/boundary.md. `--smoke` takes a few crops, random weights, an epoch or two a phase, and writes nothing.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from zoo.text.markdown import table

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
FORMATS = ("float32", "bfloat16")


def trained(seed: int, precision: str, data_dir: str | None) -> dict[str, Any]:
    """Train once; the last epoch's figures and the median epoch of the last phase after its first."""
    import recipes
    from recipes import data
    from recipes import precision as precisions
    from recipes.execution import prepare
    from recipes.freeze import frozen_runner
    from recipes.train import engine

    recipe = recipes.get("vgg16_finetune")
    recipe = recipe.override("engine", frozen_runner.choose("auto", precisions.choose("auto")).split()[0])
    origin = data.find("cats_vs_dogs", "full" if data_dir else "sample", data_dir)
    if data_dir is None:
        recipe = recipe.override("weights", None).override("image_size", 32).override("views", 1)
        for phase in recipe.phases:  # Of the last, the second epoch is timed.
            recipe = recipe.override(f"phases.{phase.name}.epochs", 2 if phase.name == recipe.phases[-1].name else 1)
    splits = data.read(origin, recipe.split, recipe.image_size)
    if data_dir is None:
        splits = splits.take(train=8, validation=8, test=2)
    model = prepare.build(recipe, splits, seed, prepare.find_weights(recipe))
    ends: list[float] = []
    hooks = engine.Hooks(on_epoch=lambda *_: ends.append(time.perf_counter()))
    outcome = engine.train(recipe, splits, model, seed=seed, precision=precision, hooks=hooks)
    last = [end for end, row in zip(ends, outcome.history, strict=True) if row["phase"] == recipe.phases[-1].name]
    row = outcome.history[-1]
    return {
        "val_accuracy": row["val_accuracy"],
        "val_loss": row["val_loss"],
        "seconds_per_epoch": statistics.median(b - a for a, b in zip(last, last[1:], strict=False)),
    }


def markdown(found: dict[str, Any]) -> str:
    """The comparison as a table and a sentence on its conditions."""

    def cell(precision: str, figure: str, digits: int) -> str:
        values = [run[figure] for run in found["runs"][precision].values()]
        spread = f" ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else ""
        return f"{statistics.mean(values):.{digits}f}{spread}"

    figures = (("val_accuracy", 4, ""), ("val_loss", 3, ""), ("seconds_per_epoch", 1, " s"))
    rows = [
        (precision, *(cell(precision, figure, digits) + unit for figure, digits, unit in figures))
        for precision in FORMATS
    ]
    head = ("layers that train compute in", "validation accuracy", "validation loss", "an epoch of block 5 and head")
    hardware, versions = found["hardware"], found["versions"]
    return "\n".join(
        [
            table(head, rows),
            f"vgg16_finetune, tuned, seeds {', '.join(found['runs']['float32'])}: mean ± standard deviation. "
            f"{hardware['processor']}, {hardware['cores']} cores, Keras {versions['keras']}, TensorFlow "
            f"{versions['tensorflow']}; `{found['command']}`.",
            "",
        ]
    )


def main() -> None:
    """Train every seed in both formats, print, and store."""
    parse = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parse.add_argument("--data-dir", help="where TFDS keeps cats_vs_dogs")
    parse.add_argument("--seeds", type=int, nargs="+", default=[42, 43, 44])
    parse.add_argument("--smoke", action="store_true", help="a few crops, random weights, nothing stored")
    options = parse.parse_args()
    if not options.smoke and not options.data_dir:
        parse.error("--data-dir or --smoke is needed")

    from recipes.execution import environment

    runs: dict[str, dict[str, Any]] = {precision: {} for precision in FORMATS}
    for seed in options.seeds:
        for precision in FORMATS:
            runs[precision][str(seed)] = trained(seed, precision, None if options.smoke else options.data_dir)
            print(f"seed {seed}, {precision}: {json.dumps(runs[precision][str(seed)])}", flush=True)
    seeds = " ".join(map(str, options.seeds))
    found = {
        "runs": runs,
        "command": f"python benchmarks/suffix_precision.py --data-dir DIR --seeds {seeds}",
        "versions": environment.versions(),
        "hardware": environment.hardware(),
    }
    print(markdown(found))
    if not options.smoke:
        from recipes.files.atomic import write_json
        from recipes.study.results_table import put_between_marks

        folder = ROOT / "results" / "bench"
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / "suffix_precision.json", found)
        put_between_marks(ROOT / "docs" / "en" / "boundary.md", "precision", markdown(found))


if __name__ == "__main__":
    main()
