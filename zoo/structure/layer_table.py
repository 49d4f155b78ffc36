"""A network's arithmetic, layer by layer: where its parameters come from, what a pass costs, how far a value sees."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from zoo.structure.graph import Key, calls
from zoo.text import markdown

if TYPE_CHECKING:
    import keras

BYTES = 4
COLUMNS = ("layer", "type", "output", "parameters", "MACs", "memory", "sees")


@dataclass(frozen=True)
class Row:
    """One layer.

    Attributes:
        layer: Its name.
        type: Its class.
        output_shape: Of one image, without the batch.
        formula: Where its parameters come from, such as `"3 x 3 x 32 x 64 + 64 = 18,496"`: the shape of each weight.
        parameters: How many it has, trainable or not.
        macs: Multiply-accumulates for one image.
        activation_bytes: Of its output for one image in float32.
        receptive_field: (height, width) in pixels of the image that one value of the output depends on; `None` for
            layers whose reach is not known.
    """

    layer: str
    type: str
    output_shape: tuple[int, ...]
    formula: str
    parameters: int
    macs: int
    activation_bytes: int
    receptive_field: tuple[int, int] | None


@dataclass(frozen=True)
class Arithmetic:
    """A network's arithmetic.

    Attributes:
        name: The network's.
        rows: Its layers, from the image on.
    """

    name: str
    rows: tuple[Row, ...]

    @property
    def parameters(self) -> int:
        """Of all layers; what `model.count_params()` gives."""
        return sum(row.parameters for row in self.rows)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one forward pass of one image."""
        return sum(row.macs for row in self.rows)

    @property
    def activation_bytes(self) -> int:
        """Of all layers' outputs for one image in float32: about what training keeps of it."""
        return sum(row.activation_bytes for row in self.rows)

    def cells(self) -> list[tuple[str, ...]]:
        """The table as texts: a head, a row for each layer, and the sums."""
        rows = [
            (
                row.layer,
                row.type,
                " x ".join(f"{length:,}" for length in row.output_shape),
                row.formula,
                f"{row.macs:,}" if row.macs else "",
                _memory(row.activation_bytes),
                " x ".join(map(str, row.receptive_field)) if row.receptive_field else "",
            )
            for row in self.rows
        ]
        total = ("in all", "", "", f"{self.parameters:,}", f"{self.macs:,}", _memory(self.activation_bytes), "")
        return [COLUMNS, *rows, total]

    def markdown(self) -> str:
        """The table as Markdown."""
        head, *rows = self.cells()
        rows = [(f"`{name}`", *rest) for name, *rest in rows[:-1]] + [rows[-1]]
        return markdown.table(head, rows)

    def as_dict(self) -> dict[str, Any]:
        """The same as plain, JSON-ready values."""
        return {
            "name": self.name,
            "parameters": self.parameters,
            "macs": self.macs,
            "activation_bytes": self.activation_bytes,
            "layers": [dataclasses.asdict(row) for row in self.rows],
        }


def arithmetic(model: keras.Model) -> Arithmetic:
    """Count what a network has and does, layer by layer.

    Args:
        model: Any flat network over images. What a layer that is called more than once costs is the sum of its calls.

    Returns:
        Its rows, which print as a table (`cells`, `markdown`) and are data (`as_dict`).

    Raises:
        ValueError: When a layer is a network of its own.
    """
    from zoo.structure.macs import call_macs

    operations = {step.name: step for step in getattr(model, "operations", model.layers)}
    reach: dict[Key, _Reach | None] = {}
    macs: Counter[str] = Counter()
    seen: dict[str, _Reach | None] = {}
    for call in calls(model):  # Layers, and functions of `keras.ops` between them.
        operation = operations.get(call.name)
        if hasattr(operation, "layers"):
            raise ValueError(f"{call.name!r} is a network inside {model.name!r}; only flat networks can be counted.")
        if operation is None:  # The image, which a sequential model does not list.
            reach[call.key] = _Reach((1, 1), (1, 1))
            continue
        reach[call.key] = _reach(operation, call.inputs, [reach[source] for source in call.sources])
        seen[call.name] = reach[call.key]
        if operation in model.layers:
            macs[call.name] += call_macs(operation, call)
    return Arithmetic(model.name, tuple(_row(layer, macs[layer.name], seen[layer.name]) for layer in model.layers))


@dataclass(frozen=True)
class _Reach:
    """How many pixels of the image a value depends on, and how many lie between neighbours; (height, width) each."""

    field: tuple[int, int]
    step: tuple[int, int]


def _row(layer: keras.layers.Layer, macs: int, seen: _Reach | None) -> Row:
    parameters = sum(prod(weight.shape) for weight in layer.weights)
    terms = [" x ".join(f"{length:,}" for length in weight.shape) or "1" for weight in layer.weights]
    outputs = [tuple(length or 1 for length in tensor.shape[1:]) for tensor in _listed(layer.output)]
    return Row(
        layer=layer.name,
        type=type(layer).__name__,
        output_shape=outputs[0],
        formula=f"{' + '.join(terms)} = {parameters:,}" if terms else "",
        parameters=parameters,
        macs=macs,
        activation_bytes=BYTES * sum(map(prod, outputs)),
        receptive_field=seen.field if seen else None,
    )


def _reach(
    layer: keras.Operation, inputs: Sequence[Sequence[int | None]], before: Sequence[_Reach | None]
) -> _Reach | None:
    """How far a layer's output sees, from how far its inputs do."""
    import keras

    if isinstance(layer, keras.layers.InputLayer):
        return _Reach((1, 1), (1, 1))
    known = [one for one in before if one is not None]
    if not known or len(known) < len(before):
        return None
    widest = _Reach(_largest([one.field for one in known]), _largest([one.step for one in known]))
    gathers = keras.layers.Flatten, keras.layers.GlobalAveragePooling2D, keras.layers.GlobalMaxPooling2D
    if isinstance(layer, gathers):
        # From the first place to the last.
        return _Reach(_spread(widest, _places(layer, inputs[0])), widest.step)
    window = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
    mixes_places = keras.layers.MultiHeadAttention, keras.layers.RNN, keras.layers.Wrapper
    if isinstance(layer, mixes_places) or not type(layer).__module__.startswith("keras."):
        return None
    if not isinstance(layer, keras.layers.Layer) and (window or hasattr(layer, "strides")):
        return None  # An operation: `keras.ops.conv` does not tell its kernel, nor a blur its strides.
    if window is None:
        return widest
    if isinstance(window, int) or len(window) != 2 or isinstance(layer, keras.layers.Conv2DTranspose):
        return None
    dilation, strides = getattr(layer, "dilation_rate", (1, 1)), layer.strides
    field = tuple(
        seen + (size - 1) * rate * step
        for seen, size, rate, step in zip(widest.field, window, dilation, widest.step, strict=True)
    )
    return _Reach(field, tuple(step * stride for step, stride in zip(widest.step, strides, strict=True)))


def _spread(seen: _Reach, places: Sequence[int]) -> tuple[int, int]:
    height, width = (
        field + (number - 1) * step for field, step, number in zip(seen.field, seen.step, places, strict=True)
    )
    return height, width


def _places(layer: keras.Operation, shape: Sequence[int | None]) -> Sequence[int]:
    """How many places feature maps have, (height, width); one where they are flat."""
    if len(shape) != 4:
        return 1, 1
    places = shape[2:4] if getattr(layer, "data_format", None) == "channels_first" else shape[1:3]
    return [length or 1 for length in places]


def _largest(pairs: Sequence[tuple[int, int]]) -> tuple[int, int]:
    return max(height for height, _ in pairs), max(width for _, width in pairs)


def _listed(tensors: Any) -> list[Any]:
    return list(tensors) if isinstance(tensors, list | tuple) else [tensors]


def _memory(size: int) -> str:
    return f"{size / 1e6:,.2f} MB" if size >= 1e6 else f"{size / 1e3:,.1f} kB"
