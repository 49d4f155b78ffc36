"""Own photos: what is listed, what is found, how they are divided; no file is touched."""

import csv
import dataclasses
import hashlib
import json
import os
import shutil
import time
import tracemalloc
import unicodedata
from collections import Counter
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pandas
import pytest
from conftest import needs_posix
from photo_files import CLASSES, add_bad_files, add_odd_photos, crops, encoded, write_photos
from PIL import Image
from rich.cells import cell_len

from recipes import Shares, doctor
from recipes.data.photos import diagnosis as examination
from recipes.data.photos.division import divide
from recipes.data.photos.listing import HIDDEN, LINK, LOOSE, NO_PHOTOS, Entry, Listing, list_photos, photos_below
from recipes.data.photos.near_duplicates import alike
from recipes.data.photos.scan import Photo
from recipes.data.photos.tables import paths_in_table
from recipes.errors import DataFault


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """60 sound photos in 3 classes, one of them Korean."""
    root = tmp_path_factory.mktemp("sound") / "my photos"
    write_photos(root)
    return root


@pytest.fixture(scope="module")
def messy(tmp_path_factory, sound):
    """The same with odd photos, bad files, links, hidden files and a name that is not UTF-8 among them."""
    root = tmp_path_factory.mktemp("messy") / "photos"
    shutil.copytree(sound, root)
    add_odd_photos(root)
    add_bad_files(root)
    return root


def examine(root, **shares):
    return examination.examine(root, Shares(**shares))


def every_byte(root):
    paths = sorted(os.fsencode(path) for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    return {path: hashlib.sha256(open(path, "rb").read()).hexdigest() for path in paths}


@pytest.fixture
def run_doctor(capsys):
    def call(*arguments):
        code = doctor.main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def test_sound_photos_are_all_used_and_divided(sound, tmp_path, run_doctor):
    code, out, err = run_doctor(sound, "--out", tmp_path)
    assert (code, err) == (0, "")
    assert "60 photos in 3 classes (60 .jpg); 60 can be used" in " ".join(out.split())
    rows = [line for line in out.splitlines() if line.split() and line.split()[0] in CLASSES]
    assert (len(rows), len({cell_len(line) for line in rows})) == (3, 1), "in columns"
    assert (tmp_path / "bad_files.csv").read_text() == "file,reason\n"
    assert {path.name for path in tmp_path.iterdir()} == {"doctor.html", "bad_files.csv"}


def test_every_defect_is_named_and_nothing_is_touched(messy, tmp_path, run_doctor):
    before = every_byte(messy)
    code, out, err = run_doctor(messy, "--out", tmp_path, "--json")
    assert every_byte(messy) == before
    found = json.loads(out)
    assert found["bad"] == {
        "flower/bomb.png": "oversized: 10,000 x 10,000 pixels, more than 50 million",
        "flower/page.jpg": "a page of HTML or XML, no JPEG, PNG, GIF, BMP, WEBP, AVIF, HEIF or TIFF",
        "temple/caf\\xe9.jpg": "the name is not UTF-8",
        "temple/empty.jpg": "empty file",
        "temple/truncated.jpg": found["bad"]["temple/truncated.jpg"],
    }
    assert found["bad"]["temple/truncated.jpg"].startswith("damaged: image file is truncated")
    for what, name in {
        "rotated by EXIF": "temple/rotated.jpg",
        "CMYK": "temple/cmyk.jpg",
        "16 bits a channel": "옷/deep.png",
        "transparent: laid on white": "flower/alpha.png",
        "PNG named .jpg": "flower/a png.jpg",
        "animated: first frame taken": "flower/animated.webp",
        "tiny: a side under 32 pixels": "temple/wide.jpg",
        "odd aspect: one side over 3 times the other": "temple/wide.jpg",
    }.items():
        assert name in found["odd"][what]
    assert found["passed_over"] == {HIDDEN: 2, ".txt": 1, LOOSE: 1, LINK: 1}
    assert any("1 links to folders are not followed" in warning for warning in found["warnings"])
    assert any("1 of 72 photos are left out for their size, 'flower/bomb.png'" in line for line in found["warnings"])
    # Three of 72 files are damaged; the bomb is sound, only too large.
    assert code == 0, err
    rows = list(csv.DictReader((tmp_path / "bad_files.csv").open(encoding="utf-8")))
    assert {row["file"]: row["reason"] for row in rows} == found["bad"]
    page = (tmp_path / "doctor.html").read_text(encoding="utf-8")
    assert "temple/truncated.jpg" in page
    assert "http" not in page.replace("http-equiv", "")


def test_more_than_one_damaged_file_in_twenty_ends_it(messy, tmp_path, run_doctor):
    root = tmp_path / "photos"
    shutil.copytree(messy, root, symlinks=True)
    for name in ("a", "b"):
        (root / "temple" / f"{name}.jpg").write_bytes(b"")
    code, _, err = run_doctor(root, "--out", tmp_path / "out")
    assert code == 3
    assert "5 of 74 files are damaged, more than 5%: bad_files.csv lists them." in err
    assert len((tmp_path / "out" / "bad_files.csv").read_text().splitlines()) == 8


def photo(name, look=None, label="a", split=None):
    """A photo that looks like no other unless it is told to."""
    number = int(hashlib.sha256(str(look if look is not None else name).encode()).hexdigest()[:16], 16)
    sketch = np.random.default_rng(number).integers(0, 256, 256, dtype="uint8").tobytes()
    return Photo(Entry(str(name), Path(str(name)), label, split), "", number, sketch)


def divided(photos, **shares):
    return divide(alike(photos), Shares(**shares))


def test_photos_that_are_added_move_those_at_the_cuts_alone(sound, tmp_path):
    photos = [photo(f"{label}{number}", label=label) for label in "ab" for number in range(200)]
    before, after = divided(photos[::2]), divided(photos)
    moved = [name for name in before if after[name] != before[name]]
    assert len(moved) <= 0.1 * len(before)
    one_more = divided([*photos, photo("one more")])
    assert sum(one_more[name] != after[name] for name in after) <= 2
    renamed = tmp_path / "renamed"
    shutil.copytree(sound, renamed)
    for path in list(renamed.rglob("*.jpg")):
        path.rename(path.with_suffix(".jpeg"))
    found = examine(renamed).places
    assert {name.replace(".jpeg", ".jpg"): split for name, split in found.items()} == examine(sound).places


@pytest.mark.parametrize(("classes", "number"), [(10, 10), (10, 20), (2, 3), (3, 150)])
def test_every_class_has_its_shares(classes, number):
    photos = [photo(f"{label} {place}", label=str(label)) for label in range(classes) for place in range(number)]
    for seed in range(20):
        places = divided(photos, seed=seed)
        counts = Counter((one.entry.label, places[one.entry.name]) for one in photos)
        for label in map(str, range(classes)):
            held_out = max(1, round(0.2 * number))
            wanted = {"test": held_out, "validation": held_out, "train": number - 2 * held_out}
            assert {split: counts[label, split] for split in wanted} == wanted


def test_a_burst_stays_together_and_none_of_it_is_lost():
    bursts = [
        photo(f"{burst}-{frame}", look=burst, label="ab"[burst % 2]) for burst in range(120) for frame in range(5)
    ]
    places = divided(bursts)
    assert len(places) == 600
    for burst in range(120):
        assert len({places[f"{burst}-{frame}"] for frame in range(5)}) == 1
    assert Counter(places.values()) == {"train": 360, "validation": 120, "test": 120}


def test_of_several_folds_each_photo_tests_once_whatever_side_it_was_given():
    photos = [
        photo(f"{label}{number}", f"{label}{number // 2}", label, "test") for label in "ab" for number in range(40)
    ]
    photos = [one for one in photos if one.entry.name not in ("a0", "a1")]
    tested = Counter()
    for fold in range(5):
        places = divided(photos, folds=5, fold=fold)
        assert places.keys() == {one.entry.name for one in photos}
        test = [name for name, split in places.items() if split == "test"]
        assert {label: sum(name[0] == label for name in test) for label in "ab"}["b"] == 8
        assert all(places[f"b{number}"] == places[f"b{number + 1}"] for number in range(0, 40, 2)), "a pair was parted"
        assert Counter(places.values())["validation"] == pytest.approx(0.2 * (len(photos) - len(test)), abs=4)
        tested.update(test)
    assert set(tested.values()) == {1}
    assert tested.keys() == {one.entry.name for one in photos}


def test_the_frames_of_a_fixed_camera_train_and_do_not_starve_the_rest():
    camera = [photo(f"frame {number}", look="the yard") for number in range(1475)]
    others = [photo(f"other {number}") for number in range(25)]
    counts = Counter(divided([*camera, *others]).values())
    assert counts == {"train": 1475 + 15, "validation": 5, "test": 5}


def test_memory_does_not_grow_with_the_pairs_that_look_alike():
    """2,500 frames that look alike are 3 million pairs."""
    frames = [photo(f"frame {number}", look="the yard") for number in range(2500)]
    tracemalloc.start()
    (group,) = alike(frames)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(group) == 2500
    assert peak < 120e6


def test_photos_are_alike_through_others():
    """The first and the last differ in ten bits, each from the one between in five."""
    sketch = np.arange(256, dtype="uint8").tobytes()
    chain = [dataclasses.replace(photo(bits), look=2**bits - 1, sketch=sketch) for bits in (0, 5, 10)]
    far = dataclasses.replace(photo("far"), look=2**40 - 1, sketch=sketch)
    unlike = photo("unlike")
    unlike = dataclasses.replace(unlike, look=0)
    assert [[one.entry.name for one in group] for group in alike([*chain, far, unlike])] == [
        ["0", "5", "10"], ["far"], ["unlike"],
    ]  # fmt: skip
    assert alike([]) == []


def test_near_duplicates_share_a_side_and_are_grouped(sound, tmp_path):
    root = tmp_path / "photos"
    shutil.copytree(sound, root)
    copies = {}
    for path in sorted(root.glob("temple/*.jpg")):
        picture = Image.open(path)
        for number, changed in enumerate((picture, picture.resize((80, 80)))):
            name = f"{path.stem} copy {number}.jpg"
            changed.save(path.with_name(name), quality=60)
            copies.setdefault(path.name, []).append(f"temple/{name}")
    shutil.copy(root / "temple" / "00.jpg", root / "flower" / "the same.jpg")
    found = examine(root)
    assert [sorted(photo.entry.name for photo in group) for group in found.identical] == [
        ["flower/the same.jpg", "temple/00.jpg"]
    ]
    alike = {photo.entry.name: number for number, group in enumerate(found.alike) for photo in group}
    for original, names in copies.items():
        for name in names:
            assert alike[name] == alike[f"temple/{original}"]
            used = {found.places.get(one) for one in (name, f"temple/{original}")} - {None}
            assert len(used) <= 1
    assert any("different labels" in warning for warning in found.warnings)
    assert {photo.entry.name for photo in found.conflicts[0]} >= {"flower/the same.jpg", "temple/00.jpg"}


def test_a_photo_of_test_is_left_out_of_training(sound, tmp_path, run_doctor):
    for split in ("train", "val", "test"):
        shutil.copytree(sound, tmp_path / "photos" / split)
    write_photos(tmp_path / "photos" / "train", number=30, seed=3)
    found = examine(tmp_path / "photos")
    assert set(found.places.values()) == {"train", "test"}
    assert sum(split == "test" for split in found.places.values()) == 60
    assert all(leak.twin_split in ("test", "validation") for leak in found.leaks)
    code, _, err = run_doctor(tmp_path / "photos", "--out", tmp_path / "out")
    assert code == 3
    assert "No usable photo is left for validation." in err


def test_a_photo_that_is_in_training_and_test_is_left_out_of_training(sound, tmp_path, run_doctor):
    for split, seed in (("train", 3), ("validation", 21), ("test", 22)):
        write_photos(tmp_path / "photos" / split, number=10, seed=seed)
    for name in ("00", "01"):
        source = tmp_path / "photos" / "test" / "flower" / f"{name}.jpg"
        shutil.copy(source, tmp_path / "photos" / "train" / "flower" / f"copy {name}.jpg")
    Image.open(source).resize((64, 64)).save(tmp_path / "photos" / "train" / "temple" / "smaller.jpg")
    code, out, _ = run_doctor(tmp_path / "photos", "--out", tmp_path / "out", "--json")
    found = json.loads(out)
    assert code == 0
    left_out = {leak["name"]: leak["twin_split"] for leak in found["left_out"]}
    expected = {"train/flower/copy 00.jpg", "train/flower/copy 01.jpg", "train/temple/smaller.jpg"}
    assert expected <= left_out.keys()
    assert all(left_out[name] == "test" for name in expected)
    assert f"Leakage: {len(left_out)} photos were left out" in " ".join(found["warnings"])
    assert found["counts"]["flower"]["test"] == 10


def test_splits_that_are_given_are_kept_and_the_missing_one_is_drawn(sound, tmp_path):
    root = tmp_path / "photos"
    shutil.copytree(sound, root / "Train")
    write_photos(root / "Test", number=10, seed=9)
    found = examine(root)
    of_test = {name for name, split in found.places.items() if split == "test"}
    assert {name.split("/")[0] for name in of_test} == {"Test"}
    assert {split for name, split in found.places.items() if name.startswith("Train/")} == {"train", "validation"}


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_table_says_label_and_split(sound, tmp_path, kind):
    paths = sorted(path.relative_to(sound.parent).as_posix() for path in sound.rglob("*.jpg"))
    table = pandas.DataFrame({"path": paths, "label": [path.split("/")[1] for path in paths]})
    table["split"] = (["train"] * 12 + ["val"] * 4 + ["test"] * 4) * 3
    file = sound.parent / f"table.{kind}"
    table.to_csv(file, index=False) if kind == "csv" else table.to_parquet(file)
    found = examine(file)
    assert found.counts.keys() == set(CLASSES)
    assert all((row["validation"], row["test"]) == (4, 4) for row in found.counts.values())
    assert sum(row["train"] for row in found.counts.values()) == 36 - len(found.leaks)
    assert not found.faults


@pytest.mark.parametrize(
    "written",
    [
        lambda text: text.encode("utf-16"),
        lambda text: text.encode("cp949"),
        lambda text: text.encode("utf-8-sig"),
        lambda text: text.replace(",", ";").encode(),
        lambda text: text.replace(",", "\t").encode(),
        lambda text: text.replace("path,label", " Path , LABEL").encode(),
        lambda text: text.replace("/", "\\").encode(),
    ],
    ids=["UTF-16", "CP949", "UTF-8 with a mark", "semicolons", "tabs", "capitals", "backslashes"],
)
def test_a_table_is_read_as_people_write_it(sound, written):
    rows = "".join(f"{path.relative_to(sound.parent).as_posix()},옷\n" for path in sorted(sound.glob("옷/*.jpg")))
    file = sound.parent / "written.csv"
    file.write_bytes(written("path,label\n" + rows + "my photos/temple/00.jpg,절\n"))
    listing = list_photos(file)
    assert listing.classes == ["옷", "절"]
    assert len(listing.entries) == 21
    assert all(entry.path.is_file() for entry in listing.entries)


def test_a_table_of_western_windows_is_read(sound):
    file = sound.parent / "western.csv"
    text = "path,label\nmy photos/temple/00.jpg,café\nmy photos/temple/01.jpg,naïve, Ärger für Zoë\n"
    file.write_bytes(text.replace(", Ä", " Ä").encode("cp1252"))
    assert list_photos(file).classes == ["café", "naïve Ärger für Zoë"]


@pytest.mark.parametrize(
    "written",
    [
        lambda name: f"/content/drive/{name}",
        lambda name: f"C:\\Users\\me\\{name}".replace("/", "\\"),
        lambda name: name.partition("/")[2],
        lambda name: name.rpartition(".")[0],
        lambda name: unicodedata.normalize("NFD", name),
        lambda name: f"{name[:-4]}.JPG",
        quote,
    ],
    ids=["another root", "Windows", "a folder too low", "no extension", "a Mac", "another case", "an address"],
)
def test_paths_that_lead_nowhere_are_read_as_they_are_meant(sound, caplog, written):
    names = [path.relative_to(sound.parent).as_posix() for path in sorted(sound.rglob("*.jpg"))]
    file = sound.parent / "astray.csv"
    file.write_text("path,label\n" + "".join(f"{written(name)},{name.split('/')[1]}\n" for name in names))
    listing = list_photos(file)
    assert [entry.name for entry in listing.entries] == names
    assert "paths lead nowhere as they are written" in caplog.text
    assert len(paths_in_table(file)) == 60


def test_a_folder_that_is_gone_is_not_taken_for_another_one(sound):
    file = sound.parent / "gone.csv"
    file.write_text("path,label\n" + "".join(f"cats/{number:02d}.jpg,cat\n" for number in range(20)))
    with pytest.raises(DataFault, match=r"not one of its 20 paths leads to a file. The first is 'cats/00.jpg'"):
        list_photos(file)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "path,label\na.jpg,cat, black\n",
            "line 2 has 3 cells, and the first line 2: put quotes around what holds ','",
        ),
        ('path,label\n"a.jpg,cat\nb.jpg,dog\n', "cannot be read"),
        ("", "cannot be read"),
        ("path,label,Label\na.jpg,cat,dog\n", "has more than one column label"),
        ("path,label\na.jpg,cat\n./a.jpg,dog\n", "'a.jpg' has the labels 'cat', 'dog'"),
        ("path,label\n".encode("utf-16-le").decode(), "it is no text in UTF-8 or UTF-16: save it as CSV in UTF-8"),
    ],
    ids=["a comma in a label", "a quote that does not end", "empty", "a column twice", "a path twice", "no letters"],
)
def test_a_table_that_would_be_misread_is_refused(tmp_path, text, words):
    (tmp_path / "a.jpg").touch()
    (tmp_path / "table.csv").write_text(text)
    with pytest.raises(DataFault, match=words):
        list_photos(tmp_path / "table.csv")


@pytest.mark.parametrize("first", ["", "\n\n", "sep=,\n"], ids=["nothing", "empty lines", "Excel"])
def test_what_stands_before_the_columns_and_a_long_cell_do_not_matter(tmp_path, first):
    (tmp_path / "a.jpg").touch()
    (tmp_path / "table.csv").write_text(f"{first}path,label,picture\na.jpg,cat,{'A' * 200_000}\n")
    assert list_photos(tmp_path / "table.csv").classes == ["cat"]


def test_trailing_separators_do_not_matter(sound):
    file = sound.parent / "trailing.csv"
    file.write_text("path,label\nmy photos/temple/00.jpg,cat,,\nmy photos/temple/01.jpg,dog,,\n")
    assert [(entry.path.name, entry.label) for entry in list_photos(file).entries] == [
        ("00.jpg", "cat"),
        ("01.jpg", "dog"),
    ]


@needs_posix
def test_a_folder_whose_name_is_not_utf_8_is_refused(tmp_path):
    root = tmp_path / os.fsdecode(b"caf\xe9") / "photos"
    try:
        (root / "cat").mkdir(parents=True)
    except OSError:
        pytest.skip("skipped: this file system takes no such name")
    with pytest.raises(DataFault, match=r"caf\\xe9/photos: its name, or that of a folder that it is in, is not UTF-8"):
        list_photos(root)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("album.zip", "Unpack it, and give the folder"),
        ("one.jpg", "Give the folder that holds a folder of photos for each class"),
        ("https:/example.com/photos", "An address is not fetched"),
    ],
)
def test_what_is_no_folder_is_refused_with_what_to_give(tmp_path, name, words):
    if "/" not in name:
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(DataFault, match=words):
        list_photos(tmp_path / name)


def test_many_classes_cost_as_much_as_their_photos():
    """What is counted of all photos is counted once, not for each class and each split."""
    entries = [Entry(f"{label:03d}/{place}.jpg", Path(), f"{label:03d}") for label in range(600) for place in range(6)]
    photos = [Photo(entry, entry.name, number) for number, entry in enumerate(entries)]
    places = {
        entry.name: ("train", "train", "train", "train", "validation", "test")[n % 6] for n, entry in enumerate(entries)
    }
    listing = Listing(Path(), entries, sorted({entry.label for entry in entries}))
    found = examination.Diagnosis(listing, photos, places, [], [], [], [], {})
    began = time.process_time()
    assert not found.faults
    assert found.warnings
    assert time.process_time() - began < 3


def test_a_table_none_of_whose_paths_leads_anywhere_says_so_with_the_first(sound, run_doctor):
    file = sound.parent / "nowhere.csv"
    file.write_text("path,label\n" + "".join(f"elsewhere/{number}.webp,{number % 2}\n" for number in range(50)))
    code, _, err = run_doctor(file)
    assert (code, err.count("\n")) == (3, 1)
    assert "not one of its 50 paths leads to a file. The first is 'elsewhere/0.webp', which was looked for at" in err
    assert "damaged" not in err


def test_rows_without_a_file_are_no_damaged_files(sound):
    file = sound.parent / "some.csv"
    names = [path.relative_to(sound.parent).as_posix() for path in sorted(sound.rglob("*.jpg"))]
    rows = [*names, *(f"gone/{number}.jpg" for number in range(9))]
    file.write_text("path,label\n" + "".join(f"{name},{'Temple' if 't' in name else 'temple'}\n" for name in rows))
    found = examine(file)
    assert any("9 of 69 paths in the table lead to no file, 'gone/0.jpg' the first" in fault for fault in found.faults)
    assert any("differ in their case alone: 'Temple', 'temple'" in warning for warning in found.warnings)


def test_columns_that_nobody_asked_for_do_not_matter(sound):
    names = [path.relative_to(sound.parent).as_posix() for path in sorted(sound.rglob("*.jpg"))]
    table = pandas.DataFrame({"path": names, "label": [name.split("/")[1] for name in names]})
    table["when"] = pandas.to_datetime("2025-01-01")
    table["colour"] = pandas.Categorical(["red", None] * 30)
    table["boxes"] = [[1, 2]] * 60
    table["score"] = [None, float("nan"), 1.5] * 20
    table["raw"] = [b"\xff\xfe"] * 60
    file = sound.parent / "wide.parquet"
    table.to_parquet(file)
    assert [entry.name for entry in list_photos(file).entries] == names


def test_a_label_that_is_not_a_number_is_none(tmp_path):
    for name in "abc":
        (tmp_path / f"{name}.jpg").write_bytes(b"x")
    (tmp_path / "table.csv").write_text("path,label\na.jpg,NaN\nb.jpg,cat\nc.jpg,none\n")
    listing = list_photos(tmp_path / "table.csv")
    assert listing.classes == ["cat", "none"]
    assert listing.unreadable == [("a.jpg", "its label is NaN, which stands for none")]


def test_a_parquet_table_of_other_types_is_read_or_refused(sound, tmp_path):
    paths = [str(sound / "temple" / f"{number:02d}.jpg") for number in range(3)]
    file = tmp_path / "table.parquet"
    pandas.DataFrame({"path": paths, "label": [True, False, None]}).to_parquet(file)
    listing = list_photos(file)
    assert listing.classes == ["False", "True"]
    assert listing.unreadable == [(paths[2], "path or label is empty")]
    pandas.DataFrame({"path": paths, "label": pandas.to_datetime(["2025-01-01", "2025-01-02", None])}).to_parquet(file)
    assert len(list_photos(file).classes) == 2
    pandas.DataFrame({"path": paths, "label": pandas.array([1, 2, None], "Int64")}).to_parquet(file)
    assert list_photos(file).classes == ["1", "2"]
    pandas.DataFrame({"path": [path.encode() for path in paths], "label": [b"cat", b"dog", b"cat"]}).to_parquet(file)
    assert list_photos(file).classes == ["cat", "dog"]
    pandas.DataFrame({"path": paths, "label": list("aba")}).set_index("path").to_parquet(file)
    assert list_photos(file).classes == ["a", "b"]
    pandas.DataFrame({"path": paths, "label": [{"name": "cat"}] * 3}).to_parquet(file)
    with pytest.raises(DataFault, match="a photo must have one label, and one has {'name': 'cat'}"):
        list_photos(file)
    pandas.DataFrame({"path": paths, "label": [["cat"], ["cat", "dog"], ["dog"]]}).to_parquet(file)
    with pytest.raises(DataFault, match=r"a photo must have one label, and one has \['cat'\]"):
        list_photos(file)
    for column in ("path", "split"):
        columns = {"path": paths, "label": ["a", "b", "c"], column: [["train"]] * 3}
        pandas.DataFrame(columns).to_parquet(file)
        with pytest.raises(DataFault, match=f"a photo must have one {column}, and one has"):
            list_photos(file)


def test_a_folder_that_may_not_be_read_is_named(sound, tmp_path, monkeypatch, caplog):
    """As after a copy from another person's disk."""
    root = tmp_path / "photos"
    shutil.copytree(sound, root)
    (root / "temple" / "private").mkdir()
    scan = os.scandir

    def refuse(path):
        if str(path).endswith("private"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found = examine(root)
    assert found.bad == [("temple/private", "the folder cannot be read: Permission denied")]
    assert len(found.used) == 60
    assert len(list(photos_below(root))) == 60
    assert "Permission denied" in caplog.text


def test_names_of_a_mac_are_those_of_others(sound, tmp_path):
    for form in ("NFC", "NFD"):
        shutil.copytree(sound / "옷", tmp_path / form / unicodedata.normalize(form, "옷"))
        shutil.copytree(sound / "temple", tmp_path / form / "temple")
    (one, *_), (other, *_) = (list_photos(tmp_path / form).classes[::-1] for form in ("NFC", "NFD"))
    assert one == other == "옷"


def test_folders_that_are_no_classes_are_refused_with_what_to_do(sound, tmp_path):
    shutil.copytree(sound, tmp_path / "around" / "dataset" / "train")
    with pytest.raises(DataFault, match=f"these the classes\\? Then --data {tmp_path}/around/dataset/train$"):
        list_photos(tmp_path / "around")
    shutil.copytree(sound, tmp_path / "around" / "dataset" / "test")
    with pytest.raises(DataFault, match=f"Then --data {tmp_path}/around/dataset$"):
        list_photos(tmp_path / "around")
    for split in ("train", "val", "extra"):
        shutil.copytree(sound, tmp_path / "splits" / split)
    with pytest.raises(DataFault, match="Each of extra, train, val in .* these are splits, not classes"):
        list_photos(tmp_path / "splits")
    shutil.rmtree(tmp_path / "splits" / "val" / CLASSES[0])  # As rare classes lack in small splits.
    with pytest.raises(DataFault, match="these are splits, not classes"):
        list_photos(tmp_path / "splits")
    for split in ("Training", "Testing"):
        shutil.copytree(sound, tmp_path / "capitals" / split)
    assert {entry.split for entry in list_photos(tmp_path / "capitals").entries} == {"train", "test"}


def test_splits_are_never_classes(sound, tmp_path):
    for split, source in (("train", sound), ("val", sound), ("more", sound / "temple"), ("figures", None)):
        root = tmp_path / "beside" / split
        shutil.copytree(source, root) if source else root.mkdir()
    with pytest.raises(DataFault, match="beside them 'more' with photos: neither is a class. Move it away"):
        list_photos(tmp_path / "beside")
    shutil.rmtree(tmp_path / "beside" / "more")
    assert list_photos(tmp_path / "beside").classes == sorted(CLASSES)
    for split in ("train", "test1"):
        shutil.copytree(sound / "temple", tmp_path / "flat" / split)
    with pytest.raises(DataFault, match="beside them 'test1' with photos: neither is a class"):
        list_photos(tmp_path / "flat")
    for split in ("train", "dev", "test"):
        shutil.copytree(sound / "temple", tmp_path / "three" / split)
    with pytest.raises(DataFault, match="called as a split and holds photos"):
        list_photos(tmp_path / "three")


def test_a_folder_without_photos_beside_train_is_no_class(sound, tmp_path):
    root = tmp_path / "photos"
    shutil.copytree(sound, root / "train")
    for label in CLASSES:  # Notes in folders of the same names, as beside photos for detection.
        (root / "labels" / label).mkdir(parents=True)
        (root / "labels" / label / "a.txt").touch()
    found = examine(root)
    assert (set(found.counts), found.faults) == (set(CLASSES), [])
    assert found.listing.ignored == {NO_PHOTOS: 1}
    # A class may be called so: its photos are its own.
    shutil.copytree(sound / "temple", tmp_path / "vehicles" / "train")
    (tmp_path / "vehicles" / "car").mkdir()
    assert list_photos(tmp_path / "vehicles").classes == ["car", "train"]
    shutil.copytree(sound / "flower", tmp_path / "vehicles" / "train" / "old")
    assert list_photos(tmp_path / "vehicles").classes == ["car", "train"]


def test_splits_in_classes_are_refused_and_years_in_them_are_not(sound, tmp_path):
    for label, inside in (("옷", ("train", "test")), ("temple", ("train",)), ("flower", ("train", "test"))):
        for folder in inside:
            shutil.copytree(sound / "temple", tmp_path / "splits" / label / folder)
    with pytest.raises(DataFault, match=r"flower holds test, train: splits are above .* \(test/flower and so on\)"):
        list_photos(tmp_path / "splits")
    for label, years in (("temple", ("2021", "2022", "2023")), ("flower", ("2021", "2022"))):
        for year in years:
            shutil.copytree(sound / "temple", tmp_path / "years" / label / year)
    assert list_photos(tmp_path / "years").classes == ["flower", "temple"]


def test_folders_of_systems_are_no_classes_and_hold_no_photos(sound, tmp_path):
    root = tmp_path / "photos"
    shutil.copytree(sound, root)
    before = list_photos(root)
    names = ("@eaDir", "#recycle", "~snapshot", "$RECYCLE.BIN", "System Volume Information", "temple/@eaDir")
    for name in names:
        (root / name).mkdir()
        shutil.copyfile(sound / "temple" / "00.jpg", root / name / "00.jpg")
    after = list_photos(root)
    assert (after.classes, len(after.entries)) == (before.classes, len(before.entries))
    assert after.ignored[HIDDEN] == before.ignored[HIDDEN] + len(names)


def test_several_labels_a_photo_and_figures_are_refused_by_name(tmp_path, caplog):
    def listed(*rows, header="path,label"):
        for row in rows:
            (tmp_path / row.partition(",")[0]).touch()
        (tmp_path / "table.csv").write_text("\n".join([header, *rows]))
        return list_photos(tmp_path / "table.csv")

    with pytest.raises(DataFault, match=r"'a.jpg' has the labels 'cat', 'dog'. Leave it one; photos of several labels"):
        listed("a.jpg,cat", "a.jpg,dog")
    with pytest.raises(DataFault, match="'cat;dog' is made of labels that stand alone elsewhere. .* several labels"):
        listed("a.jpg,cat", "b.jpg,dog", "c.jpg,cat;dog")
    with pytest.raises(DataFault, match="cat, dog look like a column for each class: .* several labels are not taken"):
        listed("a.jpg,1,0", "b.jpg,1,1", header="path,cat,dog")
    with pytest.raises(DataFault, match=r"such as '0.0', '0.1', '0.2'. A figure \(regression\) is not learned here"):
        listed(*(f"{number}.jpg,{number / 10}" for number in range(20)))
    assert listed(*(f"{number}.jpg,{number % 10}" for number in range(20))).classes == [*"0123456789"], "digits"
    assert "NOTICE" not in caplog.text
    assert listed('a.jpg,"crane, bird"', "b.jpg,wolf").classes == ["crane, bird", "wolf"]
    assert "NOTICE" not in caplog.text
    assert len(listed('a.jpg,"shoe, left"', 'b.jpg,"shoe, right"').classes) == 2
    assert "'shoe, left' is taken for the name of one class; photos of several labels are not taken." in caplog.text


def test_tables_that_cannot_be_used_are_explained(sound, tmp_path):
    def table(text):
        (tmp_path / "table.csv").write_text(text)
        return tmp_path / "table.csv"

    with pytest.raises(DataFault, match="lacks the column label. It must have path and label"):
        list_photos(table("path,class\na.jpg,cat\n"))
    with pytest.raises(DataFault, match="the split of a.jpg must be one of train, validation, test. Got 'exam'"):
        list_photos(table("path,label,split\na.jpg,cat,exam\n"))
    (tmp_path / "a.jpg").write_bytes(b"x")
    with pytest.raises(DataFault, match="lists 1 path more than once, 'a.jpg'"):
        list_photos(table("path,label\na.jpg,cat\na.jpg,cat\n"))
    with pytest.raises(DataFault, match="cannot be read"):
        list_photos(table(""))
    with pytest.raises(DataFault, match="neither a folder nor a table"):
        list_photos(sound / "temple" / "00.jpg")
    with pytest.raises(DataFault, match="no folder or table"):
        list_photos(tmp_path / "nothing")
    found = examine(table(f"path,label\n{sound}/temple/00.jpg,a\ngone.jpg,b\n,c\n"))
    assert dict(found.bad) == {
        "gone.jpg": "cannot be read: no such file",
        "(row without a path)": "path or label is empty",
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda root: [shutil.rmtree(root / label) for label in ("flower", "옷")], "There is one class only, 'temple'"),
        (lambda root: (root / "empty").mkdir(), "No usable photo in class 'empty'. Add photos, or remove the class."),
        (lambda root: [path.unlink() for path in root.rglob("*.jpg")], "holds no photos. It must hold a folder"),
        (
            lambda root: [path.rename(root / f"{path.parent.name}_{path.name}") for path in root.glob("*/*.jpg")],
            "holds 60 photos, none of them in the folder of a class. Move each into a folder called as its class",
        ),
        (
            lambda root: [path.unlink() for path in sorted(root.glob("temple/*.jpg"))[2:]],
            "Too few photos to divide: 'temple' has none in",
        ),
    ],
    ids=["one class", "empty class", "nothing", "in no folder", "too few"],
)
def test_what_nothing_can_be_learned_from_is_refused(sound, tmp_path, run_doctor, change, message):
    root = tmp_path / "photos"
    shutil.copytree(sound, root)
    change(root)
    code, _, err = run_doctor(root, "--out", tmp_path / "out")
    assert code == 3
    assert message in err
    assert err.count("\n") == 1


def test_few_and_unequal_classes_are_a_warning(sound, tmp_path):
    root = tmp_path / "photos"
    shutil.copytree(sound, root)
    write_photos(tmp_path / "more", number=80, seed=2)
    for path in (tmp_path / "more" / "flower").iterdir():
        shutil.copy(path, root / "flower" / f"more {path.name}")
    for path in sorted((root / "temple").iterdir())[15:]:
        path.unlink()
    warnings = " ".join(examine(root).warnings)
    assert "Fewer than 20 photos in class 'temple'" in warnings
    assert "times the photos of the smallest" in warnings
    assert "--set class_weights=none" in warnings


def test_one_class_is_said_as_one(sound, tmp_path, run_doctor):
    shutil.copytree(sound / "temple", tmp_path / "photos" / "temple")
    code, out, err = run_doctor(tmp_path / "photos", "--out", tmp_path / "out")
    assert (code, "There is one class only" in err) == (3, True), err
    assert "20 photos in 1 class (20 .jpg)" in " ".join(out.split())


def test_seldom_endings_of_photos_are_read_or_refused_in_words(sound, tmp_path):
    root = tmp_path / "photos"
    shutil.copytree(sound, root)
    first, *others = (picture.convert("RGB") for _, picture in crops(3, seed=5))
    kinds = {".jif": ("JPEG", False), ".mpo": ("MPO", True), ".apng": ("PNG", True), ".dib": ("BMP", False)}
    for picture, (ending, (kind, several)) in zip(others, kinds.items(), strict=False):
        options = {"save_all": True, "append_images": [first]} if several else {}
        (root / "temple" / f"whole{ending}").write_bytes(encoded(picture, kind, **options))
        (root / "temple" / f"text{ending}").write_bytes(b"a note")
    (root / "temple" / "headless.dib").write_bytes(encoded(first, "DIB"))
    found = examine(root)
    read = {photo.entry.name for photo in found.used if photo.entry.path.suffix != ".jpg"}
    assert read == {f"temple/whole{ending}" for ending in kinds}
    refused = dict(found.bad)
    assert set(refused) == {"temple/headless.dib", *(f"temple/text{ending}" for ending in kinds)}
    assert all(reason.startswith("not an image, no JPEG") for reason in refused.values())
    assert not found.listing.ignored


@needs_posix
def test_files_that_are_no_files_are_listed(sound, tmp_path):
    root = tmp_path / "photos"
    shutil.copytree(sound, root)
    os.mkfifo(root / "temple" / "pipe.jpg")
    (root / "temple" / "gone.jpg").symlink_to(root / "nowhere")
    with (root / "temple" / "large.jpg").open("wb") as file:
        file.truncate(201_000_000)
    assert dict(examine(root).bad) == {
        "temple/gone.jpg": "cannot be read: no such file",
        "temple/large.jpg": "oversized: 201 MB, more than 200",
        "temple/pipe.jpg": "not a file",
    }


def test_nothing_is_written_among_the_photos(sound, run_doctor):
    code, _, err = run_doctor(sound, "--out", sound / "report")
    assert code == 2
    assert "is among the photos" in err
    assert not (sound / "report").exists()


def test_names_are_shown_as_text(tmp_path, run_doctor):
    root = tmp_path / "photos"
    hostile = ("<script>alert(1)<", "$\\frac{$", "=cmd()")
    for (label, picture), name in zip(list(crops(8)), hostile * 8, strict=True):
        (root / name).mkdir(parents=True, exist_ok=True)
        (root / name / f"{label} {len(list((root / name).iterdir()))}.jpg").write_bytes(encoded(picture.convert("RGB")))
    (root / "=cmd()" / "=bad.jpg").write_bytes(b"")
    run_doctor(root, "--out", tmp_path / "out")
    page = (tmp_path / "out" / "doctor.html").read_text()
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;" in page
    assert "'=cmd()/=bad.jpg,empty file" in (tmp_path / "out" / "bad_files.csv").read_text()
