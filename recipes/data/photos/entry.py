"""One photo as it is listed: what every table and every later step calls it by."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Entry:
    """One photo as it is listed.

    Attributes:
        name: Its path relative to the root, with `/`; the stable name in every table.
        path: Where it is.
        label: Its class.
        split: `"train"`, `"validation"` or `"test"` where that is given; else `None`.
    """

    name: str
    path: Path
    label: str
    split: str | None = None
