"""The page on which a person decides about doubtful labels: one photo after the other, a key for each decision."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recipes import report
from recipes.data.photos import decisions
from recipes.data.photos.decisions import KEEP, MOVE, WORDS, Decision
from recipes.data.user_photos import same_photos
from recipes.pages import words
from recipes.pages.pictures import jpeg
from recipes.pages.server import Content

if TYPE_CHECKING:
    from recipes.data.photos.listing import Listing
    from recipes.study.doubtful_labels import Judged

SIDE = 1600
PHOTO, STATE = "/photo/", "/state"


class DecidePage:
    """A page that shows photos with doubtful labels and writes down what is decided, before it answers.

    Args:
        doubted: What is thought of their labels, in the order in which they are shown.
        listing: All photos, and the classes.
        file: The table of decisions.
        command: The command that the page names when all is decided.
        language: Of the page; `None` takes the browser's.
    """

    def __init__(
        self, doubted: Sequence[Judged], listing: Listing, file: Path, command: str, language: str | None = None
    ) -> None:
        paths = {entry.name: entry.path for entry in listing.entries}
        self.photos = [(one, paths[one.path]) for one in doubted]
        self.classes, self.file = list(listing.classes), file
        facts = {
            "photos": [
                {"name": one.path, "label": one.label, "prediction": one.prediction, "probability": one.probability}
                for one in doubted
            ],
            "classes": self.classes,
            "words": words.WORDS,
            "language": language,
            "file": str(file),
            "command": command,
        }
        self.html = report.render("decide.html", title=words.WORDS[language or "en"]["title"], facts=facts).encode()

    def shown(self, path: str) -> Content | None:
        """What was decided so far, or a photo by its place in the order; no other file can be asked for."""
        if path == STATE:
            return Content(json.dumps(self._state()).encode(), "application/json")
        place = path.removeprefix(PHOTO)
        if not path.startswith(PHOTO) or not place.isdecimal() or int(place) >= len(self.photos):
            return None
        try:
            return Content(jpeg(self.photos[int(place)][1], SIDE), "image/jpeg")
        except (OSError, ValueError):  # It went, or was changed, since it was examined.
            return None

    def answered(self, path: str, content: bytes) -> dict[str, Any] | None:
        """Write down what is decided about one photo; gives what is decided about all.

        Raises:
            ValueError: When that is no decision.
            Fault: When it cannot be written.
        """
        if path != "/decide":
            return None
        place, word, label = self._asked(json.loads(content))
        judged, _ = self.photos[place]
        if word is None:
            decision = None
        else:
            decision = Decision(judged.path, word, {KEEP: judged.label, MOVE: label}.get(word, ""))
        decisions.record(self.file, judged.path, decision)
        return self._state()

    def _asked(self, asked: Any) -> tuple[int, str | None, str]:
        """(place, decision or `None` to take it back, label).

        Raises:
            ValueError: When it is not that.
        """
        if not isinstance(asked, dict):
            raise ValueError("a decision is an object")
        place, word, label = asked.get("photo"), asked.get("decision"), asked.get("label", "")
        if type(place) is not int or not 0 <= place < len(self.photos):
            raise ValueError(f"there is no photo {place!r}")
        if word is not None and word not in WORDS:
            raise ValueError(f"a decision is one of {', '.join(WORDS)}")
        if word == MOVE and label not in self.classes:
            raise ValueError(f"there is no class {label!r}")
        return place, word, label

    def _state(self) -> dict[str, Any]:
        """The decisions about the photos of this page, by place, as they are on disk."""
        found = decisions.about(self.file, [one.path for one, _ in self.photos])
        return {
            "decided": {
                place: {"decision": found[one.path].decision, "label": found[one.path].label}
                for place, (one, _) in enumerate(self.photos)
                if one.path in found
            }
        }


def command(root: Path, file: Path, group_by: str | None = None) -> str:
    """The run that follows: on photos, with the decisions about them and the groups that are named."""
    return shlex.join(["python", "-m", "recipes.run", "--data", *same_photos(root, file, group_by)])
