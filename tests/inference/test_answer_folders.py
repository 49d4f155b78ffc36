"""Answers put into folders, and an album whose answers come in two goes."""

import csv
import json
import os
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from conftest import needs_posix
from photo_files import CLASSES, write_photos
from PIL import Image

from recipes import compare, explain, export, predict, serve
from recipes.files import run_folder
from recipes.inference.predictor import Predictor
from recipes.inference.table import Table
from recipes.study import answer_folders


@pytest.fixture
def album(tmp_path):
    """A few photos in two folders that are no classes, two called alike, one with EXIF, one that is none."""
    write_photos(tmp_path / "made", number=6, seed=5)
    for index, path in enumerate(sorted((tmp_path / "made").rglob("*.jpg"))):
        folder = tmp_path / "album" / ("first", "second")[index % 2]
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, folder / f"{index // 2:02d}.jpg")
    exif = Image.Exif()
    exif[0x0110] = "A camera"
    picture = Image.open(tmp_path / "album" / "first" / "00.jpg")
    picture.save(tmp_path / "album" / "first" / "exif.jpg", exif=exif)
    (tmp_path / "album" / "broken.jpg").write_bytes(b"no photo")
    return tmp_path / "album"


def test_copies_that_would_fill_the_disk_are_refused_before_the_network_is_asked(trained, album, call, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 10, 0))
    monkeypatch.setattr("recipes.inference.answers.load", lambda run: pytest.fail("the network is loaded"))
    code, _, err = call(predict, trained, album, "--unlabelled", "--copy-to", album.parent / "out")
    assert (code, "The copies need 0.1 MB in" in err) == (6, True), err


def test_a_class_of_any_name_has_a_folder_that_every_system_takes_and_that_leads_nowhere_else():
    names = ["..", "a/../../b", "what?", "CON", "nul.txt", "end. ", "옷", "a\\b"]
    table = Table(np.array(["photo"] * 8), np.eye(8), tuple(names))
    assert answer_folders.folders_of(table, None) == ["_", "a .. .. b", "what", "CON_", "nul.txt_", "end", "옷", "a b"]


@needs_posix
def test_a_photo_whose_name_is_not_text_is_named_and_the_others_are_copied(trained, album, call, tmp_path):
    bad = os.fsdecode(b"bad\xff.jpg")
    shutil.copy2(album / "first" / "00.jpg", album / bad)
    code, _, err = call(predict, trained, album, "--unlabelled", "--copy-to", tmp_path / "out")
    assert "bad\\xff.jpg" in err
    assert "name is not UTF-8" in err
    assert "bug" not in err
    assert code == 0, err
    assert len(copied(tmp_path / "out")) == len(list(album.rglob("*.jpg"))) - 1, "all but this one"


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def copied(out):
    return {name: data for name, data in contents(out).items() if "/" in name}


def test_each_photo_is_copied_into_the_folder_of_its_answer(trained, album, call, tmp_path):
    before, out = contents(album), tmp_path / "out"
    code, _, err = call(predict, trained, album, "--unlabelled", "--copy-to", out, "--unsure", 0.6)
    assert code == 0, err
    assert contents(album) == before
    rows = list(csv.DictReader((out / "answers.csv").open(encoding="utf-8")))
    assert {row["path"] for row in rows} == {str(album / name) for name in before}
    files = copied(out)
    assert len(files) == len(before)
    for row in rows:
        folder = "_unreadable" if row["problem"] else row["prediction"]
        if not row["problem"] and float(row["probability"]) < 0.6:
            folder = "_unsure"
        (file,) = [name for name, data in files.items() if data == before[row["path"][len(str(album)) + 1 :]]]
        assert file.split("/")[0] == folder
        assert (out / file).stat().st_mtime == pytest.approx((album / row["path"]).stat().st_mtime, abs=1e-3)
    assert {name.split("/")[0] for name in files} <= {*CLASSES, "_unsure", "_unreadable"}
    assert any(" (2).jpg" in name for name in files), "two photos of one name"
    assert f"{len(files)} copied, 0 there already" in err

    code, _, err = call(predict, trained, album, "--unlabelled", "--copy-to", out, "--unsure", 0.6)
    assert (code, copied(out) == files) == (0, True)
    assert f"0 copied, {len(files)} there already" in err
    assert not list(out.glob("*.partial"))


def test_photos_that_are_none_of_the_classes_have_a_folder(trained, album, call, tmp_path, monkeypatch):
    monkeypatch.setattr(Predictor, "require", lambda self, rate: None)
    monkeypatch.setattr("recipes.evaluate.none_of_these.Known.refused", lambda self, shares, rate: shares >= -1)
    code, _, err = call(predict, trained, album, "--unlabelled", "--copy-to", tmp_path / "out", "--none-of-these", 0.05)
    assert code == 0, err
    assert {name.split("/")[0] for name in copied(tmp_path / "out")} == {"_none", "_unreadable"}


def test_nothing_is_copied_where_photos_are_or_where_it_cannot_be(trained, album, call, tmp_path):
    for out, words in ((album / "out", "where nothing is written"), (tmp_path, "Choose a --copy-to beside them")):
        code, _, err = call(predict, trained, album, "--unlabelled", "--copy-to", out)
        assert (code, words in err) == (2, True), err
    assert call(predict, trained, album, "--unsure", 0.5)[0] == 2
    assert call(predict, trained, album, "--copy-to", tmp_path / "out", "--unsure", 3)[0] == 2
    code, _, err = call(predict, trained, tmp_path / "photos.zip", "--copy-to", tmp_path / "out")
    assert (code, "Unpack it" in err) == (2, True), err
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "answers.csv").write_text("of somebody else")
    code, _, err = call(predict, trained, album, "--unlabelled", "--copy-to", tmp_path / "mine")
    assert (code, "was not written by this command" in err) == (2, True), err
    assert contents(tmp_path / "mine") == {"answers.csv": b"of somebody else"}
    (tmp_path / "file").write_text("in the way")
    code, _, err = call(predict, trained, album, "--unlabelled", "--copy-to", tmp_path / "file")
    assert (code, "a file is in the way" in err) == (6, True), err


def test_a_photo_that_vanishes_is_named(trained, album, call, tmp_path, monkeypatch):
    stream = Predictor.stream

    def losing(self, images):
        for found in stream(self, images):
            (album / "first" / "exif.jpg").unlink(missing_ok=True)
            yield found

    monkeypatch.setattr(Predictor, "stream", losing)
    code, _, err = call(predict, trained, album, "--unlabelled", "--copy-to", tmp_path / "out")
    assert code == 0, err
    assert "exif.jpg: no such file" in err.casefold() or "exif.jpg: No such file" in err
    assert "1 gone" in err


def test_an_album_that_is_stopped_goes_on_where_it_was(trained, album, call, tmp_path, monkeypatch):
    table, stream, seen = tmp_path / "answers.csv", Predictor.stream, []

    def stopped(self, images):
        for number, found in enumerate(stream(self, images)):
            if number == 7:
                raise KeyboardInterrupt
            yield found

    def counted(self, images):
        seen.extend(images)
        yield from stream(self, images)

    with monkeypatch.context() as patch:
        patch.setattr(Predictor, "stream", stopped)
        assert call(predict, trained, album, "--unlabelled", "--csv", table)[0] != 0
    assert not table.exists()
    kept = tmp_path / "answers.csv.partial"
    with kept.open("a", encoding="utf-8") as half:
        half.write('["half a li')
    changed = album / "first" / "00.jpg"
    shutil.copy2(album / "first" / "01.jpg", changed)
    monkeypatch.setattr(Predictor, "stream", counted)
    code, _, err = call(predict, trained, album, "--unlabelled", "--csv", table)
    assert (code, "6 of 20 answers are known from before" in err) == (0, True), err
    assert len(seen) == 14
    assert changed in seen
    assert not kept.exists()
    rows = table.read_text(encoding="utf-8")
    assert call(predict, trained, album, "--unlabelled", "--csv", tmp_path / "again.csv")[0] == 0
    assert (tmp_path / "again.csv").read_text(encoding="utf-8") == rows

    kept.write_text(json.dumps({"network": "another"}) + "\n")
    seen.clear()
    assert call(predict, trained, album, "--unlabelled", "--csv", table)[0] == 0
    assert len(seen) == 20


def test_an_archive_that_is_stopped_goes_on_where_it_was_though_it_is_unpacked_anew(
    trained, album, call, tmp_path, monkeypatch
):
    asked, table, stream, seen = tmp_path / "album.zip", tmp_path / "answers.csv", Predictor.stream, []
    photos = {path.name: path.read_bytes() for path in sorted((album / "first").glob("0*.jpg"))[:4]}

    def zipped():
        with zipfile.ZipFile(asked, "w") as archive:
            for name, content in photos.items():
                archive.writestr(name, content)

    def counted(self, images):
        seen.extend(images)
        for number, found in enumerate(stream(self, images)):
            if number == stopped_at:
                raise KeyboardInterrupt
            yield found

    zipped()
    monkeypatch.setattr(Predictor, "stream", counted)
    stopped_at = 3
    assert call(predict, trained, asked, "--csv", table)[0] != 0
    # The same name and size, another photo.
    changed = bytearray(photos["01.jpg"])
    changed[-40] ^= 1
    photos["01.jpg"], stopped_at = bytes(changed), None
    zipped()
    seen.clear()
    code, _, err = call(predict, trained, asked, "--csv", table)
    assert (code, "2 of 4 answers are known from before" in err) == (0, True), err
    assert [path.name for path in seen] == ["000001.jpg", "000003.jpg"]


@pytest.mark.parametrize("verb", [explain, serve, export, compare], ids=lambda verb: verb.__name__)
def test_every_verb_that_takes_a_run_takes_last(verb, call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    others = {explain: ["photo.jpg"], compare: ["other"]}.get(verb, [])
    code, _, err = call(verb, "last", *others)
    assert (code, "No run has ended below runs/ here" in err) == (2, True), err


def test_last_is_the_run_that_ended_last(trained, album, call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, err = call(predict, "last", album, "--unlabelled")
    assert (code, "No run has ended below runs/ here" in err) == (2, True), err
    shutil.copytree(trained, tmp_path / "runs" / "mine" / "first")
    assert run_folder.given(Path("last")) == Path("runs/mine/first")
    code, out, err = call(predict, "last", album, "--unlabelled")
    assert (code, len(out.splitlines())) == (0, 19), err
