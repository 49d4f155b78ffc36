"""Kill and starve the layer of files: a training state and a file of JSON, which a child saves without end."""

import json
import os
import resource
import signal
import time
from collections import Counter

import numpy as np

from recipes.errors import DiskFault, Fault
from recipes.files import atomic, run_folder
from recipes.train import checkpoint

LONGEST_DELAY = 0.03
STOPS = (signal.SIGINT, signal.SIGTERM)


def state(number):
    """A training state that follows from its number."""
    arrays = {"model": [np.full(5000, number, "float32")], "optimizer": [np.int64(number)]}
    return checkpoint.TrainingState(epoch=number, history=[{"phase": "a", "epoch": number}], arrays=arrays)


def save_without_end(folder, first):
    """Own the folder and save states and a file of JSON, until something ends the process."""
    with run_folder.owned(folder):
        for number in range(first, 10**6):
            checkpoint.save(folder / "state", state(number))
            atomic.write_json(folder / "run.json", {"number": number, "more": "x" * 5000})


def newest(folder):
    """The number of the newest state, which must be whole and alone with the one before it."""
    with run_folder.owned(folder):
        found = checkpoint.load(folder / "state")
        number = 0 if found is None else found.epoch
        assert found is None or (found.arrays["model"][0] == number).all()
        if (folder / "run.json").exists():  # Written after its state: kills in between leave it behind, and whole.
            said = json.loads((folder / "run.json").read_text())
            assert said["number"] <= number
            assert said["more"] == "x" * 5000
        strays = [path.name for path in folder.rglob("*") if ".tmp." in path.name]
        assert not strays, strays
    return number


def child(work):
    """Fork a process that works, and ends with the exit code of its fault."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)  # Python itself is no place to be stopped in.
    pid = os.fork()
    if pid:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
        return pid
    code = 1
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # A shell's background commands are deaf to it.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
        work()
        code = 0
    except Fault as fault:
        code = fault.exit_code
    finally:
        os._exit(code)


def kill(kills, draw, folder):
    """Kill a saving process so many times; gives how often by each signal."""
    done, number = Counter(), 0
    for _ in range(kills):
        pid = child(lambda first=number + 1: save_without_end(folder, first))
        time.sleep(draw.uniform(0, LONGEST_DELAY))
        chosen = draw.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
        os.kill(pid, chosen)
        until = time.monotonic() + 0.5
        while os.waitpid(pid, os.WNOHANG) == (0, 0):
            time.sleep(0.002)
            if time.monotonic() > until:  # Python drops what is raised in a destructor: who waits sends it again.
                os.kill(pid, chosen)
                until += 0.5
        after = newest(folder)
        assert after >= number, f"{number - after} saves were lost"
        number = after
        done[chosen.name] += 1
    return {**done, "saves": number}


def starve(times, draw, folder):
    """Save with a limit on the size of files: what was there stays, byte for byte, and the code is 6."""
    checkpoint.save(folder / "state", state(1))
    atomic.write_json(folder / "run.json", {"number": 1, "more": "x" * 5000})
    before = {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}

    def work(limit):
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        checkpoint.save(folder / "state", state(2))

    for _ in range(times):
        limit = draw.randrange(1, 20_000)
        _, status = os.waitpid(child(lambda limit=limit: work(limit)), 0)
        assert os.waitstatus_to_exitcode(status) == DiskFault.exit_code
        assert {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()} == before
    return times
