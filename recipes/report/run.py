"""A run on one self-contained page: its figures, its mistakes, where it looked, and under which conditions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

import zoo
from recipes.conditions import summary
from recipes.data import Splits
from recipes.evaluate import Predictions
from recipes.recipe import Augment
from recipes.report import gallery
from recipes.report.calibration import reliability, reliability_figure, threshold_figure
from recipes.report.confusion import MOST_CLASSES
from recipes.report.curves import curves_figure
from recipes.report.page import render
from recipes.report.pictures import inline, thumbnail
from recipes.report.style import svg
from recipes.results import wilson

if TYPE_CHECKING:
    import keras

    from recipes.manifest import Manifest

AUGMENTED, DRAWS = 4, 6


def run_page(
    manifest: Manifest,
    metrics: Mapping[str, Any],
    history: Sequence[Mapping[str, Any]],
    test: Predictions,
    splits: Splits,
    model: keras.Model,
    confusion: bytes,
) -> str:
    """The report of a finished run.

    Args:
        manifest: The run's conditions.
        metrics: Scores of validation and test.
        history: A row per epoch.
        test: What the model said of each test image.
        splits: The images.
        model: The trained network.
        confusion: The confusion matrix as PNG.

    Returns:
        An HTML page that needs no other file and no network; labels and names in it are text, whatever they hold.
    """
    title = f"{manifest.recipe}, {manifest.variant}"
    low, high = wilson(int((test.truth == test.prediction).sum()), len(test.truth))
    calibration = reliability(test)
    pictures = {
        "confusion": inline(confusion),
        "curves": inline(svg(curves_figure(history, manifest.result.kept_epoch, "")), "svg"),
        "reliability": inline(svg(reliability_figure(calibration)), "svg"),
    }
    two_classes = len(test.class_names) == 2 and 0 < test.truth.sum() < len(test.truth)
    if two_classes:
        pictures["threshold"] = inline(svg(threshold_figure(test)), "svg")
    return render(
        "run.html",
        title=title,
        subtitle=manifest.model.use,
        data=manifest.data,
        test=metrics["test"],
        validation=metrics["validation"],
        interval=(low, high),
        published=manifest.result.published_accuracy,
        pictures=pictures,
        calibration=calibration,
        classes=_per_class(metrics["test"], manifest.data.counts),
        most_classes=MOST_CLASSES,
        pairs=gallery.pairs(test, splits.test),
        worst=gallery.cards(test, splits.test, gallery.worst(test)[: gallery.EACH]),
        least_sure=gallery.cards(test, splits.test, gallery.least_sure(test)[: gallery.EACH]),
        heatmaps=gallery.heatmaps(model, test, splits.test),
        augmented=_augmented(splits, manifest.settings.get("augment", {})),
        network=_network(model),
        conditions=summary(manifest),
        findings=manifest.doctor,
        everything=json.dumps(manifest.as_dict(), indent=2, ensure_ascii=False, default=str),
        command=manifest.command,
        not_repeated=manifest.not_repeated,
    )


def _per_class(scores: Mapping[str, Any], counts: Mapping[str, Mapping[str, int]]) -> list[dict[str, Any]]:
    """A row for each class, the worst F1 first where there are too many to read them all."""
    rows = [
        {"name": name, **row, "train": counts["train"][name], "validation": counts["validation"][name]}
        for name, row in scores["per_class"].items()
    ]
    return sorted(rows, key=lambda row: row["f1"]) if len(rows) > MOST_CLASSES else rows


def _augmented(splits: Splits, settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A few training images as they are, and as the training changed them."""
    from recipes.augment import augment

    wanted = Augment(**settings)
    if wanted == Augment():
        return []
    places = np.linspace(0, len(splits.train) - 1, min(AUGMENTED, len(splits.train))).astype(int)
    images = np.stack([splits.train.pixels[place : place + 1][0] for place in places])
    drawn = [np.asarray(augment(images, np.array([number, 0], "int32"), wanted)).round() for number in range(DRAWS)]
    return [
        {
            "name": splits.class_names[splits.train.labels[place]],
            "picture": thumbnail(image),
            "changed": [thumbnail(np.clip(draw[row], 0, 255)) for draw in drawn],
        }
        for row, (place, image) in enumerate(zip(places, images, strict=True))
    ]


def _network(model: keras.Model) -> zoo.Arithmetic | None:
    """The network layer by layer; `None` for one that is not flat."""
    try:
        return zoo.arithmetic(model)
    except ValueError:
        return None
