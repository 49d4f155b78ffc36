"""What every architecture promises, as one check that a package of your own can call in its tests.

    from zoo.testing import check_architecture

    def test_my_net():
        check_architecture("my_net")    # a name of zoo.names(), or a builder

All that is broken is told at once, a line each.
"""

from __future__ import annotations

import functools
import inspect
import math
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import zoo

if TYPE_CHECKING:
    import keras
    import numpy as np

# Sides that are tried, in pixels, until one is large enough.
SIDES = (28, 32, 48, 64, 96, 128, 160, 224, 299)
CLASSES = 3
TOLERANCE = 1e-5


def check_architecture(
    architecture: str | Callable[..., keras.Model], *, input_shape: tuple[int, int, int] | None = None
) -> None:
    """Check that an architecture keeps what every architecture of this zoo promises.

    It takes raw 0-255 pixels and gives probabilities: a softmax, or for two classes one sigmoid unit. It is flat, has
    no Lambda, no augmentation and no optimizer; its names are the same on every build; every weight that trains has a
    gradient; a saved model loads under safe mode and answers alike; one class is refused with a ValueError. A name
    that states its parameters and multiply-accumulates has as many.

    Args:
        architecture: A name of `zoo.names()`, or a builder that takes the keywords `input_shape`, `classes` and
            `weights`.
        input_shape: (height, width, channels) to build it at. Default: small, with the channels of the builder's own.

    Raises:
        AssertionError: With every promise that is broken.
        ValueError: When the builder takes none of the small squares that are tried; give `input_shape`.
    """
    build = _builder(architecture)
    name = architecture if isinstance(architecture, str) else getattr(architecture, "__qualname__", str(architecture))
    broken: list[str] = []

    def note(check: Callable[..., Iterator[str]], *arguments: Any) -> None:
        try:
            broken.extend(check(*arguments))
        except Exception as error:  # A builder, and a network, may raise anything: it is told as what it is.
            broken.append(f"{check.__name__.strip('_').replace('_', ' ')}: {type(error).__name__}: {error}")

    if input_shape is None:
        shape, model = _smallest(architecture)
    else:
        shape, model = input_shape, build(input_shape=input_shape, classes=CLASSES, weights=None)
    for check in (_is_flat, _answers, _trains, _survives_saving):
        note(check, model)
    note(_tells_two_classes, model, build, shape)
    note(_refuses_one_class, build, shape)
    if isinstance(architecture, str):
        note(_has_what_it_states, architecture)
    if broken:
        raise AssertionError(f"The architecture {name} breaks {len(broken)} promises:\n- " + "\n- ".join(broken))


def pixels(model: keras.Model, images: int = 4) -> np.ndarray:
    """(images, height, width, channels) random raw pixels, uint8, of the size a model takes."""
    import numpy as np

    return np.random.default_rng(0).integers(0, 256, (images, *model.input_shape[1:])).astype("uint8")


def _builder(architecture: str | Callable[..., keras.Model]) -> Callable[..., keras.Model]:
    return functools.partial(zoo.get, architecture) if isinstance(architecture, str) else architecture


def small_shape(architecture: str | Callable[..., keras.Model]) -> tuple[int, int, int]:
    """(height, width, channels) of the first of a few small squares that an architecture takes.

    Args:
        architecture: A name of `zoo.names()`, or a builder.

    Raises:
        ValueError: What the builder says of the largest, where it takes none.
    """
    return _smallest(architecture)[0]


def _smallest(architecture: str | Callable[..., keras.Model]) -> tuple[tuple[int, int, int], keras.Model]:
    """That shape, and what the builder gives for it."""
    build = _builder(architecture)
    if isinstance(architecture, str):
        own = zoo.info(architecture).input_shape
    else:
        declared = inspect.signature(architecture).parameters.get("input_shape")
        own = declared.default if declared is not None and isinstance(declared.default, tuple) else None
    channels = own[-1] if own else 3
    refused = ValueError("no size was tried")
    for side in SIDES:
        try:
            return (side, side, channels), build(input_shape=(side, side, channels), classes=CLASSES, weights=None)
        except ValueError as error:
            refused = error
    raise refused


def _is_flat(model: keras.Model) -> Iterator[str]:
    import keras

    if not isinstance(model, keras.Model) or not hasattr(model, "layers") or not hasattr(model, "inputs"):
        yield f"the builder gives a {type(model).__name__}, not a functional keras.Model"
        return
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield f"{layer.name!r} is a network inside: call its layers on the tensor, so that the graph is flat"
        if isinstance(layer, keras.layers.Lambda):
            yield f"{layer.name!r} is a Lambda, which safe mode does not load: write a layer, or use keras.ops"
        if type(layer).__name__.startswith("Random") or isinstance(layer, keras.layers.GaussianNoise):
            yield f"{layer.name!r} augments: that belongs in the recipe"
    if getattr(model, "optimizer", None) is not None:
        yield "it is compiled: the recipe compiles"


def _tells_two_classes(
    model: keras.Model, build: Callable[..., keras.Model], shape: tuple[int, int, int]
) -> Iterator[str]:
    again = build(input_shape=shape, classes=2, weights=None)
    yield from _answers(again, 2)
    yield from _is_called_the_same(model, again)


def _answers(model: keras.Model, classes: int = CLASSES) -> Iterator[str]:
    import keras
    import numpy as np

    allowed = [(None, classes), (None, 1)] if classes == 2 else [(None, classes)]
    if len(model.inputs) != 1 or model.output_shape not in allowed:
        yield f"for {classes} classes it goes from {model.input_shape} to {model.output_shape}"
        return
    rows = keras.ops.convert_to_numpy(model(pixels(model)))
    if not np.isfinite(rows).all() or rows.min() < 0 or rows.max() > 1:
        yield f"from raw pixels it gives {rows.min():.3g} to {rows.max():.3g}, not probabilities"
    elif rows.shape[1] > 1 and np.abs(rows.sum(axis=1) - 1).max() > TOLERANCE:
        yield f"its probabilities for {classes} classes do not sum to 1: end in a softmax"


def _trains(model: keras.Model) -> Iterator[str]:
    import keras
    import numpy as np

    from zoo.structure.gradients import gradients

    variables = model.trainable_variables

    def loss(values: list[Any]) -> Any:
        with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))):
            rows = model(pixels(model), training=True)
        weights = np.arange(1.0, rows.shape[1] + 1.0, dtype="float32")
        return keras.ops.sum(keras.ops.multiply(keras.ops.log(rows + 1e-3), weights))

    found = gradients(loss, [keras.ops.convert_to_numpy(variable) for variable in variables])
    leads_nowhere = keras.config.backend() == "jax"  # There what leads nowhere is zeros.
    for variable, gradient in zip(variables, found, strict=True):
        if gradient is None or not np.isfinite(gradient).all() or (leads_nowhere and not gradient.any()):
            yield f"{variable.path} has no finite gradient"


def _survives_saving(model: keras.Model) -> Iterator[str]:
    import keras
    import numpy as np

    before = keras.ops.convert_to_numpy(model(pixels(model)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        loaded = keras.saving.load_model(path, safe_mode=True)
    difference = float(np.abs(keras.ops.convert_to_numpy(loaded(pixels(model))) - before).max())
    if not difference <= TOLERANCE:
        yield f"saved and loaded it answers otherwise, by {difference:.2g}"


def _is_called_the_same(model: keras.Model, again: keras.Model) -> Iterator[str]:
    names = [[layer.name for layer in one.layers if layer.weights] for one in (model, again)]
    for first, second in zip(*names, strict=False):
        if first != second:
            yield f"the layer {first!r} is called {second!r} when it is built again: name it"
    if math.prod(map(len, names)) and len(names[0]) != len(names[1]):
        yield f"built again it has {len(names[1])} layers with weights in place of {len(names[0])}"


def _refuses_one_class(build: Callable[..., Any], shape: tuple[int, int, int]) -> Iterator[str]:
    try:
        build(input_shape=shape, classes=1, weights=None)
    except ValueError:
        return
    yield "it takes one class without a ValueError (zoo.checks.check_request refuses it)"


def _has_what_it_states(name: str) -> Iterator[str]:
    from zoo.structure.macs import count_macs

    facts = zoo.info(name)
    if facts.parameters is None and facts.macs is None:
        return
    model = zoo.get(name, weights=None)
    if facts.parameters not in (None, model.count_params()):
        yield f"it states {facts.parameters:,} parameters and has {model.count_params():,}"
    if facts.macs not in (None, count_macs(model)):
        yield f"it states {facts.macs:,} multiply-accumulates and has {count_macs(model):,}"
