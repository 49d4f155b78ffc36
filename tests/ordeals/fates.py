"""What happens to a command: signals, full and read-only disks, folders that vanish, clocks that go wrong."""

import contextlib
import ctypes
import os
import resource
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ordeals.children import Signals
from ordeals.server import BODIES

MS_RDONLY, MS_REMOUNT = 1, 32
ROOMY = "256m"
CAPABILITIES_VERSION, OVERRIDE, SEARCH = 0x20080522, 1, 2
DAY = 86_400
STOPPED = {
    signal.SIGKILL: {0, -signal.SIGKILL},
    signal.SIGTERM: {0, -signal.SIGTERM, 128 + signal.SIGTERM},
    signal.SIGINT: {0, -signal.SIGINT, 128 + signal.SIGINT},
}
NO_SPACE, GONE = {0, 4, 6}, {0, 2, 3, 4, 6, 9}
KILLS = {"SIGKILL": signal.SIGKILL, "SIGTERM": signal.SIGTERM, "SIGINT": signal.SIGINT}
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass
class Fate:
    """What happens to a command once.

    Attributes:
        kind: What it is called.
        codes: Exit codes that a command may end with then.
        acts: What the child does to itself, by the change of a file before which it happens.
        signals: What its parent sends.
        heal: What sets the place right afterwards.
    """

    kind: str
    codes: set[int]
    acts: dict[int, Callable[[], None]] = field(default_factory=dict)
    signals: Signals = field(default_factory=Signals)
    heal: Callable[[], None] = lambda: None


def undisturbed():
    """Nothing happens."""
    return Fate("nothing", {0})


class Fates:
    """Draws what happens.

    Args:
        place: Where the command works.
        mounted: Whether that is a file system of its own, which may be made small and read-only.
        server: Where weights are fetched.
    """

    def __init__(self, place: Path, mounted: bool, server):
        self.place, self.mounted, self.server = place, mounted, server
        self.kinds = [*KILLS, *KILLS, "SIGINT twice", "file too large", "no permission", "folder gone", "clock back"]
        if mounted:
            self.kinds += ["disk full", "disk full", "disk read-only"]

    def draw(self, draw, stage, events, seconds):
        """A fate for a stage that makes so many changes of files in so many seconds."""
        if stage.downloads and draw.random() < 0.5:
            return self._server(draw, draw.choice([body for body in BODIES if body != "good"]))
        kind = draw.choice(self.kinds)
        at = draw.randrange(1, max(events, 1) + 1)
        if kind in KILLS:
            return self._killed(draw, kind, at, seconds)
        return getattr(self, f"_{kind.replace(' ', '_').replace('-', '_')}")(draw, stage, at, seconds)

    def _killed(self, draw, kind, at, seconds):
        number = KILLS[kind]
        if draw.random() < 0.6:
            return Fate(kind, STOPPED[number], {at: lambda: os.kill(os.getpid(), number)})
        # Python drops what is raised in a destructor: who waits sends it again.
        first = draw.uniform(0, 1.1 * seconds)
        sent = [(first + again, number) for again in (0, 8)] if number != signal.SIGKILL else [(first, number)]
        return Fate(kind, STOPPED[number], signals=Signals(sent))

    def _SIGINT_twice(self, draw, stage, at, seconds):  # noqa: N802 (after its kind)
        def interrupt():
            os.kill(os.getpid(), signal.SIGINT)

        if draw.random() < 0.5:
            return Fate("SIGINT twice", STOPPED[signal.SIGINT], {at: interrupt, at + draw.randrange(1, 4): interrupt})
        first = draw.uniform(0, 1.1 * seconds)
        sent = [(first, signal.SIGINT), (first + draw.expovariate(5), signal.SIGINT)]
        return Fate("SIGINT twice", STOPPED[signal.SIGINT], signals=Signals(sent))

    def _file_too_large(self, draw, stage, at, seconds):
        limit = int(10 ** draw.uniform(0, 5))

        def starve():
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        return Fate("file too large", NO_SPACE, {at: starve})

    def _disk_full(self, draw, stage, at, seconds):
        pages = draw.choice([0, 1, 2, 4, 16])

        def shrink():
            status = os.statvfs(self.place)
            used = status.f_blocks - status.f_bfree + pages
            remount(self.place, 0, f"size={max(used, 1) * status.f_frsize}")

        return Fate("disk full", NO_SPACE, {at: shrink}, heal=self._remounted)

    def _disk_read_only(self, draw, stage, at, seconds):
        def close():
            with contextlib.suppress(OSError):  # A file is being written: before the next change, then.
                remount(self.place, MS_RDONLY, f"size={ROOMY}")

        return Fate("disk read-only", NO_SPACE, {at + later: close for later in range(40)}, heal=self._remounted)

    def _remounted(self):
        remount(self.place, 0, f"size={ROOMY}")

    def _no_permission(self, draw, stage, at, seconds):
        def close():
            obey()
            for folder in [self.place, *(path for path in self.place.rglob("*") if path.is_dir())]:
                folder.chmod(0o555)

        def heal():
            self.place.chmod(0o755)
            for folder in self.place.rglob("*"):
                if folder.is_dir():
                    folder.chmod(0o755)

        return Fate("no permission", NO_SPACE, {at: close}, heal=heal)

    def _folder_gone(self, draw, stage, at, seconds):
        gone = self.place / draw.choice([stage.out, stage.out, "cache"])

        def vanish():
            if gone.is_dir():
                shutil.rmtree(gone, ignore_errors=True)
            else:
                gone.unlink(missing_ok=True)

        def heal():
            if not gone.exists():
                stage.bring(self.place)

        return Fate("folder gone", GONE, {at: vanish}, heal=heal)

    def _clock_back(self, draw, stage, at, seconds):
        """Killed; what it wrote is of the day after tomorrow when it goes on. Or the clock is set back as it runs."""
        if draw.random() < 0.5:
            real = time.time

            def set_back():
                time.time = lambda: real() - DAY

            return Fate("clock back", {0}, {at: set_back})

        def heal():
            later = time.time() + 2 * DAY
            for path in self.place.rglob("*"):
                os.utime(path, (later, later), follow_symlinks=False)

        return Fate(
            "clock back", STOPPED[signal.SIGKILL], {at: lambda: os.kill(os.getpid(), signal.SIGKILL)}, heal=heal
        )

    def _server(self, draw, body):
        self.server.answer(body)
        kind, codes, signals = f"server: {body}", {0, 4, 9}, Signals()
        if body in ("stall", "slow"):
            number = draw.choice(list(KILLS.values()))
            signals, codes = Signals([(draw.uniform(0.2, 3), number), (11, number)]), codes | STOPPED[number]
        if body in ("good", "redirect"):
            codes = {0}
        return Fate(kind, codes, signals=signals, heal=lambda: self.server.answer("good"))


def obey() -> None:
    """Let permissions hold for root, too, in this thread and in those that it starts."""
    header, data = (ctypes.c_uint32 * 2)(CAPABILITIES_VERSION, 0), (ctypes.c_uint32 * 6)()
    if _libc.capget(header, data) == 0:
        for set_of_them in (0, 1):
            data[set_of_them] &= ~(1 << OVERRIDE | 1 << SEARCH)
        _libc.capset(header, data)


def remount(place: Path, flags: int, options: str) -> None:
    """Mount a tmpfs again with other options.

    Raises:
        OSError: When the system refuses it, as where a file is open for writing.
    """
    if _libc.mount(b"none", os.fsencode(place), b"tmpfs", MS_REMOUNT | flags, options.encode()):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


@contextlib.contextmanager
def disk(place: Path):
    """Mount a small file system of its own at a place, where one may; gives whether."""
    place.mkdir()
    mounted = _libc.mount(b"none", os.fsencode(place), b"tmpfs", 0, f"size={ROOMY},mode=755".encode()) == 0
    try:
        yield mounted
    finally:
        if mounted:
            _libc.umount2(os.fsencode(place), 2)
