"""What a million photos would take: on disk for each stretch of a network that is kept, and in time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

    from recipes.files.sharded_array import Rows
    from recipes.freeze.frozen_pass import Prefix

PHOTOS = 1_000_000


@dataclass(frozen=True)
class Scale:
    """What is kept behind a layer.

    Attributes:
        layer: The network is cut behind it.
        view: Bytes of one view of a photo.
        averages: Bytes that the averages of its features would take; as many as `view` where no places are kept.
        views: How many views a photo has.
        each: Seconds in which a view passes here; `None` where that was not timed.
    """

    layer: str
    view: int
    averages: int
    views: int
    each: float | None = None

    def words(self) -> str:
        """In a line."""
        kept, less = (PHOTOS * self.views * one / 1e9 for one in (self.view, self.averages))
        hours = "" if self.each is None else f" and {self.each * self.views * PHOTOS / 3600:,.1f} hours here"
        line = (
            f"a million photos: {kept:,.1f} GB behind {self.layer} ({self.view / 1e3:,.1f} KB a view, "
            f"{self.views} {'view' if self.views == 1 else 'views'}){hours}"
        )
        if self.averages == self.view:
            return line
        return f"{line}; a head on averages, as in the recipe transfer, would keep {less:,.1f} GB"


def scales(needs: Iterable[tuple[Prefix, Rows]], views: int, each: dict[int, float]) -> list[Scale]:
    """What each stretch keeps.

    Args:
        needs: The stretches and what they keep: `recipes.freeze.boundary.Boundary.needs`.
        views: How many views of a photo pass.
        each: Seconds for a photo by the `id` of a stretch, where they are known.
    """
    found: dict[int, Scale] = {}
    for prefix, rows in needs:
        channels = _features(prefix.network) or rows.row_bytes // rows.dtype.itemsize
        averages = min(rows.row_bytes, channels * rows.dtype.itemsize)
        layer = prefix.network.layers[-1].name
        found.setdefault(id(prefix), Scale(layer, rows.row_bytes, averages, views, each.get(id(prefix))))
    return list(found.values())


def _features(network: keras.Model) -> int | None:
    """How many features the last places of a network have; `None` where it has no places."""
    shapes = [layer.output.shape for layer in network.layers if hasattr(layer.output, "shape")]
    return next((shape[-1] for shape in reversed(shapes) if len(shape) == 4), None)
