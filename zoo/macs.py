"""What one forward pass costs."""

from math import prod

import keras


def count_macs(model: keras.Model) -> int:
    """Multiply-accumulate operations in one forward pass of one image, over all layers."""
    return sum(layer_macs(layer) for layer in model.layers)


def layer_macs(layer: keras.layers.Layer) -> int:
    """Multiply-accumulate operations of one layer for one image.

    Counts convolutions (weights of the kernels x output positions) and dense layers (weights); everything else (bias,
    activation, pooling, scaling) is left out, as the literature does.
    """
    if isinstance(layer, keras.layers.Dense):
        return prod(layer.kernel.shape)
    if not isinstance(layer, keras.layers.Conv2D | keras.layers.DepthwiseConv2D | keras.layers.SeparableConv2D):
        return 0
    shape = layer.output.shape
    positions = prod(shape[2:4] if layer.data_format == "channels_first" else shape[1:3])
    return positions * sum(prod(weight.shape) for weight in layer.weights if len(weight.shape) == 4)
