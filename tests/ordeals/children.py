"""Children of a process that has imported everything and computed nothing yet: a command costs no seconds to start.

TensorFlow may be forked until its first operation, which starts threads that no child has.
"""

import atexit
import io
import mmap
import os
import signal
import sys
import tempfile
import time
import traceback
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ordeals.server import end_with_parent

PIPE_BYTES = 2**20
STOPS = (signal.SIGINT, signal.SIGTERM)
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
# What Python says of before it is done, and where the path stands among what it says.
_PATHS = {
    "os.rename": (0, 1), "os.remove": (0,), "os.rmdir": (0,), "os.mkdir": (0,), "os.truncate": (0,),
    "os.symlink": (1,), "os.link": (1,), "os.utime": (0,), "os.chmod": (0,),
}  # fmt: skip


@dataclass
class Ended:
    """How a child ended.

    Attributes:
        code: Its exit code; the number of a signal, below zero, that ended it.
        said: Its stdout and stderr.
        events: How many changes of files it began.
        seconds: How long it lived.
        hung: Whether it was ended because it took too long.
    """

    code: int
    said: str
    events: int
    seconds: float
    hung: bool = False


@dataclass
class Signals:
    """What the parent sends, and when.

    Attributes:
        sent: (seconds from the start, or from `after`; signal), in order.
        after: What the child must have said before the seconds count.
    """

    sent: list[tuple[float, int]] = field(default_factory=list)
    after: bytes = b""


def forked(
    work: Callable[[], int],
    place: Path,
    surroundings: Mapping[str, str],
    acts: Mapping[int, Callable[[], None]],
    signals: Signals,
    limit: float,
) -> Ended:
    """Fork a child that works in a place, and wait for its end.

    Args:
        work: Gives the exit code.
        place: Its working folder; changes of files below it are counted.
        surroundings: Environment variables.
        acts: What to do just before the change of this number.
        signals: What to send it.
        limit: Seconds after which it hangs.
    """
    counter = mmap.mmap(-1, 8)
    reader, writer = os.pipe()
    _widen(writer)
    sys.stdout.flush()
    sys.stderr.flush()
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)  # Python itself is no place to be stopped in.
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        _live(work, place, surroundings, acts, counter, writer)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
    os.close(writer)
    os.set_blocking(reader, False)
    try:
        return _followed(pid, reader, counter, signals, limit)
    finally:
        os.close(reader)


def _widen(pipe):
    """Let a pipe hold what a child says, so that it never waits for its parent."""
    import fcntl

    fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)


def _followed(pid, reader, counter, signals, limit):
    began, said, hung = time.monotonic(), b"", False
    since = None if signals.after else began
    left = list(signals.sent)
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        said += _read(reader)
        now = time.monotonic()
        if ended:
            code = os.waitstatus_to_exitcode(status)
            return Ended(code, said.decode(errors="replace"), int.from_bytes(counter[:8], "little"), now - began, hung)
        if since is None and signals.after in said:
            since = now
        while since is not None and left and now - since >= left[0][0]:
            os.kill(pid, left.pop(0)[1])
        if now - began > limit and not hung:
            os.kill(pid, signal.SIGKILL)
            hung = True
        time.sleep(0.004)


def _read(pipe):
    try:
        return os.read(pipe, PIPE_BYTES)
    except BlockingIOError:
        return b""


def _live(work, place, surroundings, acts, counter, writer):
    code = 1
    try:
        end_with_parent()
        _forget_the_parents_end()
        os.dup2(writer, 1)
        os.dup2(writer, 2)
        sys.stdout, sys.stderr = (
            io.TextIOWrapper(os.fdopen(number, "wb", 0, closefd=False), "utf-8", write_through=True)
            for number in (1, 2)
        )
        os.chdir(place)
        os.environ.update(surroundings)
        tempfile.tempdir = None
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        _watch(str(place), acts, counter)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
        code = work()
        atexit._run_exitfuncs()
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _forget_the_parents_end():
    """Drop what the parent wants done when it ends, such as to delete its temporary folders."""
    atexit._clear()
    weakref.finalize._registry.clear()
    weakref.finalize._registered_with_atexit = False


def _watch(root, acts, counter):
    """Count changes of files below a folder, and act before some of them."""
    number, acting = 0, False

    def hook(event, arguments):
        nonlocal number, acting
        if acting or not _changes(event, arguments, root):
            return
        number += 1
        counter[:8] = number.to_bytes(8, "little")
        act = acts.get(number)
        if act is not None:
            acting = True
            try:
                act()
            finally:
                acting = False

    sys.addaudithook(hook)


def _changes(event, arguments, root):
    if event == "open":
        path, mode, flags = arguments
        writes = bool(flags & _WRITING) if mode is None or not isinstance(mode, str) else set(mode) & set("wax+")
        return bool(writes) and _below(path, root)
    return event in _PATHS and any(_below(arguments[place], root) for place in _PATHS[event])


def _below(path, root):
    if isinstance(path, int) or path is None:
        return False
    text = os.fsdecode(path)
    return text.startswith(root) if os.path.isabs(text) else True
