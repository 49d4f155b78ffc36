"""A command ends as it should have, whatever becomes of what it says."""

import errno
import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from conftest import ROOT, needs_posix

from recipes.console.command import guarded
from recipes.console.streams import visible

SAYS = """
import sys
from recipes.console.command import guarded
def command(arguments):
    print("옷 \U0001f600" * 2000)
    print("옷", file=sys.stderr)
    return 3
sys.exit(guarded(command, []))
"""


def run(**streams):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)} | streams.pop("env", {})
    return subprocess.run([sys.executable, "-c", SAYS], env=environment, check=False, timeout=60, **streams)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="skipped: there is no /dev/full")
def test_a_full_stream_changes_no_exit_code():
    with open("/dev/full", "w") as full:
        assert run(stdout=full, stderr=full).returncode == 3


@needs_posix
def test_a_closed_stream_changes_no_exit_code():
    assert run(preexec_fn=lambda: (os.close(1), os.close(2))).returncode == 3  # noqa: PLW1509


@pytest.mark.parametrize("number", [errno.ENAMETOOLONG, errno.ELOOP, errno.EIO, errno.ESTALE])
def test_what_a_system_refuses_is_said_and_no_bug(monkeypatch, number):
    def command(arguments):
        raise OSError(number, os.strerror(number), "x" * 5000)

    said = io.StringIO()
    monkeypatch.setattr(sys, "stderr", said)
    assert guarded(command, []) == 6
    assert os.strerror(number) in said.getvalue()
    assert len(said.getvalue()) < 400


def test_names_of_files_do_not_move_the_cursor_of_a_terminal():
    assert visible("a\x1b[31m\x07b\u202egpj.txt\n옷\té") == "a\\x1b[31m\\x07b\\u202egpj.txt\n옷\té"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_letters_that_an_encoding_lacks_are_escaped(encoding):
    said = run(capture_output=True, env={"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"})
    assert said.returncode == 3
    assert said.stdout.startswith(rb"\uc637 \U0001f600")
    assert said.stderr == b"\\uc637\n"


def test_a_stream_that_is_not_there_takes_all(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    assert guarded(lambda arguments: print("x") or 0, []) == 0


def no_home(monkeypatch):
    """A process of a user without a name, as in many containers."""
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", lambda uid: {}[uid])
    return Path("~/photos").expanduser


def no_temporary_folder(monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/nowhere", "/proc"])
    return tempfile.TemporaryDirectory


@needs_posix
def test_a_folder_that_was_deleted_below_a_command_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    os.chdir("here")
    (tmp_path / "here").rmdir()
    assert guarded(lambda arguments: len(os.getcwd()), []) == 6
    assert "The folder that this was called in is gone. Change to another one." in capsys.readouterr().err


def test_what_draws_in_a_notebook_is_not_asked_of_a_command(monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "module://that_of_a_notebook")
    assert guarded(lambda arguments: os.environ["MPLBACKEND"] != "agg", []) == 0


@needs_posix
@pytest.mark.parametrize(
    ("without", "code", "mend"), [(no_home, 4, "Let HOME name one"), (no_temporary_folder, 6, "Let TMPDIR name one")]
)
def test_no_home_and_no_temporary_folder_are_said(monkeypatch, without, code, mend):
    ask = without(monkeypatch)

    def command(arguments):
        ask()
        return 0

    said = io.StringIO()
    monkeypatch.setattr(sys, "stderr", said)
    assert guarded(command, []) == code
    assert mend in said.getvalue()
    assert said.getvalue().count("\n") == 1
