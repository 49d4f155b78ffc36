"""What a command says on its way."""

import pytest

from recipes.console import screen


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.001, "scan: 36,000 images"), (20, "scan: 36,000/36,000 images, 1800")]
)
def test_a_pass_that_took_no_time_tells_no_speed(monkeypatch, caplog, seconds, said):
    monkeypatch.setattr(screen.log, "propagate", True)
    clock = iter([100.0, 100.0 + seconds])
    monkeypatch.setattr(screen.time, "monotonic", lambda: next(clock))
    with caplog.at_level("INFO", logger="recipes"):
        screen.Counting("scan", 36_000, None).update(36_000)
    assert said in caplog.text
    assert ("images/s" in caplog.text) == (seconds > 1)
