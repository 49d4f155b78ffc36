"""What every command shares: options that explain themselves, one line for an error, its exit code."""

from __future__ import annotations

import argparse
import errno
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import NoReturn

from recipes.console.streams import steady_streams, visible
from recipes.errors import DiskFault, EnvironmentFault, Fault, Interrupted, MemoryFault, UsageFault, wants_memory

_CANNOT_BE_WRITTEN = (errno.EACCES, errno.EDQUOT, errno.EFBIG, errno.ENOSPC, errno.EROFS)


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, as every other fault; knows `--debug`.

    Args:
        verb: The module, `python -m recipes.<verb>`.
        text: A summary, an empty line, and examples.
    """

    def __init__(self, verb: str, text: str):
        summary, _, examples = text.partition("\n\n")
        super().__init__(
            prog=f"python -m recipes.{verb}",
            description=summary,
            epilog=examples,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    def error(self, message: str) -> NoReturn:
        """Raise a `UsageFault` in place of printing the usage."""
        raise UsageFault(f"{message}. --help shows the options.")

    def add_import(self) -> None:
        """Know `--import`: modules with layers of one's own, imported as the command line is read."""
        self.add_argument(
            "--import",
            action="append",
            default=[],
            dest="modules",
            metavar="MODULE",
            help="import a module that holds layers of your own (what a run names itself is found); repeatable",
        )

    def add_cluster(self) -> None:
        """Know `--cluster`: where jobs that do not depend on each other are done."""
        self.add_argument(
            "--cluster",
            type=cluster,
            metavar="local:N|tcp://HOST:PORT",
            help="do the jobs that do not depend on each other in N processes here, or on the workers of a Dask "
            "scheduler; the results are the same",
        )

    def add_group_by(self) -> None:
        """Know `--group-by`: what photos have in common that must not be on two sides."""
        self.add_argument(
            "--group-by",
            metavar="REGEX",
            help="photos of one object, person or day stay on one side and in one fold: a regular expression with one "
            "group in parentheses, looked for in each path within the folder (a table may have a column group)",
        )

    def parse(self, arguments: Sequence[str] | None) -> argparse.Namespace:
        """Read the command line, with `--debug`; import what `--import` names.

        Raises:
            UsageFault: For what is no option, and for a module that cannot be imported.
        """
        self.add_argument("--debug", action="store_true", help="show the traceback of an error")
        options = self.parse_args(arguments)
        if modules := getattr(options, "modules", ()):
            from recipes.console.backend import load_backend
            from recipes.files.model_file import import_module

            load_backend()
            for module in modules:
                import_module(module)
        return options


def seed(text: str) -> int:
    """A seed as an option's value.

    Raises:
        ArgumentTypeError: When it is not an integer that Keras, NumPy and TensorFlow all take.
    """
    if not text.isdecimal() or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(f"must be an integer from 0 to {2**32 - 1}. Got {text!r} instead")
    return int(text)


def cluster(text: str) -> str:
    """Where a cluster is, as an option's value.

    Raises:
        ArgumentTypeError: When it is neither a number of processes nor the address of a scheduler.
    """
    if re.fullmatch(r"local:[1-9][0-9]{0,2}|(tcp|tls)://[^/\s:]+:[0-9]+|(tcp|tls)://\[[0-9a-fA-F:]+\]:[0-9]+", text):
        return text
    raise argparse.ArgumentTypeError(
        f"must be local:N, for N processes, or a Dask scheduler's address, as tcp://HOST:8786. Got {text!r} instead"
    )


def path(text: str) -> Path:
    """A path as an option's value; `~` is the home folder, also where no shell has said so, as on Windows."""
    return Path(text).expanduser()


def port(text: str) -> int:
    """A port as an option's value; 0 takes any that is free.

    Raises:
        ArgumentTypeError: When there is no such port.
    """
    if not (text.isascii() and text.isdecimal()) or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"must be an integer from 0 to 65535. Got {text!r} instead")
    return int(text)


def guarded(command: Callable[[Sequence[str] | None], int], arguments: Sequence[str] | None) -> int:
    """Run a command and give its exit code; errors are one line on stderr."""
    os.environ["MPLBACKEND"] = "agg"  # That of a notebook is inherited by what is called in it, and need not be here.
    debug = "--debug" in (sys.argv if arguments is None else arguments)
    with steady_streams():
        return _guarded(command, arguments, debug)


def _guarded(command: Callable[[Sequence[str] | None], int], arguments: Sequence[str] | None, debug: bool) -> int:
    try:
        return command(arguments)
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if debug:
            traceback.print_exc()
        interruption = _interruption(error)
        if interruption is None and _is_ctrl_c(error):
            return 130
        fault = interruption or _as_fault(error)
        if fault is not None:
            print(f"error: {visible(str(fault))}", file=sys.stderr)
            return fault.exit_code
        hint = "" if debug else " This is a bug of ours; --debug shows where."
        print(f"error: {type(error).__name__}: {' '.join(str(error).split())[:500]}{hint}", file=sys.stderr)
        return 1


def _interruption(error: BaseException) -> Interrupted | None:
    """The signal behind an error: libraries, Keras's layers among them, raise errors of their own in its place."""
    return next((one for one in _behind(error) if isinstance(one, Interrupted)), None)


def _is_ctrl_c(error: BaseException) -> bool:
    """Whether Ctrl-C is behind an error; a library that is not in Python may tell it in words alone."""
    return any(isinstance(one, KeyboardInterrupt) or "KeyboardInterrupt" in str(one) for one in _behind(error))


def _behind(error: BaseException) -> Iterator[BaseException]:
    """An error and those that it came of, each once: they may stand in a circle."""
    seen: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in seen:
        seen.append(following)
        yield following
        following = following.__cause__ or following.__context__


def _as_fault(error: Exception) -> Fault | None:
    """The fault behind an error, where it is one the user can solve."""
    if isinstance(error, Fault):
        return error
    if wants_memory(error):
        smaller = "--set batch_size=16 --set image_size=128"
        return MemoryFault(f"Out of memory. Try a smaller batch or smaller images: {smaller}")
    if isinstance(error, OSError) and error.errno in (errno.ENAMETOOLONG, errno.ELOOP, errno.EIO, errno.ESTALE):
        return DiskFault(f"{str(error.filename or 'A file')[:200]}: {error.strerror}.")
    if isinstance(error, OSError) and error.errno in _CANNOT_BE_WRITTEN:
        return DiskFault(f"{error.filename or 'A file'}: {error.strerror}. Free space or permission is needed.")
    if isinstance(error, FileNotFoundError) and _is_nowhere():
        return DiskFault("The folder that this was called in is gone. Change to another one.")
    if isinstance(error, FileNotFoundError) and "usable temporary directory" in str(error):
        return DiskFault("There is no folder for temporary files. Let TMPDIR name one that can be written.")
    if isinstance(error, RuntimeError) and "home directory" in str(error):
        return EnvironmentFault("There is no home folder here. Let HOME name one, or give whole paths.")
    if hiding := _hides_a_package(error):
        return EnvironmentFault(
            f"{hiding} is taken for the package of that name. Rename it, or call this from another folder."
        )
    if isinstance(error, ModuleNotFoundError):
        return EnvironmentFault(f"The package {error.name!r} is missing. Install what is needed: pip install -e .")
    return None


def _hides_a_package(error: Exception) -> Path | None:
    """The file or folder where this was called that Python imports in place of the package that an error names."""
    name = None
    if isinstance(error, AttributeError) and isinstance(error.obj, ModuleType):
        name = error.obj.__name__
    elif isinstance(error, ImportError):
        name = error.name
    module = sys.modules.get((name or "").partition(".")[0])
    if module is None or _is_nowhere():
        return None
    file = getattr(module, "__file__", None)
    place = Path(file or next(iter(getattr(module, "__path__", [])), os.devnull))
    place = place.parent if place.name == "__init__.py" else place
    if place.parent != Path.cwd():
        return None
    elsewhere = [entry for entry in sys.path if Path(entry).absolute() != Path.cwd()]
    is_elsewhere = module.__name__ in sys.stdlib_module_names or PathFinder.find_spec(module.__name__, elsewhere)
    return place if file is None or is_elsewhere else None


def _is_nowhere() -> bool:
    """Whether the folder that this was called in is gone."""
    try:
        os.getcwd()
    except FileNotFoundError:
        return True
    return False
