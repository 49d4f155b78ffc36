"""Runs without pictures and page, which take half their time."""

from collections.abc import Callable, Iterator

NOTHING = {"draw_architecture": None, "run_page": "", "png": b"", "heatmaps": {}, "augmented": []}
FIGURES = ("confusion_figure", "curves_figure")


def in_place() -> Iterator[tuple[str, Callable[..., object]]]:
    """Each function that draws, as a dotted name, and one that draws nothing: for `mock.patch` or `monkeypatch`."""
    for name, nothing in NOTHING.items():
        yield f"recipes.execution.artifacts.{name}", lambda *_, nothing=nothing: nothing
    for figure in FIGURES:
        yield f"recipes.execution.artifacts.report.{figure}", lambda *_: None
