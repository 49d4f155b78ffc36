"""Ctrl-C and SIGTERM: at once where there is nothing to save, after the step where there is."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from recipes.errors import Interrupted

HANDLED = (signal.SIGINT, signal.SIGTERM)


class Signals:
    """Remembers the first signal; a second one ends the process at once.

    Args:
        hint: How what was begun goes on.

    Attributes:
        received: The number of the first signal, or `None`.
    """

    def __init__(self, hint: str = "A run that had begun to train goes on with --resume and its folder.") -> None:
        self.hint = hint
        self.received: int | None = None
        self._deferred = False

    def listen(self) -> None:
        """Take over SIGINT and SIGTERM. Only the main thread of the command line does this."""
        for number in HANDLED:
            signal.signal(number, self._on_signal)

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Within the block a first signal is only remembered: the block asks, saves and stops by itself."""
        before, self._deferred = self._deferred, True
        try:
            yield
        finally:
            self._deferred = before

    def interrupted(self, message: str) -> Interrupted:
        """The fault for the signal that was received."""
        return Interrupted(message, self.received or signal.SIGINT)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.received is not None:
            os._exit(128 + number)
        self.received = number
        if not self._deferred:
            raise self.interrupted(f"Stopped. {self.hint}")
