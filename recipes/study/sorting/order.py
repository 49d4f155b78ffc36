"""What to ask next about photos that nobody has named, from what a network finds in all of them.

First come groups of photos that look alike, the most telling group first; once ten photos of each class are named, a
logistic regression on these proposes the rest, the surest first, so that the doubtful ones come last.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

SHOWN = 12
TAUGHT = 10
AXES, GROUP_AXES = 256, 50
PHOTOS_A_GROUP, MOST_GROUPS, FEWEST_IN_GROUP = 20, 60, 4
SURE = 0.9
FOLDS = 5
# Inverse strength of the regression's weight decay: of those tried, it told five sets apart well and was neither too
# sure of itself nor too shy.
INVERSE_DECAY = 0.1
NOBODY = -1


@dataclass(frozen=True)
class Asked:
    """Photos that are asked about at once.

    Attributes:
        places: Of the photos, at most `SHOWN`.
        kind: `"group"`, photos that look alike; `"sure"` or `"doubtful"`, a proposal; `"rest"`, without one; `"again"`,
            what was taken back.
        proposal: The class that they are proposed to have, by its number; `None` where there is no proposal.
        sure: The mean probability of that, 0-1.
    """

    places: tuple[int, ...]
    kind: str
    proposal: int | None = None
    sure: float = 0.0


class Order:
    """Decides what is asked next; the same photos with the same names are asked about in the same order.

    Args:
        features: (photos, features), what a network finds in each.
        classes: How many classes there are.
    """

    def __init__(self, features: np.ndarray, classes: int) -> None:
        self.classes = classes
        with threadpool_limits(1):
            self.space = _turned(features)
            self.groups = _grouped(self.space[:, :GROUP_AXES], classes)
        self._learned: tuple[bytes, np.ndarray] | None = None

    def next(self, labels: np.ndarray, later: frozenset[int] = frozenset()) -> Asked | None:
        """What to ask; `None` where every photo has a name.

        Args:
            labels: (photos,), the class of each photo, `NOBODY` where it is not named.
            later: Places of photos that are put off until nothing else is left.
        """
        left = np.flatnonzero(labels == NOBODY)
        if not len(left):
            return None
        now = np.array([place for place in left if place not in later], int)
        left = now if len(now) else left
        probabilities = self.probabilities(labels)
        counts = np.bincount(labels[labels != NOBODY], minlength=self.classes)
        if probabilities is None or counts.min() < TAUGHT:
            group = self._telling_group(labels, left, probabilities)
            if group is not None:
                return Asked(tuple(map(int, group)), "group")
        if probabilities is None:
            nearest = np.argsort(np.linalg.norm(self.space[left] - self.space[left[0]], axis=1), kind="stable")
            return Asked(tuple(map(int, left[nearest][:SHOWN])), "rest")
        return _surest(left, probabilities[left], counts)

    def probabilities(self, labels: np.ndarray) -> np.ndarray | None:
        """(photos, classes), learned from the photos that are named; `None` while these are of fewer than two classes.

        A class without a named photo has probability 0.
        """
        named = labels != NOBODY
        known = np.unique(labels[named])
        if len(known) < 2:
            return None
        key = labels.tobytes()
        if self._learned is None or self._learned[0] != key:
            with threadpool_limits(1):  # On matrices of this size several threads mostly wait.
                found = _head().fit(self.space[named], labels[named]).predict_proba(self.space)
            wide = np.zeros((len(labels), self.classes))
            wide[:, known] = found
            self._learned = key, wide
        return self._learned[1]

    def right_by_folds(self, labels: np.ndarray) -> tuple[int, int] | None:
        """(right, photos): how many named photos are proposed their class by a head that did not learn from them.

        `None` where there are not two photos of each of two classes.
        """
        named = np.flatnonzero(labels != NOBODY)
        counts = np.bincount(labels[named], minlength=self.classes)
        named = named[counts[labels[named]] > 1]
        counts = counts[counts > 1]
        if len(counts) < 2:
            return None
        from sklearn.model_selection import StratifiedKFold, cross_val_predict

        folds = StratifiedKFold(min(FOLDS, int(counts.min())), shuffle=True, random_state=0)
        with threadpool_limits(1):
            said = cross_val_predict(_head(), self.space[named], labels[named], cv=folds)
        return int((said == labels[named]).sum()), len(named)

    def _telling_group(
        self, labels: np.ndarray, left: np.ndarray, probabilities: np.ndarray | None
    ) -> np.ndarray | None:
        """The photos in the middle of the group that would teach most; `None` where enough groups were asked about.

        That is the largest group to begin with, then the one that is furthest from what was named, then the one about
        whose photos the regression is least sure.
        """
        named = labels != NOBODY
        asked = set(self.groups[named])
        if probabilities is not None and len(asked) >= 3 * self.classes + 2:
            return None
        members = {int(group): left[self.groups[left] == group] for group in np.unique(self.groups[left])}
        open_groups = {
            group: places for group, places in members.items() if group not in asked and len(places) >= FEWEST_IN_GROUP
        }
        if not open_groups:
            return None

        def worth(places: np.ndarray) -> float:
            if not named.any():
                return len(places)
            if probabilities is None:
                middle, known = self.space[places].mean(axis=0), self.space[named].mean(axis=0)
                return float(np.linalg.norm(middle[:GROUP_AXES] - known[:GROUP_AXES]))
            return float(1 - probabilities[places].max(axis=1).mean()) * min(len(places), SHOWN)

        places = max(open_groups.values(), key=worth)
        axes = self.space[places][:, :GROUP_AXES]
        nearest = np.argsort(np.linalg.norm(axes - axes.mean(axis=0), axis=1), kind="stable")
        return places[nearest][:SHOWN]


def _head() -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=INVERSE_DECAY, class_weight="balanced", max_iter=1000)


def _surest(left: np.ndarray, probabilities: np.ndarray, counts: np.ndarray) -> Asked:
    """A dozen photos that are proposed to have one class: those of which this is surest.

    A full dozen comes first, and of several sure ones that of the class with the fewest named photos: were one class
    asked about alone, who accepts without a look would teach the next proposals that all is of this class.
    """
    best, sure = probabilities.argmax(axis=1), probabilities.max(axis=1)
    asked = []
    for proposal in np.unique(best):
        places = np.flatnonzero(best == proposal)
        places = places[np.argsort(-sure[places], kind="stable")][:SHOWN]
        mean = float(sure[places].mean())
        kind = "sure" if mean >= SURE else "doubtful"
        asked.append(Asked(tuple(map(int, left[places])), kind, int(proposal), mean))
    return max(asked, key=lambda one: (len(one.places) == SHOWN, one.kind == "sure", -counts[one.proposal], one.sure))


def _turned(features: np.ndarray) -> np.ndarray:
    """Features of length 1, scaled alike, turned to the axes along which the photos differ most, in their order."""
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import StandardScaler, normalize

    scaled = StandardScaler().fit_transform(normalize(np.asarray(features, "float64")))
    axes = min(AXES, len(features) - 1, features.shape[1])
    if axes < 1:
        return scaled
    with np.errstate(invalid="ignore"):  # Photos that are all equal differ along no axis.
        return PCA(axes, svd_solver="randomized" if axes == AXES else "full", random_state=0).fit_transform(scaled)


def _grouped(space: np.ndarray, classes: int) -> np.ndarray:
    """The group of each photo, by its number."""
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    number = min(len(space), max(2 * classes, min(MOST_GROUPS, len(space) // PHOTOS_A_GROUP)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # Photos that are equal give fewer groups.
        return KMeans(number, n_init=3, random_state=0).fit_predict(space)
