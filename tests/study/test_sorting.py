"""Sorting an album: what is asked, what a key does, what is on disk, and what becomes of the photos."""

import errno
import shutil
from contextlib import contextmanager

import numpy as np
import pytest
from photo_files import add_bad_files, write_photos

from recipes import sort
from recipes.console.screen import Screen
from recipes.data.photos.listing import list_photos
from recipes.errors import BusyFault, DataFault, DiskFault, UsageFault
from recipes.study.sorting import album, folders, journal, table
from recipes.study.sorting.keys import DIGITS, ENTER, LETTERS, Sorting
from recipes.study.sorting.order import NOBODY, SHOWN, TAUGHT, Order
from recipes.study.sorting.request import Request, classes_of, refuse


def made(number=120, classes=3, apart=1.0, seed=0):
    """Names, truths and features of photos: classes that differ, and are not told apart without mistakes."""
    random = np.random.default_rng(seed)
    truths = random.integers(0, classes, number)
    features = random.normal(size=(number, 40)) + apart * random.normal(size=(classes, 40))[truths]
    return [f"{place:03d}.jpg" for place in range(number)], truths, features


@contextmanager
def sitting(folder, number=120, classes=3, **settings):
    names, truths, features = made(number, classes, **settings)
    with journal.opened(folder) as kept:
        yield Sorting(names, features, [f"class {label}" for label in range(classes)], kept), truths


def press_truthfully(sorting, truths):
    """Keys of a person who looks at every photo; gives how many it took for what is shown."""
    keys, shown = 0, [truths[place] for place in sorting.shown]
    most = max(set(shown), key=shown.count)
    for label in set(shown) - {most}:
        for letter in [letter for letter, truth in zip(LETTERS, shown, strict=False) if truth == label]:
            sorting.press(letter)
            keys += 1
        sorting.press(DIGITS[label])
        keys += 1
        shown = [truth for truth in shown if truth != label]
    sorting.press(ENTER if sorting.asked.proposal == most else DIGITS[most])
    return keys + 1


def rows(folder):
    return (folder / "sorted.csv").read_text(encoding="utf-8").splitlines()[1:]


def test_a_person_sorts_all_with_far_fewer_keys_than_photos(tmp_path):
    with sitting(tmp_path) as (sorting, truths):
        keys, kinds = 0, []
        while sorting.asked:
            assert len(sorting.shown) <= SHOWN
            kinds.append(sorting.asked.kind)
            keys += press_truthfully(sorting, truths)
        assert np.array_equal(sorting.labels, truths)
        assert keys < 50
        assert sum(sorting.counts) == 120
        first = kinds.index("sure")
        assert set(kinds[:first]) == {"group"}
        assert "doubtful" not in kinds[first : first + 2]
    assert len(rows(tmp_path)) == 120


def test_groups_come_first_and_proposals_after_ten_a_class():
    names, truths, features = made()
    order = Order(features, 3)
    labels = np.full(len(names), NOBODY)
    while (asked := order.next(labels)).proposal is None:
        assert asked.kind == "group"
        labels[list(asked.places)] = truths[list(asked.places)]
    assert np.bincount(labels[labels != NOBODY]).min() >= TAUGHT
    sure = order.probabilities(labels).max(axis=1)
    assert asked.sure == pytest.approx(sure[list(asked.places)].mean())
    assert asked.sure > np.median(sure[labels == NOBODY])


def test_a_class_that_is_not_in_the_album_does_not_hold_proposals_back():
    names, truths, features = made(600, 2)
    order, labels = Order(features, 3), np.full(600, NOBODY)
    groups = 0
    while order.next(labels).proposal is None:
        places = list(order.next(labels).places)
        labels[places] = truths[places]
        groups += 1
    assert groups <= 3 * 3 + 2


def test_who_accepts_every_proposal_is_not_led_to_one_class(tmp_path):
    with sitting(tmp_path, 200, 2, apart=0.8) as (sorting, truths):
        while sorting.asked:
            if sorting.asked.proposal is not None:
                sorting.press(ENTER)
            else:
                press_truthfully(sorting, truths)
        assert np.mean(sorting.labels == truths) > 0.9


def test_albums_of_any_size_are_asked_about():
    for number in (1, 2, 3, 13):
        order, labels = Order(np.ones((number, 5)), 2), np.full(number, NOBODY)
        asked = 0
        while question := order.next(labels):
            labels[list(question.places)] = asked % 2
            asked += 1
        assert (labels != NOBODY).all()


def test_keys_name_mark_accept_put_off_and_take_back(tmp_path):
    with sitting(tmp_path) as (sorting, _):
        page = sorting.shown
        assert sorting.press(ENTER).word == "no_proposal"
        assert sorting.press("4").word == "no_class"
        sorting.press("a")
        sorting.press("c")
        sorting.press("b")
        sorting.press("b")
        assert sorting.marked == {page[0], page[2]}
        said = sorting.press("2")
        assert (said.word, said.count, said.label) == ("named", 2, "class 1")
        assert sorting.shown == tuple(place for place in page if place not in (page[0], page[2]))
        sorting.press("a")
        sorting.press("escape")
        assert not sorting.marked
        sorting.press("s")
        assert not set(sorting.shown) & set(page)
        assert sorting.press("u").count == 2
        assert sorting.shown == page
        assert sorting.press("u").word == "nothing_to_undo"
        sorting.press("o")
        assert sorting.shown == page[:1]
        assert sorting.press("a").word == "no_letter"
        sorting.press("1")
        assert (sorting.shown, sorting.is_single) == (page[1:2], True)
        assert sorting.counts == [1, 0, 0]
        with pytest.raises(ValueError, match="a key is one of"):
            sorting.press("q")
        turn = sorting.turn
        while sorting.asked:
            sorting.press("3")
        assert sorting.press("1").word == "all_named"
        assert sorting.turn > turn


def test_what_was_put_off_comes_last(tmp_path):
    with sitting(tmp_path, 40) as (sorting, truths):
        later = set(sorting.shown)
        sorting.press("s")
        while sum(sorting.counts) < 40 - len(later):
            assert not later & set(sorting.shown)
            press_truthfully(sorting, truths)
        assert later >= set(sorting.shown)


def test_who_puts_everything_off_is_asked_about_all_in_turn(tmp_path):
    with sitting(tmp_path, 40) as (sorting, _):
        seen = set()
        for _ in range(12):
            seen |= set(sorting.shown)
            sorting.press("s")
        assert seen == set(range(40))


def test_what_is_left_when_a_proposal_is_accepted_is_something_else(tmp_path):
    with sitting(tmp_path) as (sorting, truths):
        while sorting.asked.proposal is None:
            press_truthfully(sorting, truths)
        page = sorting.shown
        sorting.press("b")
        sorting.press(ENTER)
        assert sorting.shown == page[1:2]
        assert (sorting.asked.proposal, sorting.asked.kind) == (None, "rest")


def test_a_second_start_goes_on_and_takes_back_what_the_first_named(tmp_path):
    with sitting(tmp_path) as (sorting, truths):
        for _ in range(3):
            press_truthfully(sorting, truths)
        sorting.press("u")
        press_truthfully(sorting, truths)
        labels, asked = sorting.labels, sorting.asked
    with sitting(tmp_path) as (sorting, _):
        assert np.array_equal(sorting.labels, labels)
        assert sorting.asked == asked
        before = sum(sorting.counts)
        count = sorting.press("u").count
        assert sum(sorting.counts) == before - count
        assert {sorting.photos[place] for place in sorting.shown} <= {row.split(",")[0] for row in rows(tmp_path)}


def test_each_key_is_on_disk_before_the_next(tmp_path):
    with sitting(tmp_path) as (sorting, _):
        names = [sorting.photos[place] for place in sorting.shown]
        sorting.press("2")
        assert rows(tmp_path) == [f"{name},class 1,1" for name in names]
        sorting.press("u")
        assert rows(tmp_path)[len(names) :] == [f"{name},,undo 1" for name in names]


def test_a_row_that_was_cut_is_dropped_and_the_others_stay(tmp_path):
    with sitting(tmp_path) as (sorting, _):
        sorting.press("2")
        before = sorting.counts
    with (tmp_path / "sorted.csv").open("a") as file:
        file.write('"half,cla')
    with sitting(tmp_path) as (sorting, _):
        assert sorting.counts == before
        sorting.press("1")
        assert "half" not in (tmp_path / "sorted.csv").read_text()


def test_names_that_a_spreadsheet_would_run_come_back_as_they_were(tmp_path):
    names = ["=1+1.jpg", "-a.jpg", "a,b.jpg", 'a"b.jpg', "가\n나.jpg", "plain.jpg"]
    with journal.opened(tmp_path) as kept:
        kept.names([(name, "cat") for name in names])
    with journal.opened(tmp_path) as kept:
        assert kept.known(names) == []
        assert set(kept.labels) == set(names)
        assert set(kept.undo()) == set(names)


@pytest.mark.parametrize("key", ["1", "u"])
def test_what_cannot_be_written_is_said_and_changes_nothing(tmp_path, monkeypatch, key):
    with sitting(tmp_path) as (sorting, _):
        sorting.press("2")
        before, asked, text = sorting.labels, sorting.asked, (tmp_path / "sorted.csv").read_text()

        def full(_):
            raise OSError(errno.ENOSPC, "full")

        monkeypatch.setattr(journal.os, "fsync", full)
        with pytest.raises(DiskFault, match="the disk is full"):
            sorting.press(key)
        monkeypatch.undo()
        assert (tmp_path / "sorted.csv").read_text() == text
        assert np.array_equal(sorting.labels, before)
        assert sorting.asked == asked
        sorting.press(key)


def test_a_table_that_somebody_else_changes_or_removes_is_not_written_over(tmp_path):
    with sitting(tmp_path) as (sorting, _):
        with (tmp_path / "sorted.csv").open("a") as file:
            file.write("x.jpg,class 1,9\n")
        with pytest.raises(DataFault, match="changed by another program"):
            sorting.press("1")
        (tmp_path / "sorted.csv").unlink()
        with pytest.raises(DiskFault, match="was deleted"):
            sorting.press("1")
    (tmp_path / "sorted.csv").write_text("another,table\n")
    with pytest.raises(DataFault, match="is another table"), journal.opened(tmp_path):
        pass


def test_two_commands_do_not_sort_into_one_folder(tmp_path):
    with (
        sitting(tmp_path),
        pytest.raises(BusyFault, match="Another command sorts into"),
        journal.opened(tmp_path),
    ):
        pass


def test_a_folder_that_cannot_be_written_is_refused(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(DiskFault, match="a file is in the way"), journal.opened(tmp_path / "file" / "out"):
        pass

    def read_only(*_):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(journal, "_put", read_only)
    with pytest.raises(DiskFault, match="read-only. Choose another place"), journal.opened(tmp_path / "out"):
        pass
    monkeypatch.undo()
    with journal.opened(tmp_path / "out"):  # It was let go.
        pass


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.*") if path.is_file()}


def test_photos_are_copied_once_under_their_names_and_the_album_stays(pile, tmp_path):
    before, out = contents(pile), tmp_path / "out"
    out.mkdir()
    paths = {path.relative_to(pile).as_posix(): path for path in sorted(pile.rglob("*.jpg"))}
    labels = {name: "a" if name.endswith("00.jpg") else "none" for name in paths}
    done = folders.put(out, paths, labels)
    assert (done.added, done.there, done.missing) == (len(paths), 0, [])
    assert sorted(path.name for path in (out / "a").iterdir()) == ["00 (2).jpg", "00 (3).jpg", "00.jpg"]
    assert {path.read_bytes() for path in (out / "a").iterdir()} == {
        path.read_bytes() for name, path in paths.items() if labels[name] == "a"
    }
    assert (out / "_none" / "rotated.jpg").stat().st_mtime == paths["temple/rotated.jpg"].stat().st_mtime
    assert contents(pile) == before
    copies = contents(out)
    again = folders.put(out, paths, labels)
    assert (again.added, again.there) == (0, len(paths))
    assert contents(out) == copies


def test_a_copy_that_was_not_noted_before_a_kill_is_not_made_twice(pile, tmp_path):
    out, paths = tmp_path / "out", {"temple/00.jpg": pile / "temple" / "00.jpg"}
    out.mkdir()
    folders.put(out, paths, {"temple/00.jpg": "a"})
    (out / folders.FILE).write_text("path,file\n")
    (out / "a" / ".123.tmp.jpg").write_bytes(b"half")
    done = folders.put(out, paths, {"temple/00.jpg": "a"})
    assert (done.added, done.there) == (0, 1)
    assert [path.name for path in (out / "a").iterdir()] == ["00.jpg"]


def test_a_photo_that_gets_another_class_leaves_its_folder_unless_its_copy_was_changed(pile, tmp_path):
    out, paths = tmp_path / "out", {path.name: path for path in (pile / "temple").glob("0*.jpg")}
    out.mkdir()
    folders.put(out, paths, dict.fromkeys(paths, "a"))
    (out / "a" / "01.jpg").write_bytes(b"mine")
    done = folders.put(out, paths, {"00.jpg": "b", "01.jpg": "b", "02.jpg": "a"})
    assert (done.added, done.removed, done.kept, done.there) == (2, 2, ["a/01.jpg"], 1)
    assert sorted(path.name for path in (out / "a").iterdir()) == ["01.jpg", "02.jpg"]
    assert sorted(path.name for path in (out / "b").iterdir()) == ["00.jpg", "01.jpg"]


def test_an_edited_table_does_not_make_an_original_go(pile, tmp_path):
    out, original = tmp_path / "out", pile / "temple" / "00.jpg"
    out.mkdir()
    for file in (f"../{pile.name}/temple/00.jpg", str(original)):
        (out / folders.FILE).write_text(f"path,file\ntemple/00.jpg,{file}\n")
        with pytest.raises(DataFault, match="row 2: .* is not in .* Remove the row"):
            folders.put(out, {"temple/00.jpg": original}, {"temple/00.jpg": "b"})
    # A folder in the way that leads to the photos, and a photo that lies where it would be put.
    (out / "temple").symlink_to(pile / "temple")
    (out / "flower").mkdir()
    inside = shutil.copy2(original, out / "flower" / "00.jpg")
    (out / folders.FILE).write_text("path,file\na,temple/00.jpg\nb,flower/00.jpg\n")
    done = folders.put(out, {"a": original, "b": inside}, {"a": "c", "b": "c"})
    assert (done.added, done.removed, done.kept) == (2, 0, ["temple/00.jpg", "flower/00.jpg"])
    assert original.exists()
    assert inside.exists()


def test_a_hard_link_to_a_photo_is_taken_away_again(pile, tmp_path, monkeypatch):
    def refused(*_):
        raise OSError(errno.EPERM, "no symbolic links here")

    out, original = tmp_path / "out", pile / "temple" / "00.jpg"
    out.mkdir()
    monkeypatch.setattr(folders.Path, "symlink_to", refused)
    for label in ("a", "b"):
        folders.put(out, {"00.jpg": original}, {"00.jpg": label}, link=True)
    assert not (out / "a" / "00.jpg").exists()
    assert (out / "b" / "00.jpg").samefile(original)


def test_links_lead_to_the_album(pile, tmp_path):
    out, paths = tmp_path / "out", {"00.jpg": pile / "temple" / "00.jpg"}
    out.mkdir()
    folders.put(out, paths, {"00.jpg": "a"}, link=True)
    assert (out / "a" / "00.jpg").is_symlink()
    assert (out / "a" / "00.jpg").read_bytes() == paths["00.jpg"].read_bytes()
    assert folders.put(out, paths, {"00.jpg": "a"}, link=True).there == 1
    folders.put(out, paths, {"00.jpg": "b"}, link=True)
    assert not (out / "a" / "00.jpg").is_symlink()
    assert paths["00.jpg"].exists()


def test_photos_that_went_are_named_and_a_full_disk_is_refused_first(pile, tmp_path, monkeypatch):
    out, paths = tmp_path / "out", {path.name: path for path in (pile / "temple").glob("0*.jpg")}
    out.mkdir()
    paths["00.jpg"].unlink()
    done = folders.put(out, paths, dict.fromkeys([*paths, "gone.jpg"], "a"))
    assert done.missing == [("00.jpg", "No such file or directory"), ("gone.jpg", "no such file")]
    assert done.added == len(paths) - 1
    monkeypatch.setattr(folders.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 10, 0))
    assert folders.put(out, paths, {"01.jpg": "a"}).there == 1
    with pytest.raises(DiskFault, match=r"need 0\.\d MB .* and 0\.0 MB are free there.* another place, or a table\.$"):
        folders.put(out, {"new.jpg": paths["01.jpg"]}, {"new.jpg": "a"}, instead=", or a table")


def test_the_sorted_folder_is_listed_as_classes(pile, tmp_path):
    out = tmp_path / "out"
    paths = {path.relative_to(pile).as_posix(): path for path in pile.rglob("*.jpg")}
    with journal.opened(out) as kept:
        kept.names([(name, "none" if "wide" in name else name.split("/")[0]) for name in paths])
        folders.put(out, paths, kept.labels)
    listing = list_photos(out)
    assert set(listing.classes) == {"flower", "temple", "옷"}
    assert (len(listing.entries), listing.decided) == (len(paths) - 1, None)
    assert listing.ignored["folder set aside (_none, _unsure, _unreadable)"] == 1


def test_classes_are_names_of_folders_with_a_key_each():
    assert classes_of("cat, dog ,none") == ("cat", "dog", "none")
    for text, words in (
        ("cat", "2 to 10"),
        (",".join(map(str, range(11))), "2 to 10"),
        ("cat,", "cannot be the name"),
        ("../x,y", "cannot be the name"),
        ("cat,con", "cannot be the name"),
        ("cat,Lpt1.old", "cannot be the name"),
        ("cat,a\nb", "cannot be the name"),
        (f"cat,{'옷' * 70}", "cannot be the name"),
        ("a/b,c", "cannot be the name"),
        ("_none,c", "cannot be the name"),
        ("=x,c", "cannot be the name"),
        ("cat,Cat", "twice"),
    ):
        with pytest.raises(UsageFault, match=words):
            classes_of(text)


def test_places_that_would_mix_with_the_album_are_refused(tmp_path):
    pile = tmp_path / "photos"
    pile.mkdir()
    (tmp_path / "link").symlink_to(pile)
    out, both, people = tmp_path / "out", ("a", "b"), tmp_path / "people.csv"
    people.write_text("name,phone\nKim,1\n")
    for request, words in (
        (Request(pile, both, pile / "out"), "is in the album"),
        (Request(pile, both, pile), "is in the album"),
        (Request(pile, both, tmp_path / "link" / "out"), "is in the album"),
        (Request(pile, both, tmp_path), "beside it"),
        (Request(pile, both, out, csv=pile / "x.csv"), "is in the album"),
        (Request(pile, both, out, csv=out / "sorted.csv"), "decisions are kept"),
        (Request(pile, both, out, csv=tmp_path / "no" / "x.csv"), "does not exist"),
        (Request(pile, both), "--out OUT"),
        (Request(pile, both, csv_in=tmp_path / "x.csv"), "--csv FILE"),
        (Request(pile, both, out, link=True, csv=tmp_path / "x.csv"), "--link is for"),
        (Request(pile, both, out, csv=tmp_path / "x.csv", csv_in=tmp_path / "x.csv"), "is read by this command"),
        (Request(pile, both, out, csv=people), "holds something else than this command writes"),
        (Request(pile, both, out, csv=tmp_path), "is a folder"),
        (Request(pile, both, out, csv=tmp_path / "x.jpg"), "is called as a photo"),
    ):
        with pytest.raises(UsageFault, match=words):
            refuse(request)
    with pytest.raises(DataFault, match="There is no folder"):
        refuse(Request(tmp_path / "nowhere", both, out))
    assert people.read_text() == "name,phone\nKim,1\n"
    people.write_text("path,label,how,probability,problem\n")
    refuse(Request(pile, both, out, csv=people))


def test_an_album_names_what_cannot_be_read(tmp_path):
    write_photos(tmp_path / "album", number=3)
    add_bad_files(tmp_path / "album")
    found = album.read(tmp_path / "album", Screen(quiet=True))
    assert len(found.photos) == 3 * 3 + 1
    assert found.problems["temple/empty.jpg"] == "empty file"
    assert found.problems["temple/caf\\xe9.jpg"] == "the name is not UTF-8"
    assert len(found.problems) == 5
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataFault, match="holds no photo"):
        album.read(tmp_path / "empty", Screen(quiet=True))


def test_a_table_of_names_is_taken_and_the_rest_proposed_without_a_page(call, pile, tmp_path, by_colours):
    named, proposed = tmp_path / "named.csv", tmp_path / "proposed.csv"
    (pile / "broken.jpg").write_bytes(b"<html>")
    some = [f"{label}/{number:02d}.jpg" for label in ("flower", "temple", "옷") for number in range(3)]
    lines = [f"{name},{name.split('/')[0]}\n" for name in some[:-1]] + [f"{pile / some[-1]},옷\n", "gone.jpg,옷\n"]
    named.write_text("path,label\n" + "".join(lines), encoding="utf-8")
    arguments = [pile, "--classes", "flower,temple,옷", "--csv-in", named, "--csv"]
    code, out, err = call(sort, *arguments, proposed)
    assert (code, err) == (0, "")
    assert "is not in the album (1): gone.jpg" in out
    assert "of the 9 named, by folds" in out
    table_rows = [line.split(",") for line in proposed.read_text(encoding="utf-8").splitlines()]
    assert table_rows[0] == ["path", "label", "how", "probability", "problem"]
    assert {row[0]: row[1] for row in table_rows if row[2] == "named"} == {name: name.split("/")[0] for name in some}
    sure = [float(row[3]) for row in table_rows if row[2] == "proposed"]
    assert sure == sorted(sure, reverse=True)
    assert len(sure) == len(list_photos(pile).entries) - 9
    assert table_rows[-1][0] == "broken.jpg"
    assert "HTML" in proposed.read_text(encoding="utf-8").splitlines()[-1]
    # What was proposed only is no decision when the table is given back.
    code, out, _ = call(sort, *arguments[:-2], proposed, "--out", tmp_path / "out")
    assert code == 0
    assert "Added: 9, there already: 0" in out
    assert sorted(path.name for path in (tmp_path / "out" / "temple").iterdir()) == ["00.jpg", "01.jpg", "02.jpg"]
    assert "Added: 0, there already: 9" in call(sort, *arguments[:-2], proposed, "--out", tmp_path / "out")[1]


def test_a_table_with_a_wrong_row_is_refused_with_the_row(tmp_path):
    file = tmp_path / "named.csv"
    for text, words in (
        ("path,label\na.jpg,cta\n", r"row 2 \(a.jpg\): there is no class 'cta'. Did you mean 'cat'"),
        ("path,label\na.jpg,cat\na.jpg,dog\n", "row 3: a.jpg is cat in an earlier row"),
        ("name,label\na.jpg,cat\n", "lacks the column path"),
    ):
        file.write_text(text)
        with pytest.raises(DataFault, match=words):
            table.read(file, tmp_path, ["a.jpg"], ["cat", "dog"])
    file.write_text("path,label\na.jpg,_none\nb.jpg,\n")
    assert table.read(file, tmp_path, ["a.jpg", "b.jpg"], ["cat", "none"]) == ({"a.jpg": "none"}, [])


def test_decisions_about_other_albums_or_classes_are_refused(call, pile, tmp_path, by_colours):
    named, out = tmp_path / "named.csv", tmp_path / "out"
    named.write_text("path,label\ntemple/00.jpg,temple\nflower/00.jpg,flower\n")
    ours = [pile, "--csv-in", named, "--out", out, "--classes"]
    assert call(sort, *ours, "temple,flower")[0] == 0
    named.write_text("path,label\n")
    code, _, err = call(sort, *ours, "temple,tree")
    assert (code, "the class 'flower', which --classes does not name" in err) == (2, True)
    (pile / "temple" / "00.jpg").unlink()
    code, said, _ = call(sort, *ours, "temple,flower")
    assert (code, "or unreadable (1): temple/00.jpg" in said) == (0, True)
    write_photos(tmp_path / "other" / "x", number=1)
    code, _, err = call(sort, tmp_path / "other", *ours[1:], "temple,flower")
    assert (code, "is about another album" in err) == (2, True)


def test_the_command_line_says_what_is_wrong(call, tmp_path):
    code, _, err = call(sort, tmp_path, "--classes", "a,b", "--csv-in", "x.csv", "--csv", "y.csv", "--port", "1")
    assert (code, "--port is for the page" in err) == (2, True)
    code, _, err = call(sort, tmp_path / "nowhere", "--classes", "a,b", "--out", tmp_path / "out")
    assert (code, "There is no folder at" in err) == (3, True)
    assert not (tmp_path / "out").exists()
