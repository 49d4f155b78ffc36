"""A run on one self-contained page: its figures, its mistakes, where it looked, and under which conditions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import zoo
from recipes.data import Images
from recipes.data.photos.shortcuts import ADVICE
from recipes.evaluate.predictions import Predictions
from recipes.evaluate.statistics import wilson
from recipes.report import doubted, gallery, matrix
from recipes.report.conditions import summary
from recipes.report.figures.calibration import reliability, reliability_figure, threshold_figure
from recipes.report.figures.confusion import MOST_CLASSES
from recipes.report.figures.curves import curves_figure
from recipes.report.figures.feature_map import feature_map
from recipes.report.figures.learning import learning_figure
from recipes.report.figures.style import png, svg
from recipes.report.page import render
from recipes.report.pictures import inline, thumbnail

if TYPE_CHECKING:
    from recipes.files.manifest import Manifest

# How many pairs of classes are listed, those confused most.
PAIRS = 10


@dataclass(frozen=True)
class Augmented:
    """A training image and what the training made of it.

    Attributes:
        name: Of its class.
        image: (height, width, channels), raw 0-255.
        changed: (draws, height, width, channels), 0-255.
    """

    name: str
    image: np.ndarray
    changed: np.ndarray


@dataclass(frozen=True)
class Drawn:
    """What a page shows that takes the network or the training images to compute.

    Attributes:
        heats: For the place of each image of `gallery.looked_at`, (height, width), 0-1; empty without a convolution.
        augmented: A few training images; empty for a recipe that changes none.
        network: The network layer by layer; `None` for one that is not flat.
        audition: Which bases and heads were heard, as `recipes.train.heads.audition.Audition.as_dict` gives it; `None`
            where the recipe says which to take.
        further: What folds said of a further phase, as `recipes.evaluate.further.Trial.as_dict` gives it; `None` where
            they were not asked.
        learning: Accuracy by the number of photos, as
            `recipes.train.heads.learning_curve.LearningCurve.as_dict` gives it; `None` where it was not measured.
        train: The training images, to show those that a test image is most like; `None` shows none.
        features: (photos, features) that the network finds in some training photos, and their labels; `None` for none.
        doubted: Cards of photos whose label the network contradicts; empty for data that are not a person's own.
    """

    heats: Mapping[int, np.ndarray]
    augmented: Sequence[Augmented]
    network: zoo.Arithmetic | None
    audition: Mapping[str, Any] | None = None
    further: Mapping[str, Any] | None = None
    learning: Mapping[str, Any] | None = None
    train: Images | None = None
    features: tuple[np.ndarray, np.ndarray] | None = None
    doubted: Sequence[Mapping[str, Any]] = ()


def run_page(
    manifest: Manifest,
    metrics: Mapping[str, Any],
    history: Sequence[Mapping[str, Any]],
    test: Predictions,
    images: Images,
    confusion: bytes,
    drawn: Drawn,
) -> str:
    """The report of a finished run.

    Args:
        manifest: The run's conditions.
        metrics: Scores of validation and test.
        history: A row per epoch.
        test: What the model said of each test image.
        images: The test images.
        confusion: The confusion matrix as PNG.
        drawn: What was computed for the page with the network and the training images.

    Returns:
        An HTML page that needs no other file and no network; labels and names in it are text, whatever they hold.
    """
    title = f"{manifest.recipe}, {manifest.variant}"
    low, high = wilson(int((test.truth == test.prediction).sum()), len(test.truth))
    calibration = reliability(test)
    pictures = {
        "confusion": inline(confusion),
        "reliability": inline(svg(reliability_figure(calibration)), "svg"),
    }
    if len(history) > 1:  # A head that was solved for has one row, and no curve.
        pictures["curves"] = inline(svg(curves_figure(history, manifest.result.kept_epoch, "")), "svg")
    two_classes = len(test.class_names) == 2 and 0 < test.truth.sum() < len(test.truth)
    if two_classes:
        pictures["threshold"] = inline(svg(threshold_figure(test, _said_from(manifest))), "svg")
    if drawn.features and (figure := feature_map(*drawn.features, test.class_names)):
        pictures["map"] = inline(png(figure, dpi=90))
    if drawn.learning:
        pictures["learning"] = inline(svg(learning_figure(drawn.learning)), "svg")
    return render(
        "run.html",
        title=title,
        subtitle=manifest.model.use,
        data=manifest.data,
        test=metrics["test"],
        validation=metrics["validation"],
        interval=(low, high),
        published=manifest.result.published_accuracy,
        none_of_these=manifest.none_of_these,
        since=f"Version {manifest.version}: {manifest.why}." if manifest.after else "",
        point=manifest.operating_point,
        pictures=pictures,
        calibration=calibration,
        classes=_per_class(metrics["test"], manifest.data.counts),
        most_classes=MOST_CLASSES,
        door=matrix.door(test, images, drawn.train),
        pairs=PAIRS,
        worst=gallery.cards(test, images, gallery.worst(test)[: gallery.EACH]),
        least_sure=gallery.cards(test, images, gallery.least_sure(test)[: gallery.EACH]),
        doubted=drawn.doubted,
        decide=doubted.command(manifest.data),
        heatmaps=gallery.heatmaps(test, images, drawn.heats),
        augmented=[_augmented(sample) for sample in drawn.augmented],
        network=drawn.network,
        audition=drawn.audition,
        further=drawn.further,
        learning=drawn.learning,
        conditions=summary(manifest),
        findings=manifest.doctor,
        alarms=[one for one in (manifest.doctor.get("shortcuts", []) if manifest.doctor else []) if one["is_alarm"]],
        advice=ADVICE,
        everything=json.dumps(manifest.as_dict(), indent=2, ensure_ascii=False, default=str),
        command=manifest.command,
        not_repeated=manifest.not_repeated,
    )


def _said_from(manifest: Manifest) -> float:
    """From which probability on the second of two classes is said."""
    point = manifest.operating_point
    if point is None or point.threshold is None:
        return 0.5
    return point.threshold if point.class_name == manifest.data.class_names[1] else 1 - point.threshold


def _per_class(scores: Mapping[str, Any], counts: Mapping[str, Mapping[str, int]]) -> list[dict[str, Any]]:
    """A row for each class, the worst F1 first where there are too many to read them all."""
    rows = [
        {"name": name, **row, "train": counts["train"][name], "validation": counts["validation"][name]}
        for name, row in scores["per_class"].items()
    ]
    return sorted(rows, key=lambda row: row["f1"]) if len(rows) > MOST_CLASSES else rows


def _augmented(sample: Augmented) -> dict[str, Any]:
    """A training image as it is, and as the training changed it."""
    return {
        "name": sample.name,
        "picture": thumbnail(sample.image),
        "changed": [thumbnail(np.clip(changed, 0, 255)) for changed in sample.changed],
    }
