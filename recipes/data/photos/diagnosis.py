"""Examine a person's photos before anything trains on them, and divide them.

How they are divided: `recipes.data.photos.division`.
"""

from __future__ import annotations

import shlex
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from recipes.data.decode import OVERSIZED
from recipes.data.photos import seen
from recipes.data.photos.division import Leak, continued, divide, joined, leaks
from recipes.data.photos.listing import LINK, LOOSE, Listing, list_photos
from recipes.data.photos.near_duplicates import alike, identical
from recipes.data.photos.scan import ISSUES, NO_SUCH_FILE, Photo
from recipes.data.photos.shortcuts import ADVICE, Shortcut, shortcuts
from recipes.data.splits import SPLIT_NAMES
from recipes.errors import DataFault, UsageFault
from recipes.files.earlier_run import EarlierRun
from recipes.recipe import Shares

MOST_DAMAGED = 0.05
FEW = 20
IMBALANCE = 3.0
PICTURED_GROUPS = 40


@dataclass(frozen=True)
class Diagnosis:
    """What an examination found.

    Attributes:
        listing: What was listed.
        photos: Every listed photo, usable or not, in order.
        places: For each photo that is used, `"train"`, `"validation"` or `"test"`, by name.
        leaks: Photos that would have been in two splits at once.
        identical: Groups of photos with the same bytes.
        alike: Groups of photos that look alike, the identical ones among them.
        together: Groups of photos that stay on one side: those of `alike`, joined where a person names a group.
        pictures: Small JPEG pictures of some photos, by name.
    """

    listing: Listing
    photos: list[Photo]
    places: dict[str, str]
    leaks: list[Leak]
    identical: list[list[Photo]]
    alike: list[list[Photo]]
    together: list[list[Photo]]
    pictures: dict[str, bytes]

    @cached_property
    def used(self) -> list[Photo]:
        """The photos that have a place."""
        return [photo for photo in self.photos if photo.entry.name in self.places]

    @property
    def bad(self) -> list[tuple[str, str]]:
        """(name, reason) of everything listed that cannot be used."""
        found = [(photo.entry.name, photo.problem) for photo in self.photos if photo.problem]
        return sorted([*found, *self.listing.unreadable])

    @cached_property
    def counts(self) -> dict[str, dict[str, int]]:
        """Photos used, by class and split."""
        found = Counter((photo.entry.label, self.places[photo.entry.name]) for photo in self.used)
        return {label: {split: found[label, split] for split in SPLIT_NAMES} for label in self.listing.classes}

    def groups(self, names: Iterable[str]) -> np.ndarray:
        """A number for each photo, by name: equal for those that must stay together, and only for them."""
        return _numbers(self.together, names)

    def look_alikes(self, names: Iterable[str]) -> np.ndarray:
        """The same for those that look alike, whatever groups a person names."""
        return _numbers(self.alike, names)

    @cached_property
    def named_groups(self) -> dict[str, list[Photo]]:
        """Usable photos by the group that a person names; without those of which none is named."""
        found: dict[str, list[Photo]] = defaultdict(list)
        for photo in self.photos:
            if photo.entry.group is not None and not photo.problem:
                found[photo.entry.group].append(photo)
        return dict(sorted(found.items()))

    @cached_property
    def shortcuts(self) -> list[Shortcut]:
        """How far each property of the photos, such as their brightness, tells their classes alone."""
        return shortcuts(self.used, self.groups(photo.entry.name for photo in self.used))

    @property
    def extensions(self) -> dict[str, int]:
        """Listed photos by extension, in lower case."""
        return dict(Counter(photo.entry.path.suffix.lower() for photo in self.photos).most_common())

    @property
    def conflicts(self) -> list[list[Photo]]:
        """Groups that look alike and have different labels."""
        return _conflicts(self.alike)

    @property
    def notes(self) -> dict[str, list[str]]:
        """Names of usable photos by what is odd about them and was dealt with."""
        found: dict[str, list[str]] = defaultdict(list)
        for photo in self.photos:
            for note in photo.notes:
                found[note].append(photo.entry.name)
        return dict(sorted(found.items()))

    @property
    def quality(self) -> dict[str, list[str]]:
        """Names of usable photos by what CleanVision finds odd about them."""
        found = {
            words: [photo.entry.name for photo in self.photos if words in photo.quality] for words in ISSUES.values()
        }
        return {words: names for words, names in found.items() if names}

    @property
    def faults(self) -> list[str]:
        """Why nothing can be trained on these photos; empty where it can."""
        if not self.photos and (loose := self.listing.ignored[LOOSE]):
            sort = shlex.join(["python", "-m", "recipes.sort", str(self.listing.root)])
            return [
                f"{self.listing.root} holds {loose:,} photos, none of them in the folder of a class. Move each into a "
                "folder called as its class, list them in a table with the columns path and label, or name their "
                f"classes on a page: {sort} --classes A,B --out FOLDER"
            ]
        if not self.photos:
            return [f"{self.listing.root} holds no photos. It must hold a folder of photos for each class{self._seen}."]
        found = []
        damaged = sum(photo.damaged for photo in self.photos)
        gone = [photo.entry.name for photo in self.photos if photo.problem.endswith(NO_SUCH_FILE)]
        if damaged > MOST_DAMAGED * len(self.photos) and len(gone) > damaged / 2:
            found.append(
                f"{len(gone)} of {len(self.photos):,} paths in the table lead to no file, {gone[0]!r} the first: "
                "bad_files.csv lists them. Mend the paths, or leave these rows out."
            )
        elif damaged > MOST_DAMAGED * len(self.photos):
            found.append(
                f"{damaged} of {len(self.photos):,} files are damaged, more than {MOST_DAMAGED:.0%}: bad_files.csv "
                "lists them. Mend or remove them."
            )
        if len(self.listing.classes) < 2:
            found.append(f"There is one class only, {self.listing.classes[0]!r}: two or more are needed.")
        totals = {label: sum(counts.values()) for label, counts in self.counts.items()}
        if empty := [label for label, number in totals.items() if not number]:
            found.append(f"No usable photo in class {_listed(empty)}. Add photos, or remove the class.")
        found += self._uncovered([label for label, number in totals.items() if number])
        return found

    @property
    def warnings(self) -> list[str]:
        """What may spoil the result, but does not stop a run."""
        found = list(self.listing.decided.warnings) if self.listing.decided else []
        if links := self.listing.ignored[LINK]:
            found.append(
                f"{links} links to folders are not followed, for they may lead round in circles: copy the folders, or "
                "list their photos in a table with the columns path and label."
            )
        totals = {label: sum(counts.values()) for label, counts in self.counts.items()}
        if few := [label for label, number in totals.items() if 0 < number < FEW]:
            found.append(f"Fewer than {FEW} photos in class {_listed(few)}: expect a wide spread of results.")
        sizes = [number for number in totals.values() if number]
        if sizes and max(sizes) > IMBALANCE * min(sizes):
            found.append(
                f"The largest class has {max(sizes) / min(sizes):.1f} times the photos of the smallest: all weigh the "
                "same in training (against it: --set class_weights=none). Read balanced accuracy and recall."
            )
        for split in ("validation", "test"):
            absent = [label for label, counts in self.counts.items() if not counts[split] and totals[label]]
            if absent and self._is_given(split):
                found.append(f"No photo of class {_listed(absent)} in {split}: its scores say nothing of that class.")
        if large := [photo.entry.name for photo in self.photos if photo.problem.startswith(OVERSIZED)]:
            found.append(
                f"{len(large)} of {len(self.photos):,} photos are left out for their size, {large[0]!r} among them: "
                "save them smaller, or as JPEG that is not progressive, of which a fraction is decoded."
            )
        if alike := _alike_but_for_case(self.listing.classes):
            found.append(f"Classes whose names differ in their case alone: {_listed(alike)}. Are they one?")
        if self.conflicts:
            found.append(f"Groups of photos that look alike and have different labels: {len(self.conflicts)}.")
        found += [
            f"The class may be given away: {shortcut}. {ADVICE}" for shortcut in self.shortcuts if shortcut.is_alarm
        ]
        if self.leaks:
            lost = Counter(f"{leak.split} also in {leak.twin_split}" for leak in self.leaks)
            words = ", ".join(f"{number} of {words}" for words, number in sorted(lost.items()))
            found.append(f"Leakage: {len(self.leaks)} photos were left out ({words}).")
        return found

    def refuse(self) -> None:
        """Stop here where nothing can be trained.

        Raises:
            DataFault: With all reasons.
        """
        if self.faults:
            raise DataFault(" ".join(self.faults))

    @property
    def _seen(self) -> str:
        kinds = ", ".join(f"{number} {extension}" for extension, number in self.listing.ignored.most_common(5))
        return f"; passed over: {kinds}" if kinds else ""

    def _is_given(self, split: str) -> bool:
        return any(photo.entry.split == split for photo in self.photos)

    def _uncovered(self, labels: Sequence[str]) -> list[str]:
        """Say which class has no photo in a split it needs, and what would help."""
        found, drawn = [], []
        for split in SPLIT_NAMES:
            if not any(self.counts[label][split] for label in self.counts):
                found.append(f"No usable photo is left for {split}.")
                continue
            absent = [label for label in labels if not self.counts[label][split]]
            if absent and (split == "train" or not self._is_given(split)):
                drawn.append(f"{_listed(absent)} has none in {split}")
        if drawn:
            found.append(
                f"Too few photos to divide: {'; '.join(drawn)}. Add photos that differ, or take the class away: those "
                "that look alike stay together, and each class needs a photo, or a group of such, for every split."
            )
        if found and self.named_groups:
            found.append(
                f"Groups that are named: {len(self.named_groups)}, fewer than it takes. Each class needs three of its "
                "own, one to train, one to validate and one to test. Name smaller groups, or add photos of other ones."
            )
        return found


def examine(
    root: Path,
    shares: Shares,
    watch: Callable[[int, int], None] = lambda done, total: None,
    decided: Path | None = None,
    group_by: str | None = None,
    earlier: EarlierRun | None = None,
) -> Diagnosis:
    """List, look at and divide the photos under a folder or in a table; what is as it was is not looked at again.

    Args:
        root: See `recipes.data.photos.listing.list_photos`.
        shares: How to divide the photos that have no split of their own.
        watch: Called with (photos done, photos to do).
        decided: A table of decisions about the labels; by default the one beside the photos.
        group_by: A regular expression with one group: photos in whose names it finds the same stay together.
        earlier: A run after which this one comes: the photos that it used stay in their splits.

    Raises:
        UsageFault: When `group_by` cannot be used, or no photo of the earlier run is there.
        DataFault: When there is no such folder or table, or a decision is wrong. All else that is wrong is in the
            diagnosis.
    """
    listing = list_photos(root, decided, group_by)
    with seen.opened(root) as known:
        photos = seen.scan(listing.entries, known, watch)
        usable = [photo for photo in photos if not photo.problem]
        looks = alike(usable)
        groups = joined(looks)
        places = divide(groups, shares)
        if earlier is not None:
            places = continued(groups, places, _sides(usable, earlier))
        similar, together = ([group for group in some if len(group) > 1] for some in (looks, groups))
        left_out = leaks(together, places)
        for leak in left_out:
            del places[leak.name]
        pictures = known.pictures(photo.entry.name for photo in _shown(usable, similar))
    return Diagnosis(listing, photos, places, left_out, identical(usable), similar, together, pictures)


def _sides(photos: Sequence[Photo], earlier: EarlierRun) -> dict[str, str]:
    """By name, the splits of the photos that an earlier run used.

    Raises:
        UsageFault: When not one of its files is there.
    """
    if {photo.sha256 for photo in photos}.isdisjoint(photo.sha256 for photo in earlier.photos):
        raise UsageFault(
            f"None of the {len(earlier.photos):,} photos of the run in {earlier.folder} is among these: it learned "
            f"from {earlier.manifest.data.path}. Name another run, or leave --after out."
        )
    sides = {photo.entry.name: earlier.side(photo.entry.name, photo.sha256) for photo in photos}
    return {name: side for name, side in sides.items() if side is not None}


def _shown(photos: Sequence[Photo], similar: Sequence[list[Photo]]) -> list[Photo]:
    """The photos whose pictures a report shows: some of each class, and the first of the first groups."""
    pictured = [*similar[:PICTURED_GROUPS], *_conflicts(similar)[:PICTURED_GROUPS]]
    return [*_some_of_each_class(photos), *(photo for group in pictured for photo in group[:4])]


def _conflicts(groups: Sequence[list[Photo]]) -> list[list[Photo]]:
    return [group for group in groups if len({photo.entry.label for photo in group}) > 1]


def _alike_but_for_case(labels: Iterable[str]) -> list[str]:
    """Class names that are another one's but for capitals and spaces at their ends."""
    by_name: dict[str, list[str]] = defaultdict(list)
    for label in labels:
        by_name[label.casefold().strip()].append(label)
    return [label for names in by_name.values() if len(names) > 1 for label in names]


def _some_of_each_class(photos: Sequence[Photo], number: int = 8, classes: int = 24) -> list[Photo]:
    """Evenly spaced photos of the first classes, for a contact sheet."""
    by_label: dict[str, list[Photo]] = defaultdict(list)
    for photo in photos:
        by_label[photo.entry.label].append(photo)
    some = []
    for label in sorted(by_label)[:classes]:
        members = by_label[label]
        step = max(1, len(members) // number)
        some += members[::step][:number]
    return some


def _numbers(groups: Sequence[Sequence[Photo]], names: Iterable[str]) -> np.ndarray:
    """A number for each photo, by name: equal for those of one group, and only for them."""
    group_of = {photo.entry.name: number for number, group in enumerate(groups) for photo in group}
    return np.array([group_of.get(str(name), -1 - place) for place, name in enumerate(names)])


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:5])) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
