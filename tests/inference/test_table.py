"""Answers as a table."""

import csv
import io

import numpy as np

from recipes import predict
from recipes.inference.table import Answer, collect


def test_photos_that_could_not_be_read_keep_their_place_in_the_table():
    told = {"z.jpg": [0.9, 0.1], "bad.jpg": "empty file", "a.jpg": [0.2, 0.8], "gone.jpg": "no such file"}
    answers = [(name, said if isinstance(said, str) else Answer(np.array(said))) for name, said in told.items()]
    table = collect([*answers, answers[0]], ("cat", "dog"))
    assert table.as_csv().startswith(predict.TABLE_BEGINS)
    rows = list(csv.DictReader(io.StringIO(table.as_csv())))
    assert [row["path"] for row in rows] == [*told, "z.jpg"]
    assert [row["problem"] for row in rows] == ["", "empty file", "", "no such file", ""]
    assert [row["prediction"] for row in rows] == ["cat", "", "dog", "", "cat"]
    assert [row["probability dog"] for row in rows] == ["0.1", "", "0.8", "", "0.1"]
