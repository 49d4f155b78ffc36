"""Which properties give a class away, in photos as they are and in copies that were doctored.

    python benchmarks/shortcuts.py FOLDER FOLDER [FOLDER ...] [--doctor FOLDER ...] [--smoke]

Each FOLDER holds a set of photos as `recipes.run --data` takes them, and is judged as it is. Of each after `--doctor`,
copies are made in which every photo is saved anew, as JPEG of quality 90 with the same day and camera; in each copy the
first class is changed in one way: not at all, darkened by 30%, bleached, named .png, saved as PNG, saved at quality 50,
shrunk to 70%, cut to a square, framed in black, dated a month later, or taken by another camera. Results go to
results/bench/shortcuts.json and, between the marks, into docs/en/photos.md. `--smoke` takes a few crops, and writes
nothing.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageEnhance, ImageOps

from zoo.text.markdown import table

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))


@dataclass(frozen=True)
class Doctoring:
    """How a class is changed, and what should find it."""

    name: str
    by: str = ""
    light: float = 1.0
    colour: float = 1.0
    suffix: str = ".jpg"
    kind: str = "JPEG"
    quality: int = 90
    scale: float = 1.0
    square: bool = False
    frame: bool = False
    date: str = "2024:05:01 12:00:00"
    camera: str = "One"

    def save(self, picture: Image.Image, file: Path) -> None:
        """Save a picture, changed."""
        picture = ImageEnhance.Color(ImageEnhance.Brightness(picture).enhance(self.light)).enhance(self.colour)
        if self.square:
            picture = ImageOps.fit(picture, (min(picture.size),) * 2)
        if self.scale != 1:
            picture = picture.resize((round(self.scale * picture.width), round(self.scale * picture.height)))
        if self.frame:
            picture = ImageOps.expand(picture, max(2, min(picture.size) // 25))
        exif = Image.Exif()
        exif[0x010F], exif[0x0132] = self.camera, self.date
        file.parent.mkdir(parents=True, exist_ok=True)
        picture.save(file.with_suffix(self.suffix), self.kind, quality=self.quality, exif=exif)


AS_IT_IS = Doctoring("saved anew")
DOCTORINGS = (
    AS_IT_IS,
    Doctoring("darkened by 30%", "brightness", light=0.7),
    Doctoring("bleached", "colour", colour=0.0),
    Doctoring("named .png", "file kind", suffix=".png"),
    Doctoring("saved as PNG", "file kind", suffix=".png", kind="PNG"),
    Doctoring("saved at quality 50", "compression", quality=50),
    Doctoring("shrunk to 70%", "size", scale=0.7),
    Doctoring("cut to a square", "aspect", square=True),
    Doctoring("framed in black", "border", frame=True),
    Doctoring("dated a month later", "date", date="2024:06:01 12:00:00"),
    Doctoring("another camera", "camera", camera="Another"),
)


def judged(folder: Path) -> dict[str, Any]:
    """What each property tells of a set of photos."""
    from recipes.data.photos.diagnosis import examine
    from recipes.recipe import Shares

    diagnosis = examine(folder, Shares())
    return {
        "photos": len(diagnosis.used),
        "classes": len(diagnosis.listing.classes),
        "alarms": [shortcut.by for shortcut in diagnosis.shortcuts if shortcut.is_alarm],
        "properties": [shortcut.as_dict() for shortcut in diagnosis.shortcuts],
    }


def doctored(folder: Path, into: Path, *, doctorings: Sequence[Doctoring] = DOCTORINGS) -> Iterator[dict[str, Any]]:
    """Copies of a set, each with its first class changed in one way."""
    from recipes.data.decode import opened, upright
    from recipes.data.photos.diagnosis import examine
    from recipes.recipe import Shares

    diagnosis = examine(folder, Shares())
    first = diagnosis.listing.classes[0]
    for number, doctoring in enumerate(doctorings):
        copy = into / f"{folder.name} {number}"

        def save(photo: Any, copy: Path = copy, doctoring: Doctoring = doctoring) -> None:
            with opened(photo.entry.path.read_bytes()) as image:
                picture = upright(image, image.size).copy()
            how = doctoring if photo.entry.label == first else AS_IT_IS
            how.save(picture, copy / photo.entry.label / photo.entry.name.replace("/", " "))

        with ThreadPoolExecutor() as threads:
            list(threads.map(save, diagnosis.used))
        yield {"set": folder.name, "class": first, "doctoring": doctoring.name, "by": doctoring.by} | judged(copy)


def markdown(found: dict[str, Any]) -> str:
    """The untouched sets and the doctored copies as two tables, and a sentence on their conditions."""
    names = list(dict.fromkeys(one["by"] for row in found["untouched"] for one in row["properties"]))
    untouched = [
        (row["set"], f"{row['photos']:,}", *(_cell(row, name) for name in names)) for row in found["untouched"]
    ]
    copies = [
        (
            row["set"], row["class"], row["doctoring"], _cell(row, row["by"]) if row["by"] else "",
            ", ".join(name for name in row["alarms"] if name != row["by"]) or "none",
        )
        for row in found["doctored"]
    ]  # fmt: skip
    return (
        table(("set, as it is", "photos", *names), untouched)
        + "\n"
        + table(("set", "class", "is", "by what it should be found", "other alarms"), copies)
        + "\nBalanced accuracy of the class that is told best, with its 95% interval; alarms are bold; an empty cell: "
        f"the photos do not differ in it. `{found['command']}`\n"
    )


def _cell(row: dict[str, Any], by: str) -> str:
    for one in row["properties"]:
        if one["by"] == by:
            low, high = one["of_label"]["interval"]
            words = f"{one['of_label']['found']:.2f} ({low:.2f} to {high:.2f})"
            return f"**{words}**" if one["is_alarm"] else words
    return ""


def main() -> None:
    """Judge every set and every copy, print, and store."""
    parse = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parse.add_argument("folders", type=Path, nargs="*", metavar="FOLDER", help="photos, a folder for each class")
    parse.add_argument("--doctor", type=Path, nargs="*", default=[], metavar="FOLDER", help="photos to make copies of")
    parse.add_argument("--smoke", action="store_true", help="a few pictures, nothing stored")
    options = parse.parse_args()
    if not options.smoke and not options.folders:
        parse.error("a folder of photos or --smoke is needed")
    from benchmarks.photo_sets import crops
    from recipes.execution import environment

    with tempfile.TemporaryDirectory() as folder:
        os.environ["KERAS_ZOO_CACHE"] = folder
        few = [crops(Path(folder) / "crops", 20, kind="png")] if options.smoke else []
        found: dict[str, Any] = {
            "untouched": [{"set": one.name} | judged(one) for one in few or options.folders],
            "doctored": [row for one in few or options.doctor for row in doctored(one, Path(folder) / "copies")],
            "command": "python benchmarks/shortcuts.py FOLDER ... --doctor FOLDER ...",
            "versions": environment.versions(),
            "hardware": environment.hardware(),
        }
    print(markdown(found))
    if not options.smoke:
        from recipes.files.atomic import write_json
        from recipes.study.results_table import put_between_marks

        write_json(ROOT / "results" / "bench" / "shortcuts.json", found)
        put_between_marks(ROOT / "docs" / "en" / "shortcuts.md", "shortcuts", markdown(found))


if __name__ == "__main__":
    main()
