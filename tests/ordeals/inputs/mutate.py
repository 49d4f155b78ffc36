"""Read inputs that were changed, of all kinds: each is read or refused in words, and none is a bug of ours."""

import json
import os
import random
import resource
import time
import traceback
from collections import Counter
from pathlib import Path

from ordeals.inputs.files import Files
from ordeals.inputs.notes import Notes
from ordeals.inputs.tables import Tables
from ordeals.inputs.weights import Weights
from recipes.errors import Fault

MOST_MEMORY = 24 * 2**30


def mutate(mutations: int, weights: int, seed: int, folder: Path) -> dict:
    """Read so many changed inputs; gives by kind how many were read and refused, and each that was neither.

    Args:
        mutations: How many; reading them needs no Keras.
        weights: How many files beside them that are read with Keras: of weights, and what a search left for itself.
        seed: Fixes them.
        folder: An empty one.
    """
    # First, in a child: a process that has computed cannot be forked any more.
    said = in_a_child(lambda: _read(weights, seed, folder, [Weights, Notes]), folder) if weights else None
    found = _read(mutations, seed, folder, [Files, Tables])
    if said is None:
        return found
    return {
        "by_kind": found["by_kind"] | said["by_kind"],
        "bugs": found["bugs"] + said["bugs"],
        "slowest_seconds": max(found["slowest_seconds"], said["slowest_seconds"]),
        "most_memory_of_weights_mb": said.get("most_memory_mb"),
    }


def _read(number, seed, folder, kinds):
    draw, readers = random.Random(f"{seed}/{kinds[0].__name__}"), {}
    for kind in kinds:
        (place := folder / kind.__name__).mkdir()
        readers |= kind(place).readers()
    said, bugs, slowest = {}, [], 0.0
    for place in range(number):
        kind = list(readers)[place % len(readers)]
        began = time.monotonic()
        try:
            end = readers[kind](draw)
        except Fault as fault:
            end = f"exit {fault.exit_code}"
        except Exception as error:  # What this command looks for.
            end = "bug"
            where = traceback.extract_tb(error.__traceback__)[-1]
            bugs.append(f"{kind} {place}: {type(error).__name__}: {error}"[:300] + f" ({where.name}:{where.lineno})")
        slowest = max(slowest, time.monotonic() - began)
        said.setdefault(kind, Counter())[end] += 1
    return {"by_kind": said, "bugs": bugs, "slowest_seconds": round(slowest, 3)}


def in_a_child(work, folder: Path) -> dict:
    """What a piece of work says, done in a child of limited memory: that it ended without a word is told, too."""
    out = folder / "said.json"
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
            out.write_text(json.dumps(work() | {"most_memory_mb": most_memory_mb()}), encoding="utf-8")
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    if code := os.waitstatus_to_exitcode(status):
        bugs = [f"the child that read weights ended with {code}"]
        return {"by_kind": {}, "bugs": bugs, "slowest_seconds": 0.0, "most_memory_mb": None}
    return json.loads(out.read_text(encoding="utf-8"))


def most_memory_mb():
    """The most memory this program had; getrusage would give that of the one that started it, where that had more."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return round(int(status.partition("VmHWM:")[2].split()[0]) / 1024)
