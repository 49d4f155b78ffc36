"""The calls that a network consists of, in an order in which they can be computed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    import keras

# A call of a layer or operation: its name, and which of its calls this is.
Key = tuple[str, int]
# A graph stays as it was made, and many ask for it; only names can change.
_known: WeakKeyDictionary[keras.Model, tuple[list[str], list[Call]]] = WeakKeyDictionary()


@dataclass(frozen=True)
class Call:
    """One call of a layer, or of a function of `keras.ops`. A layer that is shared is called more than once.

    Attributes:
        key: The operation's name, and the number of the call.
        sources: The calls whose outputs it takes.
        inputs: The shape of each tensor that it takes, with the batch.
        training: The author's own `training=` where the call has one, else `None`.
    """

    key: Key
    sources: tuple[Key, ...]
    inputs: tuple[tuple[int | None, ...], ...]
    training: bool | None

    @property
    def name(self) -> str:
        """The operation's name."""
        return self.key[0]


def calls(model: keras.Model) -> list[Call]:
    """The calls of a functional model, or of a built sequential one, each after those it takes its input from.

    Networks inside the network count as one call.
    """
    import keras

    if isinstance(model, keras.Sequential):
        return _calls(keras.Model(model.inputs, model.outputs, name=model.name))
    names = [operation.name for operation in model.operations]
    if model not in _known or _known[model][0] != names:
        _known[model] = names, _calls(model)
    return list(_known[model][1])


def _calls(model: keras.Model) -> list[Call]:
    made = {
        (entry["name"], number): node
        for entry in model.get_config()["layers"]
        for number, node in enumerate(entry["inbound_nodes"] or [{}])
    }
    taken = {key: list(_tensors(node)) for key, node in made.items()}
    order = TopologicalSorter({key: [source for source, _ in tensors] for key, tensors in taken.items()})
    return [
        Call(
            key,
            tuple(source for source, _ in taken[key]),
            tuple(shape for _, shape in taken[key]),
            made[key].get("kwargs", {}).get("training"),
        )
        for key in order.static_order()
    ]


def narrow(steps: Sequence[Call]) -> Iterator[tuple[Call, bool]]:
    """Each call, and whether all that comes after it is computed from its output alone: the graph can be cut there."""
    waiting = Counter(source for step in steps for source in set(step.sources))
    waiting[steps[-1].key] += 1  # The output is needed, though by no layer.
    alive: set[Key] = set()
    for step in steps:
        for source in set(step.sources):
            waiting[source] -= 1
        # Alive: what was computed and is still needed above.
        alive = {key for key in (*alive, step.key) if waiting[key]}
        yield step, alive == {step.key}


def is_own(layer: keras.Operation) -> bool:
    """Whether the class of a layer is not Keras's."""
    return type(layer).__module__.split(".")[0] != "keras"


def _tensors(node: object) -> Iterator[tuple[Key, tuple[int | None, ...]]]:
    """The tensors in a serialized call: the call that gives each, and its shape."""
    if isinstance(node, dict):
        if "keras_history" in node:
            name, number, _ = node["keras_history"]
            yield (name, number), tuple(node["shape"])
            return
        node = list(node.values())
    if isinstance(node, list | tuple):
        for part in node:
            yield from _tensors(part)
