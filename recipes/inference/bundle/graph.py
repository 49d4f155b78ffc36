"""What a SavedModel would do: it is run only where it computes, and reaches no file, code or other machine.

The graph is read, not run. What each operation is, TensorFlow tells, not the file.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from recipes.errors import CorruptFault, first_line

if TYPE_CHECKING:
    from tensorflow.core.framework.op_def_pb2 import OpDef
    from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

# What a network needs of the operations that TensorFlow calls stateful: variables, branches and random numbers.
_STATE = set(
    """
    VarHandleOp ReadVariableOp AssignVariableOp AssignAddVariableOp AssignSubVariableOp VarIsInitializedOp
    VariableShape DisableCopyOnRead DestroyResourceOp ResourceGather ResourceGatherNd
    StatefulPartitionedCall If While Case Assert CheckNumerics CheckNumericsV2 Empty
    RngSkip RngReadAndSkip StatelessRandomGetAlg RandomStandardNormal RandomUniform RandomUniformInt RandomShuffle
    RandomGamma TruncatedNormal Multinomial
    """.split()
)
# Settings in free words that name no file, address or code.
_WORDS = set(
    """
    container shared_name debug_name allowed_devices config config_proto executor_type frame_name message equation
    kernel_type interpolation fill_mode noise bad_indices_policy src_format dst_format dimension_numbers
    """.split()
)
_OF_SAVERS = {"SaveV2", "MergeV2Checkpoints", "RestoreV2", "StaticRegexFullMatch", "StringJoin", "ShardedFilename"}


def refuse_reaching_out(path: Path) -> None:
    """Refuse a SavedModel that does more than compute, before it is run.

    Raises:
        CorruptFault: With the operation.
    """
    file = path / "saved_model.pb"
    saved = _read(file)
    if len(saved.meta_graphs) != 1 or not saved.meta_graphs[0].HasField("object_graph_def"):
        raise CorruptFault(f"{file} is not as TensorFlow 2 writes it: it is not run.")
    graph, savers = saved.meta_graphs[0].graph_def, _savers(saved.meta_graphs[0])
    bodies = [("", graph.node), *((function.signature.name, function.node_def) for function in graph.library.function)]
    known = _known({node.op for _, nodes in bodies for node in nodes})
    functions = {name for name, _ in bodies} - known.keys()
    for name, nodes in bodies:
        allowed = functions | (_OF_SAVERS if name in savers else set())
        for operation in {node.op for node in nodes} - allowed:
            if operation not in known or not _only_computes(known[operation]):
                raise CorruptFault(f"{file} holds the operation {operation}, which no network needs: it is not run.")


def _read(file: Path) -> SavedModel:
    from recipes.console.backend import load_backend

    load_backend()
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    try:
        return SavedModel.FromString(file.read_bytes())
    except (OSError, DecodeError) as error:
        raise CorruptFault(f"{file} is damaged: {first_line(error)}") from error


def _known(operations: Iterable[str]) -> dict[str, OpDef]:
    """What the installed TensorFlow says of operations, without those that it does not know."""
    import tensorflow as tf

    graph = tf.compat.v1.GraphDef()
    for operation in operations:
        graph.node.add(name=operation, op=operation)
    described = tf.compat.v1.train.export_meta_graph(graph_def=graph, graph=tf.Graph())
    return {operation.name: operation for operation in described.meta_info_def.stripped_op_list.op}


def _only_computes(operation: OpDef) -> bool:
    """Whether an operation keeps no state but that of `_STATE`, and is given no text: files and addresses are text."""
    import tensorflow as tf

    texts = [value for value in (*operation.input_arg, *operation.output_arg) if value.type == tf.string]
    settings = {
        setting.name
        for setting in operation.attr
        if setting.type in ("string", "list(string)") and not setting.HasField("allowed_values")
    }
    return (not operation.is_stateful or operation.name in _STATE) and not texts and settings <= _WORDS


def _savers(meta: MetaGraphDef) -> set[str]:
    """The functions that save and restore the variables. Loading runs neither, and nothing else may speak of them.

    TensorFlow swaps functions that say to implement the same interface: where any does, none is taken for a saver.
    """
    nodes = {meta.saver_def.save_tensor_name.partition(":")[0], meta.saver_def.restore_op_name}
    called = {node.attr["f"].func.name for node in meta.graph_def.node if node.name in nodes and "f" in node.attr}
    content = meta.graph_def.library.SerializeToString() + meta.object_graph_def.SerializeToString()
    if b"api_implements" in content:
        return set()
    return {name for name in called if content.count(name.encode()) == 1}  # There it is written.
