"""Write what a run learned into its folder. The figures come from one table; nothing is half-written."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from recipes import evaluate, report
from recipes.report.run import run_page
from recipes.report.style import png
from recipes.rundir import atomic_path, write, write_json
from recipes.watch import write_history

if TYPE_CHECKING:
    import keras

    from recipes.data import Images, Splits
    from recipes.engine import Outcome
    from recipes.manifest import Manifest

GOLDEN = 8
log = logging.getLogger("recipes")


def write_results(
    folder: Path,
    outcome: Outcome,
    tables: Mapping[str, evaluate.Predictions],
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
    save_model(outcome.model, folder / "model.keras")
    draw_architecture(outcome.model, folder / "architecture.png")

    matrix = evaluate.confusion(test)
    name = f"{manifest.recipe}, {manifest.variant}"
    title = f"{name}: test accuracy {metrics['test']['accuracy']:.4f}"
    drawn = png(report.confusion_figure(matrix, test.class_names, title))
    write(folder / "confusion_matrix.csv", evaluate.confusion_csv(matrix, test.class_names))
    write(folder / "confusion_matrix.png", drawn)
    write(folder / "curves.png", png(report.curves_figure(outcome.history, outcome.kept, title)))
    page = run_page(manifest, metrics, outcome.history, test, splits, outcome.model, drawn)
    write(folder / "report.html", page)


def write_golden(folder: Path, images: Images) -> None:
    """Keep a few test images of all classes as the network takes them: what a bundle is checked with."""
    from PIL import Image

    (folder / "golden").mkdir(exist_ok=True)
    by_class = np.argsort(images.labels, kind="stable")
    for number, place in enumerate(by_class[np.unique(np.linspace(0, len(by_class) - 1, GOLDEN).astype(int))]):
        pixels = images.pixels[place : place + 1][0]
        with atomic_path(folder / "golden" / f"{number:02d}.png") as path:
            Image.fromarray(pixels.squeeze()).save(path)


def save_model(model: keras.Model, path: Path) -> None:
    """Save a model whole, or leave the file as it was."""
    with atomic_path(path) as temporary:
        model.save(temporary)


def draw_architecture(model, path: Path) -> None:
    """Draw the network with its shapes, where graphviz is installed; say what to install where it is not."""
    if shutil.which("dot") is None:
        log.warning(
            "%s is left out: it needs graphviz (Debian, Ubuntu: apt-get install graphviz; macOS: brew install it)",
            path.name,
        )
        return
    import keras

    with atomic_path(path) as temporary:
        keras.utils.plot_model(
            model, to_file=str(temporary), show_shapes=True, show_layer_names=True, show_trainable=True, dpi=300
        )
