"""Decisions about labels: honoured when photos are listed, wrong ones named, none lost, no photo touched."""

import shutil
import tempfile
import threading
import unicodedata

import pandas
import pytest
from photo_files import write_photos

from recipes import Shares
from recipes.data.photos import decisions, diagnosis
from recipes.data.photos.decisions import Decision
from recipes.data.photos.listing import list_photos
from recipes.errors import DataFault, UsageFault
from recipes.execution import examination


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    root = tmp_path_factory.mktemp("decided") / "photos"
    write_photos(root, number=8)
    return root


@pytest.fixture
def photos(written, tmp_path):
    shutil.copytree(written, tmp_path / "photos")
    return tmp_path / "photos"


def decide(root, *rows, header="path,decision,label"):
    file = root / "decisions.csv"
    file.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return file


def labels(listing):
    return {entry.name: entry.label for entry in listing.entries}


def test_decisions_beside_the_photos_are_honoured_and_counted(photos, caplog):
    before = labels(list_photos(photos))
    decide(photos, "temple/00.jpg,move,옷", "flower/01.jpg,leave_out,", "flower/02.jpg,keep,flower", "flower/03.jpg,,")
    listing = list_photos(photos)
    assert listing.ignored == {}
    assert labels(listing) == {
        name: "옷" if name == "temple/00.jpg" else label for name, label in before.items() if name != "flower/01.jpg"
    }
    assert str(listing.decided) == "1 moved, 1 left out, 1 kept"
    found = diagnosis.examine(photos, Shares())
    assert examination.findings(found)["decisions"] == {
        "moved": {"temple/00.jpg": "temple"},
        "left_out": ["flower/01.jpg"],
        "kept": ["flower/02.jpg"],
    }
    assert sum(found.counts["옷"].values()) == 9
    with caplog.at_level("INFO", "recipes"):
        examination.say(found)
    assert "decisions about labels: 1 moved, 1 left out, 1 kept" in caplog.text


def test_photos_without_decisions_say_nothing_of_any(photos):
    found = diagnosis.examine(photos, Shares())
    assert found.listing.decided is None
    assert "decisions" not in examination.findings(found)


def test_decisions_of_a_table_are_beside_it(photos, tmp_path):
    table = tmp_path / "table.csv"
    names = [path.relative_to(tmp_path).as_posix() for path in sorted(photos.rglob("*.jpg"))]
    table.write_text("path,label\n" + "".join(f"{name},{name.split('/')[1]}\n" for name in names))
    decide(tmp_path, "photos/temple/00.jpg,move,flower")
    assert labels(list_photos(table))["photos/temple/00.jpg"] == "flower"
    assert decisions.beside(table) == tmp_path / "decisions.csv"


def test_another_file_is_taken_in_place_of_the_one_beside(photos, tmp_path):
    decide(photos, "temple/00.jpg,leave_out,")
    (tmp_path / "other").mkdir()
    other = decide(tmp_path / "other", "temple/01.jpg,leave_out,")
    assert list_photos(photos, other).decided.left_out == ["temple/01.jpg"]
    assert list_photos(photos, tmp_path / "none.csv").decided is None


@pytest.mark.parametrize(
    "row",
    [
        "temple\\00.jpg,Leave out,",
        "'temple/00.jpg,LEAVE_OUT,whatever",
        " temple/00.jpg , leave-out ,",
    ],
)
def test_rows_are_read_as_people_write_them(photos, row):
    decide(photos, row)
    assert list_photos(photos).decided.left_out == ["temple/00.jpg"]


def test_the_ranking_with_a_decision_filled_in_is_taken(photos):
    header = "path,label,prediction,probability,quality,likeness,decision"
    decide(
        photos,
        "temple/00.jpg,flower,flower,0.9,0.1,0.5,move",
        "temple/01.jpg,temple,flower,0.9,0.1,0.5,",
        header=header,
    )
    assert list_photos(photos).decided.moved == {"temple/00.jpg": "temple"}


def test_korean_names_are_met_in_any_form_and_encoding(photos):
    text = unicodedata.normalize("NFD", "path;decision;label\n옷/00.jpg;move;temple\ntemple/00.jpg;move;옷\n")
    (photos / "decisions.csv").write_text(text, encoding="utf-16")
    assert list_photos(photos).decided.moved == {"옷/00.jpg": "옷", "temple/00.jpg": "temple"}
    (photos / "decisions.csv").write_text("path,decision,label\n옷/00.jpg,leave_out,\n", encoding="cp949")
    assert list_photos(photos).decided.left_out == ["옷/00.jpg"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["temple/00.jpg,move,tempel"], r"row of temple/00.jpg: there is no class 'tempel'. Did you mean 'temple'\?"),
        (["temple/00.jpg,move,"], r"row 2 \(temple/00.jpg\): the label is empty"),
        (["temple/00.jpg,delete,"], r"row 2 \(temple/00.jpg\): the decision must be one of keep, move, leave_out"),
        ([",keep,"], "row 2: the path is empty"),
        (["temple/00.jpg,keep,", "temple/00.jpg,leave_out,"], "row 3: temple/00.jpg was decided in an earlier row"),
        (['"temple/00.jpg,keep'], "decisions.csv"),
        (["a,b,c,d,e,f"], "decisions.csv"),
    ],
)
def test_wrong_rows_are_named(photos, rows, message):
    decide(photos, *rows)
    with pytest.raises(DataFault, match=message):
        list_photos(photos)


def test_a_file_that_is_no_table_of_decisions_is_refused_with_the_mend(photos):
    decide(photos, "temple/00.jpg,temple", header="photo,label")
    with pytest.raises(DataFault, match="lacks the columns decision and path.*rename the file if it is another table"):
        list_photos(photos)
    for content in (b"", b"\xff\xfe\x00", b"\x81\x82\x83\xff", b"\0" * 50):
        (photos / "decisions.csv").write_bytes(content)
        with pytest.raises(DataFault, match="decisions.csv"):
            list_photos(photos)


def test_decisions_may_be_a_parquet_table_of_text(photos, tmp_path):
    file = tmp_path / "decided.parquet"
    pandas.DataFrame({"path": ["temple/00.jpg", None], "decision": ["leave_out", None]}).to_parquet(file)
    assert list_photos(photos, file).decided.left_out == ["temple/00.jpg"]
    pandas.DataFrame({"path": ["temple/00.jpg"], "decision": [["keep"]]}).to_parquet(file)
    with pytest.raises(DataFault, match=r"a photo must have one decision, and one has \['keep'\]"):
        list_photos(photos, file)


def test_decisions_about_photos_that_went_or_changed_their_label_are_a_warning(photos):
    decide(photos, "temple/gone.jpg,keep,", "temple/00.jpg,keep,flower", "temple/01.jpg,move,temple")
    found = diagnosis.examine(photos, Shares())
    assert found.listing.decided.kept == ["temple/01.jpg"]
    warnings = " ".join(found.warnings)
    assert "about photos that are not there and were passed over: temple/gone.jpg. Remove the rows." in warnings
    assert "about labels that the photos no longer have and were passed over: temple/00.jpg. Decide anew." in warnings


def test_a_decision_is_written_changed_and_taken_back(photos):
    file = photos / "decisions.csv"
    decisions.record(file, "temple/00.jpg", Decision("temple/00.jpg", "move", "옷"))
    decisions.record(file, "temple/01.jpg", Decision("temple/01.jpg", "leave_out"))
    assert file.read_text() == "path,decision,label\ntemple/00.jpg,move,옷\ntemple/01.jpg,leave_out,\n"
    decisions.record(file, "temple/00.jpg", Decision("temple/00.jpg", "keep", "temple"))
    assert [row.decision for row in decisions.read(file)] == ["leave_out", "keep"]
    for name in ("temple/00.jpg", "temple/01.jpg"):
        decisions.record(file, name, None)
    assert file.read_text() == "path,decision,label\n"
    assert {path.name for path in photos.iterdir()} == {"temple", "flower", "옷", "decisions.csv"}


def test_names_that_a_spreadsheet_would_run_come_back(tmp_path):
    for label in ("=cmd()", "flower"):
        write_photos(tmp_path / "written", number=3)
        shutil.copytree(tmp_path / "written" / "temple", tmp_path / "photos" / label)
    file = tmp_path / "photos" / "decisions.csv"
    decisions.record(file, "=cmd()/00.jpg", Decision("=cmd()/00.jpg", "leave_out"))
    decisions.record(file, "flower/00.jpg", Decision("flower/00.jpg", "move", "=cmd()"))
    listing = list_photos(tmp_path / "photos")
    assert (listing.decided.left_out, listing.decided.moved) == (["=cmd()/00.jpg"], {"flower/00.jpg": "flower"})
    assert labels(listing)["flower/00.jpg"] == "=cmd()"


def test_decisions_that_are_written_at_once_are_all_there(photos):
    file = photos / "decisions.csv"
    names = [f"temple/{number}.jpg" for number in range(40)]

    def write(some):
        for name in some:
            decisions.record(file, name, Decision(name, "keep"))

    threads = [threading.Thread(target=write, args=(names[start::4],)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(row.path for row in decisions.read(file)) == sorted(names)


def test_a_place_where_nothing_can_be_decided_is_refused(photos, monkeypatch):
    decisions.refuse_unwritable(photos / "decisions.csv")
    decide(photos, "temple/00.jpg,a note,keep", header="path,note,decision")
    with pytest.raises(UsageFault, match="has the column 'note', which would be lost"):
        decisions.refuse_unwritable(photos / "decisions.csv")
    with pytest.raises(UsageFault, match="Name another place for what is decided: --decisions FILE"):
        decisions.refuse_unwritable(photos / "nowhere" / "decisions.csv")

    def read_only(**_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(tempfile, "TemporaryFile", read_only)
    with pytest.raises(UsageFault, match="cannot be written: Read-only file system. Name another place"):
        decisions.refuse_unwritable(photos / "decisions.csv")
