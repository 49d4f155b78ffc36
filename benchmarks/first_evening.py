"""The figures of the first evening in one file, each with the command that measured it.

    python benchmarks/first_evening.py RUN

Gathers key presses and the share right of sorted albums, what forecasts held, and alarms of the check for what gives a
class away; and weighs the report of RUN, such as `python -m recipes.run own_photos` leaves it for 1,000 test photos of
cats and dogs. Results go to results/first_evening.json.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))


def gathered(bench: Path) -> dict[str, Any]:
    """What the other benchmarks measured, in short."""
    sorting, curve, shortcuts = (
        json.loads((bench / f"{name}.json").read_text()) for name in ("sorting", "learning_curve", "shortcuts")
    )
    albums = [
        {key: row[key] for key in ("photos", "number", "classes", "person")}
        | {"keys": [run["keys"] for run in row["runs"]], "right": [run["right"] for run in row["runs"]]}
        for row in sorting["rows"]
    ]
    sets: dict[str, dict[str, int]] = {}
    for row in curve["rows"]:
        counts = sets.setdefault(row["set"], {"forecasts": 0, "accuracy_held": 0, "gain_held": 0})
        counts["forecasts"] += 1
        counts["accuracy_held"] += row["accuracy_held"]
        counts["gain_held"] += row["gain_held"]
    changes = [row for row in shortcuts["doctored"] if row["by"]]
    return {
        "sorting": {"command": sorting["command"], "albums": albums},
        "learning_curve": {"command": curve["command"], "of_each_set": sets} | curve["summary"],
        "shortcuts": {
            "command": shortcuts["command"],
            "alarms": {row["set"]: row["alarms"] for row in shortcuts["untouched"]},
            "changes": len(changes),
            "changes_found": sum(row["by"] in row["alarms"] for row in changes),
        },
    }


def report_of(run: Path) -> dict[str, Any]:
    """How many test photos the report of a run is about, and its size."""
    from recipes.files import manifest as manifests
    from recipes.files import run_folder

    manifest = manifests.read(run)
    size = (run / run_folder.REPORT).stat().st_size
    return {"command": manifest.command, "test_photos": manifest.data.images("test"), "bytes": size}


def main() -> None:
    """Gather, print and store."""
    parse = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parse.add_argument("run", type=Path, metavar="RUN", help="the folder of a finished run")
    options = parse.parse_args()

    from recipes.files.atomic import write_json

    found = gathered(ROOT / "results" / "bench") | {"report": report_of(options.run)}
    print(json.dumps(found, indent=2))
    write_json(ROOT / "results" / "first_evening.json", found)


if __name__ == "__main__":
    main()
