"""Architectures by name: ours, those that were registered, and those of other packages.

Looking costs nothing: builders are imported when `get` asks for one, and entry points of the
group `zoo.architectures` are read at lookup, never at import.
"""

from __future__ import annotations

import fnmatch
import functools
import importlib
import inspect
import os
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, Any

from zoo import plugins
from zoo.facts import BUILTIN, Info
from zoo.text.suggest import closest

if TYPE_CHECKING:
    import keras

Builder = Callable[..., "keras.Model"]
GROUP = "zoo.architectures"
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
    try:
        return build(**keywords)
    except TypeError as error:
        if name not in BUILTIN:
            raise
        asked = ", ".join(f"{keyword}={value!r}" for keyword, value in builder_keywords.items())
        raise ValueError(f"The architecture {name!r} cannot be built with {asked}: {error}.") from error


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


def weights_of(name: str) -> str | None:
    """The weights that a builder from elsewhere starts from where nobody says, such as `"imagenet"`; `None`: random."""
    declared = inspect.signature(_builder(name)).parameters.get("weights")
    own = declared.default if declared is not None and name not in BUILTIN else None
    return own if isinstance(own, str) else None


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
