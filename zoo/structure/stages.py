"""The stages of a network: from one halving of the image to the next, found from the graph.

A stage begins with the step that makes height and width smaller, and ends before the next one, where everything passes
one tensor: a residual path is never cut. VGG16 has five, and the last is block 5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.structure.graph import calls, narrow

if TYPE_CHECKING:
    import keras

PREFIX = "stage:"


def stages(model: keras.Model) -> list[list[str]]:
    """The layers with something to train of each stage, from the image on, without the head (layers named `head_*`).

    Args:
        model: A flat functional network.
    """
    return [names for names, _ in _stages(model)]


def ends(model: keras.Model) -> list[str]:
    """The layer that each of the `stages` ends with: all that comes above is computed from its output."""
    return [end for _, end in _stages(model)]


def _stages(model: keras.Model) -> list[tuple[list[str], str]]:
    import keras

    layers = {layer.name: layer for layer in model.layers if not layer.name.startswith("head_")}
    found: list[tuple[list[str], str]] = [([], "")]
    part: list[str] = []
    shrinks = False
    # What the head takes from stages below does not join them: it is of the base that stages are told.
    for step, alone in narrow([step for step in calls(model) if not step.name.startswith("head_")]):
        if (layer := layers.get(step.name)) is not None:
            shrinks = shrinks or _halves(layer)
            if layer.weights and not isinstance(layer, keras.layers.Normalization) and step.name not in part:
                part.append(step.name)
        if alone:
            if shrinks:
                found.append((part, step.name))
            else:
                # What is no layer ends no stage.
                names, end = found[-1]
                found[-1] = (names + part, step.name if layer is not None else end)
            part, shrinks = [], False
    names, end = found[-1]
    found[-1] = (names + part, end)
    # What has nothing to train is no stage: the pool behind the last convolution.
    return [(names, end) for names, end in found if names]


def named(model: keras.Model, pattern: str) -> list[str]:
    """The layers of the stage that a pattern such as `"stage:-1"`, the last one, names.

    Raises:
        ValueError: When there is none; the message lists the stages.
    """
    found = stages(model)
    try:
        return found[int(pattern.removeprefix(PREFIX))]
    except (IndexError, ValueError) as error:
        listed = ", ".join(
            f"{PREFIX}{place - len(found)} is {stage[0]} to {stage[-1]}" for place, stage in enumerate(found)
        )
        raise ValueError(f"{model.name} has no {pattern!r}. There are: {listed}.") from error


def _halves(layer: keras.Layer) -> bool:
    """Whether a convolution or pool takes steps of more than one pixel, however small the image is."""
    strides = getattr(layer, "strides", 1)
    if "Transpose" in type(layer).__name__ or len(layer.output.shape) != 4:
        return False
    return max(strides if isinstance(strides, tuple | list) else [strides]) > 1
