"""The checks every page makes on what it is asked to build."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Shape = tuple[int, int, int]


def check_request(
    name: str,
    input_shape: Sequence[Any],
    classes: Any,
    *,
    smallest: int,
    channels: int | None = None,
    data_format: str = "channels_last",
) -> None:
    """Refuse an input shape or a number of classes the network cannot take.

    Args:
        name: The architecture, for the message.
        input_shape: (height, width, channels), or channels first.
        classes: Number of classes.
        smallest: Fewest pixels in height and width that leave every layer something to work on.
        channels: The only number of channels allowed; `None` allows any.
        data_format: `"channels_last"` or `"channels_first"`.

    Raises:
        ValueError: What was expected, what was received.
    """
    order = "(height, width, channels)" if data_format == "channels_last" else "(channels, height, width)"
    shape = tuple(input_shape) if isinstance(input_shape, Sequence) else ()
    if len(shape) != 3 or not all(isinstance(size, int) and size > 0 for size in shape):
        raise ValueError(
            f"The 'input_shape' parameter of {name} must be three positive integers {order}. "
            f"Got {input_shape!r} instead."
        )
    height, width, depth = shape if data_format == "channels_last" else (shape[1], shape[2], shape[0])
    if min(height, width) < smallest:
        raise ValueError(
            f"The 'input_shape' parameter of {name} must be at least {smallest}x{smallest} pixels {order}: "
            f"anything smaller shrinks to nothing on its way through. Got {input_shape!r} instead."
        )
    if channels is not None and depth != channels:
        raise ValueError(
            f"The 'input_shape' parameter of {name} must have {channels} channels {order}. Got {input_shape!r} instead."
        )
    if not isinstance(classes, int) or isinstance(classes, bool) or classes < 2:
        raise ValueError(f"The 'classes' parameter of {name} must be an integer of 2 or more. Got {classes!r} instead.")
