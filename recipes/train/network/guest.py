"""What a person's network gives, followed into one flat graph and proven to save and load."""

from __future__ import annotations

import logging
import re
import tempfile
from collections.abc import Collection
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from recipes.errors import UsageFault
from recipes.precision import cast, choose, stay_in_float32
from recipes.train.memory import release
from recipes.train.network.contract import TOLERANCE
from zoo.structure.flatten import NotFlat, flatten
from zoo.structure.graph import is_own

log = logging.getLogger("recipes")


def followed(name: str, model: keras.Model, pictures: np.ndarray) -> keras.Model:
    """The network as one flat graph that gives what the network gives.

    A class of somebody's own may call layers in training alone, such as dropout: it is followed as it trains. If that
    graph gives something else at prediction, training does more than a graph can say.
    """
    try:
        wanted, again = _answer(model, pictures), _answer(model, pictures)
    except Exception as error:
        raise UsageFault(
            f"The network {name!r} fails on two pictures of shape {pictures.shape[1:]}: {cause_of(error)}"
        ) from error
    if not np.array_equal(wanted, again, equal_nan=True):
        raise UsageFault(
            f"The network {name!r} gives two answers for one picture: a layer draws random numbers at prediction too. "
            "In its call, write: if training:"
        )
    try:
        trains = flatten(model, pictures.shape[1:], training=True)
        if _gives(trains, pictures, wanted):
            return trains
        plain = flatten(model, pictures.shape[1:], training=None)
    except NotFlat as error:
        raise UsageFault(str(error)) from error
    if len(trains.operations) == len(plain.operations) and _gives(plain, pictures, wanted):
        return plain
    raise UsageFault(
        f"The network {name!r} cannot be made one flat graph that gives what it gives. Let call() do the same "
        "in training and prediction but for layers such as dropout, or return keras.Model(inputs, outputs)."
    )


def reloaded(name: str, model: keras.Model, pictures: np.ndarray) -> keras.Model:
    """The network after it was saved and loaded, in safe mode: its layers are its own, and a run's model will load."""
    seen: set[int] = set()
    for layer in model.layers:
        if layer.get_config().get("name") != layer.name:
            raise UsageFault(
                f"The layer {layer.name!r} of {name!r} ({type(layer).__name__}) leaves its name out of get_config(), "
                "so that every copy is called otherwise. Take **kwargs, by that name, in __init__, hand them to "
                "super().__init__, and begin a get_config() of its own with super().get_config()."
            )
        if shared := [weight.path for weight in layer.weights if id(weight) in seen]:
            raise UsageFault(
                f"The layer {layer.name!r} of {name!r} ({type(layer).__name__}) shares {shared[0]} with another, "
                "and a copy of the network would have it twice. Call one layer in both places."
            )
        seen |= {id(weight) for weight in layer.weights}
    try:
        with tempfile.TemporaryDirectory() as folder:
            model.save(path := Path(folder) / "network.keras")
            loaded = keras.models.load_model(path, compile=False, safe_mode=True)
    except OSError:
        raise
    except Exception as error:
        raise UsageFault(_cannot_be_saved(name, model, error)) from error
    for layer in model.layers:
        wanted, found = layer.get_weights(), loaded.get_layer(layer.name).get_weights()
        if len(wanted) != len(found) or not all(map(_is_same, wanted, found)):
            fix = "Make them in build(), and return in get_config() what __init__ takes."
            if not is_own(layer):
                fix = "What was made of it afterwards, as by enable_lora(), is not saved: leave that out."
            raise UsageFault(
                f"The layer {layer.name!r} of {name!r} ({type(layer).__name__}) loses weights when it is saved and "
                f"loaded. {fix}"
            )
    if not _gives(loaded, pictures, _answer(model, pictures)):
        raise UsageFault(
            f"The network {name!r} gives something else after it was saved and loaded. Return in get_config() of its "
            "layers all that __init__ takes."
        )
    return loaded


def check_frozen(name: str, model: keras.Model, frozen: Collection[str], pictures: np.ndarray) -> None:
    """Refuse a layer that changes its weights in training although it is frozen.

    Args:
        name: The architecture, for the message.
        model: A flat network; what two pictures change of it stays changed, and its layers are frozen.
        frozen: The names of layers that a phase freezes.
        pictures: (2, height, width, channels) raw pixels.
    """
    may_change = [layer for layer in model.layers if layer.name in frozen and layer.non_trainable_weights]
    if all(isinstance(layer, keras.layers.BatchNormalization) for layer in may_change):
        return
    for layer in model.layers:
        layer.trainable = False
    before = {layer.name: layer.get_weights() for layer in may_change}
    model(pictures, training=True)
    for layer in may_change:
        fix = "Train it in each phase."
        if is_own(layer):
            fix = "In its call, write: if training and self.trainable:"
        for weight, array in zip(layer.weights, before[layer.name], strict=True):
            if not np.array_equal(weight.numpy(), array):
                raise UsageFault(
                    f"The layer {layer.name!r} of {name!r} ({type(layer).__name__}) changes {weight.path} in training "
                    f"although a phase freezes it. {fix}"
                )


def check_step(name: str, model: keras.Model, pictures: np.ndarray) -> None:
    """Refuse a network of which a copy cannot compute the gradients of a training step: it would fail later.

    One that cannot in bfloat16, where a run would choose that by itself, stays in float32.

    Args:
        name: The architecture, for the message.
        model: A flat network.
        pictures: (2, height, width, channels) raw pixels.

    Raises:
        UsageFault: With what the step raised.
    """
    in_bfloat16 = None
    if choose("auto") == "bfloat16":
        in_bfloat16 = _failure(cast(model, "bfloat16"), pictures)
        if in_bfloat16 is None:
            return
    failed = _failure(cast(model, "float32"), pictures)
    if failed is not None:
        raise UsageFault(
            f"The network {name!r} cannot train: a step on two pictures fails. {cause_of(failed)}"
        ) from failed
    if in_bfloat16 is not None:
        cause = cause_of(in_bfloat16)
        log.warning("NOTICE the network %r computes in float32: in bfloat16 a step fails. %s", name, cause)
        stay_in_float32(model)


def _failure(trained: keras.Model, pictures: np.ndarray) -> Exception | None:
    """What a training step of a copy raises; a layer of anybody's raises what it likes."""
    try:
        _step(trained, pictures)
    except Exception as error:
        return error
    return None


def _step(trained: keras.Model, pictures: np.ndarray) -> None:
    """The gradients of a training step, of which nothing is kept."""
    if keras.config.backend() != "tensorflow":  # A step of Keras's own, which every backend has.
        trained.compile(keras.optimizers.SGD(0.0), "mean_squared_error", jit_compile=False)
        trained.train_on_batch(pictures, np.zeros((len(pictures), trained.output_shape[-1]), "float32"))
        return

    @tf.function
    def gradients(batch: tf.Tensor) -> list[tf.Tensor | None]:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(trained(batch, training=True)[:, 0])
        return tape.gradient(loss, [weight.value for weight in trained.trainable_weights])

    try:
        gradients(tf.constant(pictures))
    finally:
        release(trained.variables)


def _cannot_be_saved(name: str, model: keras.Model, error: Exception) -> str:
    """Which layer it is, and what to do."""
    for layer in model.layers:
        try:
            keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer), safe_mode=True)
        except Exception as cause:
            error, kind = cause, type(layer).__name__
            fix = "Give its class get_config() and the decorator @keras.saving.register_keras_serializable()."
            if not is_own(layer):
                fix = "A function in it needs a name, and @keras.saving.register_keras_serializable(): not a lambda."
            if isinstance(layer, keras.layers.Lambda):
                fix = "Use functions of keras.ops on the tensors in its place, or a layer class of your own."
            return f"The layer {layer.name!r} of {name!r} ({kind}) cannot be saved and loaded: {cause_of(error)} {fix}"
    return f"The network {name!r} cannot be saved and loaded: {cause_of(error)}"


def _answer(model: keras.Model, pictures: np.ndarray) -> np.ndarray:
    if isinstance(model, keras.Function):
        model = keras.Model(model.inputs[0], model.outputs[0])
    output = keras.tree.flatten(model(pictures, training=False))[0]
    return np.asarray(keras.ops.convert_to_numpy(output), "float32")


def _is_same(wanted: np.ndarray, found: np.ndarray) -> bool:
    return np.array_equal(wanted, found, equal_nan=wanted.dtype.kind == "f")


def _gives(model: keras.Model, pictures: np.ndarray, wanted: np.ndarray) -> bool:
    found = _answer(model, pictures)
    return found.shape == wanted.shape and np.allclose(found, wanted, atol=TOLERANCE, equal_nan=True)


def cause_of(error: Exception) -> str:
    """What an error says, in one sentence: of Keras's, which go on for pages, the one that names the cause."""
    lines = [line.strip() for line in str(error).split("\n") if line.strip()] or [type(error).__name__]
    if lines[0] == "in user code:":  # Below it every call, and the cause in the end.
        raised = [place for place, line in enumerate(lines) if re.match(r"\w+(Error|Exception): ", line)] or [-1]
        lines = [lines[raised[-1]].partition(": ")[2], *lines[raised[-1] :][1:]]
    told = lines[1] if lines[0].startswith("Exception encountered when calling") and len(lines) > 1 else lines[0]
    told = re.sub(r"\x1b\[\d+m", "", told)
    return told.split(". ")[0].rstrip(".") + "."
