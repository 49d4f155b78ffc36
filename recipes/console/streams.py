"""Standard output and error that never end a command: what they cannot take is escaped or dropped."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

# What would move the cursor, ring, recolour or turn the direction of a terminal that shows a file's name.
_UNSEEN = [*range(9), *range(11, 32), *range(127, 160), *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
_SEEN = {code: f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" for code in _UNSEEN}


def visible(text: str) -> str:
    """Text with its control characters escaped, but for line ends and tabs."""
    return text.translate(_SEEN)


class _Steady:
    """A stream that drops what its file does not take, as that of a full disk or of a reader that left."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(ValueError):
            try:
                self._stream.flush()
            except OSError:
                with suppress(OSError):
                    os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())

    def isatty(self) -> bool:
        return not self._stream.closed and self._stream.isatty()


@contextmanager
def steady_streams() -> Iterator[None]:
    """Let a command say what it can: a closed stream takes all, letters that an encoding lacks are escaped."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (_steady(stream) for stream in before)
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        sys.stdout, sys.stderr = before


def _steady(stream: Any) -> Any:
    if stream is None:
        return open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 (it stays as long as the process)
    if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
        with suppress(OSError):
            stream.reconfigure(errors="backslashreplace")
    return _Steady(stream)
