"""Doubtful labels and photos that are like no other, on crops of two photographs with the real base."""

import csv
import json
import shutil

import numpy as np
import pytest
from photo_files import write_photos
from PIL import Image

from recipes import doctor
from recipes.pages import server
from recipes.study import doubtful_labels

pytestmark = pytest.mark.usefixtures("lite0_weights")


@pytest.fixture(scope="module")
def mislabelled(tmp_path_factory):
    """Three classes of 20, three photos among the wrong ones, and a card that says nothing."""
    root = tmp_path_factory.mktemp("labels") / "photos"
    write_photos(root)
    moved = {"temple/00.jpg": "flower/of the temple.jpg", "flower/01.jpg": "temple/a flower.jpg"}
    for source, target in moved.items():
        shutil.move(root / source, root / target)
    card = np.full((96, 96, 3), 250, "uint8")
    card[40:44, 10:80] = 0
    Image.fromarray(card).save(root / "옷" / "not found.png")
    return root, set(moved.values())


def test_wrong_labels_come_first_and_a_card_is_like_no_other(mislabelled, call, tmp_path):
    root, wrong = mislabelled
    table = tmp_path / "labels.csv"
    code, out, err = call(doctor, root, "--labels", "--csv", table, "--out", tmp_path / "out")
    assert (code, err) == (0, "")
    rows = list(csv.DictReader(table.open(encoding="utf-8")))
    assert list(rows[0]) == ["path", "label", "prediction", "probability", "quality", "likeness", "decision"]
    assert len(rows) == 61
    assert wrong <= {row["path"] for row in rows[:5]}
    doubted = next(row for row in rows if row["path"] == "temple/a flower.jpg")
    assert (doubted["label"], doubted["prediction"]) == ("temple", "flower")
    least_like = sorted(rows, key=lambda row: float(row["likeness"]))[0]
    assert least_like["path"] == "옷/not found.png"
    assert "temple/a flower.jpg: temple, or flower (" in out
    assert out.index("like no other:") < out.rindex("옷/not found.png")


def test_labels_are_part_of_the_findings(mislabelled, call, tmp_path):
    code, out, _ = call(doctor, mislabelled[0], "--labels", "--json", "--out", tmp_path / "out")
    assert code == 0
    labels = json.loads(out)["labels"]
    assert len(labels) == 61
    assert [one["quality"] for one in labels] == sorted(one["quality"] for one in labels)


def test_what_cannot_be_judged_is_refused(call, tmp_path):
    write_photos(tmp_path / "photos", number=2)
    code, _, err = call(doctor, tmp_path / "photos", "--labels", "--out", tmp_path / "out")
    assert code == 3
    assert "To judge labels two classes must have 3 photos that differ." in err
    code, _, err = call(doctor, tmp_path / "photos", "--csv", tmp_path / "labels.csv", "--out", tmp_path / "out")
    assert (code, "--csv is for the ranking of --labels" in err) == (2, True)
    inside = tmp_path / "photos" / "labels.csv"
    code, _, err = call(doctor, tmp_path / "photos", "--labels", "--csv", inside, "--out", tmp_path / "out")
    assert (code, "Choose another --csv" in err, inside.exists()) == (2, True, False)


def test_the_ranking_is_never_written_over_another_table(call, tmp_path):
    write_photos(tmp_path / "photos", number=2)
    labels, people, link = tmp_path / "labels.csv", tmp_path / "people.csv", tmp_path / "link.csv"
    labels.write_text("path,label,note\nphotos/temple/00.jpg,temple,mine\n")
    people.write_text("name,phone\nKim,1\n")
    link.symlink_to(labels)
    ours = doubtful_labels.as_csv([])
    (tmp_path / "ours.csv").write_text(ours)
    (tmp_path / "noted.csv").write_text(ours.replace("\n", ",note\n"))
    for root, table, more, words in (
        (labels, labels, (), "is read by this command, and would be written over. Choose another --csv."),
        (labels, link, (), "is read by this command"),
        (tmp_path / "photos", people, (), "holds something else than this command writes, and would be lost"),
        (tmp_path / "photos", tmp_path / "noted.csv", (), "holds something else"),
        (tmp_path / "photos", tmp_path / "ours.csv", ("--decisions", tmp_path / "ours.csv"), "is read by this command"),
        (tmp_path / "photos", tmp_path / "out.jpg", (), "is called as a photo"),
    ):
        before = {path: path.read_text() for path in tmp_path.glob("*.csv")}
        code, _, err = call(doctor, root, "--labels", "--csv", table, "--out", tmp_path / "out", *more)
        assert (code, words in err) == (2, True), err
        assert {path: path.read_text() for path in tmp_path.glob("*.csv")} == before
    # Its own table is no hindrance: the next fault is another.
    code, _, err = call(doctor, tmp_path / "no", "--labels", "--csv", tmp_path / "ours.csv", "--out", tmp_path / "out")
    assert (code, "There is no folder or table" in err) == (3, True)


def test_what_is_decided_on_the_page_counts_from_then_on(mislabelled, call, tmp_path, monkeypatch):
    root, wrong = mislabelled
    file, seen = tmp_path / "decided.csv", []

    def decide(running):
        """What a person does: the first two go where they belong, the third is right, and Ctrl-C."""
        seen.append([judged.path for judged, _ in running.page.photos])
        places = {name: seen[0].index(name) for name in wrong}
        others = [place for place in range(len(seen[0])) if place not in places.values()]
        for name, label in (("flower/of the temple.jpg", "temple"), ("temple/a flower.jpg", "flower")):
            asked = {"photo": places[name], "decision": "move", "label": label}
            running.page.answered("/decide", json.dumps(asked).encode())
        for place in others:
            running.page.answered("/decide", json.dumps({"photo": place, "decision": "keep"}).encode())
        raise KeyboardInterrupt

    monkeypatch.setattr(server._Server, "serve_forever", decide)
    arguments = (root, "--labels", "--decide", "--decisions", file, "--out", tmp_path / "out")
    code, out, err = call(doctor, *arguments, "--port", "0", "--language", "ko")
    assert (code, err) == (0, "")
    assert "decide on http://127.0.0.1:" in out
    said = " ".join(out.split())
    assert f"{len(seen[0])} decisions in {file}; they count from now on: python -m recipes.run --data" in said
    assert wrong <= set(seen[0])
    code, out, err = call(doctor, *arguments[:2], *arguments[3:], "--json")
    assert (code, f"decisions about labels: 2 moved, 0 left out, {len(seen[0]) - 2} kept" in err) == (0, True)
    found = json.loads(out)
    assert found["decisions"]["moved"] == {"flower/of the temple.jpg": "flower", "temple/a flower.jpg": "temple"}
    by_name = {one["path"]: one for one in found["labels"]}
    assert (by_name["temple/a flower.jpg"]["label"], by_name["temple/a flower.jpg"]["decision"]) == ("flower", "move")
    left = [one for one in found["labels"] if one["label"] != one["prediction"] and not one["decision"]]
    assert f"doubtful labels: {len(left)} of" in err
    assert f"Decided by hand, in decided.csv: 2 moved, 0 left out, {len(seen[0]) - 2} kept." in (
        tmp_path / "out" / "doctor.html"
    ).read_text(encoding="utf-8")
    assert not (root / "decisions.csv").exists()


def test_options_of_the_page_are_refused_where_they_cannot_work(mislabelled, call, tmp_path):
    root, _ = mislabelled
    nowhere, among = tmp_path / "nowhere" / "d.csv", root / "temple" / "d.csv"
    for arguments, words in (
        (["--decide"], "--decide is for the ranking of --labels"),
        (["--labels", "--port", "0"], "--port is for the page of --decide"),
        (["--language", "ko"], "--language is for the page of --decide"),
        (["--decisions", nowhere], f"There is no table of decisions at {nowhere}"),
        (["--labels", "--decide", "--decisions", nowhere], "Name another place for what is decided: --decisions FILE"),
        (["--labels", "--decide", "--decisions", among], "is among the photos, where nothing is written"),
    ):
        code, _, err = call(doctor, root, *arguments, "--out", tmp_path / "out")
        assert (code, words in err) == (2, True), err
