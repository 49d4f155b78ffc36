"""What every command shares."""

import errno
import os
import signal
import sys
from pathlib import Path

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


@pytest.mark.parametrize(
    ("other", "code", "said"),
    [
        (RuntimeError("other"), 1, "error: RuntimeError: one"),
        (Interrupted("Stopped.", signal.SIGTERM), 143, "error: Stopped.\n"),
    ],
)
def test_errors_in_a_circle_end_a_command(capsys, other, code, said):
    def command(arguments):
        first = RuntimeError("one")
        first.__context__, other.__context__ = other, first
        raise first

    assert guarded(command, []) == code
    assert capsys.readouterr().err.startswith(said)


@pytest.mark.parametrize(
    ("made", "wants"),
    [
        ("colorsys.py", "import colorsys; colorsys.rgb_to_hsv"),
        ("tabnanny.py", "from tabnanny import check"),
        ("wsgiref.py", "import wsgiref.handlers"),
        ("not_installed/data.txt", "import not_installed; not_installed.monitoring"),
        ("ensurepip/__init__.py", "import ensurepip; ensurepip.bootstrap"),
    ],
)
def test_a_file_or_folder_that_hides_a_package_is_named(made, wants, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    file = tmp_path / made
    file.parent.mkdir(exist_ok=True)
    file.write_text("print = 3\n")
    hiding = tmp_path / Path(made).parts[0]
    monkeypatch.delitem(sys.modules, hiding.stem, raising=False)
    try:
        assert guarded(lambda arguments: exec(wants), []) == 4  # noqa: S102
    finally:
        sys.modules.pop(hiding.stem, None)
    assert capsys.readouterr().err.startswith(f"error: {hiding} is taken for the package of that name. Rename it")


def test_a_module_of_ones_own_hides_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "mine_alone.py").write_text("")
    assert guarded(lambda arguments: exec("import mine_alone; mine_alone.network"), []) == 1  # noqa: S102
    sys.modules.pop("mine_alone")
    assert "has no attribute 'network'" in capsys.readouterr().err


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
