"""Make a bundle of a finished run: the network in the format of a runtime, checked in its own runtime.

Examples:
    python -m recipes.export fashion_cnn --to onnx
    python -m recipes.export fashion_cnn --to keras --out my_model
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from recipes.console.command import Parser, guarded, path
from recipes.errors import UsageFault
from recipes.files import run_folder
from recipes.inference.bundle import FORMATS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and give its exit code; errors are one line on stderr."""
    return guarded(_command, arguments)


def parser() -> Parser:
    """The command line."""
    parse = Parser("export", __doc__ or "")
    parse.add_argument(
        "run",
        type=path,
        metavar="RUN",
        help="a finished run: its folder, last, or a recipe's name",
    )
    parse.add_argument("--to", choices=FORMATS, default="keras", help="the format (default keras)")
    parse.add_argument("--out", type=path, metavar="DIR", help="the bundle's folder (default RUN/export/FORMAT)")
    parse.add_import()
    return parse


def _command(arguments: Sequence[str] | None) -> int:
    options = parser().parse(arguments)
    options.run = run_folder.given(options.run)
    folder = options.out or options.run / "export" / options.to
    if not folder.name or folder.resolve() == Path.cwd():
        raise UsageFault(f"{folder} is no folder of its own. Give --out a new name, as --out bundle")
    _refuse_photos(options.run, folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageFault(f"{folder} is not empty. Choose another --out, or remove it.")
    from recipes.inference.bundle.make import export

    agreement = export(options.run, options.to, folder)
    print(
        f"{folder}: {agreement.format}, loaded again and compared on {agreement.compared} "
        f"(probabilities differ by {agreement.difference:.1g} at most)"
    )
    print(f"next   python -m recipes.verify {shlex.quote(str(folder))}")
    return 0


def _refuse_photos(run: Path, folder: Path) -> None:
    """Refuse to write among the photos that a run learned from.

    Raises:
        UsageFault: When the folder is in theirs.
    """
    from recipes.execution.examination import refuse_inside
    from recipes.files import manifest

    if run_folder.is_finished(run) and (data := manifest.read(run).data).kind == "photos":
        refuse_inside(folder, Path(data.path))


if __name__ == "__main__":
    sys.exit(main())
