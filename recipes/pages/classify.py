"""The page of one network: a photo, its classes, and where the network looked."""

from __future__ import annotations

import base64
import io
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from recipes import report
from recipes.evaluate.none_of_these import RATE
from recipes.pages import words
from recipes.pages.server import MOST_BYTES, Content
from recipes.report.doubted import Doubted, command

if TYPE_CHECKING:
    from recipes.files.manifest import Manifest
    from recipes.inference.predictor import Predictor

SHOWN = 10
# So many classes are named in the page's first line.
MOST_NAMED = 12
MOST_DOUBTED = 100


class ClassifyPage:
    """A page that says what is on a photo, by a run's network, and which labels of the run it contradicts.

    Args:
        predictor: Of the run.
        doubted: The labels, the most doubtful first.
        language: Of the page; `None` takes the browser's.
    """

    def __init__(self, predictor: Predictor, doubted: Sequence[Doubted] = (), language: str | None = None) -> None:
        self.predictor = predictor
        known = predictor.known
        self.rate = None if known is None else max(RATE, known.lowest_rate)
        self.one_at_a_time = threading.Lock()
        manifest = cast("Manifest", predictor.manifest)  # `load` gives one.
        point = manifest.operating_point
        facts = {
            "words": words.CLASSIFY,
            "language": language,
            "recipe": manifest.recipe,
            "accuracy": f"{manifest.result.test_accuracy:.4f}",
            "dataset": manifest.data.dataset,
            "names": list(predictor.class_names[:MOST_NAMED]),
            "classes": len(predictor.class_names),
            "rate": f"{100 * self.rate:.1f}%" if self.rate else None,
            "point": {"name": point.class_name, "threshold": f"{point.threshold:.4g}"}
            if point and point.threshold is not None
            else None,
            "megabytes": MOST_BYTES // 10**6,
            "doubted": f"{len(doubted):,}",
        }
        self.html = report.render(
            "serve.html",
            title=words.CLASSIFY[language or "en"]["title"],
            facts=facts,
            notice=manifest.data.notice,
            doubted=doubted[:MOST_DOUBTED],
            decide=command(manifest.data),
        ).encode()

    def shown(self, path: str) -> Content | None:
        """Nothing stands beside the page."""
        return None

    def answered(self, path: str, content: bytes) -> dict[str, Any] | None:
        """What `classify` says of a photo that is sent to `/classify`."""
        return self.classify(content) if path == "/classify" else None

    def classify(self, content: bytes) -> dict[str, Any]:
        """Classes with probabilities or scores, the surest first; the photo with and without where the network looked.

        Raises:
            ValueError: When the bytes are no photo.
        """
        from recipes.data.decode import decode
        from recipes.report.pictures import overlay

        height, width, channels = self.predictor.image_shape
        pixels = decode(content, (height, width), channels, self.predictor.square)
        with self.one_at_a_time:
            said = self.predictor.answers(pixels[np.newaxis])[0]
            classes = self.predictor.ranked(said)[:SHOWN]
            heat = self._heat(pixels, np.array([self.predictor.class_names.index(classes[0][0])]))
        return {
            "none_of_these": self.predictor.refuses(said, self.rate),
            "classes": [{"name": name, self.predictor.kind: value} for name, value in classes],
            "photo": _as_url(overlay(pixels, np.zeros_like(heat))),
            "overlay": _as_url(overlay(pixels, heat)),
        }

    def _heat(self, pixels: np.ndarray, index: np.ndarray) -> np.ndarray:
        """Where the network looked; nowhere, for one that has no convolution."""
        from recipes.inference import gradcam

        try:
            return gradcam.heatmaps(self.predictor.model, pixels[np.newaxis], index)[0]
        except ValueError:
            return np.zeros(pixels.shape[:2], "float32")


def _as_url(picture: Any) -> str:
    out = io.BytesIO()
    picture.save(out, "PNG")
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()
