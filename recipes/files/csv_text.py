"""Tables as CSV text that opens as it was meant, in a spreadsheet too."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

# What makes a spreadsheet take a cell for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?(e[+-]?\d+)?", re.IGNORECASE)


def csv_text(header: Sequence[Any], rows: Iterable[Sequence[Any]]) -> str:
    """A table as CSV. Text that a spreadsheet would run as a formula gets an apostrophe in front."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for row in (header, *rows):
        writer.writerow([harmless(cell) for cell in row])
    return out.getvalue()


def harmless(cell: Any) -> Any:
    """A cell as `csv_text` writes it: an apostrophe in front of what a spreadsheet would run; none at a number."""
    if not isinstance(cell, str) or not cell.startswith(_FORMULA) or _NUMBER.fullmatch(cell):
        return cell
    return f"'{cell}"
