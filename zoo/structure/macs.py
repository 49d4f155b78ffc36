"""What one forward pass costs."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import keras

from zoo.structure.graph import Call, calls

Shape = Sequence[int | None]
_CONVOLUTIONS = {
    f"{kind}{rank}D": rank
    for rank in (1, 2, 3)
    for kind in ("Conv", "DepthwiseConv", "SeparableConv")
    if hasattr(keras.layers, f"{kind}{rank}D")
}
_TRANSPOSED = {f"Conv{rank}DTranspose": rank for rank in (1, 2, 3)}


def count_macs(model: keras.Model) -> int:
    """Multiply-accumulate operations in one forward pass of one image, over all calls of all layers."""
    layers = {layer.name: layer for layer in model.layers}
    return sum(call_macs(layers[call.name], call) for call in calls(model) if call.name in layers)


def count_outputs(model: keras.Model) -> int:
    """Numbers in the outputs of all layers for one image, those of graphs inside too; one for a size not known."""
    return sum(count_outputs(layer) if _is_graph(layer) else layer_outputs(layer) for layer in model.layers)


def layer_outputs(layer: keras.Layer) -> int:
    """Numbers in all outputs of a layer for one image; of a size that is not known, one."""
    return sum(_numbers(tensor.shape[1:]) for tensor in keras.tree.flatten(layer.output))


def call_macs(layer: keras.Layer, call: Call) -> int:
    """Multiply-accumulate operations of one call of a layer for one image.

    Counts convolutions (weights of the kernels x output positions), dense layers (weights x rows) and attention;
    everything else (bias, activation, pooling, scaling, recurrent layers, layers of one's own) is left out, as the
    literature does.
    """
    return _macs(layer, call.inputs)


def _macs(layer: keras.Layer, inputs: Sequence[Shape]) -> int:
    known = next((kind for kind in (*_CONVOLUTIONS, *_TRANSPOSED) if type(layer) is getattr(keras.layers, kind)), None)
    if isinstance(layer, keras.layers.Dense):
        return prod(layer.kernel.shape) * _numbers(inputs[0][1:-1])
    if isinstance(layer, keras.layers.EinsumDense):
        return _einsum(layer.equation, inputs[0], layer.kernel.shape)
    if isinstance(layer, keras.layers.MultiHeadAttention):
        return _attention(layer, inputs)
    if isinstance(layer, keras.layers.TimeDistributed):
        step = (inputs[0][0], *inputs[0][2:])
        return (inputs[0][1] or 1) * _macs(layer.layer, [step])
    if isinstance(layer, keras.layers.SpectralNormalization):
        return _macs(layer.layer, inputs)
    if known is None:
        return 0
    rank = _CONVOLUTIONS.get(known) or _TRANSPOSED[known]
    shape = inputs[0] if known in _TRANSPOSED else layer.compute_output_shape(tuple(inputs[0]))
    places = shape[2:] if layer.data_format == "channels_first" else shape[1:-1]
    return _numbers(places) * sum(prod(weight.shape) for weight in layer.weights if len(weight.shape) == rank + 2)


def _einsum(equation: str, shape: Shape, kernel: Shape) -> int:
    """The product of all lengths that an equation such as "abc,cde->abde" names, but the batch."""
    if "..." in equation:
        return _numbers(kernel) * _numbers(shape[1:-1])
    left, right = equation.split("->")[0].split(",")
    lengths = dict(zip(left, shape, strict=True)) | dict(zip(right, kernel, strict=True))
    return _numbers([length for letter, length in lengths.items() if letter != left[0]])


def _attention(layer: keras.layers.MultiHeadAttention, inputs: Sequence[Shape]) -> int:
    """The projections of each row of the query and of the values, and the products of all rows with all rows."""
    settings = layer.get_config()
    query, value = _numbers(inputs[0][1:-1]), _numbers(inputs[min(1, len(inputs) - 1)][1:-1])
    query_and_output, key_and_value = 0, 0
    for weight in layer.weights:
        if len(weight.shape) == 3:
            if weight.path.split("/")[-2] in ("key", "value"):
                key_and_value += prod(weight.shape)
            else:
                query_and_output += prod(weight.shape)
    width = settings["num_heads"] * (settings["key_dim"] + (settings["value_dim"] or settings["key_dim"]))
    return query * query_and_output + value * key_and_value + query * value * width


def _is_graph(layer: keras.Layer) -> bool:
    return isinstance(layer, keras.Model) and bool(getattr(layer, "inputs", None))


def _numbers(lengths: Shape) -> int:
    return prod(length or 1 for length in lengths)
