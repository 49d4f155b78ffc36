"""An entry for each format: what it needs, how a network is written in it, how it runs there."""

from __future__ import annotations

import importlib.util
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recipes.console.backend import chosen
from recipes.errors import EnvironmentFault
from recipes.inference.bundle.graph import refuse_reaching_out

if TYPE_CHECKING:
    import keras
    import numpy as np

Run = Callable[["np.ndarray"], "Sequence[np.ndarray]"]


@dataclass(frozen=True)
class Runtime:
    """A format.

    Attributes:
        file: Name of the model in a bundle.
        library: What Hugging Face calls the runtime.
        needs: Modules it takes: the first to run, all to write.
        write: Writes a network to a path.
        load: From a path and the modules of its own layers (which Keras's own format alone needs), gives a function
            of (images, height, width, channels) float32 pixels in 0-255 that gives the network's outputs, in float32.
        likeness: Whether how like a photo is becomes a second output. Keras's own format keeps the network as it is,
            and what it learned from beside it.
        refuse: Raises a `CorruptFault` for a model that would do more than compute.
    """

    file: str
    library: str
    needs: tuple[str, ...]
    write: Callable[[keras.Model, Path], None]
    load: Callable[[Path, Sequence[str]], Run]
    likeness: bool = True
    refuse: Callable[[Path], None] = lambda path: None

    def require(self, *, to_write: bool) -> None:
        """Make sure that what it needs is installed.

        Raises:
            EnvironmentFault: With the command that installs it.
        """
        if to_write and self.library != "keras" and (backend := chosen()) != "tensorflow":
            raise EnvironmentFault(
                f"{self.file} is written on TensorFlow alone, and Keras is set to {backend}. The run's network answers "
                "the same there: put KERAS_BACKEND=tensorflow before python -m recipes.export, or take --to keras."
            )
        needs = (*self.needs, "huggingface_hub") if to_write else self.needs[:1]
        if missing := [module for module in needs if importlib.util.find_spec(module) is None]:
            raise EnvironmentFault(f"{' and '.join(missing)} is not installed: pip install 'keras-zoo-recipes[export]'")


def _keras() -> Runtime:
    def write(model: keras.Model, path: Path) -> None:
        model.save(path)

    def load(path: Path, modules: Sequence[str]) -> Run:
        from recipes.console.backend import load_backend

        load_backend()
        import keras

        from recipes.files import model_file

        model = model_file.read(path, modules)
        return lambda batch: [
            keras.ops.convert_to_numpy(model(batch, training=False))
        ]  # A few images are not worth a trace.

    return Runtime("model.keras", "keras", ("keras",), write, load, likeness=False)


def _saved_model() -> Runtime:
    def load(path: Path, modules: Sequence[str]) -> Run:
        from recipes.console.backend import load_backend

        load_backend()
        import tensorflow as tf

        loaded = tf.saved_model.load(str(path))
        return lambda batch: [output.numpy() for output in tf.nest.flatten(loaded.serve(tf.constant(batch)))]

    return Runtime(
        "saved_model", "tf-keras", ("tensorflow",), _exported("tf_saved_model"), load, refuse=refuse_reaching_out
    )


def _litert() -> Runtime:
    def load(path: Path, modules: Sequence[str]) -> Run:
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(model_path=str(path))

        def run(batch: np.ndarray) -> list[np.ndarray]:
            entrance = interpreter.get_input_details()[0]["index"]
            interpreter.resize_tensor_input(entrance, batch.shape)
            interpreter.allocate_tensors()
            interpreter.set_tensor(entrance, batch)
            interpreter.invoke()
            outputs = sorted(interpreter.get_output_details(), key=lambda output: output["name"])
            return [interpreter.get_tensor(output["index"]).copy() for output in outputs]

        return run

    return Runtime("model.tflite", "litert", ("ai_edge_litert",), _exported("litert"), load)


def _onnx() -> Runtime:
    def load(path: Path, modules: Sequence[str]) -> Run:
        import onnxruntime

        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        (entrance,) = session.get_inputs()
        return lambda batch: session.run(None, {entrance.name: batch})

    def write(model: keras.Model, path: Path) -> None:
        logging.getLogger("tf2onnx").setLevel(logging.CRITICAL)  # It names each operation that it leaves out.
        _register_erfc()
        _exported("onnx")(_given_arrays(model), path)
        _name_as_the_network_does(path, model.output_names)

    return Runtime("model.onnx", "onnx", ("onnxruntime", "onnx", "tf2onnx"), write, load)


def _given_arrays(model: keras.Model) -> keras.Model:
    """The graph again, its layers given arrays for constant tensors, which tf2onnx takes for inputs."""
    import keras
    import tensorflow as tf

    def call(layer: keras.Operation, *args: Any, **kwargs: Any) -> Any:
        args, kwargs = keras.tree.map_structure(
            lambda value: value.numpy() if isinstance(value, tf.Tensor) else value, (args, kwargs)
        )
        return layer(*args, **kwargs)

    return keras.models.clone_model(model, clone_function=lambda layer: layer, call_function=call)


def _register_erfc() -> None:
    """Let tf2onnx, which knows Erf alone, write the Erfc of Keras's exact GELU: it is 1 - erf."""
    import numpy as np
    from tf2onnx.handler import tf_op
    from tf2onnx.utils import make_name

    @tf_op("Erfc")
    class Erfc:
        @classmethod
        def version_9(cls, graph: Any, node: Any, **_: Any) -> None:
            output, shapes, types = node.output, node.output_shapes, node.output_dtypes
            graph.remove_node(node.name)
            one = graph.make_const(make_name("one"), np.float32(1))
            erf = graph.make_node("Erf", node.input)
            graph.make_node("Sub", [one.output[0], erf.output[0]], outputs=output, shapes=shapes, dtypes=types)


def _name_as_the_network_does(path: Path, outputs: Sequence[str]) -> None:
    """Give the outputs of an ONNX file their names in the network, and the number of images the name `batch`."""
    import onnx

    model = onnx.load(path)
    graph = model.graph
    taken = {name for node in graph.node for name in (*node.input, *node.output)} | {one.name for one in graph.input}
    names = {one.name: name for one, name in zip(graph.output, outputs, strict=True) if name not in taken}
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    for output in graph.output:
        output.name = names.get(output.name, output.name)
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    onnx.save(model, path)


def _openvino() -> Runtime:
    def load(path: Path, modules: Sequence[str]) -> Run:
        import numpy as np
        import openvino

        compiled = openvino.Core().compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        return lambda batch: [np.array(output) for output in compiled(batch).values()]

    return Runtime("model.xml", "openvino", ("openvino",), _exported("openvino"), load)


def _exported(kind: str) -> Callable[[keras.Model, Path], None]:
    def write(model: keras.Model, path: Path) -> None:
        import keras
        import numpy as np

        with _as_it_predicts(model):
            # Layers that augment do so in every call that does not say otherwise.
            image = keras.Input(model.input_shape[1:], name="image")
            predicting = keras.Model(image, model(image, training=False))
            predicting(np.zeros((1, *model.input_shape[1:]), "float32"))  # A network that never ran has no signature.
            with warnings.catch_warnings(action="ignore"):  # Of what converters will change one day.
                predicting.export(str(path), format=kind, verbose=False)

    return write


@contextmanager
def _as_it_predicts(model: keras.Model) -> Iterator[None]:
    """Set aside what tf2onnx trips over: the regularizers of activities, and constants that it takes for inputs.

    Regularizers are nothing to a prediction. A tensor that a layer keeps, such as the mean of a `Normalization`, is an
    array for as long.
    """
    import tensorflow as tf

    aside = [
        (layer, name, value)
        for layer in model.layers
        for name, value in vars(layer).items()
        if isinstance(value, tf.Tensor) or (name == "activity_regularizer" and value is not None)
    ]
    for layer, name, value in aside:
        setattr(layer, name, value.numpy() if isinstance(value, tf.Tensor) else None)
    try:
        yield
    finally:
        for layer, name, value in aside:
            setattr(layer, name, value)


RUNTIMES = {
    "keras": _keras(),
    "saved_model": _saved_model(),
    "litert": _litert(),
    "onnx": _onnx(),
    "openvino": _openvino(),
}
