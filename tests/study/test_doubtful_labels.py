"""Doubtful labels and photos that are like no other, on crops of two photographs with the real base."""

import csv
import json
import shutil

import numpy as np
import pytest
from photo_files import write_photos
from PIL import Image

from recipes import doctor

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
    assert list(rows[0]) == ["path", "label", "prediction", "probability", "quality", "likeness"]
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
