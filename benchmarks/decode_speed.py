"""How fast photos are decoded: the one decoder against `tf.io.decode_jpeg` and `tf.image.resize`.

    python benchmarks/decode_speed.py [--repeats 5] [--smoke]

JPEG files of three sizes, made of real photographs, are read and brought to 180x180 pixels, on all cores: by TensorFlow
in `tf.data`, once as it stands and once with `antialias=True`, which averages over the pixels it merges; and by the
recipes' decoder in threads, as in training and prediction. Results go to
results/bench/decode.json and, between the marks, into docs/en/photos.md. `--smoke` takes a few photos and writes nothing.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from zoo.text.markdown import table

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
SIZE = 180
# (width, height) of the files: number of files.
KINDS = {(320, 240): 2000, (1280, 960): 300, (4000, 3000): 40}


def write_photos(folder: Path, size: tuple[int, int], number: int) -> list[Path]:
    """So many JPEG files of a size: different pieces of two photographs, enlarged or shrunk."""
    import numpy as np
    from PIL import Image
    from sklearn.datasets import load_sample_images

    random = np.random.default_rng(0)
    photos = [Image.fromarray(photo) for photo in load_sample_images().images]
    paths = []
    for index in range(number):
        left, top = random.integers(0, 200), random.integers(0, 80)
        piece = photos[index % 2].crop((left, top, left + 440, top + 330)).resize(size, Image.Resampling.BICUBIC)
        paths.append(folder / f"{index:04d}.jpg")
        piece.save(paths[-1], quality=90)
    return paths


def plain(paths: Sequence[Path], *, antialias: bool) -> float:
    """Photos a second, as a notebook reads them."""
    import tensorflow as tf

    def read(path: tf.Tensor) -> tf.Tensor:
        return tf.image.resize(tf.io.decode_jpeg(tf.io.read_file(path), channels=3), (SIZE, SIZE), antialias=antialias)

    photos = tf.data.Dataset.from_tensor_slices([str(path) for path in paths]).map(read, tf.data.AUTOTUNE)
    began = time.perf_counter()
    for _ in photos.prefetch(tf.data.AUTOTUNE):
        pass
    return len(paths) / (time.perf_counter() - began)


def ours(paths: Sequence[Path]) -> float:
    """Photos a second by the recipes' decoder."""
    from recipes.data.decode import decode

    began = time.perf_counter()
    with ThreadPoolExecutor() as threads:
        for _ in threads.map(lambda path: decode(path.read_bytes(), (SIZE, SIZE)), paths):
            pass
    return len(paths) / (time.perf_counter() - began)


def measure(repeats: int, share: float) -> dict[str, dict[str, list[float]]]:
    """Photos a second for each size of file, in turns; the first turn warms up and does not count."""
    found = {}
    for size, number in KINDS.items():
        with tempfile.TemporaryDirectory() as folder:
            paths = write_photos(Path(folder), size, max(4, round(share * number)))
            turns = [
                {
                    "plain": plain(paths, antialias=False),
                    "antialias": plain(paths, antialias=True),
                    "ours": ours(paths),
                }
                for _ in range(repeats + 1)
            ]
        found[f"{size[0]}x{size[1]}"] = {way: [turn[way] for turn in turns[1:]] for way in turns[0]}
    return found


def markdown(found: dict[str, Any]) -> str:
    """The figures as a table and a sentence on their conditions."""

    def ratio(speeds: dict[str, list[float]], way: str) -> tuple[str, str]:
        ratios = [fast / slow for slow, fast in zip(speeds[way], speeds["ours"], strict=True)]
        return (
            f"{statistics.median(speeds[way]):,.0f} a second",
            f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
        )

    head = ("JPEG files of", "the decoder", "plain TensorFlow", "ratio", "with antialias=True", "ratio")
    rows = [
        (
            size,
            f"{statistics.median(speeds['ours']):,.0f} a second",
            *ratio(speeds, "plain"),
            *ratio(speeds, "antialias"),
        )
        for size, speeds in found["photos_per_second"].items()
    ]
    hardware, versions = found["hardware"], found["versions"]
    return "\n".join(
        [
            table(head, rows),
            f"Medians of {found['repeats']} turns (ratios within a turn: median, least to most); "
            f"{hardware['processor']}, {hardware['cores']} cores, TensorFlow {versions['tensorflow']}, "
            f"OpenCV {found['opencv']}, Pillow {found['pillow']}; `{found['command']}`.",
            "",
        ]
    )


def main() -> None:
    """Measure, print, and store."""
    parse = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parse.add_argument("--repeats", type=int, default=5)
    parse.add_argument("--smoke", action="store_true", help="a few photos, nothing stored")
    options = parse.parse_args()
    import cv2
    import PIL

    from recipes.execution import environment

    repeats = 1 if options.smoke else options.repeats
    found = {
        "photos_per_second": measure(repeats, 0.01 if options.smoke else 1),
        "repeats": repeats,
        "pillow": PIL.__version__,
        "opencv": cv2.__version__,
        "command": f"python benchmarks/decode_speed.py --repeats {repeats}",
        "versions": environment.versions(),
        "hardware": environment.hardware(),
    }
    print(markdown(found))
    if not options.smoke:
        from recipes.files.atomic import write_json
        from recipes.study.results_table import put_between_marks

        write_json(ROOT / "results" / "bench" / "decode.json", found)
        put_between_marks(ROOT / "docs" / "en" / "photos.md", "decode", markdown(found))


if __name__ == "__main__":
    main()
