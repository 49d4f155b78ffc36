"""Which layers train: plain functions over layer names."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Sequence

import keras

from recipes.errors import UsageFault


def thaw(model: keras.Model, patterns: Sequence[str], *, pretrained: bool = False) -> list[str]:
    """Let the layers that match a pattern train, and freeze all others. Compile afterwards: Keras reads it then.

    Args:
        model: A flat model.
        patterns: Globs over layer names, such as `("block5_*", "head_*")`.
        pretrained: Hold every BatchNormalization layer outside the head (`head_*`): its moving statistics belong
            to the pretrained weights, and a few small batches ruin them.

    Returns:
        The names of the layers with weights that will train.

    Raises:
        UsageFault: When a pattern matches no layer with weights; the message lists those names.
    """
    weighted = [layer.name for layer in model.layers if layer.weights]
    for pattern in patterns:
        if not fnmatch.filter(weighted, pattern):
            close = difflib.get_close_matches(pattern, weighted, n=3, cutoff=0.5)
            hint = f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
            raise UsageFault(
                f"The glob {pattern!r} matches no layer with weights in {model.name}.{hint} "
                f"There are: {', '.join(weighted)}."
            )
    for layer in model.layers:
        held = pretrained and isinstance(layer, keras.layers.BatchNormalization) and not layer.name.startswith("head_")
        layer.trainable = not held and any(fnmatch.fnmatch(layer.name, pattern) for pattern in patterns)
    return [layer.name for layer in model.layers if layer.trainable_weights]
