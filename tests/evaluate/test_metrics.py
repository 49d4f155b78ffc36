"""A metric is one function and one entry."""

import json

import numpy as np
import pytest
from run_files import manifest_of

from recipes.data.splits import Images
from recipes.evaluate.metrics import METRICS, scores
from recipes.evaluate.predictions import Predictions
from recipes.files import typed
from recipes.files.manifest import Manifest
from recipes.report.run import Drawn, run_page


@pytest.fixture
def table():
    ids = np.array([f"test-{place}" for place in range(4)])
    probabilities = np.array([[0.8, 0.2], [0.6, 0.4], [0.3, 0.7], [0.9, 0.1]])
    return Predictions(ids, np.array([0, 0, 1, 1]), probabilities, ("cat", "dog"))


def test_a_metric_added_to_the_table_is_among_the_scores_and_on_the_page(table, monkeypatch):
    monkeypatch.setitem(
        METRICS, "brier_score", lambda table: float(np.mean((table.truth - table.probabilities[:, 1]) ** 2))
    )
    figures = scores(table)
    assert figures["brier_score"] == pytest.approx((0.04 + 0.16 + 0.09 + 0.81) / 4)
    assert list(figures) == ["images", "loss", "accuracy", "balanced_accuracy", "brier_score", "per_class"]
    images = Images(np.zeros((4, 8, 8, 1), "uint8"), table.truth, table.ids)
    counts = {split: {"cat": 2, "dog": 2} for split in ("train", "validation", "test")}
    told = {"recipe": "fashion_cnn", "data__class_names": ["cat", "dog"], "data__counts": counts}
    manifest = typed.parse(json.dumps(manifest_of(**told)).encode(), Manifest)
    history = [{"phase": "train", "epoch": 1, "loss": 1, "accuracy": 0.5, "val_loss": 1, "val_accuracy": 0.4}]
    both = {"test": figures, "validation": figures}
    page = run_page(manifest, both, history, table, images, b"png", Drawn({}, [], None))
    assert "<td>brier score</td><td>0.2750</td><td>0.2750</td>" in page
    assert "<td>balanced accuracy</td><td>0.7500</td>" in page
