"""How long something takes here, timed no longer than it pays."""

from types import SimpleNamespace

import pytest

from recipes.train import timing


@pytest.mark.parametrize(("seconds", "batches"), [(0.1, 3), (0.6, 2), (3.0, 1)])
def test_a_batch_is_timed_three_times_and_a_slow_one_less_often(monkeypatch, seconds, batches):
    passed = []
    monkeypatch.setattr(timing, "time", SimpleNamespace(monotonic=lambda: seconds * len(passed)))
    assert timing.seconds_of(passed.append, None) == pytest.approx(seconds)
    assert len(passed) == batches
