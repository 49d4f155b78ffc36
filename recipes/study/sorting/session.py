"""One sitting: an album with its decisions, opened and held; names taken from a table; and what is written of it."""

from __future__ import annotations

import logging
import shlex
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recipes.console.backend import load_backend
from recipes.console.screen import RESULT, Screen
from recipes.errors import UsageFault
from recipes.files import atomic
from recipes.study.sorting import album as albums
from recipes.study.sorting import folders, journal, table
from recipes.study.sorting.keys import Sorting
from recipes.study.sorting.request import Request

SHOWN = 5
LESS_ROOM = ", or let links or a table do: --link, --csv FILE"
Watch = Callable[[int, int], None]
Wrote = list[tuple[str, dict[str, Any]]]
log = logging.getLogger("recipes")


@dataclass(frozen=True)
class Session:
    """An album that is held for this process.

    Attributes:
        request: What was asked for.
        album: The photos.
        sorting: What is named, and what is asked next.
    """

    request: Request
    album: albums.Album
    sorting: Sorting

    @property
    def what(self) -> str:
        """What `write` makes, as a page's word."""
        if self.request.csv is not None:
            return "write_table"
        return "write_links" if self.request.link else "write_copies"

    @property
    def follows(self) -> str:
        """The run on what is sorted; empty where there are no folders for it."""
        if self.request.csv is not None or self.request.out is None:
            return ""
        return shlex.join(["python", "-m", "recipes.run", "--data", str(self.request.out)])

    def write(self, watch: Watch = lambda done, total: None) -> Wrote:
        """Write what is named by now: copies, links or a table.

        Returns:
            Words of a page, each with what stands in its gaps.

        Raises:
            DiskFault: When it cannot be written.
        """
        if self.request.csv is not None:
            atomic.write(self.request.csv, table.as_csv(self.sorting, self.album.problems))
            rows = len(self.album.photos) + len(self.album.problems)
            return [("table", {"count": rows, "file": str(self.request.csv)})]
        out = Path(str(self.request.out))
        labels = dict(sorted(self.sorting.journal.labels.items()))
        done = folders.put(out, self.album.paths, labels, link=self.request.link, instead=LESS_ROOM, watch=watch)
        wrote: Wrote = [("put", {"added": done.added, "there": done.there, "folder": str(out)})]
        if done.removed:
            wrote.append(("removed", {"count": done.removed}))
        missing = [f"{name} ({reason})" for name, reason in done.missing]
        for word, names in (("missing", missing), ("kept", done.kept)):
            if names:
                wrote.append((word, {"count": len(names), "names": _few(names)}))
        return wrote


@contextmanager
def opened(request: Request, screen: Screen) -> Iterator[Session]:
    """Open an album with what was decided about it before, held against other processes.

    Raises:
        Fault: When that cannot be: see `journal.opened`, `album.read` and `album.features`; a UsageFault when decisions
            are about another album or other classes.
    """
    with ExitStack() as stack:
        folder = request.out or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        kept = stack.enter_context(journal.opened(folder))
        album = albums.read(request.album, screen)
        log.info("album %s photos below %s", f"{len(album.photos):,}", album.root)
        if album.problems:
            reasons = [f"{name}: {reason}" for name, reason in album.problems.items()]
            log.warning("Files that cannot be read (%d): %s", len(reasons), _few(reasons))
        _match(kept, album, request)
        given = _given(request, album)
        load_backend()
        sorting = Sorting(album.names, albums.features(album, screen), request.classes, kept)
        if given:
            places, numbers = ({name: at for at, name in enumerate(names)} for names in (album.names, request.classes))
            steps = {places[name]: numbers[label] for name, label in given.items() if kept.labels.get(name) != label}
            if steps:
                sorting.name(steps)
            log.info("names %s from %s", f"{len(given):,}", request.csv_in)
        yield Session(request, album, sorting)


def say_proposals(sorting: Sorting) -> None:
    """Say how many photos are named and proposed, and how often a proposal is right, where that can be told."""
    named, photos = sum(sorting.counts), len(sorting.photos)
    if sorting.proposals is None:
        log.warning("Photos of two classes must be named before the rest can be proposed.")
    log.log(RESULT, "named %s, left %s", f"{named:,}", f"{photos - named:,}")
    if right := sorting.right_by_folds:
        log.log(RESULT, "proposals: right for %d of the %d named, by folds", *right)


def _match(kept: journal.Journal, album: albums.Album, request: Request) -> None:
    """Refuse decisions about another album or other classes; say which are about photos that went.

    Raises:
        UsageFault: With what to type in place of it.
    """
    gone = kept.known(album.names)
    if gone and len(gone) == len(kept.labels):
        raise UsageFault(f"{kept.file} is about another album: it names {gone[0]}. Choose another --out.")
    if gone:
        log.warning("Named before, and not in the album any more, or unreadable (%d): %s", len(gone), _few(gone))
    if strange := sorted(set(kept.labels.values()) - set(request.classes)):
        raise UsageFault(
            f"{kept.file} has photos of the class {strange[0]!r}, which --classes does not name. Add it, or choose "
            "another --out."
        )


def _given(request: Request, album: albums.Album) -> dict[str, str]:
    """What a table of names gives; nothing where there is none."""
    if request.csv_in is None:
        return {}
    given, strange = table.read(request.csv_in, album.root, album.names, request.classes)
    if strange:
        log.warning("%s names what is not in the album (%d): %s", request.csv_in, len(strange), _few(strange))
    return given


def _few(names: Sequence[str]) -> str:
    others = f" and {len(names) - SHOWN} others" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + others
