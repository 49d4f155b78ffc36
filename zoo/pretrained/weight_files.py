"""A network's weights from its own earlier model: all of them, or all but the head."""

from __future__ import annotations

import logging
import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.pretrained.readers import numbers, refuse_bombs
from zoo.text.error_line import first_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    import keras
    import numpy as np

# Before a path: its weights without the head.
NEW_HEAD = "base:"
log = logging.getLogger("zoo")


class WeightsMissing(OSError):
    """No source has the weights that were asked for."""


class WeightsCorrupt(OSError):
    """A weights file is damaged, or is not what it should be."""


class WeightsUnfit(ValueError):
    """A sound file holds the weights of another network."""


def load_whole_model(model: keras.Model, path: Path) -> keras.Model:
    """Load a saved network or its weights file into a model, and give the model back.

    Raises:
        WeightsCorrupt: When the file cannot be read.
        WeightsUnfit: When it holds another network; where only the head differs, with what to type.
    """
    import keras

    _refuse_bombs(model, path)
    try:
        if path.suffix == ".keras":
            model.set_weights(keras.models.load_model(path, compile=False, safe_mode=True).get_weights())
        else:
            with warnings.catch_warnings(action="ignore"):  # What does not fit is told below, in a line.
                model.load_weights(path)
    except Exception as error:  # Keras raises half a dozen kinds here, some of them misleading.
        different = _differences(model, _read_layers(model, path))
        if not different:
            raise _cannot_load(model, path, error) from error
        head = _head(model)
        mend = (
            f"Start from its other layers under a new head: --weights {NEW_HEAD}{path}"
            if different.keys() <= head
            else "Give a file of the same network, or the settings that it was made with."
        )
        raise WeightsUnfit(f"{path} does not fit {model.name}: {_in_words(different)}. {mend}") from error
    return model


def load_without_head(model: keras.Model, path: Path) -> keras.Model:
    """Load all layers but the head, and give the model back.

    Raises:
        WeightsCorrupt: When the file cannot be read.
        WeightsUnfit: When another layer than the head differs.
    """
    _refuse_bombs(model, path)
    stored, head = _read_layers(model, path), _head(model)
    different = {name: words for name, words in _differences(model, stored).items() if name not in head}
    if different:
        raise WeightsUnfit(
            f"{path} does not fit {model.name}: {_in_words(different)}. Only the head ({', '.join(sorted(head))}) may "
            "differ; give a file of the same network, or the settings that it was made with."
        )
    taken = [layer for layer in model.layers if layer.weights and layer.name not in head]
    for layer in taken:
        layer.set_weights(stored[layer.name])
    log.info("taken from %s: %s; new: %s", path, ", ".join(layer.name for layer in taken), ", ".join(sorted(head)))
    return model


def _head(model: keras.Model) -> set[str]:
    """The names of the layers with weights that follow the classes."""
    weighted = [layer.name for layer in model.layers if layer.weights]
    return {name for name in weighted if name.startswith("head_")} or set(weighted[-1:])


def _differences(model: keras.Model, stored: dict[str, list[np.ndarray]]) -> dict[str, str]:
    """What of the file does not fit, in words by layer; empty when all does."""
    different = {}
    last = [layer.name for layer in model.layers if layer.weights][-1]
    for layer in model.layers:
        wanted = [weight.shape for weight in layer.weights]
        found = [array.shape for array in stored.get(layer.name, [])]
        if wanted == found:
            continue
        if not found:
            different[layer.name] = "not in the file"
        elif layer.name == last and found[-1][-1:] != wanted[-1][-1:]:
            different[layer.name] = f"{found[-1][-1]} classes in the file, {wanted[-1][-1]} wanted"
        else:
            different[layer.name] = f"{_shapes(found)} in the file, {_shapes(wanted)} wanted"
    return different


def _shapes(shapes: Sequence[tuple[int, ...]]) -> str:
    return " and ".join("x".join(map(str, shape)) or "a number" for shape in shapes) or "no weights"


def _in_words(different: dict[str, str]) -> str:
    named = [f"{name}: {words}" for name, words in different.items()]
    return "; ".join(named[:4] + ([f"and {len(named) - 4} layers more"] if len(named) > 4 else []))


def _read_layers(model: keras.Model, path: Path) -> dict[str, list[np.ndarray]]:
    """The weights of each layer in a saved model or weights file, by the layer's name.

    Raises:
        WeightsCorrupt: When it cannot be read.
    """
    import h5py
    import keras

    try:
        if path.suffix == ".keras":
            return {
                layer.name: layer.get_weights()
                for layer in keras.models.load_model(path, compile=False, safe_mode=True).layers
            }
        with h5py.File(path) as file:
            if "layer_names" in file.get("model_weights", file).attrs:
                groups = file.get("model_weights", file)
                names = {name: group.attrs["weight_names"] for name, group in groups.items()}
                return {name: [numbers(groups[name][key], file) for key in keys] for name, keys in names.items()}
            layers = [layer["vars"] for layer in file["layers"].values()]
            return {held.attrs["name"]: [numbers(held[key], file) for key in sorted(held, key=int)] for held in layers}
    except Exception as error:  # As above.
        raise _cannot_load(model, path, error) from error


def _refuse_bombs(model: keras.Model, path: Path) -> None:
    try:
        refuse_bombs(path)
    except Exception as error:  # h5py raises what it likes of a damaged file.
        raise _cannot_load(model, path, error) from error


def _cannot_load(model: keras.Model, path: Path, error: Exception) -> WeightsCorrupt:
    damaged = path.suffix == ".keras" and not zipfile.is_zipfile(path)
    reason = "the file is damaged" if damaged else first_line(error)
    return WeightsCorrupt(f"{path} ({path.stat().st_size:,} bytes) cannot be loaded into {model.name}: {reason}")
