"""What a command says on its way."""

import itertools

import pytest

from recipes.console import screen


@pytest.mark.parametrize(
    ("steps", "seconds", "said"),
    [
        ([36_000], 20, "scan: 36,000/36,000 images, 20 s"),
        ([64, 36_000], 20, "scan: 36,000/36,000 images, 1797 images/s, 40 s"),
        ([64, 36_000], 0.01, "scan: 36,000/36,000 images, 0 s"),
    ],
)
def test_a_pass_of_one_batch_or_a_moment_tells_no_speed(monkeypatch, caplog, steps, seconds, said):
    clock = itertools.count(100, seconds)
    monkeypatch.setattr(screen.time, "monotonic", lambda: next(clock))
    with caplog.at_level("INFO", logger="recipes"):
        counting = screen.Counting("scan", 36_000, None)
        for done in steps:
            counting.update(done)
    assert caplog.messages[-1] == said
