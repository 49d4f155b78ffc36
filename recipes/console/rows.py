"""Tables on the screen."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

# Of a line where there is no terminal: a row stays one line.
WIDE = 2000


def show(columns: Sequence[str], rows: Iterable[tuple[Sequence[str], bool]]) -> None:
    """Print a table.

    Args:
        columns: Heads.
        rows: The cells of each row, and whether it is as it should be: others are shown in red.
    """
    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for cells, ok in rows:
        table.add_row(*(Text(cell, style="" if ok else "bold red") for cell in cells))
    console = Console(file=sys.stdout, emoji=False)
    if not console.is_terminal:
        console.width = WIDE
    console.print(table)
