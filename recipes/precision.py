"""Which number format a network trains in, and how to move a network between formats."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from pathlib import Path

import keras

from recipes.errors import UsageFault, first_line
from recipes.files.model_file import mend
from zoo.structure.graph import calls, is_own

PRECISIONS = ("auto", "float32", "bfloat16")


def choose(precision: str) -> str:
    """`"float32"` or `"bfloat16"`.

    `"auto"` takes bfloat16 where the processor computes in it, and float32 on a GPU and on JAX, whose steps on a
    processor take no less time in bfloat16 (docs/en/backends.md).
    """
    if precision != "auto":
        return precision
    if has_gpu() or keras.config.backend() == "jax":
        return "float32"
    return "bfloat16" if processor_has_bfloat16() else "float32"


def computes_in(model: keras.Model, precision: str) -> str:
    """What `cast` makes of a network: what `choose` gives, or `"float32"` where each of its layers stays in that."""
    stays = all(getattr(layer, "keeps_format", False) and layer.compute_dtype == "float32" for layer in model.layers)
    return "float32" if stays else choose(precision)


def has_gpu() -> bool:
    """Whether the backend computes on a GPU or TPU: what the processor can do then decides nothing."""
    backend = keras.config.backend()
    if backend == "torch":
        import torch

        asked = os.environ.get("KERAS_TORCH_DEVICE")  # Keras's own word where several would serve.
        return torch.cuda.is_available() if asked is None else not asked.startswith("cpu")
    if backend == "jax":
        import jax

        return jax.default_backend() != "cpu"
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))


def compiles() -> str | bool:
    """Keras's `jit_compile`: JAX always compiles; on TensorFlow XLA makes small convolutions slower on a CPU."""
    return "auto" if keras.config.backend() == "jax" or has_gpu() else False


def processor_has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 numbers itself (AMX or AVX-512 on x86)."""
    return not {"amx_bf16", "avx512_bf16"}.isdisjoint(_processor_flags())


def processor_has_int8() -> bool:
    """Whether the processor multiplies eight-bit numbers fast (AMX or VNNI on x86)."""
    return not {"amx_int8", "avx512_vnni", "avx_vnni"}.isdisjoint(_processor_flags())


def _processor_flags() -> list[str]:
    """What Linux says of an x86 processor; empty elsewhere."""
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8").split() if platform.machine() == "x86_64" else []
    except OSError:
        return []


def keep_own(model: keras.Model) -> keras.Model:
    """Remember which layers were given a number format by their author: `cast` leaves them in it.

    To be called right after building: a layer that asked for none holds the very object that is Keras's default, and
    one that asked for an equal format holds another. In a network that was read from a configuration every layer holds
    its own: there only formats other than float32 count as asked for.

    Args:
        model: A network just built, in float32; networks inside it are looked into.

    Returns:
        The same network.
    """
    default = keras.config.dtype_policy()
    layers = list(_inner_layers(model))
    is_read = all(layer.dtype_policy is not default for layer in layers)
    for layer in layers:
        layer.keeps_format = layer.dtype_policy != default if is_read else layer.dtype_policy is not default
    return model


def stay_in_float32(model: keras.Model) -> None:
    """Let `cast` leave each layer of a network, built in float32, as it is."""
    for layer in model.layers:
        layer.keeps_format = True


def keep_as(source: keras.Model, model: keras.Model) -> keras.Model:
    """Remember of a copy what `keep_own` found of its source; layers are known by their names."""
    for layer in model.layers:
        layer.keeps_format = getattr(source.get_layer(layer.name), "keeps_format", False)
    return model


def _inner_layers(model: keras.Model) -> Iterator[keras.layers.Layer]:
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _inner_layers(layer)
        elif not isinstance(layer, keras.layers.InputLayer):
            yield layer


def cast(model: keras.Model, precision: str) -> keras.Model:
    """A copy of a model that computes in another precision; its weights stay float32.

    The last layer always computes in float32, also where operations follow it: probabilities in bfloat16 have three
    digits, too few for a loss. So does a layer whose activity is regularized, for what that gives is added to the loss.
    Layers whose author chose a format (`keep_own`) compute in that. A layer of one's own stays in float32 unless it was
    given another: layers and numbers that it makes inside would be float32 still.

    Args:
        model: A flat functional model.
        precision: `"float32"`, `"bfloat16"`, or `"auto"`, see `choose`.

    Returns:
        A new model with its own, equal weights.

    Raises:
        UsageFault: For a layer that cannot be made anew from its configuration.
    """
    policy = "mixed_bfloat16" if choose(precision) == "bfloat16" else "float32"
    last = _last(model)
    copies = []

    def copied(operation: keras.Operation) -> keras.Operation:
        config = operation.get_config()
        if not isinstance(operation, keras.layers.Layer):
            return type(operation).from_config(config)
        keeps = getattr(operation, "keeps_format", False)
        if operation.name in last or operation.activity_regularizer is not None:
            config |= {"dtype": "float32"}
        elif not keeps:
            config |= {"dtype": "float32" if is_own(operation) else policy}
        try:
            copy = type(operation).from_config(config)
        except Exception as error:  # A layer of anybody's raises what it likes.
            raise UsageFault(
                f"The layer {operation.name!r} ({type(operation).__name__}) cannot be made anew from its settings: "
                f"{first_line(error)}. {mend(operation)}"
            ) from error
        copy.keeps_format = keeps
        copies.append((operation, copy))
        return copy

    clone = keras.models.clone_model(model, input_tensors=_entrance(model), clone_function=copied)
    for layer, copy in copies:
        copy.set_weights(layer.get_weights())
    return clone


def _entrance(model: keras.Model) -> keras.KerasTensor | None:
    """An input like the network's; Keras itself would name the copy of an unnamed one otherwise."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.InputLayer):
            return keras.Input(batch_shape=model.input.shape, dtype=model.input.dtype, name=layer.name)
    return None


def _last(model: keras.Model) -> set[str]:
    """The layers that give the network's output, or what only operations turn into it."""
    sources: dict[str, list[str]] = {}
    for call in calls(model):
        sources.setdefault(call.name, []).extend(name for name, _ in call.sources)
    layers = {layer.name for layer in model.layers}
    found: set[str] = set()
    waiting = list(model.output_names)
    while waiting:
        name = waiting.pop()
        if name not in found and name not in layers:
            waiting += sources[name]
        found.add(name)
    return found
