"""Locks where a file system has none."""

import errno

import pytest
from filelock import FileLock

from recipes.files import run_folder
from zoo.cache import locked


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_a_warning(tmp_path, monkeypatch, caplog, number):
    def refuse(self, *arguments, **options):
        raise OSError(number, "no locks here")

    monkeypatch.setattr(FileLock, "acquire", refuse)
    with caplog.at_level("WARNING", logger="zoo"), locked(tmp_path / "a.lock"), run_folder.owned(tmp_path):
        assert (tmp_path / ".owner").is_file()
    assert caplog.text.count("this file system has no locks; start one command at a time there") == 1
