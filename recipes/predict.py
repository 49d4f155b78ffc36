"""Say what is on photos, with the network that a run trained, or with one that comes trained.

Examples:
    python -m recipes.predict efficientnet_lite0 dog.jpg
    python -m recipes.predict last --sample 3
    python -m recipes.predict vgg16_finetune cat.jpg
    python -m recipes.predict vgg16_finetune ~/album --csv album.csv
    python -m recipes.predict last cat.jpg dog.jpg --top 2 --json
    python -m recipes.predict model.keras cat.jpg
    python -m recipes.predict own_photos ~/album --none-of-these 0.05
    python -m recipes.predict last ~/album --copy-to ~/answers --unsure 0.8
    find ~/album -name '*.jpg' | python -m recipes.predict efficientnet_lite0 -
"""

from __future__ import annotations

import json
import logging
import shlex
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

from recipes.console.command import Parser, guarded, path
from recipes.console.screen import RESULT, Screen, flush_stdout
from recipes.console.streams import visible
from recipes.errors import DataFault, UsageFault
from recipes.files import run_folder

# What `recipes.inference.table.Table.as_csv` begins with.
TABLE_BEGINS = "path,prediction,"
log = logging.getLogger("recipes")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and give its exit code; errors are one line on stderr."""
    return guarded(_command, arguments)


def parser() -> Parser:
    """The command line."""
    parse = Parser("predict", __doc__ or "")
    parse.add_argument(
        "run",
        type=path,
        metavar="RUN",
        help="a finished run: its folder, last, or a recipe's name; a model.keras, or efficientnet_lite0",
    )
    parse.add_argument(
        "images", type=path, nargs="*", metavar="IMAGE_OR_FOLDER",
        help="photos, folders of them, zip archives, tables with a column path; - for standard input, names or a photo",
    )  # fmt: skip
    parse.add_argument(
        "--sample", type=int, metavar="N", help="the N-th bundled test picture of RUN's data set, from 0"
    )
    parse.add_argument("--top", type=int, default=1, metavar="K", help="show the K most probable classes (default 1)")
    parse.add_argument("--csv", type=path, metavar="FILE", help="write every probability into a table")
    parse.add_argument(
        "--copy-to", type=path, metavar="OUT", help="copy each photo into OUT/<class>, with OUT/answers.csv beside"
    )
    parse.add_argument(
        "--unsure", type=float, metavar="P", help="with --copy-to: below this probability into OUT/_unsure, such as 0.8"
    )
    parse.add_argument("--json", action="store_true", help="print the result as one JSON line, all else to stderr")
    parse.add_argument(
        "--none-of-these", type=float, metavar="RATE",
        help="also say which photos are none of the classes, at this rate of false alarms, such as 0.05",
    )  # fmt: skip
    parse.add_argument(
        "--unlabelled", action="store_true", help="the names of subfolders say nothing of what is on their photos"
    )
    parse.add_import()
    return parse


def _command(arguments: Sequence[str] | None) -> int:
    options = parser().parse(arguments)
    options.run = run_folder.given(options.run)
    if not options.images and options.sample is None:
        raise UsageFault("Which photo? Give one, or --sample 0 for a bundled picture of the data set that RUN learned.")
    if options.none_of_these is not None and not 0 < options.none_of_these < 1:
        raise UsageFault(f"--none-of-these must be above 0 and below 1, such as 0.05. Got {options.none_of_these:g}.")
    if options.top < 1:
        raise UsageFault("--top must be 1 or more.")
    if options.csv is not None:
        from recipes.data.photos.tables import refuse_to_overwrite

        refuse_to_overwrite(options.csv, options.images, TABLE_BEGINS)
    if options.unsure is not None and not (options.copy_to is not None and 0 < options.unsure <= 1):
        raise UsageFault("--unsure is a probability above 0, such as 0.8, and goes with --copy-to OUT.")
    screen = Screen(to_stderr=True)  # Answers go to stdout, all else to stderr.
    from recipes.console.backend import load_backend
    from recipes.files import atomic

    load_backend()
    from recipes.inference.answers import answer
    from recipes.inference.saved import sample_picture

    if options.sample is not None:
        options.images.append(sample_picture(options.run, options.sample))
    if options.copy_to is not None:
        from recipes.study import answer_folders

        answer_folders.refuse(options.copy_to, options.images)

    def tell(name: str, classes: Sequence[tuple[str, float]], refused: bool) -> None:
        said = "  ".join(f"{label} {value:.4f}" for label, value in classes[: options.top])
        shown = visible(name).replace("\n", "\\n")
        print(shown, f"none of these ({said})" if refused else said, sep="  ", flush=True)

    keep = options.csv
    more: dict[str, Any] = {} if options.json or keep is not None else {"tell": tell}
    if options.copy_to is not None:
        more = {"beforehand": partial(answer_folders.refuse_large, options.copy_to)}
        with atomic.disk_faults(options.copy_to):
            options.copy_to.mkdir(parents=True, exist_ok=True)
        keep = keep or options.copy_to / answer_folders.TABLE
    answers = answer(
        options.run, options.images, labelled=not options.unlabelled, none_of_these=options.none_of_these,
        keep=keep, screen=screen, **more,
    )  # fmt: skip
    if options.csv is not None:
        atomic.write(options.csv, answers.table.as_csv())
        rows = len(answers.table.asked)
        log.info("%s row%s in %s", f"{rows:,}", "s" * (rows != 1), options.csv)
    if options.copy_to is not None:
        with screen.counting("copy") as watch:
            done, counts = answer_folders.put(answers, options.copy_to, options.unsure, watch)
        for folder, number in sorted(counts.items()):
            log.info("  %s %s", options.copy_to / folder, f"{number:,}")
        log.log(
            RESULT, "%s copied, %s there already, %s taken elsewhere, %s gone",
            f"{done.added:,}", f"{done.there:,}", f"{done.removed:,}", f"{len(done.missing):,}",
        )  # fmt: skip
        for name, reason in done.missing:
            log.warning("%s: %s", name, reason)
    answers.written()
    if options.json:
        print(json.dumps(answers.as_json(options.top), ensure_ascii=False))
    elif score := answers.score:
        print(f"accuracy {score.accuracy:.4f} ({score.right:,} of {score.photos:,} photos, by their folders)")
    flush_stdout()
    if not len(answers.table):
        raise DataFault("None of the photos could be read.")
    if run_folder.is_finished(options.run) and not (options.run / "export").exists():
        log.info("next   python -m recipes.export %s", shlex.quote(str(options.run)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
