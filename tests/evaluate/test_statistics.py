"""Intervals and tests against figures from elsewhere."""

import pytest
from scipy import stats

from recipes.evaluate.statistics import mcnemar, student_t, wilson


def test_wilson_gives_the_interval_of_a_share():
    assert wilson(82, 100) == pytest.approx((0.7333, 0.8830), abs=1e-4)
    assert wilson(0, 10)[0] == 0


def test_student_t_gives_the_interval_of_a_mean_over_seeds():
    figures = [0.90, 0.92, 0.91]
    assert student_t(figures) == pytest.approx(stats.t.interval(0.95, 2, loc=0.91, scale=stats.sem(figures)), rel=1e-9)


def test_mcnemar_counts_only_images_on_which_two_networks_disagree():
    first, second = [True] * 80 + [False] * 10 + [True] * 2, [True] * 80 + [True] * 10 + [False] * 2
    found = mcnemar(first, second)
    assert (found.only_first, found.only_second) == (2, 10)
    assert found.p_value == pytest.approx(0.03857421875)
    assert mcnemar(first, first).p_value == 1
