"""What a run says: the same lines on screen and in log.txt, and a progress bar where there is a terminal."""

from __future__ import annotations

import logging
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from recipes.console.streams import visible
from recipes.files.atomic import disk_faults

if TYPE_CHECKING:
    from recipes.recipe import Phase

RESULT = logging.INFO + 5
SECONDS_BETWEEN_LINES = 30
log, zoo_log = logging.getLogger("recipes"), logging.getLogger("zoo")


class _Console(Console):
    """A console that falls silent when its reader leaves (`| head`), and lets the run go on."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())


class _ScreenHandler(logging.Handler):
    def __init__(self, console: Console):
        super().__init__()
        self.console = console

    def emit(self, record: logging.LogRecord) -> None:
        style = "bold yellow" if record.levelno == logging.WARNING else None
        self.console.print(
            visible(record.getMessage()), style=style, markup=False, highlight=False, soft_wrap=True, emoji=False
        )


class Screen:
    """The console of one command.

    Args:
        quiet: Show results and warnings only.
        to_stderr: Keep stdout free for `--json`.
    """

    def __init__(self, *, quiet: bool = False, to_stderr: bool = False):
        self.console = _Console(stderr=to_stderr)
        self.show_progress = self.console.is_terminal and not quiet
        handler = _ScreenHandler(self.console)
        handler.setLevel(RESULT if quiet else logging.INFO)
        logging.getLogger("matplotlib").setLevel(logging.ERROR)  # It speaks of its own cache and fonts.
        for each in (log, zoo_log):
            each.handlers[:] = [handler]
            each.setLevel(logging.INFO)
            each.propagate = False

    @contextmanager
    def logging_to(self, path: Path) -> Iterator[None]:
        """Copy every line, with its time, into a file."""
        with disk_faults(path):
            handler = logging.FileHandler(path, encoding="utf-8")
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        handler.handleError = _ignore_full_disk  # type: ignore[method-assign]
        for each in (log, zoo_log):
            each.addHandler(handler)
        try:
            yield
        finally:
            for each in (log, zoo_log):
                each.removeHandler(handler)
            handler.close()

    @contextmanager
    def epochs(self, total: int, done: int) -> Iterator[EpochLines]:
        """Follow a training of `total` epochs, of which `done` are done already."""
        with self._bar() as bar:
            yield EpochLines(total, done, bar)

    @contextmanager
    def counting(self, title: str, what: str = "images") -> Iterator[Callable[[int, int], None]]:
        """Follow a pass over many images, or something else: gives a function of (how many are done, to do)."""
        with self._bar() as bar:
            counts: list[Counting] = []
            since = time.monotonic()

            def watch(done: int, total: int) -> None:
                if not counts:
                    counts.append(Counting(title, total, bar, since, what))
                counts[0].update(done)

            yield watch

    @contextmanager
    def _bar(self) -> Iterator[Progress | None]:
        """A progress bar where there is a terminal, else `None`."""
        if not self.show_progress:
            yield None
            return
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[figures]}"))
        with Progress(*columns, TimeRemainingColumn(), console=self.console, transient=True) as bar:
            yield bar


class EpochLines:
    """One line per epoch, and a bar in between."""

    def __init__(self, total: int, done: int, bar: Progress | None):
        self.total, self.done, self.bar = total, done, bar
        self.since = time.monotonic()
        self.frozen: Counting | None = None
        self.seconds: dict[str, list[float]] = {}
        self.task = bar.add_task("", total=total, completed=done, figures="") if bar else None

    def step(self, phase: Phase, epoch: int, step: int, steps: int, figures: dict[str, float]) -> None:
        """Move the bar within an epoch."""
        if self.bar is not None and self.task is not None:
            self.bar.update(
                self.task,
                completed=self.done + step / steps,
                description=f"{phase.name}: epoch {epoch + 1}/{phase.epochs}",
                figures=f"step {step}/{steps}  loss {figures['loss']:.4f}  accuracy {figures['accuracy']:.4f}",
            )

    def frozen_pass(self, phase: Phase, done: int, total: int) -> None:
        """Say how far the frozen part is with the images: on a bar, or in a line every half minute."""
        if self.frozen is None or self.frozen.total != total or done < self.frozen.done:
            self.frozen = Counting(f"{phase.name} frozen part", total, self.bar)
        self.frozen.update(done)
        if done == total:
            self.frozen = None
            self.since = time.monotonic()

    def epoch(self, phase: Phase, row: dict, is_best: bool) -> None:
        """Print an epoch's line, with the time that is left."""
        now = time.monotonic()
        self.done += 1
        self.seconds.setdefault(phase.name, []).append(now - self.since)
        what = "solved" if phase.is_solved else f"epoch {row['epoch']:2d}/{phase.epochs}"
        log.info(
            "%s %s  loss %.4f  accuracy %.4f  val_loss %.4f  val_accuracy %.4f  %5.1f s%s%s",
            phase.name, what, row["loss"], row["accuracy"], row["val_loss"], row["val_accuracy"], now - self.since,
            self._left(phase, row["epoch"]), "  best" if is_best and not phase.is_solved else "",
        )  # fmt: skip
        self.since = now

    def _left(self, phase: Phase, epoch: int) -> str:
        """The time that the rest of the training takes; of phases to come it is not known yet, only that they come."""
        epochs = phase.epochs - epoch
        if self.done == self.total or not epochs:
            return ""
        minutes, seconds = divmod(round(epochs * statistics.median(self.seconds[phase.name])), 60)
        return f"  {'over ' if self.total - self.done > epochs else ''}{minutes}:{seconds:02d} left"


class Counting:
    """Images per second and time left of one pass over many images; of other things no speed."""

    def __init__(self, title: str, total: int, bar: Progress | None, since: float | None = None, what: str = "images"):
        self.title, self.total, self.bar, self.what, self.done = title, total, bar, what, 0
        self.first: int | None = None
        self.began = self.said = time.monotonic()
        self.since = self.began if since is None else since
        self.task = bar.add_task(title, total=total, figures="") if bar else None

    def update(self, done: int) -> None:
        """Note that so many images are done."""
        now = time.monotonic()
        self.done = done
        if self.first is None:  # What the first batch took is not known.
            self.first, self.began = done, now
        speed = (done - self.first) / max(now - self.began, 1e-3)
        can_tell = done > self.first and now - self.began > 1  # Of a moment no rate is made up.
        text = f"{done:,}/{self.total:,} {self.what}"
        if can_tell and self.what == "images":
            text += f", {speed:.0f} images/s"
        if self.bar is not None and self.task is not None:
            self.bar.update(self.task, completed=done, figures=text, visible=done < self.total)
        if done == self.total:
            log.info("%s: %s, %.0f s", self.title, text, now - self.since)
        elif self.bar is None and speed and now - self.said > SECONDS_BETWEEN_LINES:
            self.said = now
            log.info("%s: %s, about %.0f s left", self.title, text, (self.total - done) / speed)


def _ignore_full_disk(record: logging.LogRecord) -> None:
    """A log line that cannot be written must not end a run; what matters is written elsewhere, and checked."""


def flush_stdout() -> None:
    """Flush, without a complaint when the reader has left."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
