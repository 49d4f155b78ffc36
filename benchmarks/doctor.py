"""How long the doctor takes over many photos, and how much memory: at first, and again.

    python benchmarks/doctor.py [--photos 5000 10000 20000] [--smoke]

So many JPEG files of 64x64 pixels in ten classes, one in ten a copy of the one before saved anew, are examined by
`python -m recipes.doctor` in a process of its own, once with an empty cache and once more. Results go to
results/bench/doctor.json and, between the marks, into docs/en/photos.md. `--smoke` takes a few files and writes nothing.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
CLASSES = 10
COPIES = 10
SIDE = 64


def write_photos(folder: Path, number: int) -> None:
    """So many files that look like no other, but for one in ten."""
    import numpy as np
    from PIL import Image

    random = np.random.default_rng(0)
    for label in range(CLASSES):
        (folder / f"class {label}").mkdir(parents=True)
    for index in range(number):
        quality = 60
        if index % COPIES:
            quality = 90
            coarse = Image.fromarray(random.integers(0, 256, (8, 8, 3), dtype="uint8"))
            smooth = np.asarray(coarse.resize((SIDE, SIDE), Image.Resampling.BICUBIC), "int16")
            grain = random.integers(-20, 20, (SIDE, SIDE, 1))
            photo = Image.fromarray((smooth + grain).clip(0, 255).astype("uint8"))
        elif not index:
            photo = Image.new("RGB", (SIDE, SIDE), (90, 120, 60))
        photo.save(folder / f"class {index // COPIES % CLASSES}" / f"{index:05d}.jpg", quality=quality)


def examine(photos: Path, folder: Path) -> dict[str, float]:
    """Seconds and peak memory of one examination in a process of its own."""
    environment = os.environ | {"KERAS_ZOO_CACHE": str(folder / "cache"), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "recipes.doctor", str(photos), "--out", str(folder / "out")]
    began = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"the doctor ended with exit code {process.returncode}")
    scale = 1 if sys.platform == "darwin" else 1024  # Linux counts in KiB.
    return {"seconds": round(seconds, 1), "peak_memory_mb": round(usage.ru_maxrss * scale / 1e6)}


def measure(numbers: Sequence[int]) -> dict[str, dict[str, dict[str, float]]]:
    """For each number of photos, what the first and the second examination took."""
    found = {}
    for number in numbers:
        with tempfile.TemporaryDirectory() as folder:
            write_photos(Path(folder) / "photos", number)
            found[str(number)] = {turn: examine(Path(folder) / "photos", Path(folder)) for turn in ("first", "again")}
    return found


def sentence(found: dict[str, Any]) -> str:
    """The figures and their conditions in one sentence."""
    parts = [
        f"{int(number):,} photos {turns['first']['seconds']:,.0f} seconds and {turns['first']['peak_memory_mb']:,} MB "
        f"at first, {turns['again']['seconds']:,.0f} seconds and {turns['again']['peak_memory_mb']:,} MB again"
        for number, turns in found["photos"].items()
    ]
    hardware = found["hardware"]
    return (
        f"JPEG files of 64x64 pixels take the doctor, of {'; of '.join(parts)} ({hardware['processor']}, "
        f"{hardware['cores']} cores; `{found['command']}`).\n"
    )


def main() -> None:
    """Measure, print, and store."""
    parse = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parse.add_argument("--photos", type=int, nargs="+", default=[5000, 10_000, 20_000])
    parse.add_argument("--smoke", action="store_true", help="a few photos, nothing stored")
    options = parse.parse_args()
    from recipes.execution import environment

    numbers = [200] if options.smoke else options.photos
    found = {
        "photos": measure(numbers),
        "command": f"python benchmarks/doctor.py --photos {' '.join(map(str, numbers))}",
        "versions": environment.versions(),
        "hardware": environment.hardware(),
    }
    print(sentence(found))
    if not options.smoke:
        from recipes.files.atomic import write_json
        from recipes.study.results_table import put_between_marks

        write_json(ROOT / "results" / "bench" / "doctor.json", found)
        put_between_marks(ROOT / "docs" / "en" / "photos.md", "doctor", sentence(found))


if __name__ == "__main__":
    main()
