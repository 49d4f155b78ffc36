"""Load TensorFlow, Keras and its backend when needed: an answer to a typing error should not take six seconds."""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
from contextlib import suppress

from recipes.errors import EnvironmentFault, first_line

BACKENDS = ("tensorflow", "jax", "torch")


def load_backend() -> str:
    """Import TensorFlow, Keras and its backend, as `load_keras` does, for a command that trains or predicts.

    TensorFlow reads the data on every backend.

    Returns:
        The backend: one of `BACKENDS`.

    Raises:
        EnvironmentFault: When Keras is set to a backend that does not train, or that is not installed; and when it
            would compute on Apple's MPS, whose numbers on torch are wrong.
    """
    asked = chosen()
    if asked not in BACKENDS:
        raise EnvironmentFault(
            f"Recipes train on {', '.join(BACKENDS)}, and KERAS_BACKEND is {asked}. Name one of them."
        )
    if importlib.util.find_spec(asked) is None:
        raise EnvironmentFault(
            f"KERAS_BACKEND is {asked}, which is not installed: pip install 'keras-zoo-recipes[{asked}]'"
        )
    load_keras()
    import keras

    if (found := keras.config.backend()) not in BACKENDS:
        raise EnvironmentFault(
            f"Recipes train on {', '.join(BACKENDS)}, and Keras is set to {found}. Set KERAS_BACKEND."
        )
    if found == "torch" and _takes_mps():
        raise EnvironmentFault(
            "Keras would compute with torch on Apple's MPS, which is known to give wrong numbers. Set "
            "KERAS_TORCH_DEVICE=cpu."
        )
    return found


def reset_keras() -> None:
    """Numbers in float32 and channels last, as Keras comes without a keras.json."""
    import keras

    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")
    keras.config.set_image_data_format("channels_last")


def _takes_mps() -> bool:
    """Whether Keras chooses MPS for torch: where there is one, unless another device is asked for."""
    import torch

    asked = os.environ.get("KERAS_TORCH_DEVICE")
    return torch.backends.mps.is_available() if asked is None else asked.startswith("mps")


def chosen() -> str:
    """The backend that Keras has, or will have by `KERAS_BACKEND`, without importing it."""
    if "keras" in sys.modules:
        import keras

        return keras.config.backend()
    return os.environ.get("KERAS_BACKEND") or "tensorflow"


def load_keras() -> None:
    """Import TensorFlow and Keras, without the notes on libraries and GPUs that C++ prints past Python.

    Whoever sets `TF_CPP_MIN_LOG_LEVEL` gets the notes. What keras.json says of number format and axes does not count;
    what a program says that has imported Keras does.

    Raises:
        EnvironmentFault: When Keras is set to a backend that there is not.
    """
    if "TF_CPP_MIN_LOG_LEVEL" in os.environ:
        _import()
    else:
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
        _import_quietly()


def _import() -> None:
    is_first = "keras" not in sys.modules
    try:
        import keras
    except ValueError as error:  # It reads keras.json as it is imported.
        raise EnvironmentFault(
            f"Keras cannot be imported: {first_line(error)}. KERAS_BACKEND, or else keras.json in its folder "
            f"(~/.keras), names its backend: {', '.join(BACKENDS)}."
        ) from error
    if is_first:
        reset_keras()
    import tensorflow as tf

    tf.config.list_physical_devices()
    if keras.config.backend() != "tensorflow":
        with suppress(RuntimeError):  # Where it computes already, it has what it wants.
            tf.config.set_visible_devices([], "GPU")  # It only reads, and would take all memory of the GPU.
    tf.get_logger().setLevel("ERROR")


def _import_quietly() -> None:
    """Import with the process's stderr turned aside; an import that fails shows what was said."""
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as notes:
        os.dup2(notes.fileno(), 2)
        try:
            _import()
        except BaseException:
            notes.seek(0)
            os.write(stderr, notes.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
