"""What every command shares."""

import signal

import pytest

from recipes.console.command import guarded
from recipes.errors import CorruptFault, Interrupted


@pytest.mark.parametrize("error", [RuntimeError, CorruptFault])
def test_a_signal_that_a_library_makes_an_error_of_its_own_keeps_its_code(error, capsys):
    def command(arguments):
        try:
            raise Interrupted("Stopped.", signal.SIGTERM)
        except Exception:
            raise error("Exception encountered when calling BatchNormalization.call()") from None

    assert guarded(command, []) == 143
    assert capsys.readouterr().err == "error: Stopped.\n"
