"""What one forward pass costs."""

from math import prod

import keras


def count_macs(model: keras.Model) -> int:
    """Multiply-accumulate operations in one forward pass of one image.

    Counts convolutions (kernel weights x output positions) and dense layers (kernel weights); everything else
    (bias, activation, pooling, scaling) is left out, as the literature does.
    """
    total = 0
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            height_and_width = layer.output.shape[1:3]
            if layer.data_format == "channels_first":
                height_and_width = layer.output.shape[2:4]
            total += prod(layer.kernel.shape) * prod(height_and_width)
        elif isinstance(layer, keras.layers.Dense):
            total += prod(layer.kernel.shape)
    return total
