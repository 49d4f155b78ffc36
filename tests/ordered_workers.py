"""Workers that do as the tests say, in light processes: Keras is loaded with the first job that wants it."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import small_bases
import undrawn
from distributed import WorkerPlugin

from recipes.console import backend
from recipes.files import sharded_array
from recipes.train import checkpoint
from zoo.pretrained.bases import BASES

SMALL_SHARDS = 2**13
SAVE, SHARD = "save", "shard"


@dataclass
class Orders:
    """What workers are told at each save of a training and before each shard of rows: files that all of them see."""

    folder: Path

    def wait(self, place: str, wanted: bool) -> None:
        """Let workers wait at a place, or no longer."""
        order = self.folder / f"wait-{place}"
        order.touch() if wanted else order.unlink()

    def die(self, place: str) -> None:
        """Let the first worker that comes to a place die there as by `kill -9`."""
        (self.folder / f"die-{place}").touch()

    def dead(self) -> set[int]:
        """Process numbers of those that did."""
        return {int(path.stem) for path in self.folder.glob("*.dead")}

    def obey(self, place: str) -> None:
        """In a worker that has come to a place: do as it is told."""
        while (self.folder / f"wait-{place}").exists():
            time.sleep(0.01)
        with suppress(FileNotFoundError):
            (self.folder / f"die-{place}").rename(self.folder / f"{os.getpid()}.dead")
            os.kill(os.getpid(), signal.SIGKILL)


class Ordered(WorkerPlugin):
    """Each worker obeys, also one that comes late or after one that died; its shards and bases are small."""

    name = "ordered"

    def __init__(self, orders: Orders):
        self.orders = orders

    def setup(self, worker):
        save, write, load = checkpoint.save, sharded_array.write, backend.load_backend

        def saved(*state):
            save(*state)
            self.orders.obey(SAVE)

        def written(*rows):
            self.orders.obey(SHARD)
            write(*rows)

        def loaded():
            load()
            for name, instead in undrawn.in_place():
                mock.patch(name, instead).start()

        checkpoint.save, sharded_array.write, backend.load_backend = saved, written, loaded
        sharded_array.SHARD_BYTES = SMALL_SHARDS
        BASES.update({base.name: base for base in small_bases.BOTH})


def deadly(terms, *_):
    """A job that nobody survives."""
    os.kill(os.getpid(), signal.SIGKILL)


def endless(terms, *_):
    """A job that ends with the command."""
    while terms.token.exists():
        time.sleep(0.01)
