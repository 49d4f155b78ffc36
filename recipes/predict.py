"""Say what is on photos, with the network that a run trained.

Examples:
    python -m recipes.predict runs/vgg16_finetune/20260101T120000Z-seed42 cat.jpg
    python -m recipes.predict runs/vgg16_finetune/20260101T120000Z-seed42 ~/album --csv album.csv
    python -m recipes.predict runs/vgg16_finetune/20260101T120000Z-seed42 cat.jpg dog.jpg --top 2 --json
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from recipes.console.command import Parser, guarded
from recipes.console.screen import RESULT, Screen, flush_stdout
from recipes.data.photos.listing import photos_below, printable
from recipes.errors import DataFault, UsageFault

log = logging.getLogger("recipes")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and give its exit code; errors are one line on stderr."""
    return guarded(_command, arguments)


def parser() -> Parser:
    """The command line."""
    parse = Parser("predict", __doc__ or "")
    parse.add_argument("run", type=Path, metavar="RUN", help="the folder of a finished run")
    parse.add_argument("images", type=Path, nargs="+", metavar="IMAGE_OR_FOLDER", help="photos, or folders of them")
    parse.add_argument("--top", type=int, default=1, metavar="K", help="show the K most probable classes (default 1)")
    parse.add_argument("--csv", type=Path, metavar="FILE", help="write every probability into a table")
    parse.add_argument("--json", action="store_true", help="print the result as one JSON line, all else to stderr")
    parse.add_argument(
        "--unlabelled", action="store_true", help="the names of subfolders say nothing of what is on their photos"
    )
    parse.add_import()
    return parse


def truths_of(folder: Path, photos: Sequence[Path], class_names: Sequence[str]) -> dict[str, str]:
    """What the subfolders of a folder say of its photos: `folder/<class>/...`.

    Returns:
        The class of each photo by its path; nothing when the folder has photos of its own or one subfolder only.

    Raises:
        DataFault: When the subfolders are other classes than the model's.
    """
    parts = [photo.relative_to(folder).parts for photo in photos]
    found = {part[0] for part in parts if len(part) > 1}
    if len(found) < 2 or any(len(part) == 1 for part in parts):
        return {}
    if strange := sorted(found - set(class_names)):
        raise DataFault(
            f"{folder} holds the classes {', '.join(strange[:5])}, and the model knows {', '.join(class_names[:5])}"
            + (" and others" if len(class_names) > 5 else "")
            + ". If these folders are no classes: --unlabelled"
        )
    return {printable(photo): part[0] for photo, part in zip(photos, parts, strict=True)}


def _command(arguments: Sequence[str] | None) -> int:
    options = parser().parse(arguments)
    if options.top < 1:
        raise UsageFault("--top must be 1 or more.")
    screen = Screen(to_stderr=options.json)
    from recipes.console.backend import load_backend
    from recipes.files import atomic, manifest

    class_names = manifest.read(options.run).data.class_names
    photos: list[Path] = []
    truths: dict[str, str] = {}
    for path in options.images:
        below = list(photos_below(path)) if path.is_dir() else [path]
        if not below:
            raise DataFault(f"{path} holds no photos.")
        if path.is_dir() and not options.unlabelled:
            truths |= truths_of(path, below, class_names)
        photos += below

    load_backend()
    from recipes.inference.predictor import collect, load

    predictor = load(options.run)
    quiet = options.json or options.csv is not None
    with screen.counting("predict") as watch:

        def followed() -> Iterator[tuple[str, np.ndarray | str]]:
            for done, (name, row) in enumerate(predictor.stream(photos), start=1):
                if isinstance(row, str):
                    log.warning("%s: %s", name, row)
                elif not quiet:
                    log.log(RESULT, "%s  %s", name, _said(row, predictor.class_names, options.top))
                if len(photos) > 1:
                    watch(done, len(photos))
                yield name, row

        table = collect(followed(), predictor.class_names, predictor.kind)
    if options.csv is not None:
        atomic.write(options.csv, table.as_csv())
        log.log(RESULT, "%s rows in %s", f"{len(table):,}", options.csv)
    accuracy = None
    guesses = zip(table.ids, table.predictions, strict=True)
    if known := [(truths[name], guess) for name, guess in guesses if name in truths]:
        right = sum(truth == guess for truth, guess in known)
        accuracy = right / len(known)
        log.log(RESULT, "accuracy %.4f (%s of %s photos, by their folders)", accuracy, f"{right:,}", f"{len(known):,}")
    if table.problems:
        log.warning("%d of %d photos could not be read.", len(table.problems), len(photos))
    if options.json:
        print(json.dumps(_as_json(table, options.top, accuracy), ensure_ascii=False))
    flush_stdout()
    if not len(table):
        raise DataFault("None of the photos could be read.")
    return 0


def _said(row: np.ndarray, class_names: Sequence[str], top: int) -> str:
    order = np.argsort(-row, kind="stable")[:top]
    return "  ".join(f"{class_names[index]} {row[index]:.4f}" for index in order)


def _as_json(table: Any, top: int, accuracy: float | None) -> dict[str, Any]:
    images = [
        {
            "path": str(name),
            "prediction": best[0][0],
            table.kind: best[0][1],
            "top": [{"class": label, table.kind: value} for label, value in best],
        }
        for name, best in zip(table.ids, table.top(top), strict=True)
    ]
    problems = [{"path": name, "reason": reason} for name, reason in table.problems.items()]
    return {"images": images, "problems": problems, "accuracy": accuracy}


if __name__ == "__main__":
    sys.exit(main())
