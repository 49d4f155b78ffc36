"""An inverse power law through errors at several numbers of photos: how many fewer there may be with more photos.

The error of a classifier falls with the number of photos n as floor + (error - floor) * (n / most) ** -exponent, where
`error` is that at the most photos there are (Figueroa et al., 2012, doi:10.1186/1472-6947-12-8). Four measured sizes
say little of three unknowns, so none is picked: floor and exponent are looked through on a grid, each as likely as it
makes the measured errors (Bayes, with even priors), and a forecast is a band over all of them. Whoever adds photos sees
the gain through chance, which heads call which photo right: the band of a gain has that in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.stats import norm

# Cells of the grid along each side, and deviations from a mean at even steps of their probability.
CELLS, NODES = 30, norm.ppf((np.arange(15) + 0.5) / 15)
STEEPEST = 1.5
# How far a power law may miss what it describes, as a share of the error.
MISFIT = 0.05
SHARES = (0.05, 0.5, 0.95)


class Band(NamedTuple):
    """What is expected, between the ends of the 90% band."""

    low: float
    middle: float
    high: float


@dataclass(frozen=True)
class PowerLaw:
    """Every power law that agrees with what was measured, each with its weight.

    Attributes:
        most: Photos at the largest size.
        floor: (laws, 1), the error that no number of photos undercuts, as a share of that at `most`.
        exponent: (laws, 1), how fast the rest of the error falls.
        error: (laws, nodes), the error at `most`.
        weight: (laws, nodes), sums to 1.
        chance: Standard deviation of a gain that is measured on as many photos, once photos are twice as many.
    """

    most: float
    floor: np.ndarray
    exponent: np.ndarray
    error: np.ndarray
    weight: np.ndarray
    chance: float

    def errors(self, photos: float) -> np.ndarray:
        """(laws, nodes), the error with so many photos."""
        return self.error * _fallen(self.floor, self.exponent, photos / self.most)

    def accuracy(self, photos: float) -> Band:
        """The share that is right with so many photos, 0 to 1."""
        return _band(1 - self.errors(photos), self.weight)

    def gain(self) -> Band:
        """By how much the share that is right grows with twice the photos, as it will be measured; -1 to 1."""
        gains = (self.error - self.errors(2 * self.most))[:, :, np.newaxis] + self.chance * NODES
        return _band(gains, np.broadcast_to(self.weight[:, :, np.newaxis], gains.shape))


def fit(photos: Sequence[float], right: np.ndarray, groups: np.ndarray) -> PowerLaw:
    """Weigh power laws by how well they describe measured errors.

    Args:
        photos: (sizes,), ascending: photos that were learned from.
        right: (sizes, tested), 0 to 1: how often each tested photo was called by its name.
        groups: (tested,), equal for photos that look alike: they count as one that is uncertain.
    """
    sizes, tested = right.shape
    wrong = 1 - right.mean(axis=1)
    # Where no photo, or each, is wrong, half a photo is still uncertain.
    spread = np.diag((MISFIT * wrong) ** 2 + (0.5 / tested) ** 2)
    precision = np.linalg.inv(_covariance(1 - right, groups) + spread)

    steps = (np.arange(CELLS) + 0.5) / CELLS
    floor, exponent = (side.reshape(-1, 1) for side in np.meshgrid(steps, STEEPEST * steps))
    shape = _fallen(floor, exponent, np.asarray(photos) / photos[-1])
    # Given floor and exponent, the error is linear in what was measured: a normal distribution, cut off at 0.
    sureness = np.einsum("ls,st,lt->l", shape, precision, shape)
    mean, deviation = (shape @ precision @ wrong) / sureness, sureness**-0.5
    likelihood = 0.5 * (mean / deviation) ** 2 + np.log(deviation) + norm.logcdf(mean / deviation)
    weight = np.exp(likelihood - likelihood.max())
    error = np.clip(mean[:, np.newaxis] + deviation[:, np.newaxis] * NODES, 0, 1)
    shared = np.repeat(weight[:, np.newaxis] / weight.sum() / len(NODES), len(NODES), axis=1)
    return PowerLaw(float(photos[-1]), floor, exponent, error, shared, _chance(right, groups))


def _fallen(floor: np.ndarray, exponent: np.ndarray, times: float | np.ndarray) -> np.ndarray:
    """The error at so many times the photos, as a share of that at one times."""
    return floor + (1 - floor) * np.asarray(times, "float64") ** -exponent


def _covariance(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """(sizes, sizes), of the means of (sizes, tested) values, where photos of a group count as one."""
    numbers = np.unique(groups, return_inverse=True)[1]
    together = np.zeros((numbers.max() + 1, len(values)))
    np.add.at(together, numbers, (values - values.mean(axis=1, keepdims=True)).T)
    return together.T @ together / values.shape[1] ** 2


def _chance(right: np.ndarray, groups: np.ndarray) -> float:
    """Standard deviation of a gain over so many photos, by how often two heads disagree about one.

    The two learned from a half and from all; several that learned from a half are taken one by one, not in the mean.
    Of a rate that may be 0, half a photo more is counted.
    """
    half, whole = right[-2], right[-1]
    disagree = (np.sum(half + whole - 2 * half * whole) + 0.5) / (len(whole) + 1)
    return float(((disagree - np.mean(whole - half) ** 2) / len(np.unique(groups))) ** 0.5)


def _band(values: np.ndarray, weight: np.ndarray) -> Band:
    order = np.argsort(values, axis=None)
    sums = np.cumsum(weight.ravel()[order])
    return Band(*(float(values.ravel()[order[np.searchsorted(sums, share * sums[-1])]]) for share in SHARES))
