"""By what kept activations are found again: keys over images, and over the structure and weights of a network."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import keras
import numpy as np

from recipes.files.sharded_array import Rows
from zoo.structure.code import code_digest


def images_key(images: np.ndarray | Rows) -> str:
    """What tells these images from others: sha256 over their values, or the key that rows on disk have."""
    if isinstance(images, Rows):
        return images.key
    digest = hashlib.sha256(f"{images.shape} {images.dtype}".encode())
    digest.update(np.ascontiguousarray(images).data)
    return digest.hexdigest()


def network_key(network: keras.Model) -> str:
    """sha256 over structure, weights and the code of somebody's own layers, whatever the layers are called."""
    config = network.get_config()
    index = {layer["config"].get("name", layer.get("name")): place for place, layer in enumerate(config["layers"])}
    digest = hashlib.sha256(json.dumps(_anonymous(config, index), sort_keys=True, default=str).encode())
    for layer in network.operations:
        digest.update(code_digest(layer).encode())
    for weight in network.weights:
        digest.update(weight.numpy().tobytes())
    return digest.hexdigest()


def _anonymous(config: Any, index: dict[str, int]) -> Any:
    """A network's configuration without names, number formats and flags that do not change what it computes."""
    if isinstance(config, dict):
        kept = {key: value for key, value in config.items() if key not in ("dtype", "name", "trainable")}
        return {key: _anonymous(value, index) for key, value in kept.items()}
    if isinstance(config, list | tuple):
        return [_anonymous(value, index) for value in config]
    return index.get(config, config) if isinstance(config, str) else config
