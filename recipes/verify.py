"""Check a bundle: its files, and that it answers as the network it was made from.

Needs the bundle's own runtime and nothing else of a run.

Examples:
    python -m recipes.verify ~/bundle
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from recipes.console.command import Parser, guarded


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and give its exit code; errors are one line on stderr."""
    return guarded(_command, arguments)


def parser() -> Parser:
    """The command line."""
    parse = Parser("verify", __doc__ or "")
    parse.add_argument("bundle", type=Path, metavar="BUNDLE", help="a folder that recipes.export made")
    parse.add_import()
    return parse


def _command(arguments: Sequence[str] | None) -> int:
    from recipes.inference.bundle.check import verify

    options = parser().parse(arguments)
    agreement = verify(options.bundle)
    print(
        f"{options.bundle}: {agreement.format} answers as it should on {agreement.compared} "
        f"(probabilities differ by {agreement.difference:.1g} at most)"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
