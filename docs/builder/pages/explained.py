"""The pictures of docs/*/explain.md: what its commands write, of fashion_cnn with the weights of the figures."""

from __future__ import annotations

import numpy as np
from matplotlib import pyplot as plt

import zoo
from builder import figures
from builder.files import DOCS
from recipes.data.samples import FASHION_CLASSES
from recipes.data.samples.pictures import picture
from recipes.inference import explanations
from recipes.inference.predictor import Predictor

WEIGHTS = DOCS / "assets" / "widgets" / "data" / "fashion_cnn.bin"
SAMPLE = 3
FOLDER = "explain"


def build() -> None:
    """Draw them: Grad-CAM, feature maps, kernels and edges."""
    network = trained()
    path, _ = picture("fashion_mnist", SAMPLE)
    drawn = {
        "gradcam": next(explanations.explained(network, [path], None, [])),
        "features": next(explanations.explained(network, [path], None, ["conv1"])),
        "kernels": explanations.filters(network, "conv1"),
        "sobel": ("", explanations.edges(path, network.model)),
    }
    for name, (_, figure) in drawn.items():
        figures.save(figure, f"{FOLDER}/{name}")
    plt.close("all")


def trained() -> Predictor:
    """fashion_cnn as the browser has it."""
    model, numbers = zoo.get("fashion_cnn", weights=None), np.fromfile(WEIGHTS, "<f2").astype("float32")
    shapes = [weight.shape for weight in model.get_weights()]
    ends = np.cumsum([np.prod(shape) for shape in shapes])[:-1]
    model.set_weights([part.reshape(shape) for part, shape in zip(np.split(numbers, ends), shapes, strict=True)])
    return Predictor(model, tuple(FASHION_CLASSES), None)
