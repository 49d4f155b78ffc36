"""Which backend a command takes, and what is chosen beside a GPU."""

import sys
from types import SimpleNamespace

import pytest
import tensorflow as tf

import zoo
from recipes import precision
from recipes.console import backend
from recipes.console.command import guarded
from recipes.errors import EnvironmentFault, MemoryFault, UsageFault
from recipes.execution.record import Started, refuse_other_backend
from recipes.freeze import frozen_runner
from recipes.inference.bundle.formats import RUNTIMES
from recipes.train import memory
from zoo.structure.macs import layer_outputs


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


GIGABYTE = 2**30


def faked(monkeypatch, name, *, gpu, free=None):
    """Keras on a backend that has a GPU with so much free memory, or none; what it says of memory, where it does."""
    monkeypatch.setattr("keras.config.backend", lambda: name)
    monkeypatch.delenv("KERAS_TORCH_DEVICE", raising=False)
    monkeypatch.setattr("tensorflow.config.list_physical_devices", lambda kind=None: ["a GPU"] if gpu else [])
    told = None if free is None else {"bytes_limit": free + GIGABYTE, "bytes_in_use": GIGABYTE}
    devices = [SimpleNamespace(memory_stats=lambda: told)]
    jax = SimpleNamespace(default_backend=lambda: "gpu" if gpu else "cpu", local_devices=lambda: devices)
    cuda = SimpleNamespace(is_available=lambda: gpu, mem_get_info=lambda: (free, 2 * free))
    torch = SimpleNamespace(cuda=cuda, backends=SimpleNamespace(mps=SimpleNamespace(is_available=lambda: False)))
    monkeypatch.setitem(sys.modules, "jax", jax)
    monkeypatch.setitem(sys.modules, "torch", torch)
    return torch


@pytest.fixture
def fast_processor(monkeypatch):
    """A processor that computes in bfloat16 and in eight bits, with OpenVINO and NNCF."""
    monkeypatch.setattr(precision, "processor_has_bfloat16", lambda: True)
    monkeypatch.setattr(precision, "processor_has_int8", lambda: True)
    monkeypatch.setattr("recipes.freeze.frozen_runner.importlib.util.find_spec", lambda name: True)


@pytest.mark.parametrize("name", backend.BACKENDS)
def test_beside_a_gpu_the_processor_chooses_neither_engine_nor_format_nor_jit(monkeypatch, fast_processor, name):
    faked(monkeypatch, name, gpu=False)
    assert frozen_runner.choose("auto", "auto") == "openvino bfloat16"
    assert precision.choose("auto") == ("float32" if name == "jax" else "bfloat16")
    assert precision.compiles() == ("auto" if name == "jax" else False)
    faked(monkeypatch, name, gpu=True)
    assert frozen_runner.choose("auto", "auto", int8_serves=True) == "keras float32"
    assert frozen_runner.choose("auto", "bfloat16") == "keras bfloat16"
    assert precision.choose("auto") == "float32"
    assert precision.compiles() == "auto"


@pytest.mark.parametrize("name", backend.BACKENDS)
def test_beside_a_gpu_its_memory_counts_and_batches_are_the_same(monkeypatch, name):
    model = zoo.get("fashion_cnn")
    faked(monkeypatch, name, gpu=False)
    batch, needed = memory.evaluation_batch(model), 8 * sum(map(layer_outputs, model.layers)) * 64
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=needed))
    with pytest.raises(MemoryFault, match="Try --set batch_size=32"):
        memory.check_memory(model, 64)
    faked(monkeypatch, name, gpu=True, free=2 * needed)
    memory.check_memory(model, 64)
    assert memory.evaluation_batch(model) == batch
    faked(monkeypatch, name, gpu=True, free=needed)
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=2 * needed))
    if name == "tensorflow":  # It does not say how much there is.
        memory.check_memory(model, 64)
    else:
        with pytest.raises(MemoryFault, match="Try --set batch_size=32"):
            memory.check_memory(model, 64)


def test_torch_asked_for_the_processor_beside_a_gpu_computes_there(monkeypatch):
    faked(monkeypatch, "torch", gpu=True)
    monkeypatch.setenv("KERAS_TORCH_DEVICE", "cpu")
    assert not precision.has_gpu()


def test_torch_on_mps_is_refused(monkeypatch):
    torch = faked(monkeypatch, "torch", gpu=False)
    monkeypatch.setattr(backend, "chosen", lambda: "torch")
    monkeypatch.setattr(backend.importlib.util, "find_spec", lambda name: True)
    monkeypatch.setattr(backend, "load_keras", lambda: None)
    assert backend.load_backend() == "torch"
    torch.backends.mps.is_available = lambda: True
    with pytest.raises(EnvironmentFault, match="Apple's MPS.*KERAS_TORCH_DEVICE=cpu"):
        backend.load_backend()
    monkeypatch.setenv("KERAS_TORCH_DEVICE", "cpu")
    assert backend.load_backend() == "torch"


@pytest.mark.parametrize(("name", "hidden"), [("tensorflow", []), ("jax", [([], "GPU")]), ("torch", [([], "GPU")])])
def test_tensorflow_takes_no_gpu_where_it_only_reads(monkeypatch, name, hidden):
    asked = []
    monkeypatch.setattr("tensorflow.config.set_visible_devices", lambda *devices: asked.append(devices))
    faked(monkeypatch, name, gpu=True)
    backend.load_keras()
    assert asked == hidden


class OutOfMemoryError(RuntimeError):
    """What torch calls it."""


@pytest.mark.parametrize(
    "error",
    [
        tf.errors.ResourceExhaustedError(None, None, "OOM when allocating"),
        RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate"),
        OutOfMemoryError("CUDA out of memory."),
    ],
    ids=backend.BACKENDS,
)
def test_a_backend_whose_memory_ends_is_answered_with_a_smaller_batch(capsys, error):
    def command(_):
        raise error

    assert (guarded(command, []), "Try a smaller batch" in capsys.readouterr().err) == (8, True)


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
