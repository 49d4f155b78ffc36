"""Sort an album of photos into classes, on a local page: a key names a dozen photos, and soon the rest is proposed.

The album itself is never changed: photos are copied into OUT/<class>/, or linked, or written into a table.

Examples:
    python -m recipes.sort ~/album --classes cat,dog --out ~/sorted
    python -m recipes.sort ~/album --classes cat,dog,none --out ~/sorted --link
    python -m recipes.sort ~/album --classes cat,dog --out ~/sorted --csv sorted.csv
    python -m recipes.sort ~/album --classes cat,dog --csv-in named.csv --csv proposed.csv
    python -m recipes.sort ~/album --classes cat,dog --csv-in named.csv --out ~/sorted
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from recipes.console.command import Parser, guarded, path, port
from recipes.console.screen import RESULT, Screen
from recipes.errors import UsageFault
from recipes.pages.words import LANGUAGES, SORT

if TYPE_CHECKING:
    from recipes.study.sorting.session import Session, Wrote

log = logging.getLogger("recipes")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and give its exit code; errors are one line on stderr."""
    return guarded(_command, arguments)


def parser() -> Parser:
    """The command line."""
    parse = Parser("sort", __doc__ or "")
    parse.add_argument("album", type=path, help="the folder of the photos, at any depth")
    parse.add_argument(
        "--classes", required=True, metavar="NAME,NAME",
        help="2 to 10 classes, in the order of their keys; none is for photos of no class",
    )  # fmt: skip
    parse.add_argument("--out", type=path, metavar="OUT", help="where the folders go, and decisions are kept")
    parse.add_argument("--link", action="store_true", help="make links in place of copies")
    parse.add_argument("--csv", type=path, metavar="FILE", help="write a table of all photos, and no copies")
    parse.add_argument(
        "--csv-in", type=path, metavar="FILE",
        help="take names from a table with the columns path and label, and show no page",
    )  # fmt: skip
    parse.add_argument("--port", type=port, help="of the page: default 8000; 0 takes any that is free")
    parse.add_argument("--language", choices=LANGUAGES, help="of the page (default the browser's)")
    return parse


def _command(arguments: Sequence[str] | None) -> int:
    options = parser().parse(arguments)
    screen = Screen()
    from recipes.study.sorting.request import Request, classes_of, refuse

    request = Request(
        options.album,
        classes_of(options.classes),
        options.out,
        options.link,
        options.csv,
        options.csv_in,
    )
    for name in ("port", "language"):
        if request.csv_in is not None and getattr(options, name) is not None:
            raise UsageFault(f"--{name} is for the page, and --csv-in shows none. Leave one out.")
    refuse(request)
    from recipes.study.sorting.session import opened, say_proposals

    with opened(request, screen) as session:
        if request.csv_in is None:
            _show(session, 8000 if options.port is None else options.port, options.language)
        else:
            say_proposals(session.sorting)
            with screen.counting("put") as watch:
                _say(session.write(watch))
        _say_next(session)
    return 0


def _show(session: Session, number: int, language: str | None) -> None:
    """Show the album on a local page, until Ctrl-C."""
    from recipes.pages.server import server
    from recipes.pages.sort import SortPage

    page = SortPage(
        session.sorting, session.album.paths, session.album.problems, session.write, what=session.what,
        command=session.follows, language=language,
    )  # fmt: skip
    with server(page, port=number) as running, suppress(KeyboardInterrupt):
        log.log(
            RESULT, "sort on http://127.0.0.1:%d  (Ctrl-C ends; the same command goes on)", running.server_address[1]
        )
        running.serve_forever()


def _say(wrote: Wrote) -> None:
    for word, gaps in wrote:
        log.log(RESULT, "%s", SORT["en"][word].format(**gaps))


def _say_next(session: Session) -> None:
    """Say how much is named, and what may follow."""
    named, photos = sum(session.sorting.counts), len(session.sorting.photos)
    if session.request.out is not None:
        log.log(RESULT, "%s of %s photos are named, in %s", f"{named:,}", f"{photos:,}", session.sorting.journal.file)
    if named == photos and session.follows:
        log.info("next   %s", session.follows)


if __name__ == "__main__":
    sys.exit(main())
