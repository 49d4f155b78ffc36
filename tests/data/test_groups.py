"""Groups that a person names: on one side, in one fold, and refused where there are too few."""

import json

import pytest
from photo_files import FRAMES, OBJECTS, write_objects

from recipes import Shares, doctor
from recipes.data.photos.diagnosis import examine
from recipes.data.photos.entry import Entry, grouped
from recipes.errors import DataFault, UsageFault

BY_OBJECT = r"([^/]+)_\d+\.png$"


@pytest.fixture(scope="module")
def objects(tmp_path_factory):
    root = tmp_path_factory.mktemp("groups") / "objects"
    write_objects(root)
    return root


def sides(found):
    """The sides on which each named group is."""
    of_group = {}
    for photo in found.used:
        of_group.setdefault(photo.entry.group, set()).add(found.places[photo.entry.name])
    return of_group


def test_groups_are_on_one_side(objects):
    found = examine(objects, Shares(), group_by=BY_OBJECT)
    assert len(found.used) == OBJECTS * FRAMES
    assert len(sides(found)) == OBJECTS
    assert all(len(places) == 1 for places in sides(found).values())
    assert all(min(counts.values()) >= FRAMES for counts in found.counts.values())
    names = [photo.entry.name for photo in found.used]
    assert len(set(found.groups(names).tolist())) == OBJECTS
    assert len(set(found.look_alikes(names).tolist())) > 2 * OBJECTS
    apart = examine(objects, Shares())
    assert not apart.named_groups
    assert len(set(apart.groups(names).tolist())) > 2 * OBJECTS


def test_groups_are_joined_where_photos_of_two_look_alike(objects, tmp_path):
    write_objects(tmp_path, objects=6, frames=4)
    (tmp_path / "bowl" / "object0_99.png").write_bytes((tmp_path / "bowl" / "object2_00.png").read_bytes())
    found = examine(tmp_path, Shares(), group_by=BY_OBJECT)
    first, other, joined = found.groups(["bowl/object0_00.png", "cup/object1_00.png", "bowl/object2_01.png"])
    assert first == joined != other


def test_groups_may_be_a_column_of_a_table(objects, tmp_path):
    rows = [f"{path},{path.parent.name},{path.name.split('_')[0]}" for path in sorted(objects.rglob("*.png"))]
    rows[0] = rows[0].rpartition(",")[0] + ","
    (tmp_path / "photos.csv").write_text("\n".join(["path,label,group", *rows]))
    found = examine(tmp_path / "photos.csv", Shares())
    assert len(found.named_groups) == OBJECTS
    assert sum(map(len, found.named_groups.values())) == OBJECTS * FRAMES - 1
    assert all(len(places) == 1 for group, places in sides(found).items() if group)
    with pytest.raises(UsageFault, match="has a column group, and --group-by names others"):
        examine(tmp_path / "photos.csv", Shares(), group_by=BY_OBJECT)


def test_where_all_are_in_groups_nothing_is_said_of_others(objects, tmp_path, capsys):
    assert doctor.main([str(objects), "--out", str(tmp_path), "--group-by", r"(object\d+)_"]) == 0
    assert "of 300 photos\n" in capsys.readouterr().out


def test_photos_without_a_group_are_each_their_own_and_counted(objects, tmp_path, capsys):
    arguments = (str(objects), "--out", str(tmp_path), "--group-by", r"cup/(object\d+)_", "--json")
    assert doctor.main(arguments) == 0
    said = capsys.readouterr()
    assert "groups that are named: 10, of 150 photos; each of the other 150 is its own" in said.err
    assert json.loads(said.out)["named_groups"]["object11"] == FRAMES
    assert "--group-by 'cup/(object" in said.err
    assert "10 groups, of 150 photos" in (tmp_path / "doctor.html").read_text()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("(", "is no regular expression"),
        ("object", "must have exactly one group"),
        ("(object)_(..)", "with 2"),
        ("(person)", "matches none of 300 photos. It is looked for in names such as 'bowl/object0_00.png'"),
    ],
)
def test_groups_that_name_nothing_are_refused(objects, tmp_path, capsys, wrong, words):
    assert doctor.main([str(objects), "--out", str(tmp_path), "--group-by", wrong]) == 2
    assert words in capsys.readouterr().err


def test_fewer_groups_than_sides_are_refused_in_words(objects):
    found = examine(objects, Shares(), group_by="^([a-z]+)/object")
    with pytest.raises(DataFault, match=r"No usable photo is left for .* are named: 2, fewer than it takes"):
        found.refuse()


def test_a_group_is_what_the_expression_holds():
    entries = [Entry(name, None, "a") for name in ("a/x_1.jpg", "a/x_2.jpg", "a/1.jpg")]
    assert [entry.group for entry in grouped(entries, r"/(?:(\w)_)?\d")] == ["x", "x", None]
