"""What became of the photos since an earlier run, and whether the network is better on those that were tested then."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recipes.evaluate.statistics import mcnemar

if TYPE_CHECKING:
    from recipes.evaluate.predictions import Predictions
    from recipes.files.earlier_run import Divided, EarlierRun


@dataclass(frozen=True)
class Changes:
    """What two runs used, beside each other.

    Attributes:
        added: Photos that the first did not have: neither the file nor the name.
        gone: Photos of the first that are nowhere now.
        changed: Photos of the same name in another file.
        new_classes: Classes that the first did not have.
        lost_classes: Its classes that are no more, each with the class that most of its photos have now; `""` where
            they are gone.
    """

    added: int
    gone: int
    changed: int
    new_classes: list[str]
    lost_classes: dict[str, str]

    def words(self) -> str:
        """Such as `+40 photos, 1 class`."""
        parts = [f"+{_number(self.added, 'photo')}"]
        parts += [f"{_number(self.gone, 'photo')} gone"] if self.gone else []
        parts += [f"{self.changed:,} changed"] if self.changed else []
        parts += [_number(len(self.new_classes), "class")] if self.new_classes else []
        for label, heir in self.lost_classes.items():
            parts.append(f"class {label!r} is now {heir!r}" if heir else f"class {label!r} vanished")
        return ", ".join(parts)


@dataclass(frozen=True)
class Growth(Changes):
    """The same, and how both runs do on the test photos of the first that are tested again.

    Attributes:
        test: So many are.
        right_before: Of these the first run was right on; its classes are called as they are called now.
        right_now: The second is right on.
        p_value: Of McNemar's exact test: how often chance alone makes a difference as large.
        folder: Of the first run.
        version: Of the second: one more than the first one's.
    """

    test: int
    right_before: int
    right_now: int
    p_value: float
    folder: str
    version: int

    def as_dict(self) -> dict[str, Any]:
        """As plain, JSON-ready values, without the version."""
        return {name: value for name, value in vars(self).items() if name != "version"}

    def words(self) -> str:
        """Such as `+40 photos, 1 class: on the 120 old test photos 0.941 -> 0.948 (McNemar p = 0.3)`."""
        if not self.test:
            return f"{super().words()}: none of the old test photos is left to compare on"
        before, now = self.right_before / self.test, self.right_now / self.test
        old = f"{self.test:,} old test photo" + ("s" if self.test > 1 else "")
        return f"{super().words()}: on the {old} {before:.3f} -> {now:.3f} (McNemar p = {self.p_value:.2g})"


def changes(before: Sequence[Divided], now: Sequence[Divided]) -> Changes:
    """What became of the photos of a run.

    Args:
        before: Those that it used.
        now: Those that are used now.
    """
    files_before, files_now = ({photo.sha256 for photo in photos} for photos in (before, now))
    names_before, names_now = ({photo.name for photo in photos} for photos in (before, now))
    fresh = [photo for photo in now if photo.sha256 not in files_before]
    missing = [photo for photo in before if photo.sha256 not in files_now]
    labels_before, labels_now = ({photo.label for photo in photos} for photos in (before, now))
    lost = {label: _heir(label, before, now) for label in sorted(labels_before - labels_now)}
    return Changes(
        added=sum(photo.name not in names_before for photo in fresh),
        gone=sum(photo.name not in names_now for photo in missing),
        changed=sum(photo.name in names_before for photo in fresh),
        new_classes=sorted(labels_now - labels_before - set(lost.values())),
        lost_classes=lost,
    )


def growth(earlier: EarlierRun, now: Sequence[Divided], test: Predictions) -> Growth:
    """Compare a run with the one before it, on the photos that both tested.

    Args:
        earlier: The run before.
        now: The photos that are used now.
        test: What the network says of the test photos of now. Their classes of now are the truth for both.
    """
    since = changes(earlier.photos, now)
    file_of = {photo.name: photo.sha256 for photo in now}
    said = {
        photo.sha256: earlier.answers[photo.name]
        for photo in earlier.photos
        if photo.split == "test" and photo.name in earlier.answers
    }
    first, second = [], []
    for name, truth, answer in zip(test.ids, test.truth, test.prediction, strict=True):
        if (guess := said.get(file_of[str(name)])) is not None:
            first.append(since.lost_classes.get(guess, guess) == test.class_names[truth])
            second.append(bool(truth == answer))
    return Growth(
        **vars(since),
        test=len(first),
        right_before=sum(first),
        right_now=sum(second),
        p_value=mcnemar(first, second).p_value,
        folder=str(earlier.folder),
        version=earlier.manifest.version + 1,
    )


def _heir(label: str, before: Sequence[Divided], now: Sequence[Divided]) -> str:
    """The class that most files of a class that is no more have now; `""` where they are gone."""
    labels = defaultdict(list)
    for photo in now:
        labels[photo.sha256].append(photo.label)
    counted = Counter(heir for photo in before if photo.label == label for heir in labels[photo.sha256])
    return min(counted, key=lambda heir: (-counted[heir], heir)) if counted else ""


def _number(number: int, noun: str) -> str:
    plural = "es" if noun.endswith("s") else "s"
    return f"{number:,} {noun}{'' if number == 1 else plural}"
