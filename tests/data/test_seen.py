"""The doctor looks at a photo once: what it saw is kept, and found anew where that is damaged."""

import json
import os
import shutil
import sqlite3
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import PYTHON, ROOT, subprocess_environment
from photo_files import add_bad_files, add_odd_photos, write_photos
from PIL import Image

from recipes import Shares
from recipes.data.photos import diagnosis, scan, seen
from zoo.cache import cache_folder


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    root = tmp_path_factory.mktemp("written") / "photos"
    write_photos(root, number=8)
    add_odd_photos(root)
    add_bad_files(root)
    Image.new("RGB", (96, 96)).save(root / "temple" / "night.png")
    return root


@pytest.fixture
def photos(written, tmp_path, monkeypatch):
    """Sound, odd and bad photos, and an empty cache."""
    shutil.copytree(written, tmp_path / "photos", symlinks=True)
    monkeypatch.setenv("KERAS_ZOO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "photos"


@pytest.fixture
def decoded(monkeypatch):
    """How many photos were opened since it was last cleared."""
    opened, names = scan.opened, []
    monkeypatch.setattr(scan, "opened", lambda content, *size: names.append(len(content)) or opened(content, *size))
    return names


def examine(root):
    return diagnosis.examine(root, Shares())


def database():
    (path,) = (cache_folder() / "photos").glob("*.sqlite")
    return path


def test_a_folder_that_is_as_it_was_is_not_read_again(photos, decoded):
    first = examine(photos)
    assert len(decoded) == len(first.photos)
    decoded.clear()
    assert examine(photos) == first
    assert decoded == []
    assert first.quality["very dark"] == ["temple/night.png"]
    assert first.pictures


def test_a_full_disk_takes_no_picture_from_the_report(photos, monkeypatch):
    whole = examine(photos)
    database().unlink()
    sound = seen._sound

    def small(path):
        connection = sound(path)
        if path != ":memory:":
            connection.execute(f"PRAGMA max_page_count = {connection.execute('PRAGMA page_count').fetchone()[0] + 1}")
        return connection

    monkeypatch.setattr(seen, "_sound", small)
    assert examine(photos).pictures == whole.pictures


def test_what_changed_or_came_is_looked_at_and_what_went_is_forgotten(photos, decoded):
    examine(photos)
    decoded.clear()
    temple = photos / "temple"
    shutil.copy(photos / "flower" / "00.jpg", temple / "new.jpg")
    shutil.copy(photos / "flower" / "01.jpg", temple / "00.jpg")
    (temple / "01.jpg").unlink()
    touched = temple / "02.jpg"
    os.utime(touched, ns=(0, touched.stat().st_mtime_ns + 10**6))
    found = {photo.entry.name: photo for photo in examine(photos).photos}
    assert len(decoded) == 3
    assert found["temple/new.jpg"].sha256 == found["flower/00.jpg"].sha256
    assert found["temple/00.jpg"].sha256 == found["flower/01.jpg"].sha256
    with sqlite3.connect(database()) as connection:
        for table in ("looks", "pictures"):
            names = {name for (name,) in connection.execute(f"SELECT name FROM {table}")}  # noqa: S608
            assert "temple/new.jpg" in names
            assert "temple/01.jpg" not in names


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b"no database at all"),
        lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
        lambda path: path.write_bytes(path.read_bytes()[:4096] + b"\xaa" * (path.stat().st_size - 4096)),
        lambda path: path.write_bytes(path.read_bytes().replace(b'"problem": ""', b'"problem": 99')),
        lambda path: (path.unlink(), path.mkdir()),
        lambda path: sqlite3.connect(path).executescript("DROP TABLE looks; CREATE TABLE looks (name TEXT)").close(),
    ],
    ids=["another file", "cut off", "overwritten", "a row", "a folder", "other columns"],
)
def test_what_is_damaged_is_found_anew(photos, decoded, damage):
    first = examine(photos)
    damage(database())
    decoded.clear()
    assert examine(photos) == first
    assert len(decoded) >= len(first.used)


def test_other_versions_look_again(photos, decoded, monkeypatch):
    examine(photos)
    decoded.clear()
    monkeypatch.setattr(seen, "DECODER", "another Pillow")
    found = examine(photos)
    assert len(decoded) == len(found.photos)


def test_without_a_cache_all_is_found_as_well(photos, decoded, tmp_path, monkeypatch):
    first = examine(photos)
    (tmp_path / "in the way").touch()
    monkeypatch.setenv("KERAS_ZOO_CACHE", str(tmp_path / "in the way"))
    decoded.clear()
    assert examine(photos) == first
    assert len(decoded) == len(first.photos)


def test_a_change_that_leaves_the_time_as_it_is_is_not_missed_on_coarse_disks(photos, decoded):
    photo = photos / "temple" / "00.jpg"
    now = time.time_ns() // 10**9 * 10**9
    os.utime(photo, ns=(now, now))
    examine(photos)
    decoded.clear()
    examine(photos)
    assert len(decoded) == 1


def test_two_examinations_at_once_do_not_disturb_each_other(photos, tmp_path):
    command = [PYTHON, "-m", "recipes.doctor", str(photos), "--json", "--out"]
    environment = subprocess_environment(KERAS_ZOO_CACHE=str(tmp_path / "cache"))
    both = [
        subprocess.Popen(
            [*command, str(tmp_path / name)], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for name in ("one", "other")
    ]
    (one, _), (other, said) = (process.communicate(timeout=120) for process in both)
    assert [process.returncode for process in both] == [3, 3], said
    assert json.loads(one) == json.loads(other)
    with sqlite3.connect(database()) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_photo_of_a_table_is_kept_by_its_name(photos, decoded, tmp_path):
    table = tmp_path / "table.csv"
    names = [path.relative_to(tmp_path).as_posix() for path in sorted(photos.rglob("0*.jpg"))]
    table.write_text("path,label\n" + "".join(f"{name},{Path(name).parent.name}\n" for name in names))
    first = examine(table)
    decoded.clear()
    table.write_text(table.read_text().replace(",temple", ",shrine"))
    again = examine(table)
    assert decoded == []
    labels = [photo.entry.label.replace("shrine", "temple") for photo in again.photos]
    assert [replace(photo.entry, label=label) for photo, label in zip(again.photos, labels, strict=True)] == [
        photo.entry for photo in first.photos
    ]
