"""Describe a built network, and say what differs between two."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Iterator, Mapping
from typing import Any

import keras

from zoo.graph import calls

# Which number format a network trains in, and which of its layers, is the run's to choose.
_OF_THE_RUN = ("dtype", "name", "trainable")


def describe(model: keras.Model) -> dict[str, Any]:
    """The structure of a network, small and JSON-ready: its layers, what each is and takes its input from.

    Args:
        model: A flat functional network.

    Returns:
        `{"digest": sha256 of the rest, "layers": {name: {"class": ..., "inputs": [...], setting: value, ...}}}`, the
        same for every build of the same network. Weights are no part of it.
    """
    inputs: dict[str, list[str]] = {}
    for call in calls(model):
        inputs.setdefault(call.name, []).extend(name for name, _ in call.sources)
    layers = {
        entry["name"]: {"class": entry["class_name"], "inputs": inputs[entry["name"]]} | _settings(entry["config"])
        for entry in model.get_config()["layers"]
    }
    for layer in model.layers:
        if not type(layer).__module__.startswith("keras."):
            layers[layer.name]["code"] = _code(type(layer))
    layers = json.loads(json.dumps(layers, default=str))
    return {"digest": hashlib.sha256(json.dumps(layers, sort_keys=True).encode()).hexdigest(), "layers": layers}


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs between two descriptions of `describe`: a phrase for each layer or setting; empty when nothing."""
    return list(_differences(before["layers"], now["layers"]))


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name in [*before, *(name for name in now if name not in before)]:
        if name not in now:
            yield f"the layer {name!r} ({before[name]['class']}) is gone"
        elif name not in before:
            yield f"the layer {name!r} ({now[name]['class']}) is new"
        else:
            was, is_now = before[name], now[name]
            for field in sorted({*was, *is_now}):
                if was.get(field) != is_now.get(field):
                    yield f"{field} of the layer {name!r} was {was.get(field)!r} and is {is_now.get(field)!r}"


def _settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """A layer's configuration; nothing for what is not set, and each object in it in one line."""
    return {
        key: _in_short(value) for key, value in config.items() if key not in _OF_THE_RUN and value not in (None, [], {})
    }


def _code(kind: type) -> str:
    """The start of sha256 of the source of somebody's own layer; empty where there is no source."""
    try:
        return hashlib.sha256(inspect.getsource(kind).encode()).hexdigest()[:12]
    except (OSError, TypeError):
        return ""


def _in_short(value: Any) -> Any:
    if isinstance(value, Mapping) and "class_name" in value:
        inner = value.get("config") or {}
        if not isinstance(inner, Mapping):
            return f"{value['class_name']}({inner})"
        return f"{value['class_name']}({', '.join(f'{key}={item!r}' for key, item in _settings(inner).items())})"
    return value
