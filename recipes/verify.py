"""Check a bundle: its format, its files, and that it answers as the network it was made from.

A row for each thing that was looked at. Needs the bundle's own runtime and nothing else of a run.

Examples:
    python -m recipes.verify ~/bundle
    python -m recipes.verify ~/bundle --json
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

from recipes.console.command import Parser, guarded, path


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and give its exit code; errors are one line on stderr."""
    return guarded(_command, arguments)


def parser() -> Parser:
    """The command line."""
    parse = Parser("verify", __doc__ or "")
    parse.add_argument("bundle", type=path, metavar="BUNDLE", help="a folder that recipes.export made")
    parse.add_argument("--json", action="store_true", help="print the rows as one JSON line")
    parse.add_import()
    return parse


def _command(arguments: Sequence[str] | None) -> int:
    from recipes.console import rows
    from recipes.inference.bundle.check import examine

    options = parser().parse(arguments)
    examined = examine(options.bundle)
    if options.json:
        checks = [asdict(check) for check in examined.checks]
        print(json.dumps({"bundle": str(options.bundle), "ok": examined.fault is None, "checks": checks}))
    else:
        rows.show(
            ("check", "", "found", "expected"),
            [((check.what, "ok" if check.ok else "failed", check.found, check.expected), check.ok)
             for check in examined.checks],
        )  # fmt: skip
    if examined.fault is not None:
        raise examined.fault
    if not options.json and (agreement := examined.agreement):
        print(
            f"{options.bundle}: {agreement.format} answers as it should on {agreement.compared} "
            f"(probabilities differ by {agreement.difference:.1g} at most)"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
