"""Show a trained network on a local page: drop a photo, see the classes and where the network looked.

The page is on this machine only (127.0.0.1), and photos stay in memory.

Examples:
    python -m recipes.serve vgg16_finetune
    python -m recipes.serve vgg16_finetune --port 8080
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from recipes.console.command import Parser, guarded, path, port
from recipes.console.screen import Screen
from recipes.files import run_folder
from recipes.pages.words import LANGUAGES


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and give its exit code; errors are one line on stderr."""
    return guarded(_command, arguments)


def parser() -> Parser:
    """The command line."""
    parse = Parser("serve", __doc__ or "")
    parse.add_argument(
        "run",
        type=path,
        metavar="RUN",
        help="a finished run: its folder, last, or a recipe's name",
    )
    parse.add_argument("--port", type=port, default=8000, help="default 8000; 0 takes any that is free")
    parse.add_argument("--language", choices=LANGUAGES, help="of the page (default the browser's)")
    parse.add_import()
    return parse


def _command(arguments: Sequence[str] | None) -> int:
    options = parser().parse(arguments)
    options.run = run_folder.given(options.run)
    Screen()
    from recipes.console.backend import load_backend
    from recipes.files import manifest

    manifest.read(options.run)
    load_backend()
    from recipes.inference.saved import load
    from recipes.pages.classify import ClassifyPage
    from recipes.pages.server import server
    from recipes.report import doubted

    page = ClassifyPage(load(options.run), doubted.read(options.run), options.language)
    with server(page, options.port) as running:
        print(f"http://127.0.0.1:{running.server_address[1]}  (Ctrl-C ends)", flush=True)
        running.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
