"""Kill, starve and mutate: nothing may be lost, and no input may end as a bug of ours.

    python tests/torture.py
    python tests/torture.py --runs 500 --kills 1000 --mutations 100000 --weights 2000 --out results/reliability.json

Whole runs of a second or two are stopped by signals, full and read-only disks, lost permission, folders that vanish and
clocks that go back, at a random change of a file or a random moment, and resumed until they are done: their figures and
files are those of a run that nothing disturbed. The layer of files is killed while it saves without end. What is
mutated, by bytes and by values, is every kind of file that commands read. `--stage` and `--first` repeat one run.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import shlex
import sys
import tempfile
import time
import warnings
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Threads of libraries would be forked as locks that nobody holds.
for _library in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_library, "1")
sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parent.parent)]

from ordeals import layer  # noqa: E402
from ordeals.inputs.mutate import most_memory_mb, mutate  # noqa: E402

from recipes.execution import environment  # noqa: E402


def torture(options):
    """Do it all; gives the figures, JSON-ready."""
    logging.getLogger("recipes").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")  # Of readers of images.
    draw, began = random.Random(options.seed), time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folders = {part: Path(name) / part for part in ("runs", "killed", "starved", "mutated")}
        for folder in folders.values():
            folder.mkdir()
        figures = {}
        if options.runs:
            from ordeals import runs

            Path(name).chmod(0o755)
            figures["runs"] = runs.disturb(
                folders["runs"], options.runs, options.seed,
                first=options.first, minutes=options.minutes, only=options.stage,
            )  # fmt: skip
        figures |= {
            "kills": layer.kill(options.kills, draw, folders["killed"]),
            "full_disks": layer.starve(max(1, options.kills // 4), draw, folders["starved"]) if options.kills else 0,
            "mutations": mutate(options.mutations, options.weights, options.seed, folders["mutated"]),
        }
    return figures | {
        "seed": options.seed,
        "seconds": round(time.monotonic() - began, 1),
        "most_memory_mb": most_memory_mb(),
        "command": shlex.join(["python", "tests/torture.py", *sys.argv[1:]]),
        "versions": environment.versions(),
    }


def main():
    """Read the command line; 0 where nothing was lost and nothing ended as a bug, else 1."""
    parse = argparse.ArgumentParser("python tests/torture.py")
    parse.add_argument("--runs", type=int, default=0, help="whole runs that are disturbed")
    parse.add_argument("--minutes", type=float, help="no run begins after so many")
    parse.add_argument("--stage", action="append", default=[], help="only runs of this kind; repeatable")
    parse.add_argument("--first", type=int, default=0, help="the number of the first run")
    parse.add_argument("--kills", type=int, default=40)
    parse.add_argument("--mutations", type=int, default=3000, help="inputs that are changed")
    parse.add_argument("--weights", type=int, default=0, help="files of weights that are changed, beside these")
    parse.add_argument("--seed", type=int, default=1)
    parse.add_argument("--out", type=Path, help="a list in JSON that these figures are added to")
    figures = torture(options := parse.parse_args())
    text = json.dumps(figures, indent=2, ensure_ascii=False) + "\n"
    print(text, end="")
    if options.out is not None:
        before = json.loads(options.out.read_text(encoding="utf-8")) if options.out.exists() else []
        text = json.dumps([*before, figures], indent=2, ensure_ascii=False) + "\n"
        options.out.write_text(text, encoding="utf-8")
    return 1 if figures["mutations"]["bugs"] or figures.get("runs", {}).get("bugs") else 0


if __name__ == "__main__":
    sys.exit(main())
