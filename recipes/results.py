"""Collect finished runs into result files, and refresh the pages that show them.

What `python -m recipes.certify` wrote is certified; what is collected here is marked as not. `--wrong PAGE` shows the
test images that every certified run has wrong, with what each run said: is the label wrong, or what is to be seen?

Examples:
    python -m recipes.results runs/fashion_cnn/20260101T120000Z-seed42 runs/fashion_cnn/20260101T130000Z-seed43
    python -m recipes.results --readme README.md --docs docs --book recipes/book
    python -m recipes.results --wrong wrong.html --of cats_vs_dogs
    python -m recipes.results --wrong wrong.html --of vgg16_finetune tuned
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from recipes.console.command import Parser, guarded, path


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and give its exit code; errors are one line on stderr."""
    return guarded(_command, arguments)


def parser() -> Parser:
    """The command line."""
    parse = Parser("results", __doc__ or "")
    parse.add_argument("runs", nargs="*", type=path, metavar="RUN_FOLDER", help="folders of finished runs")
    parse.add_argument("--into", type=path, default=Path("results"), metavar="DIR", help="default: results")
    parse.add_argument(
        "--readme", type=path, metavar="FILE", help="a page with the marks <!-- results -->: the short table"
    )
    parse.add_argument("--docs", type=path, metavar="DIR", help="docs/: results.md in each language, the whole table")
    parse.add_argument("--book", type=path, metavar="DIR", help="recipes' pages with the marks <!-- measured -->")
    parse.add_argument("--wrong", type=path, metavar="PAGE", help="write a page of the images wrong in every run")
    parse.add_argument(
        "--of", nargs="+", default=[], metavar="NAME", help="with --wrong: a recipe, a data set, a variant, or several"
    )
    parse.add_argument("--data-dir", metavar="DIR", help="where TFDS keeps its data sets (default: TFDS_DATA_DIR)")
    return parse


def _command(arguments: Sequence[str] | None) -> int:
    from recipes.console.screen import Screen
    from recipes.errors import UsageFault
    from recipes.study import results_files

    options = parser().parse(arguments)
    pages = results_files.Pages(options.readme, options.docs, options.book)
    if options.wrong is not None:
        if options.runs or pages:
            raise UsageFault("--wrong shows what is certified: it takes no runs, no --readme, --docs and --book.")
        from recipes.study import wrong_answers

        Screen()
        wrong_answers.write(options.into, options.of, options.wrong, options.data_dir)
        return 0
    results_files.refresh(options.runs, options.into, pages)
    return 0


if __name__ == "__main__":
    sys.exit(main())
