"""What each key does while an album is sorted: the state behind the page, without page, network or pictures.

Every key is one of these; what a page may offer besides is its own business.

    1 to 9, 0    the class of the photos that are marked, or of all that are shown
    Enter        the proposal is right for all that are not marked
    a to l       marks a photo, or takes the mark off
    o            one photo after the other, and back
    s            later: puts off what is marked, or all that are shown
    u            takes back what was named last
    Escape       takes all marks off
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from recipes.study.sorting.journal import Journal
from recipes.study.sorting.order import NOBODY, SHOWN, Asked, Order

LETTERS = "abcdefghijkl"
DIGITS = "1234567890"
ENTER, UNDO, OPEN, LATER, ESCAPE = "enter", "u", "o", "s", "escape"
KEYS = (*DIGITS, *LETTERS, ENTER, UNDO, OPEN, LATER, ESCAPE)


@dataclass(frozen=True)
class Said:
    """What a key did: a word that the page knows, and what stands in its gaps."""

    word: str = ""
    count: int = 0
    label: str = ""


class Sorting:
    """An album on its way into classes.

    Args:
        photos: Names of the photos, each once.
        features: (photos, features), what a network finds in each.
        classes: 2 to 10 classes; those in the journal are among them.
        journal: What was named before, and where it is written down.

    Attributes:
        labels: (photos,), the class of each by its number; `order.NOBODY` where it is not named.
        asked: The photos that are asked about; `None` where all are named.
        marked: Places of those among them that are marked.
        is_single: Whether they are shown one after the other.
        turn: How many keys were pressed.
    """

    def __init__(self, photos: Sequence[str], features: np.ndarray, classes: Sequence[str], journal: Journal) -> None:
        self.photos, self.classes, self.journal = tuple(photos), tuple(classes), journal
        self.turn, self.is_single = 0, False
        self.asked: Asked | None = None
        self.marked: frozenset[int] = frozenset()
        self._places = {name: place for place, name in enumerate(self.photos)}
        self._numbers = {name: number for number, name in enumerate(self.classes)}
        self._order = Order(features, len(self.classes))
        self._later: frozenset[int] = frozenset()
        self._asked_before: list[Asked | None] = []
        self.labels = self._on_disk()
        self._ask()

    @property
    def shown(self) -> tuple[int, ...]:
        """Places of the photos that are on the page now."""
        places = self.asked.places if self.asked else ()
        return places[:1] if self.is_single else places

    @property
    def counts(self) -> list[int]:
        """How many photos of each class are named."""
        return np.bincount(self.labels[self.labels != NOBODY], minlength=len(self.classes)).tolist()

    @property
    def proposals(self) -> np.ndarray | None:
        """(photos, classes), how probable each class is; `None` while photos of fewer than two are named."""
        return self._order.probabilities(self.labels)

    @property
    def right_by_folds(self) -> tuple[int, int] | None:
        """See `Order.right_by_folds`."""
        return self._order.right_by_folds(self.labels)

    def press(self, key: str) -> Said:
        """Do what a key does; what it names is on disk when this ends.

        Raises:
            ValueError: When that is no key.
            Fault: When it cannot be written; all is then as it was.
        """
        if key not in KEYS:
            raise ValueError(f"a key is one of {', '.join(KEYS)}")
        said = self._do(key)
        self.turn += 1
        return said

    def name(self, labels: dict[int, int]) -> None:
        """Name photos in one step, whether they are shown or not: numbers of classes by places of photos.

        Raises:
            Fault: When it cannot be written; all is then as it was.
        """
        self._record(labels)
        self._ask()

    def _do(self, key: str) -> Said:
        if key == UNDO:
            return self._undo()
        if self.asked is None:
            return Said("all_named")
        if key in DIGITS:
            number = DIGITS.index(key)
            return self._name(self._meant, number) if number < len(self.classes) else Said("no_class")
        if key in LETTERS:
            return self._mark(LETTERS.index(key))
        if key == ENTER:
            return self._accept(self.asked)
        if key == LATER:
            return self._put_off(self._meant)
        self.is_single = key == OPEN and not self.is_single
        self.marked = frozenset()
        return Said()

    @property
    def _meant(self) -> tuple[int, ...]:
        """What a key is about: the photos that are marked, or all that are shown."""
        return tuple(place for place in self.shown if place in self.marked) or self.shown

    def _mark(self, letter: int) -> Said:
        if letter >= len(self.shown) or self.is_single:
            return Said("no_letter")
        self.marked ^= {self.shown[letter]}
        return Said()

    def _accept(self, asked: Asked) -> Said:
        if asked.proposal is None:
            return Said("no_proposal")
        right = tuple(place for place in self.shown if place not in self.marked)
        if not right:
            return Said("all_marked")
        said = self._name(right, asked.proposal)
        if self.asked and set(self.asked.places) < set(asked.places) and not self.is_single:
            self.asked = replace(self.asked, kind="rest", proposal=None)  # What was marked is something else.
        return said

    def _put_off(self, places: tuple[int, ...]) -> Said:
        """Put photos off until all others are named; where these are all put off too, until they were asked about."""
        later = self._later | set(places)
        self._later = frozenset(places) if later >= set(np.flatnonzero(self.labels == NOBODY)) else later
        self._go_on(places)
        return Said("put_off", len(places))

    def _name(self, places: tuple[int, ...], number: int) -> Said:
        self._record(dict.fromkeys(places, number))
        self._go_on(places)
        return Said("named", len(places), self.classes[number])

    def _record(self, labels: dict[int, int]) -> None:
        self.journal.names([(self.photos[place], self.classes[number]) for place, number in labels.items()])
        self._asked_before.append(self.asked)
        self.labels = self._on_disk()

    def _go_on(self, done: tuple[int, ...]) -> None:
        """Ask about what is left of a page, then about the next."""
        left = tuple(place for place in self.asked.places if place not in done) if self.asked else ()
        if self.asked and left:
            self.asked, self.marked = replace(self.asked, places=left), frozenset()
        else:
            self._ask()

    def _ask(self) -> None:
        self.is_single, self.marked = False, frozenset()
        self.asked = self._order.next(self.labels, self._later)

    def _undo(self) -> Said:
        """Take back the last step, of an earlier sitting too, and ask about its photos again."""
        photos = self.journal.undo()
        if not photos:
            return Said("nothing_to_undo")
        self.labels = self._on_disk()
        self._ask()
        places = [self._places[name] for name in photos if name in self._places]
        again = [place for place in places if self.labels[place] == NOBODY]
        before = self._asked_before.pop() if self._asked_before else None
        if before and set(again) <= set(before.places):
            self.asked = before
        elif again:
            self.asked = Asked(tuple(again[:SHOWN]), "again")
        return Said("undone", len(photos))

    def _on_disk(self) -> np.ndarray:
        labels = np.full(len(self.photos), NOBODY)
        for name, label in self.journal.labels.items():
            if name in self._places:
                labels[self._places[name]] = self._numbers[label]
        return labels
