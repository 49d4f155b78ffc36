"""How far a figure can be trusted: intervals over test images and over seeds, and a test between two networks."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class McNemar:
    """Two networks on the same images.

    Attributes:
        only_first: Images that only the first gets right.
        only_second: Images that only the second gets right.
        p_value: How often chance alone makes a difference as large, or larger, between equally good networks.
    """

    only_first: int
    only_second: int
    p_value: float


def wilson(right: int, images: int) -> tuple[float, float]:
    """The 95% interval of a share of right answers, over test images (Wilson)."""
    from scipy.stats import binomtest

    found = binomtest(right, images).proportion_ci(method="wilson")
    return float(found.low), float(found.high)


def student_t(figures: Sequence[float]) -> tuple[float, float]:
    """The 95% interval of the mean of two figures or more, one for each seed (Student's t)."""
    from scipy.stats import t

    half = t.ppf(0.975, len(figures) - 1) * statistics.stdev(figures) / len(figures) ** 0.5
    mean = statistics.mean(figures)
    return float(mean - half), float(mean + half)


def mcnemar(first: Sequence[bool], second: Sequence[bool]) -> McNemar:
    """McNemar's exact test: only images that one gets right and the other wrong say anything.

    Args:
        first: For each image, whether the first network is right.
        second: For each, whether the second is.
    """
    from scipy.stats import binomtest

    pairs = list(zip(first, second, strict=True))
    only_first = sum(one and not other for one, other in pairs)
    only_second = sum(other and not one for one, other in pairs)
    disagreed = only_first + only_second
    p_value = float(binomtest(only_first, disagreed).pvalue) if disagreed else 1.0
    return McNemar(only_first, only_second, p_value)
