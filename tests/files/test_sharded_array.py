"""Rows on disk: what was written is what is read, whatever happened in between."""

import errno
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from conftest import needs_posix

from recipes.errors import DiskFault, EnvironmentFault
from recipes.files import sharded_array
from recipes.files.sharded_array import Rows

CONTENT = np.random.default_rng(0).normal(size=(150, 4, 3)).astype("float32")


@pytest.fixture(autouse=True)
def _small_shards(monkeypatch):
    monkeypatch.setattr(sharded_array, "SHARD_BYTES", 32 * CONTENT[0].nbytes)


def made(root, facts=None, dtype="float32"):
    return Rows(root, facts or {"of": "numbers"}, len(CONTENT), CONTENT.shape[1:], dtype)


def produce(start, stop):
    return CONTENT[start:stop]


def test_rows_read_like_an_array(tmp_path):
    kept = made(tmp_path)
    assert kept.missing_bytes == kept.nbytes == CONTENT.nbytes
    assert kept.fill(produce) == 150
    assert kept.missing_bytes == 0
    assert (len(kept), kept.shape, kept.dtype) == (150, CONTENT.shape, CONTENT.dtype)
    chosen = np.array([149, 0, 31, 32, 33, 0])
    np.testing.assert_array_equal(kept[chosen], CONTENT[chosen])
    np.testing.assert_array_equal(kept[30:40], CONTENT[30:40])
    np.testing.assert_array_equal(kept[140:999], CONTENT[140:])
    assert made(tmp_path).fill(lambda *_: pytest.fail("made again")) == 0


def test_other_facts_or_types_are_other_rows(tmp_path):
    made(tmp_path).fill(produce)
    assert made(tmp_path, {"of": "letters"}).missing_bytes > 0
    assert made(tmp_path, dtype="float16").missing_bytes > 0


def test_finished_shards_outlive_an_interruption(tmp_path):
    def killed(start, stop):
        if start >= 64:
            raise KeyboardInterrupt
        return produce(start, stop)

    with pytest.raises(KeyboardInterrupt):
        made(tmp_path).fill(killed)
    again = made(tmp_path)
    assert again.missing_bytes == (150 - 64) * again.row_bytes
    assert again.fill(produce) == 150 - 64
    np.testing.assert_array_equal(again[:], CONTENT)


DAMAGES = {
    "truncated": lambda content: content[:-5],
    "empty": lambda content: b"",
    "one byte changed": lambda content: content[:9] + b"!" + content[10:],
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_shard_alone_is_made_again(tmp_path, damage):
    kept = made(tmp_path)
    kept.fill(produce)
    shard = sorted(kept.folder.glob("*.rows"))[1]
    shard.write_bytes(damage(shard.read_bytes()))
    (kept.folder / ".123.tmp.000001-00000000.rows").write_bytes(b"left by a killed process")
    again = made(tmp_path)
    assert again.missing_bytes == 32 * again.row_bytes
    places = []
    again.fill(lambda start, stop: places.append((start, stop)) or produce(start, stop))
    assert places == [(32, 64)]
    np.testing.assert_array_equal(again[:], CONTENT)
    assert not list(kept.folder.glob(".*.rows"))


@pytest.mark.parametrize("cut", [None, 8])
def test_a_shard_that_goes_while_it_is_read_is_named(tmp_path, cut):
    kept = made(tmp_path)
    kept.fill(produce)
    for shard in kept.folder.glob("000001-*.rows"):
        shard.unlink() if cut is None else shard.write_bytes(shard.read_bytes()[:cut])
    np.testing.assert_array_equal(kept[:32], CONTENT[:32])
    with pytest.raises(DiskFault, match="000001-.*gone or cut off .*The same command makes it again"):
        kept[30:40]


def test_what_a_process_claimed_that_was_killed_is_swept_once_the_shard_is_there(tmp_path):
    kept = made(tmp_path)
    kept.fill(produce, [0])
    claims = [kept.folder / ".claim-000000", kept.folder / ".claim-000001"]
    for claim in claims:
        claim.touch()
    made(tmp_path)
    assert [claim.exists() for claim in claims] == [False, True]


@needs_posix
def test_a_cache_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(EnvironmentFault, match="file cannot be written .*Let KERAS_ZOO_CACHE name another"):
        made(tmp_path / "file").fill(produce)
    with pytest.raises(EnvironmentFault, match="/proc/cache cannot be written"):
        made(Path("/proc/cache")).fill(produce)


def test_a_disk_that_is_full_keeps_the_finished_shards(tmp_path, monkeypatch):
    kept = made(tmp_path)
    real_write = sharded_array.write

    def full(path, content):
        if path.name.startswith("000002"):
            with sharded_array.disk_faults(path):
                raise OSError(errno.ENOSPC, "no space")
        real_write(path, content)

    monkeypatch.setattr(sharded_array, "write", full)
    with pytest.raises(DiskFault, match="the disk is full"):
        kept.fill(produce)
    assert made(tmp_path).missing_bytes == (150 - 64) * kept.row_bytes


def test_of_two_that_want_the_same_each_makes_shards_and_both_have_all(tmp_path):
    assert made(tmp_path).fill(produce, shards=[4]) == 22
    both_ready, begun = threading.Barrier(2), threading.Barrier(2)

    def slowly(start, stop):
        if start < 64:
            begun.wait(60)  # Each of the two has claimed a shard.
        return produce(start, stop)

    def fill(_):
        kept = made(tmp_path)
        both_ready.wait()
        number = kept.fill(slowly)
        np.testing.assert_array_equal(kept[:], CONTENT)
        return number

    with ThreadPoolExecutor(2) as threads:
        numbers = list(threads.map(fill, range(2)))
    assert sum(numbers) == 128
    assert min(numbers) >= 32
    assert not list(made(tmp_path).folder.glob(".*"))


def test_a_job_makes_the_shard_that_is_asked_for_alone(tmp_path):
    kept = made(tmp_path)
    assert list(kept.missing_shards()) == [0, 1, 2, 3, 4]
    assert kept.fill(produce, shards=[3]) == 32
    assert kept.fill(produce, shards=[3]) == 0
    assert list(made(tmp_path).missing_shards()) == [0, 1, 2, 4]
