"""Scores and pictures are derived from one table."""

import ast
import csv
import dataclasses
import io
import json
import re

import keras
import numpy as np
import pytest
from conftest import ROOT
from run_files import manifest_of
from sklearn import metrics

from recipes import Augment, data, report
from recipes.data.splits import Images
from recipes.evaluate import predictions
from recipes.evaluate.metrics import confusion, confusion_csv, scores
from recipes.evaluate.predictions import Predictions
from recipes.execution import artifacts
from recipes.files import typed
from recipes.files.manifest import Manifest
from recipes.report.figures.feature_map import feature_map
from recipes.report.figures.style import png
from recipes.report.run import Drawn, run_page

pytestmark = pytest.mark.drawn
HOSTILE = ("<script>alert(1)</script>", "$\\frac{$", "../x, y", "고양이 🐱")


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(4), 50)
    ids = np.array([f"test-{index:05d}" for index in range(50)])
    return Predictions(ids, rng.integers(0, 3, 50), probabilities, HOSTILE)


def test_a_thousand_classes_become_the_fifty_pairs_that_are_confused_most():
    from recipes.report.figures.confusion import confused_pairs

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
    found = scores(table)
    assert found["accuracy"] == metrics.accuracy_score(table.truth, table.prediction)
    assert found["loss"] == pytest.approx(metrics.log_loss(table.truth, table.probabilities, labels=range(4)))
    assert found["balanced_accuracy"] == pytest.approx(
        metrics.recall_score(table.truth, table.prediction, average="macro", labels=[0, 1, 2], zero_division=0)
    )
    assert found["per_class"][HOSTILE[3]] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "images": 0}
    assert list(found["per_class"]) == list(HOSTILE)


def test_a_rare_class_that_is_never_found_shows_in_the_report():
    truth = np.repeat([0, 1], [18, 2])
    ids = np.array([f"test-{place:05d}" for place in range(20)])
    page = page_of(Predictions(ids, truth, np.tile([0.9, 0.1], (20, 1)), ("many", "rare")))
    assert "<td>accuracy</td><td>0.9000</td>" in page
    assert "<td>balanced accuracy</td><td>0.5000</td>" in page
    assert re.search(r"<th[^>]*>class</th><th[^>]*>precision</th><th[^>]*>recall</th>", page)
    assert "<td>many</td><td>0.900</td><td>1.000</td>" in page
    assert "<td>rare</td><td>0.000</td><td>0.000</td>" in page


def test_confusion_counts_truth_by_row(table):
    matrix = confusion(table)
    assert matrix.shape == (4, 4)
    for truth, guess in np.ndindex(4, 4):
        assert matrix[truth, guess] == np.sum((table.truth == truth) & (table.prediction == guess))
    rows = list(csv.reader(io.StringIO(confusion_csv(matrix, HOSTILE))))
    assert rows[0][1:] == list(HOSTILE)
    assert [[int(cell) for cell in row[1:]] for row in rows[1:]] == matrix.tolist()


def test_predict_keeps_truth_and_prediction_together(monkeypatch):
    """A model that reads the label off the pixels is right everywhere, whatever the batches."""
    import keras

    monkeypatch.setattr(predictions, "evaluation_batch", lambda *_, **__: 7)
    labels = np.random.default_rng(1).integers(0, 5, 23)
    pixels = np.zeros((23, 1, 5, 1), "uint8")
    pixels[np.arange(23), 0, labels, 0] = 255
    image = keras.Input((1, 5, 1))
    model = keras.Model(image, keras.layers.Softmax()(keras.layers.Flatten()(image)))
    images = Images(pixels, labels, np.arange(23).astype(str))
    table = predictions.predict(model, images, tuple("abcde"))
    np.testing.assert_array_equal(table.truth, labels)
    np.testing.assert_array_equal(table.prediction, labels)


def test_predict_widens_a_sigmoid_to_two_classes():
    import keras

    image = keras.Input((1, 1, 1))
    scaled = keras.layers.Rescaling(1 / 255)(image)
    model = keras.Model(image, keras.layers.Flatten()(scaled))
    pixels = np.array([0, 255, 51], "uint8").reshape(3, 1, 1, 1)
    table = predictions.predict(model, Images(pixels, np.array([0, 1, 0]), np.arange(3).astype(str)), ("cat", "dog"))
    np.testing.assert_allclose(table.probabilities, [[1, 0], [0, 1], [0.8, 0.2]], atol=1e-6)
    assert scores(table)["accuracy"] == 1.0


def test_confusion_picture_writes_counts_percent_and_names(table):
    matrix = confusion(table)
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


def images_of(table):
    pixels = np.random.default_rng(1).integers(0, 256, (len(table.truth), 12, 12, 1)).astype("uint8")
    return Images(pixels, table.truth, table.ids)


def page_of(table, doubted=(), train=False, epochs=2, **changes):
    """The report of a small network that looked at noise, with these predictions."""
    images = images_of(table)
    origin = data.Origin("sample", "fashion_mnist", None, "7,000-image sample")
    splits = data.Splits(images, images, images, table.class_names, origin)
    image = keras.Input((12, 12, 1))
    maps = keras.layers.Conv2D(2, 3, name="conv")(image)
    flat = keras.layers.Flatten()(maps)
    model = keras.Model(image, keras.layers.Dense(len(table.class_names), activation="softmax")(flat))
    figures = scores(table)
    row = {"phase": "train", "loss": 1, "accuracy": 0.5, "val_loss": 1, "val_accuracy": 0.4}
    history = [row | {"epoch": epoch} for epoch in range(1, epochs + 1)]
    told = {
        "recipe": "fashion_cnn",
        "command": "python -m recipes.run '<b>'",
        "result__published_accuracy": None,
        "data__kind": "sample",
        "data__notice": origin.notice,
        "data__class_names": list(table.class_names),
        "data__counts": splits.counts(),
    }
    manifest = typed.parse(json.dumps(manifest_of(**(told | changes))).encode(), Manifest)
    drawn = Drawn(
        heats=artifacts.heatmaps(model, table, images),
        augmented=artifacts.augmented(splits, Augment(flip=True)),
        network=artifacts.arithmetic(model),
        doubted=doubted,
        train=images if train else None,
    )
    return run_page(manifest, {"test": figures, "validation": figures}, history, table, images, b"png", drawn)


def test_reports_run_no_network():
    """They import none of what does, so that a page can be made of tables and arrays alone."""
    forbidden = {
        "keras",
        "tensorflow",
        "recipes.inference.gradcam",
        "recipes.data.augment",
        "recipes.inference.activation_maximization",
        "recipes.train.engine",
    }
    for path in (ROOT / "recipes" / "report").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            module = getattr(node, "module", None) or ""
            imported = {module, *names, *(f"{module}.{name}" for name in names)} - {""}
            assert not imported & forbidden, f"{path.name} imports {imported & forbidden}"


def test_page_escapes_labels_and_needs_no_other_file(table):
    text = page_of(table)
    assert "<script>" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "none printed" in text
    assert "7,000-image sample" in text
    assert not re.search(r"""(src|href)=["'](?!data:|#)""", text)
    assert "<img src" not in text, "a picture says what it is: pixels, or a chart, which is dark where the screen is"
    assert "고양이" in text
    assert f"<b>{scores(table)['accuracy']:.4f}</b>" in text
    for heading in (
        "Confused most",
        "Largest losses",
        "Least sure",
        "Where it looked",
        "were made into",
        "The network",
    ):
        assert heading in text
    assert text.count("Grad-CAM of") == 1 + 12
    assert "3 x 3 x 1 x 2 + 2 = 20" in text
    assert "for the second class" not in text


def test_one_epoch_or_a_head_that_was_solved_for_draws_no_curve(table):
    curve = 'alt="Loss and accuracy by epoch'
    assert curve in page_of(table)
    assert curve not in page_of(table, epochs=1)


def test_photos_that_could_not_be_used_are_on_the_page(table):
    findings = {"photos": 9, "used": 8, "bad": {"<i>.jpg": "empty file"}, "left_out": [], "warnings": []}
    text = page_of(table, doctor=findings, data__kind="photos")
    assert "&lt;i&gt;.jpg: empty file" in text
    assert "none printed" not in text


def test_what_gives_the_class_away_is_on_the_page(table):
    score = {"chance": 0.5, "found": 0.97, "interval": [0.9, 0.99]}
    rows = [
        {"by": by, "label": "<b>", "classes": score, "of_label": score, "is_alarm": is_alarm}
        for by, is_alarm in (("file kind", True), ("colour", False))
    ]
    findings = {"photos": 9, "used": 8, "bad": {}, "left_out": [], "warnings": [], "shortcuts": rows}
    text = page_of(table, doctor=findings, data__kind="photos")
    assert "file kind alone tells <b>&lt;b&gt;</b> from all others" in text
    assert "balanced accuracy 0.97 (95% interval 0.90 to 0.99, chance 0.50)" in text
    assert "colour alone" not in text


def test_labels_that_the_network_is_sure_to_contradict_are_on_the_page(table, tmp_path):
    from recipes.report import doubted, gallery

    probabilities = np.full((50, 4), 0.01)
    probabilities[np.arange(50), (table.truth + (np.arange(50) % 2)) % 4] = 0.97
    probabilities[1] = probabilities[5] = (np.arange(4) == (table.truth[5] + 1) % 4) * 0.4 + 0.15
    sure = Predictions(table.ids, table.truth, probabilities, table.class_names)
    tables = {"validation": sure, "test": sure}
    labels = doubted.doubted(tables, decided={"test-00003"})
    assert len(labels) == 2 * (25 - 3)
    assert {one.split for one in labels} == {"validation", "test"}
    cards = gallery.doubted_cards(labels, tables, {"validation": images_of(sure), "test": images_of(sure)})
    assert len(cards) == 12
    text = page_of(sure, doubted=cards, data__kind="photos", data__path="/my photos")
    assert "Labels worth a look" in text
    assert "The network may be wrong" in text
    assert "python -m recipes.doctor &#39;/my photos&#39; --labels --decide" in text
    assert "Labels worth a look" not in page_of(sure)
    (tmp_path / doubted.FILE).write_text(doubted.as_csv(labels), encoding="utf-8")
    assert [one.path for one in doubted.read(tmp_path)] == [one.path for one in labels]
    for damage in ("path,label\n", "path,label,prediction,probability,split\na,b,c,much,test\n", '"\0'):
        (tmp_path / doubted.FILE).write_text(damage)
        assert doubted.read(tmp_path) == []
    assert doubted.read(tmp_path / "nothing") == []


def test_two_classes_get_a_threshold_and_thousands_a_page_that_can_be_read():
    random = np.random.default_rng(0)
    two = Predictions(np.arange(40).astype(str), random.integers(0, 2, 40), random.dirichlet([1, 1], 40), ("a", "b"))
    assert "Precision, recall and F1 of the second class" in page_of(two)
    names = tuple(f"class {index}" for index in range(3000))
    probabilities = np.full((60, 3000), 1e-4)
    probabilities[np.arange(60), random.integers(0, 3000, 60)] = 0.7
    text = page_of(Predictions(np.arange(60).astype(str), random.integers(0, 3000, 60), probabilities, names))
    assert "The twenty classes with the lowest F1 of 3,000" in text
    assert len(text) < 8e6


def test_calibration_error_is_the_mean_distance_from_what_was_promised():
    from recipes.report.figures.calibration import reliability

    sure = np.array([0.95] * 100 + [0.65] * 50)
    right = np.array([True] * 90 + [False] * 10 + [True] * 20 + [False] * 30)
    probabilities = np.stack([sure, 1 - sure], axis=1)
    found = reliability(Predictions(np.arange(150).astype(str), np.where(right, 0, 1), probabilities, ("a", "b")))
    assert found.images[[6, 9]].tolist() == [50, 100]
    assert found.error == pytest.approx((100 * 0.05 + 50 * 0.25) / 150)


def test_galleries_show_the_surest_mistakes_and_the_least_sure_answers(table):
    from recipes.report import gallery

    wrong = gallery.worst(table)
    assert (table.truth[wrong] != table.prediction[wrong]).all()
    assert (np.diff(table.losses[wrong]) <= 0).all()
    assert len(wrong) == (table.truth != table.prediction).sum()
    assert table.probabilities[gallery.least_sure(table)[0]].max() == table.probabilities.max(axis=1).min()
    first = gallery.surest_right(table)[:3]
    assert len({*table.truth[first]}) == len({*table.truth[table.truth == table.prediction]})


def test_cells_of_the_matrix_lead_to_their_photos_and_these_to_the_nearest(table):
    from recipes.report import matrix

    images = images_of(table)
    near = dataclasses.replace(table, nearest=np.stack([np.arange(50), (np.arange(50) + 1) % 50], axis=1))
    door = matrix.door(near, images, images)
    counts = confusion(table)
    assert [[cell.number for cell in row] for row in door.rows] == counts.tolist()
    by_name = {cell.name: cell for cell in door.cells}
    assert sum(cell.number for cell in door.cells) == 50
    for cell in door.cells:
        assert len(cell.cards) == (min(cell.number, matrix.MOST_RIGHT) if cell.is_right else cell.number)
    kinds = [cell.is_right for cell in door.cells]
    assert kinds == sorted(kinds), "the wrong ones first"
    truth, answer = door.cells[0].truth, door.cells[0].answer
    of_cell = (table.truth == HOSTILE.index(truth)) & (table.prediction == HOSTILE.index(answer))
    surest = np.flatnonzero(of_cell)[table.losses[of_cell].argmax()]
    assert door.cells[0].cards[0]["name"] == table.ids[surest]
    assert door.cells[0].cards[0]["nearest"] == [surest, (surest + 1) % 50]
    assert door.near[surest]["label"] == HOSTILE[table.truth[surest]]

    text = page_of(near, train=True)
    assert set(re.findall(r'href="#(cell[^"]+)"', text)) == set(by_name)
    assert set(re.findall(r'<section class="cell" id="([^"]+)"', text)) == set(by_name)
    for place in door.near:
        assert text.count(f".n{place}{{background-image") == 1, "each photo is there once"
    assert "is like" not in page_of(table, train=True)


@pytest.mark.parametrize("side", [32, 64, 96])
def test_a_page_of_a_thousand_test_photos_stays_below_15_mb(side):
    from recipes.report import matrix

    random = np.random.default_rng(0)
    names = tuple("abcdefghij")
    probabilities = random.dirichlet(np.ones(10), 1000)
    noise = random.integers(0, 256, (40, side, side, 3)).astype("uint8")  # Nothing takes more bytes.
    images = Images(np.tile(noise, (25, 1, 1, 1)), random.integers(0, 10, 1000), np.arange(1000).astype(str))
    table = Predictions(images.ids, images.labels, probabilities, names, None, random.integers(0, 1000, (1000, 3)))
    door = matrix.door(table, images, images)
    shown = [card for cell in door.cells for card in cell.cards]
    assert len(shown) > 900
    assert len(door.near) > 900
    pictures = [card["picture"] for card in shown] + [one["picture"] for one in door.near.values()]
    assert sum(map(len, pictures)) < 15e6


def test_a_map_has_a_point_for_each_photo_and_is_left_out_where_it_says_nothing():
    draw = np.random.default_rng(0)
    labels = np.repeat([0, 1], 40)
    features = draw.normal(size=(2, 16))[labels] + draw.normal(scale=0.1, size=(80, 16))
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    figure = feature_map(features, labels, ("고양이", "dog $1"))
    (axes,) = figure.axes
    places = np.asarray(axes.collections[0].get_offsets())
    assert places.shape == (80, 2)
    centres = [places[labels == label].mean(axis=0) for label in (0, 1)]
    apart = np.linalg.norm(places[:, None] - np.array(centres)[None], axis=2).argmin(axis=1)
    assert (apart == labels).mean() > 0.95
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["고양이", "dog $1"]
    assert feature_map(features[:20], labels[:20], ("a", "b")) is None
    assert feature_map(np.ones((80, 16), "float16") / 4, labels, ("a", "b")) is None, "all are found alike"
    assert feature_map(features, labels, tuple(map(str, range(21)))) is None
