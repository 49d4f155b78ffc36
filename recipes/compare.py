"""Compare finished runs: figures with intervals, what was set otherwise, whether the difference is more than chance.

Two runs that were scored on the same test images are compared image by image (McNemar's exact test): only images that
one gets right and the other wrong say anything.

Examples:
    python -m recipes.compare vgg16_feature_extract vgg16_finetune
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from recipes.console.command import Parser, guarded, path
from recipes.console.screen import Screen, flush_stdout
from recipes.files import run_folder


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and give its exit code; errors are one line on stderr."""
    return guarded(_command, arguments)


def parser() -> Parser:
    """The command line."""
    parse = Parser("compare", __doc__ or "")
    parse.add_argument(
        "runs", type=path, nargs="+", metavar="RUN", help="finished runs, two or more: folders, last, or recipes' names"
    )
    parse.add_argument("--json", action="store_true", help="print the comparison as one JSON line, all else to stderr")
    return parse


def _command(arguments: Sequence[str] | None) -> int:
    from recipes.study.comparison import compare

    options = parser().parse(arguments)
    options.runs = [run_folder.given(run) for run in options.runs]
    Screen(to_stderr=options.json)
    found = compare(options.runs)
    if options.json:
        print(json.dumps(found, ensure_ascii=False))
    flush_stdout()
    return 0


if __name__ == "__main__":
    sys.exit(main())
