"""What a network learned, as pictures: where it looked on a photo, what its layers see, what its filters answer to."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import keras
import numpy as np
from matplotlib.figure import Figure

import zoo
from recipes.data import decode
from recipes.errors import DataFault, UsageFault
from recipes.evaluate.operating_point import ranked
from recipes.evaluate.probabilities import PROBABILITY
from recipes.inference import activation_maximization, gradcam, saved
from recipes.inference.predictor import Predictor
from recipes.report.figures import explanations as pictures
from zoo.filters import sobel
from zoo.text.suggest import closest

# Of a deep network: more names in a line are not read.
MOST_LISTED = 20
log = logging.getLogger("recipes")


def subject(target: str, value_range: tuple[float, float]) -> Predictor:
    """The network of a finished run, a saved one, or one that comes trained.

    Args:
        target: A run folder, a `.keras` or `.h5` file, or a name that `recipes.load` takes.
        value_range: Lowest and highest value that a saved model takes; a run's takes raw 0-255 pixels.

    Raises:
        UsageFault: When there is neither.
        CorruptFault: When it cannot be loaded.
    """
    path = Path(target)
    if path.is_dir() or saved.comes_trained(target):
        return saved.load(target)
    if not path.is_file():
        raise UsageFault(
            f"{target!r} is neither the folder of a run, nor a saved Keras model, nor a network that comes trained."
        )
    return saved.load_file(path, value_range)


def arithmetic(target: str, value_range: tuple[float, float]) -> zoo.Arithmetic:
    """Parameters and cost of each layer of an architecture, of a run's network, or of a saved model.

    Args:
        target: A name of `zoo.names()`, or what `subject` takes.
        value_range: As for `subject`.

    Raises:
        UsageFault: When its layers cannot be followed.
    """
    model = zoo.get(target, weights=None) if target in zoo.names() else subject(target, value_range).model
    try:
        return zoo.arithmetic(model)
    except ValueError as error:
        raise UsageFault(str(error)) from error


def edges(path: Path, model: keras.Model | None) -> Figure:
    """The edges of an image file, found by hand; beside them the first kernels of a network, if there is one."""
    pixels = decoded(path, None, 1)[..., 0]
    kernels = None if model is None else convolution(model, None).get_weights()[0]
    return pictures.sobel_figure(pixels, sobel(pixels), kernels)


def filters(network: Predictor, name: str) -> tuple[str, Figure]:
    """What the filters of a convolution answer to: of the first one its kernels, of others what excites them most.

    Returns:
        The layer's name and the picture.
    """
    model = network.model
    layer = convolution(model, name)
    if layer is convolution(model, None):
        return layer.name, pictures.kernels_figure(layer.get_weights()[0], f"{model.name}, kernels of {layer.name}")
    images = activation_maximization.excite(model, layer.name, value_range=network.value_range)
    return layer.name, pictures.excited_figure(images, f"{model.name}: what excites {layer.name} most")


def explained(
    network: Predictor, paths: Sequence[Path], layer: str | None, features: Sequence[str]
) -> Iterator[tuple[str, Figure]]:
    """Pictures of what a network says of photos; one that cannot be read is named and passed over.

    Args:
        network: Whose answers.
        paths: The photos.
        layer: The convolution for Grad-CAM; `None` is the last.
        features: Layers whose feature maps are shown in place of Grad-CAM.

    Yields:
        A name for each picture, and the picture.

    Raises:
        UsageFault: When there is no such layer, or it gives no maps.
        DataFault: When no photo could be read.
    """
    for name in [*features, *([layer] if layer else [])]:
        _layer(network.model, name)
    read = 0
    height, width, channels = network.image_shape
    for path in paths:
        try:
            pixels = decoded(path, (height, width), channels, network.square)
        except DataFault as fault:
            log.warning("%s", fault)
            continue
        read += 1
        rows = network.probabilities(pixels[np.newaxis])
        row, answer = rows[0], int(ranked(rows, network.point)[0, 0])
        title = f"{path.name}: {network.class_names[answer]} {in_words(row[answer], network.kind)}"
        if features:
            for name, maps in zip(features, _feature_maps(network, pixels, features), strict=True):
                yield f"{path.stem}-{name}", pictures.features_figure(pixels, maps, f"{title}; feature maps of {name}")
            continue
        try:
            (heat,) = gradcam.heatmaps(network.model, network.scaled(pixels)[np.newaxis], [answer], layer)
        except ValueError as error:
            raise UsageFault(str(error)) from error
        yield f"{path.stem}-gradcam", pictures.gradcam_figure(pixels, heat, title)
    if not read:
        raise DataFault("None of the images could be read.")


def in_words(value: float, kind: str) -> str:
    """A probability in percent, or a score."""
    return f"{100 * value:.1f}%" if kind == PROBABILITY else f"score {value:.3g}"


def convolution(model: keras.Model, name: str | None) -> keras.layers.Layer:
    """A convolution by name; `None` for the first.

    Raises:
        UsageFault: When there is no such layer, or it is no convolution; the message lists those there are.
    """
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    chosen = next((layer for layer in convolutions if name in (None, layer.name)), None)
    if chosen is None:
        wanted = "" if name is None else f" {name!r}"
        raise UsageFault(f"{model.name} has no convolution{wanted}.{_listed(model, convolutions, name)}")
    return chosen


def _listed(model: keras.Model, layers: Sequence[keras.layers.Layer], name: str | None) -> str:
    """What there is to choose from, like `name` first, and which networks inside the network are not looked into."""
    names = [layer.name for layer in layers]
    more = f" and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else ""
    inner = [layer.name for layer in model.layers if isinstance(layer, keras.Model)]
    into = f" Networks inside it are not looked into: {', '.join(inner)}." if inner else ""
    return f"{closest(name or '', names)} There are: {', '.join(names[:MOST_LISTED]) or 'none'}{more}.{into}"


def _layer(model: keras.Model, name: str) -> keras.layers.Layer:
    """A layer by name."""
    chosen = next((layer for layer in model.layers if layer.name == name), None)
    if chosen is None:
        raise UsageFault(f"{model.name} has no layer {name!r}.{_listed(model, model.layers, name)}")
    return chosen


def _feature_maps(predictor: Predictor, pixels: np.ndarray, names: Sequence[str]) -> list[np.ndarray]:
    """(height, width, channels) of what each layer gives for an image."""
    outputs = [_layer(predictor.model, name).output for name in names]
    if flat := [name for name, output in zip(names, outputs, strict=True) if len(output.shape) != 4]:
        raise UsageFault(f"The layers {', '.join(flat)} give no feature maps.")
    network = keras.Model(predictor.model.inputs[0], outputs)
    maps = network(predictor.scaled(pixels)[np.newaxis], training=False)
    return [keras.ops.convert_to_numpy(each)[0] for each in (maps if isinstance(maps, list) else [maps])]


def decoded(path: Path, size: tuple[int, int] | None, channels: int, square: str = "squash") -> np.ndarray:
    """An image file's pixels, brought to a size as `recipes.data.decode.fit` does it; `None` keeps its size, up to 256.

    Raises:
        DataFault: When it cannot be read.
    """
    try:
        content = decode.content_of(path)
        if size is None:
            with decode.opened(content, 256) as image:
                shrink = min(1, 256 / max(image.size))
                size = max(3, round(shrink * image.height)), max(3, round(shrink * image.width))
        return decode.decode(content, size, channels, square)
    except OSError as error:
        raise DataFault(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise DataFault(f"{path} cannot be read: {error}") from error
