"""Load TensorFlow and Keras when they are needed: an answer to a typing error should not take six seconds."""

from __future__ import annotations

import os
import sys
import tempfile

from recipes.errors import EnvironmentFault


def load_backend() -> None:
    """Import TensorFlow and Keras, as `load_keras` does, for a command that trains or predicts.

    Raises:
        EnvironmentFault: When Keras is set to another backend.
    """
    load_keras()
    import keras

    if (backend := keras.config.backend()) != "tensorflow":
        raise EnvironmentFault(f"Recipes train on TensorFlow, and Keras is set to {backend}. Unset KERAS_BACKEND.")


def load_keras() -> None:
    """Import TensorFlow and Keras, without the notes on libraries and GPUs that C++ prints past Python.

    Whoever sets `TF_CPP_MIN_LOG_LEVEL` gets the notes.
    """
    if "TF_CPP_MIN_LOG_LEVEL" in os.environ:
        _import()
    else:
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
        _import_quietly()


def _import() -> None:
    import keras  # noqa: F401
    import tensorflow as tf

    tf.config.list_physical_devices()
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
