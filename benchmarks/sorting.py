"""How many keys it takes to sort an album by `recipes.sort`, and how many photos end in the right class.

    python benchmarks/sorting.py FOLDER [FOLDER ...] [--photos 300] [--smoke]

Each FOLDER holds a set of photos, a folder for each class, of which so many are taken by chance. What a frozen
EfficientNet-Lite0 finds in them is what `recipes.sort` asks by. A scripted person knows the truth and presses keys;
each counts, the one that copies too. The careful one looks at every photo that is shown: where all are what is
proposed, Enter; where all are of one class, its number; otherwise the letters of those that are not of the most
frequent class, class by class, each with that number, then Enter or a number for the rest. The hasty one looks at
groups only, and presses Enter for every proposal. Seeds draw other photos. Results go to results/bench/sorting.json
and, between the marks, into docs/en/sort.md. `--smoke` takes a few crops, random weights, and writes nothing.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo.text.markdown import table

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
SEEDS = (42, 43, 44)
CAREFUL, HASTY = "careful", "hasty"


def sorted_by(
    person: str, photos: Sequence[str], truths: Sequence[str], classes: Sequence[str], features: np.ndarray
) -> dict[str, Any]:
    """Let a scripted person sort an album: keys pressed, pages seen, photos in their class."""
    from recipes.study.sorting import journal
    from recipes.study.sorting.keys import Sorting

    with tempfile.TemporaryDirectory() as folder, journal.opened(Path(folder)) as kept:
        sorting = Sorting(photos, features, classes, kept)
        keys, pages = 0, 0
        while sorting.asked is not None:
            pages += 1
            for key in _keys(person, sorting, [classes.index(truths[place]) for place in sorting.shown]):
                sorting.press(key)
                keys += 1
        named = journal.Journal(Path(folder) / journal.FILE).labels
    right = sum(named[name] == truth for name, truth in zip(photos, truths, strict=True))
    return {"keys": keys + 1, "pages": pages, "right": right / len(photos)}


def _keys(person: str, sorting: Any, truths: Sequence[int]) -> Iterator[str]:
    """What a person presses on seeing a page."""
    from recipes.study.sorting.keys import DIGITS, ENTER, LETTERS

    proposal = sorting.asked.proposal
    if person == HASTY and proposal is not None:
        yield ENTER
        return
    counts = Counter(truths)
    most = max(counts, key=lambda number: (counts[number], number == proposal))
    for number in sorted(set(truths) - {most}):
        letters = [letter for letter, truth in zip(LETTERS, truths, strict=False) if truth == number]
        yield from letters
        yield DIGITS[number]
        truths = [truth for truth in truths if truth != number]
    yield ENTER if most == proposal else DIGITS[most]


def drawn(folder: Path, number: int, seed: int) -> tuple[list[str], list[str], list[str]]:
    """Names and classes of so many photos of a folder, by chance, and all classes."""
    from recipes.data.photos.listing import list_photos

    listing = list_photos(folder)
    places = np.sort(np.random.default_rng(seed).permutation(len(listing.entries))[:number])
    taken = [listing.entries[place] for place in places]
    return [entry.name for entry in taken], [entry.label for entry in taken], listing.classes


def rows(folders: Sequence[Path], *, number: int, weights: str | None, side: int) -> Iterator[dict[str, Any]]:
    """Every set sorted by both people, over all seeds."""
    from recipes.console.screen import Screen
    from recipes.study.sorting import album

    for folder in folders:
        found = album.read(folder, Screen(quiet=True, to_stderr=True))
        features = album.features(found, Screen(quiet=True, to_stderr=True), weights=weights, side=side)
        places = {name: place for place, name in enumerate(found.names)}
        runs: dict[str, list[dict[str, Any]]] = {CAREFUL: [], HASTY: []}
        for seed in SEEDS:
            names, truths, classes = drawn(folder, number, seed)
            usable = [place for place, name in enumerate(names) if name in places]
            names, truths = [names[place] for place in usable], [truths[place] for place in usable]
            for person, made in runs.items():
                made.append(sorted_by(person, names, truths, classes, features[[places[name] for name in names]]))
        for person, made in runs.items():
            yield {
                "photos": folder.name,
                "number": len(names),
                "classes": len(classes),
                "person": person,
                "runs": made,
            }


def markdown(found: dict[str, Any]) -> str:
    """The rows as a table, and a sentence on their conditions."""
    lines = []
    for row in found["rows"]:
        keys, right = ([run[name] for run in row["runs"]] for name in ("keys", "right"))
        lines.append(
            (
                f"{row['photos']}, {row['number']} of {row['classes']} classes", row["person"],
                f"{statistics.mean(keys):.0f} ({min(keys)} to {max(keys)})",
                f"{statistics.mean(keys) / row['number']:.2f}",
                f"{statistics.mean(right):.1%} ({min(right):.1%} to {max(right):.1%})",
            )
        )  # fmt: skip
    return "\n".join(
        [
            table(("photos", "person", "keys", "keys a photo", "in the right class"), lines),
            f"Means over the photos that seeds {', '.join(map(str, found['seeds']))} draw, least and most; Keras "
            f"{found['versions']['keras']}; `{found['command']}`.",
            "",
        ]
    )


def main() -> None:
    """Sort every set, print, and store."""
    parse = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parse.add_argument("folders", type=Path, nargs="*", metavar="FOLDER", help="photos, a folder for each class")
    parse.add_argument("--photos", type=int, default=300, metavar="N", help="of each set so many (default 300)")
    parse.add_argument("--smoke", action="store_true", help="a few crops, random weights, nothing stored")
    options = parse.parse_args()
    if not options.smoke and not options.folders:
        parse.error("a folder of photos or --smoke is needed")

    from benchmarks.photo_sets import crops
    from recipes.console.backend import load_backend
    from recipes.execution import environment

    load_backend()
    measured = []
    with tempfile.TemporaryDirectory() as few:
        folders, weights, side = (
            ([crops(Path(few) / "crops", 30)], None, 32) if options.smoke else (options.folders, "imagenet", 224)
        )
        for row in rows(folders, number=options.photos, weights=weights, side=side):
            print(row, flush=True)
            measured.append(row)
    found = {
        "rows": measured,
        "seeds": list(SEEDS),
        "command": f"python benchmarks/sorting.py FOLDER ... --photos {options.photos}",
        "versions": environment.versions(),
        "hardware": environment.hardware(),
    }
    print(markdown(found))
    if not options.smoke:
        from recipes.files.atomic import write_json
        from recipes.study.results_table import put_between_marks

        write_json(ROOT / "results" / "bench" / "sorting.json", found)
        put_between_marks(ROOT / "docs" / "en" / "sort.md", "sorting", markdown(found))


if __name__ == "__main__":
    main()
