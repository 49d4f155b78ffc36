"""What every command shares."""

import errno
import os
import signal

import pytest

from recipes import export, predict, sort, verify
from recipes.console.command import guarded
from recipes.console.signals import Signals
from recipes.errors import CorruptFault, Interrupted


def test_the_home_folder_is_meant_where_no_shell_says_so(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    for verb, option in ((predict, "images"), (export, "out"), (sort, "album"), (verify, "bundle")):
        arguments = {"images": ["run", "~/x"], "out": ["run", "--out", "~/x"], "album": ["~/x", "--classes", "a,b"]}
        found = getattr(verb.parser().parse(arguments.get(option, ["~/x"])), option)
        assert found in (tmp_path / "x", [tmp_path / "x"])


def test_a_second_signal_leaves_at_once(monkeypatch):
    left = []
    monkeypatch.setattr(os, "_exit", left.append)
    heard = Signals()
    monkeypatch.setattr(signal, "signal", lambda number, handler: handler(number, None))
    with heard.deferred():
        heard.listen()
    assert left == [128 + signal.SIGTERM]


@pytest.mark.parametrize("error", [RuntimeError, CorruptFault])
def test_a_signal_that_a_library_makes_an_error_of_its_own_keeps_its_code(error, capsys):
    def command(arguments):
        try:
            raise Interrupted("Stopped.", signal.SIGTERM)
        except Exception:
            raise error("Exception encountered when calling BatchNormalization.call()") from None

    assert guarded(command, []) == 143
    assert capsys.readouterr().err == "error: Stopped.\n"


def test_errors_in_a_circle_end_a_command(capsys):
    def command(arguments):
        first, second = RuntimeError("one"), RuntimeError("other")
        first.__context__, second.__context__ = second, first
        raise first

    assert guarded(command, []) == 1
    assert "RuntimeError: one" in capsys.readouterr().err


def test_ctrl_c_that_a_library_tells_in_words_alone_is_ctrl_c(capsys):
    def command(arguments):
        raise RuntimeError("Error building `literal` serializer: KeyboardInterrupt: ")

    assert guarded(command, []) == 130
    assert capsys.readouterr().err == ""


def test_a_file_that_may_not_grow_is_a_matter_of_the_disk(capsys):
    def command(arguments):
        raise OSError(errno.EFBIG, "File too large")

    assert guarded(command, []) == 6
    assert "Free space or permission is needed" in capsys.readouterr().err
