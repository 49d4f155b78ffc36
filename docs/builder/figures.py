"""Figures of the site: each is saved for the light and for the dark scheme, and shown by the one that is on."""

from __future__ import annotations

import io

import keras
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from builder.files import LANGUAGES, write

INK = {"light": "#2b2d33", "dark": "#dfe1e8"}
FILL = "#5c7cfa"


def save(figure: Figure, path: str, says: str = "", languages: tuple[str, ...] = LANGUAGES) -> str:
    """Write a figure for both schemes and give the Markdown that shows it, see `image`.

    Args:
        figure: A matplotlib figure; text, axes and ticks take the scheme's colour.
        path: Where, relative to the language's folder, without ending.
        says: What it shows, for those who do not see it.
        languages: For which languages.
    """
    for scheme, colour in INK.items():
        ink(figure, colour)
        buffer = io.BytesIO()
        figure.savefig(
            buffer, format="png", dpi=110, bbox_inches="tight", transparent=True, metadata={"Software": None}
        )
        write(f"{path}-{scheme}.png", buffer.getvalue(), languages)
        figure.set_layout_engine("none")  # Both have the same places, which take long to find.
    return image(path, says)


def image(path: str, says: str) -> str:
    """Two images, of which the theme shows one; their links are relative to the figure's own folder."""
    name = path.rpartition("/")[2]
    return "\n".join(f"![{says}]({name}-{scheme}.png#only-{scheme})" for scheme in INK)


def ink(figure: Figure, colour: str) -> None:
    """Colour what is neither data nor picture."""
    for text in figure.findobj(Text):
        if text.get_bbox_patch() is None:
            text.set_color(colour)
    for axes in figure.axes:
        axes.tick_params(colors=colour, which="both")
        for spine in axes.spines.values():
            spine.set_edgecolor(colour)
        legend = axes.get_legend()
        if legend is not None:
            legend.get_frame().set_facecolor("none")


def network(model: keras.Model) -> Figure:
    """A network as boxes: one for each size an image has on its way, one for each dense layer.

    A box is as high as the image (on a square-root scale) and as wide as it has channels (on a logarithmic one).
    """
    channels: dict[tuple[int, int], int] = {}
    boxes: list[tuple[str, float, float]] = []
    dense: list[tuple[str, float, float]] = []
    for layer in model.layers:
        shape = layer.output.shape[1:] if not isinstance(layer.output, list | tuple) else ()
        if len(shape) == 3:
            channels[shape[0], shape[1]] = shape[2]
        elif isinstance(layer, keras.layers.Dense):
            dense.append((f"{shape[0]:,}", 0.3 + 0.12 * np.log2(shape[0] + 1), 0.18))
    for (height, width), number in sorted(channels.items(), reverse=True):
        boxes.append((f"{height}x{width}\nx{number}", 0.25 * np.sqrt(height), 0.1 + 0.09 * np.log2(number + 1)))
    boxes += dense
    figure = Figure(figsize=(max(4.5, 1.05 * len(boxes)), 2.6))
    axes = figure.add_subplot()
    x, middle = 0.0, 2.1
    for label, height, width in boxes:
        axes.add_patch(Rectangle((x, middle - height / 2), width, height, facecolor=FILL, edgecolor="none", alpha=0.75))
        axes.text(x + width / 2, middle - height / 2 - 0.12, label, ha="center", va="top", fontsize=8)
        x += max(width, 0.45) + 0.45
    axes.set_xlim(-0.3, x)
    axes.set_ylim(min(middle - height / 2 for _, height, _ in boxes) - 0.7, middle + max(b[1] for b in boxes) / 2 + 0.1)
    axes.axis("off")
    return figure
