"""The table of architectures: names, facts and where each builder lives.

Reading the table costs nothing: builders are imported when `get` asks for one, and entry points of the
group `zoo.architectures` are read at lookup, never at import.
"""

from __future__ import annotations

import fnmatch
import functools
import importlib
import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, Any

from zoo import plugins
from zoo.suggest import closest

if TYPE_CHECKING:
    import keras

Builder = Callable[..., "keras.Model"]
GROUP = "zoo.architectures"


@dataclass(frozen=True)
class Info:
    """Facts about one architecture, at its default input shape and number of classes.

    Attributes:
        name: Registry name; also the file name of its page.
        source: Where the architecture was published.
        use: What it is for, in one line.
        input_shape: (height, width, channels) of the raw 0-255 image.
        classes: Number of classes it tells apart.
        parameters: Weights and biases, trainable or not.
        macs: Multiply-accumulate operations in one forward pass of one image.
        dataset: The TFDS name of the data set its recipe uses by default.
        weights_licence: Licence of the pretrained weights; "none" where the net starts from scratch.
        base: Name of the pretrained base it is built on, see `zoo.pretrained.bases`; empty where it has none.
    """

    name: str
    source: str
    use: str
    input_shape: tuple[int, int, int] | None = None
    classes: int | None = None
    parameters: int | None = None
    macs: int | None = None
    dataset: str | None = None
    weights_licence: str = "none"
    base: str = ""


_VGG_LICENCE = "CC BY 4.0 (Visual Geometry Group, University of Oxford)"

_KERAS_LICENCE = "MIT (Keras applications)"

_TABLE = (
    Info(
        name="fashion_cnn",
        source="Hon Gong Machine Learning + Deep Learning (Hanbit Media), section 8-2",
        use="A small CNN for grey 28x28 images: the first one to train",
        input_shape=(28, 28, 1),
        classes=10,
        parameters=333_526,
        macs=4_153_064,
        dataset="fashion_mnist",
    ),
    Info(
        name="mnist_functional",
        source="Lecture notes on CNNs after Deep Learning with Python, section 8.1",
        use="Three valid convolutions written with the functional API",
        input_shape=(28, 28, 1),
        classes=10,
        parameters=93_322,
        macs=2_794_240,
        dataset="mnist",
    ),
    Info(
        name="mnist_wide",
        source="Lecture notes on CNNs, 'the network drawn as a picture'",
        use="Shows where parameters go: ten million, nearly all in one dense layer",
        input_shape=(28, 28, 1),
        classes=10,
        parameters=10_259_274,
        macs=14_075_648,
        dataset="mnist",
    ),
    Info(
        name="keras_mat_lenet",
        source="3-Minute Deep Learning with Keras (Keras-mat), chapter 4",
        use="Two convolutions and one hidden layer, for grey digits or colour photos",
        input_shape=(32, 32, 3),
        classes=10,
        parameters=1_626_442,
        macs=16_835_200,
        dataset="cifar10",
    ),
    Info(
        name="dogs_vs_cats_aug",
        source="Deep Learning with Python, 2nd ed., section 8.2",
        use="A five-convolution net for few photos, trained from scratch with augmentation",
        input_shape=(180, 180, 3),
        classes=2,
        parameters=991_041,
        macs=415_288_960,
        dataset="cats_vs_dogs",
    ),
    Info(
        name="vgg16_feature_extract",
        source="Deep Learning with Python, 2nd ed., section 8.3.1; VGG16: arXiv:1409.1556",
        use="A frozen VGG16 base under a new head: strong results from few photos",
        input_shape=(180, 180, 3),
        classes=2,
        parameters=17_992_001,
        macs=9_742_404_864,
        dataset="cats_vs_dogs",
        weights_licence=_VGG_LICENCE,
        base="vgg16",
    ),
    Info(
        name="vgg16_finetune",
        source="Deep Learning with Python, 2nd ed., section 8.3.2; VGG16: arXiv:1409.1556",
        use="The same net with block 5 thawed, to be trained at a low rate",
        input_shape=(180, 180, 3),
        classes=2,
        parameters=17_992_001,
        macs=9_742_404_864,
        dataset="cats_vs_dogs",
        weights_licence=_VGG_LICENCE,
        base="vgg16",
    ),
    Info(
        name="xception_feature_extract",
        source="Deep Learning with Python, 3rd ed., chapter 8; Xception: arXiv:1610.02357",
        use="A frozen Xception base under a new head, with a third of the work of VGG16",
        input_shape=(180, 180, 3),
        classes=2,
        parameters=21_386_281,
        macs=2_859_805_104,
        dataset="cats_vs_dogs",
        weights_licence=_KERAS_LICENCE,
        base="xception",
    ),
    Info(
        name="xception_finetune",
        source="Deep Learning with Python, 3rd ed., chapter 8; Xception: arXiv:1610.02357",
        use="The same net with its base thawed, to be trained at a low rate",
        input_shape=(180, 180, 3),
        classes=2,
        parameters=21_386_281,
        macs=2_859_805_104,
        dataset="cats_vs_dogs",
        weights_licence=_KERAS_LICENCE,
        base="xception",
    ),
    Info(
        name="dogs_vs_cats_gap",
        source="Deep Learning with Python, 3rd ed., chapter 8",
        use="Five convolutions and a global average, trained from scratch with augmentation",
        input_shape=(180, 180, 3),
        classes=2,
        parameters=1_569_089,
        macs=444_178_304,
        dataset="cats_vs_dogs",
    ),
    Info(
        name="transfer",
        source="Deep Learning with Python, 2nd ed., section 8.3, with any base",
        use="Any pretrained base under a new head: keras.applications, KerasHub, or a network of your own",
        input_shape=(224, 224, 3),
        classes=2,
        parameters=3_414_305,
        macs=383_908_832,
        dataset="cats_vs_dogs",
        weights_licence="its base's: Apache-2.0 with efficientnet_lite0",
        base="efficientnet_lite0",
    ),
    Info(
        name="efficientnet_lite0",
        source="EfficientNet-Lite (Google, 2020) after EfficientNet: arXiv:1905.11946",
        use="Small and good: names 1,000 things as it comes, or learns your classes from few photos",
        input_shape=(224, 224, 3),
        classes=1000,
        parameters=4_694_024,
        macs=385_187_552,
        dataset="imagenet2012",
        weights_licence="Apache-2.0",
        base="efficientnet_lite0",
    ),
)
BUILTIN: dict[str, Info] = {info.name: info for info in _TABLE}
_registered: dict[str, tuple[Info, Builder]] = {}


def get(
    name: str,
    *,
    input_shape: tuple[int, int, int] | None = None,
    classes: int | None = None,
    weights: Any = ...,
    **builder_keywords: Any,
) -> keras.Model:
    """Build an architecture by name.

    Args:
        name: A name from `zoo.names()`.
        input_shape: (height, width, channels) of the images, raw pixels in 0-255. Default: the source's.
        classes: Number of classes, 2 or more. Default: the source's.
        weights: `None` for random weights, a path to a weights file, or `"imagenet"` where the
            architecture has a pretrained base. Default: what the architecture's page says.
        **builder_keywords: Keywords of that architecture's own `build`, such as `dropout=0.3`.

    Returns:
        A flat, uncompiled, plain `keras.Model` from raw pixels to class probabilities.

    Raises:
        ValueError: For an unknown name (with up to three suggestions), a name that is taken twice, an entry point that
            cannot be loaded, an unknown keyword, or a shape or number of classes the network cannot take.
        zoo.weights.WeightsMissing: When pretrained weights are wanted and no source has them.
        zoo.weights.WeightsCorrupt: When a weights file fails its check.
    """
    build = _builder(name)
    given = {"input_shape": input_shape, "classes": classes}
    keywords = {key: value for key, value in given.items() if value is not None} | builder_keywords
    if weights is not ...:
        keywords["weights"] = weights
    signature = inspect.signature(build)
    accepted = signature.parameters
    if keywords.get("weights", ...) is None and "weights" not in accepted:
        del keywords["weights"]  # It starts from random weights anyway.
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in accepted.values())
    if (unknown := sorted(set(keywords) - set(accepted))) and not takes_any:
        raise ValueError(
            f"The architecture {name!r} has no keyword {', '.join(map(repr, unknown))}. "
            f"It takes: {', '.join(accepted)}."
        )
    try:
        signature.bind(**keywords)
    except TypeError as error:
        raise ValueError(
            f"The builder of {name!r} cannot be called with {', '.join(keywords)}: {error}. Write it as "
            "def build(*, input_shape, classes, weights=None); what else it needs, a recipe gives with model={...}."
        ) from error
    return build(**keywords)


def names(pattern: str | None = None) -> list[str]:
    """Names of all architectures, sorted; with a shell-style `pattern` such as `"vgg*"`, those that match it."""
    found = sorted({*BUILTIN, *_registered, *plugins.names(GROUP)})
    return found if pattern is None else fnmatch.filter(found, pattern)


def info(name: str) -> Info:
    """Facts about an architecture, without building it.

    Raises:
        ValueError: For an unknown name (with up to three suggestions), one that is taken twice, or an entry point that
            cannot be loaded.
    """
    point = _plugin(name)
    if name in BUILTIN:
        return BUILTIN[name]
    if name in _registered:
        return _registered[name][0]
    if point is None:
        raise _unknown(name)
    return _loaded(point)[0]


def register(name: str, **facts: Any) -> Callable[[Builder], Builder]:
    """Decorate a builder so that `zoo.get(name)` finds it.

    Args:
        name: The new name. Taken names are refused.
        **facts: Any field of `Info` but `name`; `source` and `use` default to the builder's module and docstring.

    Returns:
        The decorator; it returns the builder unchanged.

    Raises:
        ValueError: When the name is taken.
    """

    def decorate(build: Builder) -> Builder:
        if name in names():
            raise ValueError(f"An architecture named {name!r} is registered already. Choose another name.")
        described = {"source": _origin(build), "use": _first_line(build)} | facts
        _registered[name] = (Info(name=name, **described), build)
        return build

    return decorate


def _builder(name: str) -> Builder:
    point = _plugin(name)
    if name in BUILTIN:
        return importlib.import_module(f"zoo.architectures.{name}").build
    if name in _registered:
        return _registered[name][1]
    if point is None:
        raise _unknown(name)
    return _loaded(point)[1]


def _plugin(name: str) -> EntryPoint | None:
    """The entry point of a name that nobody else has."""
    if not isinstance(name, str | os.PathLike):
        raise ValueError(f"The name of an architecture must be a string. Got {name!r} instead.")
    ours = "the zoo itself" if name in BUILTIN else _registered[name][0].source if name in _registered else ""
    return plugins.find(GROUP, name, ours=ours)


def _loaded(point: EntryPoint) -> tuple[Info, Builder]:
    """An entry point's facts and builder: it is a builder, or has `build` and `INFO`."""
    found = plugins.load(point)
    facts = getattr(found, "INFO", None)
    build = found if facts is None and callable(found) else getattr(found, "build", None)
    if not callable(build) or not isinstance(facts, Info | None):
        raise ValueError(
            f"The entry point {point.name!r} of {GROUP}, {plugins.in_words(point)}, must be a builder, or an object "
            f"with build and INFO, a zoo.Info. Got {found!r} instead."
        )
    if facts is None:
        return Info(name=point.name, source=_origin(build), use=_first_line(build)), build
    return replace(facts, name=point.name), build


def _unknown(name: str) -> ValueError:
    hint = closest(str(name), names())
    return ValueError(f"No architecture named {str(name)!r}.{hint} zoo.names() lists all {len(names())}.")


def module_of(build: Builder) -> str:
    """The module that a builder was written in; a `functools.partial` was written where its function was."""
    return _written(build).__module__


def _written(build: Any) -> Any:
    """What has a builder's name and docstring: the function of a partial, the class of an object with `__call__`."""
    while isinstance(build, functools.partial):
        build = build.func
    return build if hasattr(build, "__qualname__") else type(build)


def _origin(build: Builder) -> str:
    written = _written(build)
    return f"{written.__module__}.{written.__qualname__}"


def _first_line(build: Builder) -> str:
    return (inspect.getdoc(_written(build)) or "").split("\n")[0]
