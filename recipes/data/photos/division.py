"""Divide photos into train, validation and test: groups stay together, and every class gets its shares.

A group are photos that look alike, and those of one group that a person names: an object, a person, a day; where both
overlap, all of them together. Each group draws a number, a function of what the photos look like and of nothing else.
Of each class the groups are taken in the order of their numbers: first for the test, then for validation, until the
shares are met; the rest trains. Photos that come later move none but those at the two cuts, and none at all in a run
after another. With folds, a fold of each
class tests, and of the other groups the first validate.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from recipes.data.photos.scan import Photo
from recipes.data.splits import SPLIT_NAMES
from recipes.recipe import Shares

Group = Sequence[Photo]


@dataclass(frozen=True)
class Leak:
    """A photo that is left out because a later split holds the same, or one that looks the same.

    Attributes:
        name: The photo that is left out.
        split: Where it would have been.
        twin: The photo it is like.
        twin_split: Where that is.
    """

    name: str
    split: str
    twin: str
    twin_split: str


def joined(groups: Sequence[Group]) -> list[list[Photo]]:
    """Groups of photos that look alike, joined where a person names one group for photos of several."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    names = {
        name: number for number, name in enumerate({photo.entry.group: None for group in groups for photo in group})
    }
    links = [
        (number, len(groups) + names[photo.entry.group])
        for number, group in enumerate(groups)
        for photo in group
        if photo.entry.group is not None
    ]
    if not links:
        return [list(group) for group in groups]
    number = len(groups) + len(names)
    one, other = zip(*links, strict=True)
    _, component = connected_components(coo_array(([1.0] * len(links), (one, other)), (number, number)), directed=False)
    found: dict[int, list[Photo]] = defaultdict(list)
    for group, place in zip(groups, component[: len(groups)].tolist(), strict=True):
        found[place] += group
    return list(found.values())


def divide(groups: Iterable[Group], shares: Shares) -> dict[str, str]:
    """The split of each photo, by name: its own where it has one, else that of its group.

    Shares are counted in photos and in groups: a thousand frames of one scene are one thing to learn from.

    Of validation and test, those that some photos name as theirs are left to these; the others are taken out of the
    photos to train. With folds, no photo keeps a side of its own.

    Args:
        groups: All photos, each in one group, see `joined`; most are alone in theirs.
        shares: Which part of each class validates and tests, at most.

    Returns:
        `"train"`, `"validation"` or `"test"` by name. A class has photos on every side where it has a group for each.
    """
    groups = list(groups)
    if shares.folds:
        return _one_fold(groups, shares)
    given = {photo.entry.split for group in groups for photo in group}
    places = {photo.entry.name: photo.entry.split or "train" for group in groups for photo in group}
    held_out = {
        split: share
        for split, share in (("test", shares.test), ("validation", shares.validation))
        if share and split not in given
    }
    by_class: dict[str, list[list[Photo]]] = defaultdict(list)
    for group in groups:
        if free := [photo for photo in group if not _has_its_own(photo)]:
            by_class[_label(free)].append(free)
    for members in by_class.values():
        for split, taken in _of_class(members, held_out, shares.seed).items():
            places |= {photo.entry.name: split for group in taken for photo in group}
    return places


def continued(groups: Iterable[Group], places: Mapping[str, str], sides: Mapping[str, str]) -> dict[str, str]:
    """The split of each photo in a run after another: what was used before stays where it was.

    Args:
        groups: As for `divide`.
        places: What that gives.
        sides: By name, the splits of the photos that the run before used.

    Returns:
        `places`, but for photos in `sides`, and new ones that are in a group with them: of several sides these take the
        last, as for `leaks`.
    """
    found = dict(places)
    for group in groups:
        known = [sides[photo.entry.name] for photo in group if photo.entry.name in sides]
        for photo in group:
            if photo.entry.name in sides:
                found[photo.entry.name] = sides[photo.entry.name]
            elif known and photo.entry.split is None:
                found[photo.entry.name] = max(known, key=SPLIT_NAMES.index)
    return found


def _one_fold(groups: Sequence[Group], shares: Shares) -> dict[str, str]:
    """The split of each photo where one fold tests: folds have about as many photos of each class."""
    by_class: dict[str, list[list[Photo]]] = defaultdict(list)
    for group in groups:
        by_class[_label(group)].append(list(group))
    places: dict[str, str] = {}
    for members in by_class.values():
        folds: list[list[list[Photo]]] = [[] for _ in range(shares.folds)]
        for group in sorted(members, key=lambda group: (-len(group), _number(group, shares.seed))):
            min(folds, key=lambda fold: sum(map(len, fold))).append(group)
        rest = [group for number, fold in enumerate(folds) if number != shares.fold for group in fold]
        sides = _of_class(rest, {"validation": shares.validation} if shares.validation else {}, shares.seed)
        for split, taken in (sides | {"test": folds[shares.fold]}).items():
            places |= {photo.entry.name: split for group in taken for photo in group}
    return places


def leaks(groups: Sequence[Sequence[Photo]], places: Mapping[str, str]) -> list[Leak]:
    """Photos that look like one of a later split: of train, validation and test the last keeps its own."""
    found = []
    for group in groups:
        last = max(group, key=lambda photo: SPLIT_NAMES.index(places[photo.entry.name])).entry.name
        for photo in group:
            name = photo.entry.name
            if places[name] != places[last]:
                found.append(Leak(name, places[name], last, places[last]))
    return found


def _has_its_own(photo: Photo) -> bool:
    return photo.entry.split not in (None, "train")


def _of_class(groups: list[list[Photo]], held_out: dict[str, float], seed: int) -> dict[str, list[list[Photo]]]:
    """The groups of one class by split."""
    waiting = sorted(groups, key=lambda group: _number(group, seed))
    photos = sum(map(len, waiting))
    found: dict[str, list[list[Photo]]] = {}
    for split, share in held_out.items():
        taken: list[list[Photo]] = []
        if len(waiting) > len(held_out) - len(found):  # Else what is left is for training and the splits to come.
            most, wanted = max(1, round(share * len(groups))), max(1, round(share * photos))
            for group in waiting:
                if len(taken) < most and sum(map(len, taken)) + len(group) <= wanted:
                    taken.append(group)
            taken = taken or [min(waiting, key=len)]
        found[split] = taken
        waiting = [group for group in waiting if not any(group is other for other in taken)]
    return found | {"train": waiting}


def _label(group: Group) -> str:
    """The class that most photos of a group have; of several, the first by name."""
    counted = Counter(photo.entry.label for photo in group)
    return min(counted, key=lambda label: (-counted[label], label))


def _number(group: Group, seed: int) -> bytes:
    """What a group draws: by the least look in it, whatever the photos are called."""
    return hashlib.sha256(f"{seed}:{min(photo.look for photo in group):016x}".encode()).digest()
