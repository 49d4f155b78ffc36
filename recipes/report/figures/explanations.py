"""Pictures of what a network does: heatmaps, feature maps, filters, edges."""

from __future__ import annotations

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from recipes.report.figures import style
from recipes.report.pictures import overlay
from zoo.filters import Edges

MOST_MAPS = 31
MOST_FILTERS = 64
COLUMNS = 8


def gradcam_figure(image: np.ndarray, heat: np.ndarray, title: str) -> Figure:
    """An image beside itself with a heatmap over it.

    Args:
        image: (height, width, 1 or 3), 0-255.
        heat: (height, width), 0-1.
        title: Written above.
    """
    style.apply()
    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 4.4), layout="constrained")
    _show(left, image)
    right.imshow(overlay(image, heat))
    right.set_axis_off()
    scale = plt.cm.ScalarMappable(cmap="inferno")
    figure.colorbar(scale, ax=right, shrink=0.8, ticks=[0, 1]).set_ticklabels(["nothing", "most"])
    figure.suptitle(title, fontweight="bold")
    return figure


def features_figure(image: np.ndarray, maps: np.ndarray, title: str) -> Figure:
    """The feature maps of a layer that answer most, beside the image.

    Args:
        image: (height, width, 1 or 3), 0-255.
        maps: (height, width, channels), what the layer gives.
        title: Written above.
    """
    strongest = np.argsort(-np.abs(maps).mean(axis=(0, 1)), kind="stable")[:MOST_MAPS]
    figure, panels = _grid(len(strongest) + 1, title)
    _show(panels[0], image)
    panels[0].set_title("image", fontsize=9)
    for axes, channel in zip(panels[1:], strongest, strict=True):
        axes.imshow(maps[..., channel], cmap="viridis")
        axes.set_title(str(channel), fontsize=9, fontweight="normal")
    return figure


def kernels_figure(kernels: np.ndarray, title: str) -> Figure:
    """First-layer kernels: grey around zero for one channel, colour for three.

    Args:
        kernels: (height, width, channels, filters).
        title: Written above.
    """
    number = min(kernels.shape[-1], MOST_FILTERS)
    figure, panels = _grid(number, title)
    reach = np.abs(kernels).max() or 1.0
    for index, axes in enumerate(panels):
        _kernel(axes, kernels[..., index], reach)
        axes.set_title(str(index), fontsize=9, fontweight="normal")
    return figure


def excited_figure(images: np.ndarray, title: str) -> Figure:
    """The images that excite filters most, each stretched to its own contrast.

    Args:
        images: (filters, height, width, channels), any range.
        title: Written above.
    """
    figure, panels = _grid(len(images), title)
    for index, (axes, image) in enumerate(zip(panels, images, strict=True)):
        _show(axes, _stretched(image))
        axes.set_title(str(index), fontsize=9, fontweight="normal")
    return figure


def sobel_figure(image: np.ndarray, edges: Edges, kernels: np.ndarray | None = None) -> Figure:
    """An image, its edges by hand, and the filters a network learned instead.

    Args:
        image: (height, width), 0-255.
        edges: Of the image.
        kernels: (height, width, channels, filters) of a network's first convolution, if there is one.
    """
    style.apply()
    height = 3.2 if kernels is None else 7.2
    figure = plt.figure(figsize=(12, height), layout="constrained")
    parts = figure.subfigures(1 if kernels is None else 2, 1, squeeze=False)[:, 0]
    panels = parts[0].subplots(1, 4)
    _show(panels[0], image[..., np.newaxis])
    panels[0].set_title("image")
    for axes, (name, found) in zip(panels[1:], edges._asdict().items(), strict=True):
        axes.imshow(found, cmap="gray")
        axes.set_title(name)
        axes.set_axis_off()
    if kernels is not None:
        number = min(kernels.shape[-1], 32)
        reach = np.abs(kernels).max() or 1.0
        for index, axes in enumerate(parts[1].subplots(-(-number // 16), 16, squeeze=False).flat):
            axes.set_axis_off()
            if index < number:
                _kernel(axes, kernels[..., index], reach)
        parts[1].suptitle("the filters that the first convolution learned", fontweight="bold")
    return figure


def _grid(number: int, title: str) -> tuple[Figure, list[Axes]]:
    style.apply()
    columns = min(COLUMNS, number)
    rows = -(-number // columns)
    figure, panels = plt.subplots(
        rows, columns, figsize=(max(1.45 * columns, 5), 1.65 * rows + 0.5), squeeze=False, layout="constrained"
    )
    figure.suptitle(title, fontweight="bold")
    for axes in panels.flat:
        axes.set_axis_off()
    return figure, list(panels.flat)[:number]


def _kernel(axes: Axes, kernel: np.ndarray, reach: float) -> None:
    axes.set_axis_off()
    if kernel.shape[-1] == 3:
        axes.imshow(0.5 + kernel / (2 * reach))
    else:
        axes.imshow(kernel.mean(axis=-1), cmap="gray", vmin=-reach, vmax=reach)


def _show(axes: Axes, image: np.ndarray) -> None:
    axes.set_axis_off()
    shown = np.clip(image, 0, 255).astype("uint8")
    axes.imshow(shown[..., 0] if shown.shape[-1] == 1 else shown, cmap="gray", vmin=0, vmax=255)


def _stretched(image: np.ndarray) -> np.ndarray:
    """An image around its mean with a contrast that can be seen, 0-255."""
    spread = image.std() or 1.0
    return np.clip(128 + 64 * (image - image.mean()) / spread, 0, 255)
