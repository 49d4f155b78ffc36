"""Which backend a command takes, and what is chosen beside a GPU."""

import pytest

from recipes import precision
from recipes.console import backend
from recipes.errors import EnvironmentFault, UsageFault
from recipes.execution.record import Started, refuse_other_backend
from recipes.freeze import frozen_runner
from recipes.inference.bundle.formats import RUNTIMES


def started(backend):
    return Started(request=None, recipe={}, origin=None, backend=backend)


def test_a_run_of_another_backend_is_refused_by_name(tmp_path):
    refuse_other_backend(tmp_path, started("tensorflow"))
    with pytest.raises(UsageFault, match="was started on jax, and Keras is set to tensorflow"):
        refuse_other_backend(tmp_path, started("jax"))


def test_a_backend_that_does_not_train_is_refused(monkeypatch):
    monkeypatch.setattr(backend, "chosen", lambda: "openvino")
    with pytest.raises(EnvironmentFault, match="tensorflow, jax, torch"):
        backend.load_backend()


def test_a_format_of_tensorflow_alone_is_refused_by_name(monkeypatch):
    monkeypatch.setattr("recipes.inference.bundle.formats.chosen", lambda: "jax")
    with pytest.raises(EnvironmentFault, match="model.tflite is written on TensorFlow alone"):
        RUNTIMES["litert"].require(to_write=True)


def test_beside_a_gpu_the_processor_chooses_nothing(monkeypatch):
    monkeypatch.setattr("tensorflow.config.list_physical_devices", lambda kind=None: ["a GPU"])
    monkeypatch.setattr(precision, "processor_has_bfloat16", lambda: True)
    assert precision.choose("auto") == "float32"
    assert frozen_runner.choose("auto", "auto") == "keras float32"
    assert precision.compiles() == "auto"


def test_jax_trains_in_float32_and_its_frozen_part_runs_in_bfloat16_where_there_is_much_of_it(monkeypatch):
    monkeypatch.setattr("keras.config.backend", lambda: "jax")
    monkeypatch.setattr("recipes.freeze.frozen_runner.importlib.util.find_spec", lambda name: True)
    monkeypatch.setattr(precision, "has_gpu", lambda: False)
    monkeypatch.setattr(precision, "processor_has_bfloat16", lambda: True)
    assert precision.choose("auto") == "float32"
    assert precision.choose("bfloat16") == "bfloat16"
    assert frozen_runner.choose("auto", "auto") == "openvino bfloat16"
    assert frozen_runner.choose("auto", "float32") == "openvino float32"
    assert frozen_runner.choose("auto", "auto", work=2e11) == "keras float32"
