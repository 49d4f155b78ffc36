"""Make one flat functional graph of a network, however it was written.

A network inside a network is opened, level by level, by calling its own `call` on symbolic tensors: its layers are then
layers of the whole, and can be named, frozen, cut at and counted. Keras does the same to run it; nothing is guessed.
"""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras

from zoo.structure.graph import is_own


class NotFlat(ValueError):
    """A network that cannot be made one flat graph; the message names it, and the line to change."""


def flatten(model: keras.Model, image_shape: tuple[int, int, int], *, training: bool | None = None) -> keras.Model:
    """One flat functional graph over the layers of a network, which are shared with it.

    What the author holds in training is held in the graph: a BatchNormalization that is frozen, or inside a base that
    is called with `training=False`, is called with `training=False`; a layer of such a base that only draws random
    numbers, as dropout does, is left out.

    Args:
        model: Functional, sequential or subclassed, with one input and one output.
        image_shape: (height, width, channels) of its images.
        training: What `call` of a subclassed model is told.

    Returns:
        A functional model from float32 images (batch, *image_shape) to the network's output. Inner layers keep their
        names; where two would be equal, the name of their own network comes before.

    Raises:
        NotFlat: When `call` of a subclassed model cannot be followed; the message names the network.
    """
    _make_names_unique(model)
    image = keras.Input(image_shape, name=_input_name(model))
    if isinstance(model, keras.Function):
        flat = keras.Model(model.inputs[0], model.outputs[0], name=model.name)
    else:
        outputs = keras.tree.flatten(_opened(model, image, training=training))
        flat = keras.Model(image, outputs[0], name=model.name)
    left_out: set[int] = set()

    def call(operation: keras.Operation, *args: Any, **kwargs: Any) -> Any:
        if type(operation).__name__ == "ConvertToTensor" or id(operation) in left_out:
            return args[0]
        if kwargs.get("training"):
            del kwargs["training"]  # Training and prediction set it, whatever the graph says.
        if isinstance(operation, keras.Model):
            if kwargs.get("training") is not False or _default_of_training(operation) is False:
                kwargs["training"] = training
            else:
                left_out.update(id(leaf) for leaf, _ in _leaves(operation, ()) if only_random(leaf))
            return _opened(operation, *args, **kwargs)
        if isinstance(operation, keras.layers.BatchNormalization) and not operation.trainable:
            kwargs["training"] = False
        return operation(*args, **kwargs)

    while any(isinstance(layer, keras.Model) for layer in flat.layers):
        flat = _called_again(flat, image, call)
    return _called_again(flat, image, call)


def without(model: keras.Model, names: Sequence[str]) -> keras.Model:
    """The graph again, without some layers, which hand on what they take; the other layers are shared."""
    image = keras.Input(model.input_shape[1:], name=_input_name(model))
    return _called_again(
        model, image, lambda layer, *args, **kwargs: args[0] if layer.name in names else layer(*args, **kwargs)
    )


def only_random(layer: keras.Operation) -> bool:
    """Whether this is a layer of Keras that draws random numbers in training, and else leaves its input alone."""
    return (
        isinstance(layer, keras.Layer)
        and not is_own(layer)
        and not isinstance(layer, keras.Model | keras.layers.RandomCrop)
        and bool(layer.variables)
        and not layer.weights
    )


def _called_again(model: keras.Model, image: keras.KerasTensor, call: Callable) -> keras.Model:
    return keras.models.clone_model(model, input_tensors=image, clone_function=lambda layer: layer, call_function=call)


def _opened(model: keras.Model, *args: Any, **kwargs: Any) -> Any:
    """What a network inside gives, through its layers."""
    is_graph = isinstance(model, keras.Sequential | keras.Function)
    takes_training = "training" in inspect.signature(model.call).parameters
    if not takes_training or (is_graph and kwargs.get("training") is not False):
        kwargs.pop("training", None)  # To a graph it would say the same of every layer, whatever its author said.
    try:
        if not model.built:
            model(*args, **kwargs)
        outputs = model.call(*args, **kwargs)
    except Exception as error:  # What somebody's own `call` may raise on symbolic tensors.
        reason = str(error).strip().split("\n")[0].split(". ")[0]
        raise NotFlat(
            f"The class {type(model).__name__} of the network {model.name!r} cannot be made one flat graph: its call() "
            f"fails on keras.Input: {reason}. Use layers and keras.ops in call(), or return "
            "keras.Model(inputs, outputs)."
        ) from error
    inner = {id(weight) for layer in model.layers for weight in layer.weights}
    if own := [weight.path for weight in model.weights if id(weight) not in inner]:
        raise NotFlat(
            f"The class {type(model).__name__} of the network {model.name!r} keeps weights outside its layers: "
            f"{', '.join(own)}. Move them and the lines that use them into a keras.Layer."
        )
    return outputs


def _default_of_training(model: keras.Model) -> bool | None:
    """What `call` takes for `training` when nobody says: Keras notes it in the graph as if the author had said it."""
    parameter = inspect.signature(model.call).parameters.get("training")
    return parameter.default if parameter is not None else None


def _input_name(model: keras.Model) -> str:
    """The name of the image: the author's, if there is one."""
    if isinstance(model, keras.Function):
        return next(layer.name for layer in model.layers if isinstance(layer, keras.layers.InputLayer))
    return "image"


def _leaves(model: keras.Model, owners: tuple[str, ...]) -> Iterator[tuple[keras.Operation, tuple[str, ...]]]:
    """The layers and operations of a network and of those inside it, each with the names of the networks around it."""
    for operation in model.operations if isinstance(model, keras.Function) else model.layers:
        if isinstance(operation, keras.Model):
            yield from _leaves(operation, (*owners, operation.name))
        elif not isinstance(operation, keras.layers.InputLayer):
            yield operation, owners


def _make_names_unique(model: keras.Model) -> None:
    """Where two layers are called the same, put the name of their network before it, or a number after it."""
    leaves = {id(leaf): (leaf, owners) for leaf, owners in _leaves(model, ())}
    count = Counter(leaf.name for leaf, _ in leaves.values())
    for leaf, owners in leaves.values():
        if count[leaf.name] > 1 and owners:
            leaf.name = f"{owners[-1]}_{leaf.name}"
    taken: set[str] = set()
    for leaf, _ in leaves.values():
        name, number = leaf.name, 0
        while leaf.name in taken:
            number += 1
            leaf.name = f"{name}_{number}"
        taken.add(leaf.name)
