"""Bases that another library or a person has built: opened, held, and called the same on every build."""

from __future__ import annotations

import functools
import importlib.util
import logging
import re
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.checksum import sha256_of, sha256_of_arrays
from zoo.pretrained.base import RAW, Base, Pixels
from zoo.pretrained.readers import refuse_bombs
from zoo.pretrained.weight_files import WeightsCorrupt, WeightsMissing
from zoo.structure.graph import calls
from zoo.text.error_line import first_line

if TYPE_CHECKING:
    import keras
    import numpy as np

log = logging.getLogger("zoo")
# From (height, width, channels), sizes or `None`, and weights: `None`, `"imagenet"` or a path of the library's file.
Make = Callable[[Sequence[int | None], str | None], "keras.Model"]
HUB = "hub:"


def borrowed(
    name: str, make: Make, *, pixels: Pixels = RAW, smallest: int = 1, licence: str = "", origin: str = "",
    trained_on: str = "", sha256: str = "", numbered: bool = True,
) -> Base:  # fmt: skip
    """A network of elsewhere as a base: one flat graph, without the layers that only draw random numbers.

    Args:
        name: What it is called here.
        make: Builds the network, without its head.
        pixels: What it takes.
        smallest: Fewest pixels in height and width.
        licence: Of its weights.
        origin: Where it was published.
        trained_on: The data.
        sha256: Over its arrays, where that is known before they are fetched.
        numbered: Whether layers that its builder leaves without a name are numbered from its start; else they keep the
            names that they have.
    """

    def body(prepared: keras.KerasTensor) -> keras.KerasTensor:
        return _features(make(prepared.shape[1:], None), prepared, numbered=numbered)

    def fetch(weights: str) -> list[np.ndarray]:
        import keras

        network = make((None, None, 3), weights)
        sizes = network.inputs[0].shape[1:3]
        image = keras.Input((*(size or max(smallest, 224) for size in sizes), 3))
        network = keras.Model(image, _features(network, pixels(image), numbered=numbered))
        return [array for layer in network.layers if layer.weights for array in layer.get_weights()]

    return Base(
        name=name, body=body, pixels=pixels, sha256=sha256, fetch=fetch, smallest=smallest, licence=licence,
        origin=origin, trained_on=trained_on,
    )  # fmt: skip


def _features(network: keras.Model, prepared: keras.KerasTensor, *, numbered: bool) -> keras.KerasTensor:
    from zoo.structure.flatten import flatten, only_random, without

    flat = flatten(network, prepared.shape[1:])
    if numbered:
        _number(flat)
    held = [layer.name for layer in flat.layers if only_random(layer)]
    return without(flat, held).call(prepared)


def _number(network: keras.Model) -> None:
    """Name what Keras named after its class and a running number, `conv2d_93`, from the start of the network."""
    seen: Counter[str] = Counter()
    for operation in network.operations:
        kind = re.sub(r"_\d+$", "", operation.name)
        if kind.replace("_", "") == type(operation).__name__.lower():
            operation.name = f"{kind}_{seen[kind]}" if seen[kind] else kind
            seen[kind] += 1


def hub(name: str) -> Base:
    """The backbone of a KerasHub preset, `hub:resnet_18_imagenet`, with the preset's own preparation of pixels.

    Raises:
        WeightsMissing: When KerasHub is not installed, or cannot find the preset.
    """
    if importlib.util.find_spec("keras_hub") is None:
        raise WeightsMissing(f"The backbone {name!r} needs KerasHub: pip install 'keras-zoo-recipes[hub]'")
    import keras
    import keras_hub

    preset = name.removeprefix(HUB)

    def make(shape: Sequence[int | None], weights: str | None) -> keras.Model:
        backbone = keras_hub.models.Backbone.from_preset(preset, load_weights=weights is not None)
        if len(backbone.inputs) != 1 or len(backbone.outputs) != 1:
            raise ValueError(f"The preset {preset!r} is no network from one image to one tensor.")
        return keras.Model(backbone.inputs[0], backbone.outputs[0], name=backbone.name)

    try:
        converter = keras_hub.layers.ImageConverter.from_preset(preset)
    except Exception as error:  # KerasHub and its downloaders raise what they like.
        raise WeightsMissing(
            f"KerasHub has no preset {preset!r} with a way to prepare images, or cannot fetch it: {first_line(error)}"
        ) from error
    weights = Path(preset) / "model.weights.h5"
    return borrowed(
        name, make, pixels=Pixels(_plain(converter.scale, 1.0), _plain(converter.offset, 0.0)), smallest=32,
        sha256=sha256_of(weights) if weights.is_file() else "", origin=f"KerasHub, preset {preset}",
        licence="see the preset's page", trained_on="see the preset's page",
    )  # fmt: skip


def _plain(value: float | Sequence[float] | None, default: float) -> float | tuple[float, float, float]:
    if value is None:
        return default
    if isinstance(value, int | float):
        return float(value)
    red, green, blue = value
    return float(red), float(green), float(blue)


def file(path: Path) -> Base:
    """A network of one's own in a .keras file.

    Raises:
        WeightsMissing: When there is no such file.
        WeightsCorrupt: When it cannot be loaded.
    """
    import keras

    if not path.is_file():
        raise WeightsMissing(f"No backbone at {path}. Give a .keras file.")
    try:
        refuse_bombs(path)
        network = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises whatever its readers raise.
        raise WeightsCorrupt(f"The backbone {path} cannot be loaded: {first_line(error)}") from error
    return own(network, name=str(path), sha256=sha256_of(path))


def own(network: keras.Model, *, name: str = "", sha256: str = "") -> Base:
    """A network of one's own, which takes raw pixels: all of it, or what is below its head.

    A head are the layers named `head_*`; of a network that has none and gives probabilities, its last layer with
    weights and what follows, which the log says.

    Raises:
        ValueError: When it is not functional or sequential, or has not one input and one output.
    """
    import keras

    from zoo.structure.flatten import NotFlat, flatten, without

    if not isinstance(network, keras.Model) or not hasattr(network, "outputs") or len(network.outputs or ()) != 1:
        raise ValueError(
            "The 'backbone' parameter must be the name of a base, a .keras file, or a functional keras.Model with one "
            f"input and one output. Got {network!r} instead."
        )
    # A sequential network becomes a graph, and what goes into the head is what the base finds.
    head = [layer for layer in network.layers if layer.name.startswith("head_")]
    features = head[0].input if head else network.outputs[0]
    below = keras.Model(network.inputs[0], features, name=network.name)
    if not head:
        with suppress(NotFlat):  # What cannot be opened is refused when it is called.
            flat = flatten(below, below.input_shape[1:])  # The classifier may be in a network inside.
            if classifier := _classifier(flat):
                _say_left_out(name or network.name, classifier[-1])
                below = without(flat, classifier)

    def make(shape: Sequence[int | None], weights: str | None) -> keras.Model:
        copy = keras.models.clone_model(below)
        if weights is not None:
            copy.set_weights(below.get_weights())
        wanted = copy.inputs[0].shape[1:]
        if any(None not in (one, other) and one != other for one, other in zip(wanted, shape, strict=False)):
            raise ValueError(
                f"The backbone {name or network.name} takes images of {wanted}. Got {tuple(shape)} instead."
            )
        return copy

    return borrowed(
        name or network.name, make, sha256=sha256 or sha256_of_arrays(below.get_weights()), numbered=False,
        origin="a network of one's own", licence="its author's", trained_on="its author's data",
    )  # fmt: skip


def _classifier(network: keras.Model) -> list[str]:
    """Of a network that ends in a softmax or in sigmoids the last layer with weights, behind all that follows it.

    Returns:
        Their names; none where the network ends otherwise, or uses one of them twice.
    """
    import keras

    steps = {step.key: step for step in calls(network)}
    operations = {operation.name: operation for operation in network.operations}
    step = next(step for step in steps.values() if step.name == network.output_names[0])
    probable = (keras.activations.softmax, keras.activations.sigmoid)
    last = operations[step.name]
    if getattr(last, "activation", None) not in probable and type(last).__name__ not in ("Softmax", "Sigmoid"):
        return []
    found = [step.name]
    while not getattr(operations[step.name], "weights", ()) and len(step.sources) == 1:
        step = steps[step.sources[0]]
        found.append(step.name)
    used = Counter(one.name for one in steps.values())
    return found if step.sources and all(used[name] == 1 for name in found) else []


@functools.cache  # A network is opened several times in a run.
def _say_left_out(name: str, layer: str) -> None:
    log.warning(
        "NOTICE the backbone %s ends in probabilities of its own: what is below its layer %r is taken.", name, layer
    )
