"""Open a page that was written, in the browser of whoever sits at the machine."""

from __future__ import annotations

import logging
import webbrowser
from pathlib import Path

from recipes.errors import first_line

log = logging.getLogger("recipes")


def show(page: Path) -> None:
    """Open a page; where that cannot be, say so and go on.

    Args:
        page: A file that is there.
    """
    try:
        browser = webbrowser.get()
        # One that draws in the terminal would take it, and not give it back.
        in_terminal = type(browser) is webbrowser.GenericBrowser
        opened = not in_terminal and browser.open(page.resolve().as_uri())
        reason = "it has none with windows"
    except (webbrowser.Error, OSError) as error:
        opened, reason = False, first_line(error)
    if not opened:
        log.warning("NOTICE %s is not opened: no browser here can show it (%s).", page, reason)
