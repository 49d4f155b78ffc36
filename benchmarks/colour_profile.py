"""What a colour profile costs: photos with one are brought to sRGB.

    python benchmarks/colour_profile.py [--repeats 5] [--smoke]

JPEG files of three sizes, made of real photographs, are decoded to 180x180 pixels in one thread, once without a profile
and once with one as phones write it, three curves and a matrix. Results go to results/bench/colour_profile.json and,
between the marks, into photos.md of the docs. `--smoke` takes a few photos and writes nothing.
"""

from __future__ import annotations

import argparse
import io
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from zoo.text.markdown import table  # noqa: E402

SIZE = 180
# (width, height) of the files: number of files.
KINDS = {(320, 240): 100, (1280, 960): 40, (4000, 3000): 10}


def profile() -> bytes:
    """The curves and matrix of sRGB under another name: what is computed is what Display P3 asks for."""
    from PIL import ImageCms

    known = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return known.replace("sRGB".encode("utf-16-be"), "xRGB".encode("utf-16-be"))


def photos(size: tuple[int, int], number: int, icc_profile: bytes | None) -> list[bytes]:
    """So many JPEG files of a size: different pieces of two photographs, enlarged or shrunk."""
    import numpy as np
    from PIL import Image
    from sklearn.datasets import load_sample_images

    random = np.random.default_rng(0)
    pictures = [Image.fromarray(picture) for picture in load_sample_images().images]
    contents = []
    for index in range(number):
        left, top = random.integers(0, 200), random.integers(0, 80)
        piece = pictures[index % 2].crop((left, top, left + 440, top + 330)).resize(size)
        out = io.BytesIO()
        piece.save(out, "JPEG", quality=90, icc_profile=icc_profile)
        contents.append(out.getvalue())
    return contents


def milliseconds(contents: Sequence[bytes]) -> float:
    """Of the processor, for each photo."""
    from recipes.data.decode import decode

    began = time.process_time()
    for content in contents:
        decode(content, (SIZE, SIZE))
    return 1000 * (time.process_time() - began) / len(contents)


def measure(repeats: int, share: float) -> dict[str, dict[str, list[float]]]:
    """Milliseconds for each size of file, in turns; the first turn warms up and does not count."""
    found = {}
    for size, number in KINDS.items():
        some = max(2, round(share * number))
        files = {"without": photos(size, some, None), "with": photos(size, some, profile())}
        turns = [{way: milliseconds(contents) for way, contents in files.items()} for _ in range(repeats + 1)]
        found[f"{size[0]}x{size[1]}"] = {way: [turn[way] for turn in turns[1:]] for way in turns[0]}
    return found


def markdown(found: dict[str, Any]) -> str:
    """The figures as a table and a sentence on their conditions."""
    rows = [
        (size, *(f"{statistics.median(turns[way]):.1f} ms" for way in ("without", "with")))
        for size, turns in found["milliseconds"].items()
    ]
    head = ("JPEG files of", "without a colour profile", "with one")
    return "\n".join(
        [
            table(head, rows),
            f"Medians of {found['repeats']} turns, one thread's time of the processor for a photo; "
            f"{found['hardware']['processor']}, Pillow {found['pillow']}; `{found['command']}`.",
            "",
        ]
    )


def main() -> None:
    """Measure, print, and store."""
    parse = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parse.add_argument("--repeats", type=int, default=5)
    parse.add_argument("--smoke", action="store_true", help="a few photos, nothing stored")
    options = parse.parse_args()
    import PIL

    from recipes.execution import environment

    repeats = 1 if options.smoke else options.repeats
    found = {
        "milliseconds": measure(repeats, 0.01 if options.smoke else 1),
        "repeats": repeats,
        "pillow": PIL.__version__,
        "command": f"python benchmarks/colour_profile.py --repeats {repeats}",
        "versions": environment.versions(),
        "hardware": environment.hardware(),
    }
    print(markdown(found))
    if not options.smoke:
        from recipes.files.atomic import write_json
        from recipes.study.results_table import put_in_docs

        write_json(ROOT / "results" / "bench" / "colour_profile.json", found)
        put_in_docs(ROOT / "docs", "photos.md", "colour profile", markdown(found))


if __name__ == "__main__":
    main()
