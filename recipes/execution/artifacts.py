"""Write what a run learned into its folder. The figures come from one table; nothing is half-written."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import zoo
from recipes import report
from recipes.errors import CorruptFault
from recipes.evaluate import further, likeness, none_of_these, predictions
from recipes.evaluate.metrics import confusion, confusion_csv
from recipes.files import model_notes
from recipes.files.atomic import atomic_path, write, write_json
from recipes.files.history_files import write_history
from recipes.files.run_folder import AUDITION, FURTHER, LEARNING_CURVE, MODEL, REPORT
from recipes.inference import gradcam
from recipes.inference.bundle.originals import golden
from recipes.recipe import Augment
from recipes.report import doubted
from recipes.report.figures.style import png
from recipes.report.gallery import doubted_cards, looked_at
from recipes.report.run import Augmented, Drawn, run_page
from recipes.train.heads import audition

if TYPE_CHECKING:
    import keras

    from recipes.data import Images, Splits
    from recipes.files.manifest import Manifest
    from recipes.train.engine import Outcome

# Training images on the page, and random draws of each.
AUGMENTED, DRAWS = 4, 6
log = logging.getLogger("recipes")


def write_results(
    folder: Path,
    outcome: Outcome,
    tables: Mapping[str, predictions.Predictions],
    metrics: Mapping[str, Any],
    manifest: Manifest,
    splits: Splits,
) -> None:
    """Write history, scores, predictions, model, pictures and page.

    Args:
        folder: The run folder.
        outcome: What training gave.
        tables: Predictions of `validation` and `test`.
        metrics: The scores of both.
        manifest: The run's conditions.
        splits: The images.

    Raises:
        DiskFault: When the disk is full or cannot be written.
    """
    test = tables["test"]
    write_history(folder, outcome.history)
    write_json(folder / "metrics.json", metrics)
    write(folder / "predictions.csv", test.as_csv())
    write(folder / "predictions_validation.csv", tables["validation"].as_csv())
    save_model(outcome.model, folder / MODEL, test.class_names, manifest.square)
    draw_architecture(outcome.model, folder / "architecture.png")

    matrix = confusion(test)
    name = f"{manifest.recipe}, {manifest.variant}"
    title = f"{name}: test accuracy {metrics['test']['accuracy']:.4f}"
    drawn = png(report.confusion_figure(matrix, test.class_names, title))
    write(folder / "confusion_matrix.csv", confusion_csv(matrix, test.class_names))
    write(folder / "confusion_matrix.png", drawn)
    write(folder / "curves.png", png(report.curves_figure(outcome.history, outcome.kept, title)))
    shown = Drawn(
        heats=heatmaps(outcome.model, test, splits.test),
        augmented=augmented(splits, Augment(**manifest.settings.get("augment", {}))),
        network=arithmetic(outcome.model),
        audition=_decided(folder / AUDITION, audition.read),
        further=_decided(folder / FURTHER, further.read),
        learning=_stored(folder / LEARNING_CURVE),
        train=splits.train,
        features=_features(folder, splits) if manifest.data.kind == "photos" else None,
        doubted=write_doubted(folder, tables, manifest, splits) if manifest.data.kind == "photos" else (),
    )
    page = run_page(manifest, metrics, outcome.history, test, splits.test, drawn, shown)
    write(folder / REPORT, page)


def _decided(path: Path, read: Callable[[Path], dict[str, Any]]) -> dict[str, Any] | None:
    """What folds decided when the run was started; `None` where nothing, or its file was damaged since."""
    if not path.is_file():
        return None
    try:
        return read(path)
    except CorruptFault as fault:
        log.warning("warning: %s The report goes without what folds decided.", fault)
        return None


def _stored(path: Path) -> dict[str, Any] | None:
    """What the stage before wrote; `None` where there was none."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def _features(folder: Path, splits: Splits) -> tuple[np.ndarray, np.ndarray] | None:
    """What the network finds in some training photos, as the run keeps it, and their labels; `None` without that."""
    if not (folder / none_of_these.FILE).is_file():
        return None
    photos = none_of_these.read(folder / none_of_these.FILE).photos
    return photos, splits.train.labels[likeness.chosen(splits.train.labels, photos.shape[1])]


def write_doubted(
    folder: Path, tables: Mapping[str, predictions.Predictions], manifest: Manifest, splits: Splits
) -> list[dict[str, Any]]:
    """Write which labels of own photos the network contradicts; gives the cards of the first."""
    decisions = manifest.doctor.get("decisions", {}) if manifest.doctor else {}
    labels = doubted.doubted(tables, {name for names in decisions.values() for name in names})
    write(folder / doubted.FILE, doubted.as_csv(labels))
    return doubted_cards(labels, tables, {"validation": splits.validation, "test": splits.test})


def heatmaps(model: keras.Model, table: predictions.Predictions, images: Images) -> dict[int, np.ndarray]:
    """Where the network looked, by the places of the images that a report shows; empty when it has no convolution."""
    places = np.concatenate(list(looked_at(table).values()))
    try:
        pixels = np.stack([images.pixels[place : place + 1][0] for place in places])
        heats = gradcam.heatmaps(model, pixels, table.prediction[places])
    except ValueError:
        return {}
    return dict(zip(places.tolist(), heats, strict=True))


def augmented(splits: Splits, settings: Augment) -> list[Augmented]:
    """A few training images as they are, and as the training changed them; none where it changes none."""
    from recipes.data.augment import augment

    if settings == Augment():
        return []
    places = np.linspace(0, len(splits.train) - 1, min(AUGMENTED, len(splits.train))).astype(int)
    images = np.stack([splits.train.pixels[place : place + 1][0] for place in places])
    drawn = [np.asarray(augment(images, np.array([number, 0], "int32"), settings)).round() for number in range(DRAWS)]
    names = [splits.class_names[splits.train.labels[place]] for place in places]
    return [Augmented(*sample) for sample in zip(names, images, np.stack(drawn, axis=1), strict=True)]


def arithmetic(model: keras.Model) -> zoo.Arithmetic | None:
    """The network layer by layer; `None` for one that is not flat."""
    try:
        return zoo.arithmetic(model)
    except ValueError:
        return None


def write_golden(folder: Path, images: Images) -> None:
    """Keep a few test images of all classes as the network takes them: what a bundle is checked with."""
    from PIL import Image

    (folder / "golden").mkdir(exist_ok=True)
    for number, place in enumerate(golden(images.labels)):
        pixels = images.pixels[place : place + 1][0]
        with atomic_path(folder / "golden" / f"{number:02d}.png") as path:
            Image.fromarray(pixels.squeeze()).save(path)


def save_model(model: keras.Model, path: Path, class_names: Sequence[str], square: str) -> None:
    """Save a model whole, with the names of its classes and its square, or leave the file as it was."""
    with atomic_path(path) as temporary:
        model.save(temporary)
        model_notes.add(temporary, model_notes.Notes(class_names=list(class_names), square=square))


def draw_architecture(model: keras.Model, path: Path) -> None:
    """Draw the network with its shapes, where graphviz is installed; say what to install where it is not."""
    if shutil.which("dot") is None:
        log.warning(
            "%s is left out: it needs graphviz (Debian, Ubuntu: apt-get install graphviz; macOS: brew install it)",
            path.name,
        )
        return
    import keras

    with atomic_path(path) as temporary:
        # Keras's own choice, right angles, makes graphviz abort on networks with residual paths.
        keras.utils.plot_model(
            model, to_file=str(temporary), show_shapes=True, show_layer_names=True, show_trainable=True, dpi=300,
            splines="polyline",
        )  # fmt: skip
