"""See what a network learned: where it looked on a picture, what its layers see, what its filters answer to.

RUN is the folder of a finished run, or a saved flat Keras model of anybody's (`--range` says which values it takes).
Pictures go to --out.

Examples:
    python -m recipes.explain runs/vgg16_finetune/20260101T120000Z-seed42 cat.jpg dog.jpg
    python -m recipes.explain runs/fashion_cnn/20260101T120000Z-seed42 shoe.png --features conv1,conv2
    python -m recipes.explain runs/fashion_cnn/20260101T120000Z-seed42 --filters conv1
    python -m recipes.explain mobilenet.keras cat.jpg --range -1 1 --layer Conv_1
    python -m recipes.explain --sobel shoe.png runs/fashion_cnn/20260101T120000Z-seed42
    python -m recipes.explain --arithmetic vgg16_finetune
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from recipes.console.command import Parser, guarded
from recipes.console.screen import RESULT, Screen, flush_stdout
from recipes.errors import DataFault, UsageFault
from recipes.evaluate.probabilities import PROBABILITY
from recipes.files import atomic

if TYPE_CHECKING:
    import keras

    from recipes.inference.predictor import Predictor

log = logging.getLogger("recipes")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and give its exit code; errors are one line on stderr."""
    return guarded(_command, arguments)


def parser() -> Parser:
    """The command line."""
    parse = Parser("explain", __doc__ or "")
    parse.add_argument("run", nargs="?", metavar="RUN", help="the folder of a finished run, or a saved Keras model")
    parse.add_argument("images", nargs="*", type=Path, metavar="IMAGE", help="photos to explain the answer on")
    parse.add_argument("--layer", metavar="NAME", help="the convolution for Grad-CAM (default: the last)")
    parse.add_argument("--features", metavar="NAME,...", help="show the feature maps of these layers instead")
    parse.add_argument("--filters", metavar="NAME", help="show what the filters of a convolution answer to")
    parse.add_argument("--sobel", type=Path, metavar="IMAGE", help="find the edges of an image by hand")
    parse.add_argument(
        "--arithmetic", metavar="NAME", help="parameters and cost of an architecture, run or saved model"
    )
    parse.add_argument(
        "--range", type=float, nargs=2, default=(0.0, 255.0), metavar=("LOW", "HIGH"), help="values a saved model takes"
    )
    parse.add_argument("--out", type=Path, default=Path("explained"), metavar="DIR", help="default: explained")
    parse.add_argument("--json", action="store_true", help="--arithmetic as one JSON line")
    parse.add_argument("--markdown", action="store_true", help="--arithmetic as a Markdown table")
    parse.add_import()
    return parse


def _command(arguments: Sequence[str] | None) -> int:
    options = parser().parse(arguments)
    if not options.range[0] < options.range[1]:
        raise UsageFault("--range wants the lowest value and the highest, such as --range -1 1.")
    Screen(to_stderr=options.json)
    if options.arithmetic:
        _arithmetic(options)
    elif options.sobel:
        _sobel(options)
    elif options.run is None:
        raise UsageFault("Which run? --help shows what can be explained.")
    elif options.filters:
        _filters(options)
    elif not options.images:
        raise UsageFault("Which image? Or --filters NAME, or --arithmetic NAME.")
    else:
        _images(options)
    flush_stdout()
    return 0


def _arithmetic(options: argparse.Namespace) -> None:
    import zoo
    from recipes.console.backend import load_backend

    load_backend()
    if options.arithmetic in zoo.names():
        model = zoo.get(options.arithmetic, weights=None)
    else:
        model = subject(options.arithmetic, options.range).model
    try:
        found = zoo.arithmetic(model)
    except ValueError as error:
        raise UsageFault(str(error)) from error
    if options.json:
        print(json.dumps(found.as_dict(), ensure_ascii=False))
        return
    if options.markdown:
        log.log(RESULT, "%s", found.markdown().rstrip())
        return
    rows = found.cells()
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        log.log(RESULT, "%s", "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _sobel(options: argparse.Namespace) -> None:
    from recipes.report.figures import explanations as pictures
    from zoo.filters import sobel

    pixels = _decoded(options.sobel, None, 1)[..., 0]
    kernels = None
    if options.run is not None:
        from recipes.console.backend import load_backend

        load_backend()
        model = subject(options.run, options.range).model
        kernels = convolution(model, None).get_weights()[0]
    _write(options.out, f"{options.sobel.stem}-sobel.png", pictures.sobel_figure(pixels, sobel(pixels), kernels))


def _filters(options: argparse.Namespace) -> None:
    from recipes.console.backend import load_backend
    from recipes.inference import activation_maximization
    from recipes.report.figures import explanations as pictures

    load_backend()
    predictor = subject(options.run, options.range)
    layer = convolution(predictor.model, options.filters)
    if layer is convolution(predictor.model, None):
        figure = pictures.kernels_figure(layer.get_weights()[0], f"{predictor.model.name}, kernels of {layer.name}")
    else:
        found = activation_maximization.excite(predictor.model, layer.name, value_range=predictor.value_range)
        figure = pictures.excited_figure(found, f"{predictor.model.name}: what excites {layer.name} most")
    _write(options.out, f"{layer.name}-filters.png", figure)


def _images(options: argparse.Namespace) -> None:
    from recipes.console.backend import load_backend
    from recipes.inference import gradcam
    from recipes.report.figures import explanations as pictures

    load_backend()
    predictor = subject(options.run, options.range)
    wanted = options.features.split(",") if options.features else []
    for name in [*wanted, *([options.layer] if options.layer else [])]:
        _layer(predictor.model, name)
    read = 0
    for path in options.images:
        height, width, channels = predictor.image_shape
        try:
            pixels = _decoded(path, (height, width), channels)
        except DataFault as fault:
            log.warning("%s", fault)
            continue
        read += 1
        row = predictor.probabilities(pixels[np.newaxis])[0]
        answer = int(row.argmax())
        said = f"{predictor.class_names[answer]} {_said(row[answer], predictor.kind)}"
        if wanted:
            for name, maps in zip(wanted, _features(predictor, pixels, wanted), strict=True):
                figure = pictures.features_figure(pixels, maps, f"{path.name}: {said}; feature maps of {name}")
                _write(options.out, f"{path.stem}-{name}.png", figure)
            continue
        try:
            (heat,) = gradcam.heatmaps(predictor.model, predictor.scaled(pixels)[np.newaxis], [answer], options.layer)
        except ValueError as error:
            raise UsageFault(str(error)) from error
        _write(options.out, f"{path.stem}-gradcam.png", pictures.gradcam_figure(pixels, heat, f"{path.name}: {said}"))
    if not read:
        raise DataFault("None of the images could be read.")


def _said(value: float, kind: str) -> str:
    return f"{100 * value:.1f}%" if kind == PROBABILITY else f"score {value:.3g}"


def subject(target: str, value_range: tuple[float, float]) -> Predictor:
    """The network of a finished run, or a saved one.

    Args:
        target: A run folder, or a `.keras` or `.h5` file.
        value_range: Lowest and highest value that a saved model takes; a run's takes raw 0-255 pixels.

    Raises:
        UsageFault: When there is neither.
        CorruptFault: When it cannot be loaded.
    """
    import keras

    from recipes.files import model_file
    from recipes.inference import predictor

    path = Path(target)
    if path.is_dir():
        return predictor.load(path)
    if not path.is_file():
        raise UsageFault(f"{target!r} is neither the folder of a run nor a saved Keras model.")
    model = model_file.read(path)
    if not isinstance(model, keras.Sequential | keras.Function):
        raise UsageFault(f"{path} holds a {type(model).__name__}, whose layers cannot be followed. Save it functional.")
    if not model.built:
        raise UsageFault(f"{path} does not say which images it takes. Give it a keras.Input and save it again.")
    if len(model.inputs) != 1 or len(model.input_shape) != 4 or None in model.input_shape[1:]:
        raise UsageFault(f"{path} does not take images of one size: its input is {model.input_shape}.")
    if len(model.outputs) != 1 or len(model.output_shape) != 2:
        raise UsageFault(f"{path} does not classify: its output is {model.output_shape}.")
    classes = max(model.output_shape[-1], 2)
    return predictor.Predictor(model, tuple(f"class {index}" for index in range(classes)), None, value_range)


def convolution(model: keras.Model, name: str | None) -> keras.layers.Layer:
    """A convolution by name; `None` for the first.

    Raises:
        UsageFault: When there is no such layer, or it is no convolution; the message lists those there are.
    """
    import keras

    found = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    chosen = next((layer for layer in found if name in (None, layer.name)), None)
    if chosen is None:
        wanted = "" if name is None else f" {name!r}"
        raise UsageFault(f"{model.name} has no convolution{wanted}. {_listed(model, found)}")
    return chosen


def _listed(model: keras.Model, layers: Sequence[keras.layers.Layer]) -> str:
    """What there is to choose from, and which networks inside the network are not looked into."""
    import keras

    inner = [layer.name for layer in model.layers if isinstance(layer, keras.Model)]
    into = f" Networks inside it are not looked into: {', '.join(inner)}." if inner else ""
    return f"There are: {', '.join(layer.name for layer in layers) or 'none'}.{into}"


def _layer(model: keras.Model, name: str) -> keras.layers.Layer:
    found = next((layer for layer in model.layers if layer.name == name), None)
    if found is None:
        raise UsageFault(f"{model.name} has no layer {name!r}. {_listed(model, model.layers)}")
    return found


def _features(predictor: Predictor, pixels: np.ndarray, names: Sequence[str]) -> list[np.ndarray]:
    """(height, width, channels) of what each layer gives for an image."""
    import keras

    outputs = [_layer(predictor.model, name).output for name in names]
    if flat := [name for name, output in zip(names, outputs, strict=True) if len(output.shape) != 4]:
        raise UsageFault(f"The layers {', '.join(flat)} give no feature maps.")
    maps = keras.Model(predictor.model.inputs[0], outputs).predict_on_batch(predictor.scaled(pixels)[np.newaxis])
    return [np.asarray(one)[0] for one in (maps if isinstance(maps, list) else [maps])]


def _decoded(path: Path, size: tuple[int, int] | None, channels: int) -> np.ndarray:
    """An image file's pixels; `None` keeps its size, up to 256 pixels.

    Raises:
        DataFault: When it cannot be read.
    """
    from recipes.data import decode

    try:
        content = path.read_bytes()
        if size is None:
            with decode.opened(content) as image:
                shrink = min(1, 256 / max(image.size))
                size = max(3, round(shrink * image.height)), max(3, round(shrink * image.width))
        return decode.decode(content, size, channels)
    except OSError as error:
        raise DataFault(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise DataFault(f"{path} cannot be read: {error}") from error


def _write(folder: Path, name: str, figure: Any) -> None:
    from recipes.report.figures.style import png

    with atomic.disk_faults(folder):
        folder.mkdir(parents=True, exist_ok=True)
    atomic.write(folder / name, png(figure))
    log.log(RESULT, "%s", folder / name)


if __name__ == "__main__":
    sys.exit(main())
