"""The page on which a person sorts an album: a dozen photos at a time, a key for what they are."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from recipes import report
from recipes.pages.pictures import jpeg
from recipes.pages.server import Content
from recipes.pages.words import SORT
from recipes.study.sorting.keys import DIGITS, LETTERS, Said, Sorting

SIDES = {"/photo/": 480, "/large/": 1600}
STATE, PROGRESS = "/state", "/progress"
NAMED_PROBLEMS = 5
Watch = Callable[[int, int], None]


class SortPage:
    """A page that shows what is asked about an album, and passes keys on to it; a key is on disk before the answer.

    Args:
        sorting: The album.
        paths: Where each photo is, by name.
        problems: Why files of the album cannot be read, by name.
        write: Writes out what is named so far, told how to say (photos done, photos to do); gives what it did, in the
            words of `recipes.pages.words.SORT` with what stands in their gaps.
        what: What that is: `"write_copies"`, `"write_links"` or `"write_table"`.
        command: The command that the page names afterwards; empty for none.
        language: Of the page; `None` takes the browser's.
    """

    def __init__(
        self,
        sorting: Sorting,
        paths: Mapping[str, Path],
        problems: Mapping[str, str],
        write: Callable[[Watch], list[tuple[str, dict[str, Any]]]],
        *,
        what: str,
        command: str = "",
        language: str | None = None,
    ) -> None:
        self.sorting, self.write = sorting, write
        self.paths = [paths[name] for name in sorting.photos]
        self._one_key, self._one_write = threading.Lock(), threading.Lock()
        self._progress = (0, 0)
        facts = {
            "classes": list(sorting.classes),
            "digits": DIGITS,
            "letters": LETTERS,
            "words": SORT,
            "language": language,
            "what": what,
            "command": command,
            "problems": {"count": len(problems), "names": ", ".join(list(problems)[:NAMED_PROBLEMS])},
        }
        self.html = report.render("sort.html", title=SORT[language or "en"]["title"], facts=facts).encode()

    def shown(self, path: str) -> Content | None:
        """What is asked now, how far writing is, or a photo by its place; no other file can be asked for."""
        if path == STATE:
            with self._one_key:
                return _as_json(self._state())
        if path == PROGRESS:
            return _as_json({"done": self._progress[0], "all": self._progress[1]})
        for folder, side in SIDES.items():
            place = path.removeprefix(folder)
            if path.startswith(folder) and place.isdecimal() and int(place) < len(self.paths):
                try:
                    return Content(jpeg(self.paths[int(place)], side), "image/jpeg")
                except (OSError, ValueError):  # It went, or was changed, since it was looked at.
                    return None
        return None

    def answered(self, path: str, content: bytes) -> dict[str, Any] | None:
        """Do what a key does, if the page that sends it shows what is asked now; or write out what is named.

        Raises:
            ValueError: When that is no key.
            Fault: When it cannot be written.
        """
        if path == "/key":
            asked = json.loads(content)
            if not isinstance(asked, dict) or not isinstance(asked.get("key"), str):
                raise ValueError("a key is an object with key and turn")
            with self._one_key:
                if asked.get("turn") != self.sorting.turn:
                    return self._state(Said("stale"))
                return self._state(self.sorting.press(asked["key"]))
        if path == "/write":
            with self._one_write:
                return {"wrote": [{"word": word, **gaps} for word, gaps in self.write(self._watch)]}
        return None

    def _watch(self, done: int, total: int) -> None:
        self._progress = (done, total)

    def _state(self, said: Said | None = None) -> dict[str, Any]:
        sorting, asked = self.sorting, self.sorting.asked
        proposal = asked.proposal if asked else None
        return {
            "turn": sorting.turn,
            "shown": [
                {"place": place, "name": sorting.photos[place], "marked": place in sorting.marked}
                for place in sorting.shown
            ],
            "kind": asked.kind if asked else "",
            "proposal": None if proposal is None else sorting.classes[proposal],
            "sure": asked.sure if asked else 0.0,
            "single": sorting.is_single,
            "counts": sorting.counts,
            "all": len(sorting.photos),
            "said": vars(said or Said()),
        }


def _as_json(facts: dict[str, Any]) -> Content:
    return Content(json.dumps(facts).encode(), "application/json")
