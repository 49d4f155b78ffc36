"""Photos in zip archives, of people and of those who mean harm."""

import shutil
import struct
import zipfile

import pytest

from recipes.data.formats.archive import unpacked
from recipes.errors import CorruptFault, DataFault, DiskFault

EXTENSIONS = {".jpg", ".png"}


def zipped(path, members, **options):
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def contents(path, folder):
    found = unpacked(path, folder, EXTENSIONS, 200_000_000)
    assert all(file.parent == folder for file in found)
    return {name: file.read_bytes() for file, name in found.items()}


def test_photos_come_out_under_numbers_and_lead_nowhere_else(tmp_path, caplog):
    members = {
        "b/1.jpg": b"one", "a/1.jpg": b"other", "../../out.jpg": b"out", "/etc/x.png": b"root", "옷/티.JPG": b"cloth",
        "notes.txt": b"no photo", "folder.jpg/": b"", "__MACOSX/b/._1.jpg": b"of a Mac", ".hidden.jpg": b"hidden",
    }  # fmt: skip
    path = zipped(tmp_path / "album.zip", members)
    photos = {
        name: content for name, content in members.items() if content not in (b"no photo", b"of a Mac", b"hidden", b"")
    }
    photos.pop("../../out.jpg")
    assert contents(path, tmp_path / "out") == photos
    assert "1 of 5 photos are named as if they lay outside, and passed over, such as ../../out.jpg." in caplog.text
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["album.zip", "out"]


def test_a_file_that_is_too_large_for_a_photo_is_said_and_passed_over(tmp_path, caplog):
    path = zipped(tmp_path / "album.zip", {"large.jpg": bytes(1_000_001), "a.jpg": b"one"})
    assert list(unpacked(path, tmp_path / "out", EXTENSIONS, 1_000_000).values()) == ["a.jpg"]
    assert "1 of 2 photos are larger than 1 MB, and passed over, such as large.jpg." in caplog.text


def test_names_of_windows_in_korea_are_read(tmp_path):
    name = "여름/바다.jpg"
    path = zipped(tmp_path / "album.zip", {"x" * len(name.encode("cp949")): b"sea"})
    path.write_bytes(path.read_bytes().replace(b"x" * len(name.encode("cp949")), name.encode("cp949")))
    assert contents(path, tmp_path / "out") == {name: b"sea"}


def test_an_archive_that_claims_too_much_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    path = zipped(tmp_path / "bomb.zip", {"a.jpg": bytes(20_000_000)}, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(CorruptFault, match=r"a.jpg claims to be 20 MB in [\d,]+ bytes"):
        contents(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    sound = zipped(tmp_path / "large.zip", {"a.jpg": b"x" * 1000})
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage._replace(free=1000))
    with pytest.raises(DiskFault, match="let TMPDIR name another place"):
        contents(sound, tmp_path / "out")


def test_a_damaged_member_costs_itself_alone(tmp_path):
    path = zipped(tmp_path / "album.zip", {"a.jpg": b"first" * 99, "b.jpg": b"second"})
    path.write_bytes(path.read_bytes().replace(b"firstfirst", b"firstFIRST", 1))
    assert contents(path, tmp_path / "out")["b.jpg"] == b"second"
    for kind in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        with zipfile.ZipFile(path, "w", kind) as archive:
            archive.writestr("a.jpg", bytes(range(256)) * 9)
            archive.writestr("b.jpg", b"second")
        content = bytearray(path.read_bytes())
        content[45:70] = bytes(25)  # Behind the header and the name of the first.
        path.write_bytes(content)
        assert contents(path, tmp_path / f"out{kind}")["b.jpg"] == b"second"


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and nothing else", b"no archive"])
def test_what_is_no_archive_is_said(tmp_path, content):
    (tmp_path / "album.zip").write_bytes(content)
    with pytest.raises(DataFault, match="album.zip cannot be read"):
        contents(tmp_path / "album.zip", tmp_path / "out")


def test_an_encrypted_archive_is_said(tmp_path):
    path = zipped(tmp_path / "album.zip", {"a.jpg": b"x"})
    content = bytearray(path.read_bytes())
    for magic, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        struct.pack_into("<H", content, content.find(magic) + place, 1)
    path.write_bytes(content)
    with pytest.raises(DataFault, match="is encrypted"):
        contents(path, tmp_path / "out")
