"""Did you mean: the names that are like one that is not there."""

from __future__ import annotations

import difflib
from collections.abc import Sequence


def closest(name: str, choices: Sequence[str]) -> str:
    """A sentence that names up to three choices, with a space before it; empty when none is like `name`."""
    close = difflib.get_close_matches(name, choices, n=3, cutoff=0.5)
    return f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
