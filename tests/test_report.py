"""Scores and pictures are derived from one table."""

import csv
import io
import re

import numpy as np
import pytest
from sklearn import metrics

from recipes import evaluate, report
from recipes.data.splits import Images
from recipes.evaluate import Predictions
from recipes.report.style import png

HOSTILE = ("<script>alert(1)</script>", "$\\frac{$", "../x, y", "고양이 🐱")


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(4), 50)
    ids = np.array([f"test-{index:05d}" for index in range(50)])
    return Predictions(ids, rng.integers(0, 3, 50), probabilities, HOSTILE)


def test_a_thousand_classes_become_the_fifty_pairs_that_are_confused_most():
    from recipes.report.confusion import confused_pairs

    random = np.random.default_rng(0)
    matrix = np.diag(np.full(1000, 10))
    matrix[random.integers(0, 1000, 80), random.integers(0, 1000, 80)] += random.integers(1, 9, 80)
    names = [f"class {index}" for index in range(1000)]
    pairs = confused_pairs(matrix, names)
    assert len(pairs) == 50
    assert [number for *_, number in pairs] == sorted((number for *_, number in pairs), reverse=True)
    assert all(matrix[names.index(truth), names.index(guess)] == number for truth, guess, number in pairs)
    figure = report.confusion_figure(matrix, names, "many")
    assert len(figure.axes[0].patches) == 50
    assert figure.get_size_inches()[1] < 20
    assert len(report.confusion_figure(np.diag(np.full(60, 5)), names[:60], "none wrong").axes[0].patches) == 0


def test_predictions_csv_is_the_table(table):
    rows = list(csv.DictReader(io.StringIO(table.as_csv())))
    assert list(rows[0]) == ["id", "truth", "prediction", *(f"probability {name}" for name in HOSTILE)]
    assert [row["truth"] for row in rows] == [HOSTILE[index] for index in table.truth]
    assert [row["prediction"] for row in rows] == [HOSTILE[index] for index in table.prediction]
    for row, expected in zip(rows, table.probabilities, strict=True):
        assert [float(row[f"probability {name}"]) for name in HOSTILE] == pytest.approx(expected, rel=1e-5)


def test_scores_agree_with_scikit_learn_and_survive_an_absent_class(table):
    found = evaluate.scores(table)
    assert found["accuracy"] == metrics.accuracy_score(table.truth, table.prediction)
    assert found["loss"] == pytest.approx(metrics.log_loss(table.truth, table.probabilities, labels=range(4)))
    assert found["balanced_accuracy"] == pytest.approx(
        metrics.recall_score(table.truth, table.prediction, average="macro", labels=[0, 1, 2], zero_division=0)
    )
    assert found["per_class"][HOSTILE[3]] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "images": 0}
    assert list(found["per_class"]) == list(HOSTILE)


def test_confusion_counts_truth_by_row(table):
    matrix = evaluate.confusion(table)
    assert matrix.shape == (4, 4)
    for truth, guess in np.ndindex(4, 4):
        assert matrix[truth, guess] == np.sum((table.truth == truth) & (table.prediction == guess))
    rows = list(csv.reader(io.StringIO(evaluate.confusion_csv(matrix, HOSTILE))))
    assert rows[0][1:] == list(HOSTILE)
    assert [[int(cell) for cell in row[1:]] for row in rows[1:]] == matrix.tolist()


def test_predict_keeps_truth_and_prediction_together(monkeypatch):
    """A model that reads the label off the pixels is right everywhere, whatever the batches."""
    import keras

    monkeypatch.setattr(evaluate, "evaluation_batch", lambda *_, **__: 7)
    labels = np.random.default_rng(1).integers(0, 5, 23)
    pixels = np.zeros((23, 1, 5, 1), "uint8")
    pixels[np.arange(23), 0, labels, 0] = 255
    image = keras.Input((1, 5, 1))
    model = keras.Model(image, keras.layers.Softmax()(keras.layers.Flatten()(image)))
    images = Images(pixels, labels, np.arange(23).astype(str))
    table = evaluate.predict(model, images, tuple("abcde"))
    np.testing.assert_array_equal(table.truth, labels)
    np.testing.assert_array_equal(table.prediction, labels)


def test_predict_widens_a_sigmoid_to_two_classes():
    import keras

    image = keras.Input((1, 1, 1))
    scaled = keras.layers.Rescaling(1 / 255)(image)
    model = keras.Model(image, keras.layers.Flatten()(scaled))
    pixels = np.array([0, 255, 51], "uint8").reshape(3, 1, 1, 1)
    table = evaluate.predict(model, Images(pixels, np.array([0, 1, 0]), np.arange(3).astype(str)), ("cat", "dog"))
    np.testing.assert_allclose(table.probabilities, [[1, 0], [0, 1], [0.8, 0.2]], atol=1e-6)
    assert evaluate.scores(table)["accuracy"] == 1.0


def test_confusion_picture_writes_counts_percent_and_names(table):
    matrix = evaluate.confusion(table)
    figure = report.confusion_figure(matrix, HOSTILE, "a title with $ signs")
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == list(HOSTILE)
    assert [label.get_text() for label in axes.get_yticklabels()] == list(HOSTILE)
    written = [text.get_text() for text in axes.texts]
    share = 100 * matrix[0, 0] / matrix[0].sum()
    assert written[0] == f"{matrix[0, 0]}\n{share:.1f}%"
    assert png(figure).startswith(b"\x89PNG")


def test_curves_show_both_phases_side_by_side():
    history = [
        {"phase": phase, "epoch": epoch, "loss": 1 / epoch, "accuracy": 0.5, "val_loss": 2 / epoch, "val_accuracy": 0.4}
        for phase, epochs in (("head", 3), ("all", 2))
        for epoch in range(1, epochs + 1)
    ]
    figure = report.curves_figure(history, {"head": 3, "all": 1}, "title")
    assert [axes.get_ylabel() for axes in figure.axes] == ["loss", "accuracy"]
    kept = next(line for line in figure.axes[0].lines if line.get_label() == "kept")
    assert list(kept.get_xdata()) == [3, 4]
    assert png(figure).startswith(b"\x89PNG")


def test_page_escapes_labels_and_needs_no_other_file(table):
    per_class = evaluate.scores(table)
    facts = {
        "title": "fashion_cnn, tuned",
        "subtitle": "about",
        "published": None,
        "data": {"kind": "sample", "notice": "7,000-image sample", "counts": {"train": dict.fromkeys(HOSTILE, 3)}},
        "test": per_class,
        "validation": per_class,
        "conditions": {"seed": "1"},
        "command": "python -m recipes.run '<b>'",
    }
    text = report.page(facts, {"confusion": b"1", "curves": b"2"})
    assert "<script>" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "none printed" in text
    assert "7,000-image sample" in text
    assert not re.search(r"""(src|href)=["'](?!data:)""", text)
    assert "고양이" in text
