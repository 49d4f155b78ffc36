"""A SavedModel is run where it computes, and nothing in it reaches files, other machines or code."""

import keras
import pytest
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

import zoo
from recipes.errors import CorruptFault
from recipes.inference.bundle.formats import RUNTIMES

refuse = RUNTIMES["saved_model"].refuse


def written(path, extra, inside="kept"):
    """A SavedModel that does something else beside its answer, in a function called as told."""

    def kept(image):
        with tf.control_dependencies([extra()]):
            return image + 0

    network = tf.Module()
    network.weight = tf.Variable(1.0)
    kept.__name__ = inside
    network.kept = tf.function(kept, input_signature=[tf.TensorSpec((None, 2))])
    network.serve = tf.function(
        lambda image: network.kept(image) * network.weight, input_signature=[tf.TensorSpec((None, 2))]
    )
    tf.saved_model.save(network, str(path))
    return path


def edited(path, change):
    """The same with its graph changed; `change` takes the meta graph."""
    saved = SavedModel.FromString((path / "saved_model.pb").read_bytes())
    change(saved.meta_graphs[0])
    (path / "saved_model.pb").write_bytes(saved.SerializeToString())
    return path


def saver(meta):
    (found,) = [one for one in meta.graph_def.library.function if "traced_save" in one.signature.name]
    return found


def save():
    tensors = [tf.constant([1.0])]
    return tf.raw_ops.SaveV2(prefix="evil", tensor_names=["a"], shape_and_slices=[""], tensors=tensors)


def counted(dataset):
    return dataset.reduce(tf.constant(0, tf.int64), lambda count, *_: count + 1)


REACHING = {
    "WriteFile": lambda: tf.io.write_file("a", "x"),
    "ReadFile": lambda: tf.io.read_file("a"),
    "DatasetToTFRecord": lambda: tf.raw_ops.DatasetToTFRecord(
        input_dataset=tf.data.Dataset.from_tensors("x")._variant_tensor, filename="a", compression_type=""
    ),
    "SnapshotDatasetV2": lambda: counted(tf.data.Dataset.range(3).snapshot("a")),
    "FixedLengthRecordDatasetV2": lambda: counted(tf.data.FixedLengthRecordDataset("a", 1)),
    "CSVDatasetV2": lambda: counted(tf.data.experimental.CsvDataset("a", [tf.float32])),
    "DebugIdentity": lambda: tf.raw_ops.DebugIdentity(input=1.0, debug_urls=["file://a"]),
    "ImmutableConst": lambda: tf.raw_ops.ImmutableConst(dtype=tf.float32, shape=[1], memory_region_name="a"),
    "RestoreSlice": lambda: tf.raw_ops.RestoreSlice(
        file_pattern="a", tensor_name="b", shape_and_slice="", dt=tf.float32
    ),
    "EagerPyFunc": lambda: tf.py_function(lambda: 1.0, [], tf.float32),
    "SaveV2": save,
}


@pytest.mark.parametrize("operation", REACHING)
def test_a_graph_that_reaches_out_is_refused(tmp_path, operation):
    with pytest.raises(CorruptFault, match=r"saved_model.pb holds the operation \w+, which no network needs"):
        refuse(written(tmp_path / "x", REACHING[operation]))


def test_an_operation_that_reaches_out_is_named(tmp_path):
    with pytest.raises(CorruptFault, match="holds the operation WriteFile"):
        refuse(written(tmp_path / "x", REACHING["WriteFile"]))


def test_a_name_alone_makes_no_saver(tmp_path):
    with pytest.raises(CorruptFault, match="holds the operation SaveV2"):
        refuse(written(tmp_path / "x", save, inside="_traced_save_evil"))


def test_a_saver_that_answering_would_run_is_refused(tmp_path):
    def name_as_saver(meta):
        (evil,) = [one.signature.name for one in meta.graph_def.library.function if "kept" in one.signature.name]
        (node,) = [node for node in meta.graph_def.node if f"{node.name}:0" == meta.saver_def.save_tensor_name]
        node.attr["f"].func.name = evil

    with pytest.raises(CorruptFault, match="which no network needs"):
        refuse(edited(written(tmp_path / "x", save), name_as_saver))


def test_a_saver_that_could_be_swapped_in_is_refused(tmp_path):
    def offer(meta):
        saver(meta).attr["api_implements"].s = b"the answer"

    with pytest.raises(CorruptFault, match="which no network needs"):
        refuse(edited(written(tmp_path / "x", tf.no_op), offer))


def test_a_saver_that_does_more_than_save_is_refused(tmp_path):
    def add(meta):
        saver(meta).node_def.add(name="more", op="WriteFile")

    with pytest.raises(CorruptFault, match="holds the operation WriteFile"):
        refuse(edited(written(tmp_path / "x", tf.no_op), add))


def test_what_this_tensorflow_does_not_know_is_refused(tmp_path):
    with pytest.raises(CorruptFault, match="holds the operation TheirOwn"):
        refuse(
            edited(
                written(tmp_path / "x", tf.no_op),
                lambda meta: meta.graph_def.library.function[0].node_def.add(name="more", op="TheirOwn"),
            )
        )


def test_a_file_that_is_damaged_or_of_tensorflow_1_is_refused(tmp_path):
    path = written(tmp_path / "x", tf.no_op)
    with pytest.raises(CorruptFault, match="is not as TensorFlow 2 writes it"):
        refuse(edited(path, lambda meta: meta.ClearField("object_graph_def")))
    (path / "saved_model.pb").write_bytes(b"\xff\xff")
    with pytest.raises(CorruptFault, match="is damaged"):
        refuse(path)


def layers():
    """A network of many layers, such as one of one's own may have."""
    x = image = keras.Input((16, 16, 3))
    x = keras.layers.RandomFlip()(keras.layers.Rescaling(1 / 255)(x))
    x = keras.layers.RandomRotation(0.1)(keras.layers.Normalization(mean=0.5, variance=0.1)(x))
    x = keras.layers.SeparableConv2D(4, 3, activation="gelu")(keras.layers.Resizing(12, 12)(x))
    x = keras.layers.Dropout(0.1)(keras.layers.BatchNormalization()(keras.layers.Conv2DTranspose(4, 3)(x)))
    x = keras.layers.GaussianNoise(0.1)(keras.layers.UpSampling2D()(keras.layers.GroupNormalization(2)(x)))
    x = keras.layers.Reshape((-1, 4))(keras.layers.AveragePooling2D(4)(x))
    x = x + keras.layers.Embedding(36, 4)(keras.ops.arange(36))
    x = keras.layers.MultiHeadAttention(2, 2)(x, keras.layers.LayerNormalization()(x))
    x = keras.layers.concatenate([keras.layers.LSTM(3)(x), keras.layers.Bidirectional(keras.layers.GRU(3))(x)])
    x = keras.layers.UnitNormalization()(keras.ops.slice_update(x, (0, 0), keras.ops.ones((1, 1))))
    return keras.Model(image, keras.layers.Dense(2, activation="softmax")(x))


@pytest.mark.parametrize("make", [lambda: zoo.get("fashion_cnn"), lambda: zoo.get("mobilenet"), layers])
def test_what_keras_exports_is_accepted(tmp_path, make):
    RUNTIMES["saved_model"].write(make(), tmp_path / "saved_model")
    refuse(tmp_path / "saved_model")
