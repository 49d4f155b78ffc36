"""What can go wrong that is not our bug, each with the exit code a script can rely on."""

from __future__ import annotations

from zoo.text.error_line import first_line as first_line


class Fault(Exception):
    """A problem the user can solve. The message says what, where and the fix; `exit_code` is the process's."""

    exit_code = 1


class UsageFault(Fault, ValueError):
    """A wrong name, path, value or recipe."""

    exit_code = 2


class DataFault(Fault):
    """The data cannot be used: missing, too few, damaged."""

    exit_code = 3


class EnvironmentFault(Fault):
    """A package, the network or weights are missing."""

    exit_code = 4


class BusyFault(Fault):
    """Another run owns the folder."""

    exit_code = 5


class DiskFault(Fault):
    """The disk is full, or a path cannot be written."""

    exit_code = 6


class DivergedFault(Fault):
    """Training produced a loss that is not a number."""

    exit_code = 7


class AccuracyFault(Fault):
    """The run ended well, below the accuracy that was required of it."""

    exit_code = 7


class MemoryFault(Fault):
    """The run would not fit into memory, or did not."""

    exit_code = 8


class CorruptFault(Fault):
    """A file is damaged or not to be trusted."""

    exit_code = 9


class Interrupted(Fault):
    """A signal stopped the run after its state was saved: 130 for Ctrl-C, 143 for SIGTERM."""

    def __init__(self, message: str, signal_number: int):
        super().__init__(message)
        self.exit_code = 128 + signal_number

    def __reduce__(self) -> tuple[type[Interrupted], tuple[str, int]]:
        """Whoever hands it from process to process makes it anew."""
        return type(self), (str(self), self.exit_code - 128)


def wants_memory(error: BaseException) -> bool:
    """Whether an error says that memory did not suffice, as Python or one of the backends does."""
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ in ("ResourceExhaustedError", "OutOfMemoryError")  # TensorFlow's and torch's.
        or str(error).startswith("RESOURCE_EXHAUSTED")  # JAX's, which has no kind of its own.
    )
