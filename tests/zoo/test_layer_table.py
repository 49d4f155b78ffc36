"""The arithmetic of networks, against Keras's own counts and known figures."""

import keras
import numpy as np
import pytest
from conftest import NETWORKS

import zoo
from zoo.structure.macs import count_macs


@pytest.mark.parametrize("name", NETWORKS)
def test_parameters_and_macs_are_those_of_the_network(name):
    model = zoo.get(name, weights=None)
    found = zoo.arithmetic(model)
    assert found.parameters == model.count_params()
    assert found.macs == count_macs(model) == zoo.info(name).macs
    assert [row.layer for row in found.rows] == [layer.name for layer in model.layers]
    for row in found.rows:
        terms = row.formula.partition(" = ")[0].replace(",", "")
        counted = sum(np.prod([int(length) for length in term.split(" x ")]) for term in terms.split(" + ") if term)
        assert row.receptive_field is not None
        assert counted == row.parameters == model.get_layer(row.layer).count_params()


def test_vgg16_as_keras_ships_it():
    model = keras.applications.VGG16(weights=None)
    found = zoo.arithmetic(model)
    rows = {row.layer: row for row in found.rows}
    assert found.parameters == model.count_params() == 138_357_544
    assert rows["block1_conv1"].formula == "3 x 3 x 3 x 64 + 64 = 1,792"
    assert rows["fc1"].formula == "25,088 x 4,096 + 4,096 = 102,764,544"
    assert found.macs == pytest.approx(15.47e9, rel=1e-3)
    # The well-known receptive fields of VGG16.
    assert rows["block1_conv2"].receptive_field == (5, 5)
    assert rows["block5_conv3"].receptive_field == (196, 196)
    assert rows["block5_pool"].receptive_field == (212, 212)
    assert rows["block1_conv1"].activation_bytes == 4 * 224 * 224 * 64


def test_branches_depthwise_convolutions_and_batch_normalization():
    model = keras.applications.MobileNetV2((96, 96, 3), weights=None)
    found = zoo.arithmetic(model)
    rows = {row.layer: row for row in found.rows}
    assert found.parameters == model.count_params() == 3_538_984
    assert found.macs == pytest.approx(300.8e6 * (96 / 224) ** 2, rel=0.05)
    assert rows["bn_Conv1"].formula == "32 + 32 + 32 + 32 = 128"
    assert rows["expanded_conv_depthwise"].receptive_field == (7, 7)
    assert rows["block_16_depthwise"].receptive_field == (491, 491)


@pytest.mark.parametrize(("padding", "stride"), [("valid", 1), ("same", 2), ("same", 3)])
def test_the_receptive_field_is_where_a_change_of_the_image_is_felt(padding, stride):
    image = keras.Input((41, 41, 1))
    maps = keras.layers.Conv2D(2, 3, strides=stride, padding=padding, activation="relu")(image)
    maps = keras.layers.MaxPooling2D(2)(maps)
    maps = keras.layers.Conv2D(1, (3, 2), dilation_rate=(2, 1), name="last")(maps)
    model = keras.Model(image, maps)
    for weight in model.weights:
        weight.assign(np.abs(weight.numpy()) + 0.1)
    row = zoo.arithmetic(model).rows[-1]
    height, width = maps.shape[1:3]
    middle = height // 2, width // 2
    felt = np.zeros((41, 41), bool)
    pixels = np.zeros((41 * 41, 41, 41, 1), "float32")
    pixels[np.arange(41 * 41), np.arange(41 * 41) // 41, np.arange(41 * 41) % 41] = 1
    answers = model.predict(pixels, batch_size=256, verbose=0)[:, *middle, 0]
    felt = (np.abs(answers - model.predict(np.zeros((1, 41, 41, 1)), verbose=0)[0, *middle, 0]) > 1e-9).reshape(41, 41)
    rows, columns = np.flatnonzero(felt.any(axis=1)), np.flatnonzero(felt.any(axis=0))
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == row.receptive_field


def test_a_dense_layer_sees_the_whole_image_and_the_table_prints():
    found = zoo.arithmetic(zoo.get("fashion_cnn"))
    assert min(found.rows[-1].receptive_field) >= 28
    text = found.markdown()
    assert "3 x 3 x 32 x 64 + 64 = 18,496" in text
    assert text.splitlines()[-1].startswith(f"| in all |  |  | {found.parameters:,} |")
    assert found.as_dict()["layers"][1]["layer"] == found.rows[1].layer


def test_a_network_inside_a_network_is_refused():
    inner = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 3)], name="inner")
    image = keras.Input((8, 8, 3))
    with pytest.raises(ValueError, match="'inner' is a network inside"):
        zoo.arithmetic(keras.Model(image, inner(image)))


@pytest.mark.parametrize(
    ("layer", "shape", "macs"),
    [
        (keras.layers.Dense(4), (8, 3), 8 * 3 * 4),
        (keras.layers.Conv1D(4, 3), (8, 2), 6 * 3 * 2 * 4),
        (keras.layers.Conv3D(4, 3), (8, 8, 8, 2), 6**3 * 27 * 2 * 4),
        (keras.layers.DepthwiseConv2D(3), (8, 8, 2), 36 * 9 * 2),
        (keras.layers.SeparableConv2D(4, 3), (8, 8, 2), 36 * (9 * 2 + 2 * 4)),
        (keras.layers.Conv2DTranspose(4, 3, strides=2), (8, 8, 2), 64 * 9 * 2 * 4),
        (keras.layers.EinsumDense("abc,cde->abde", output_shape=(None, 2, 4)), (8, 3), 8 * 3 * 2 * 4),
        (keras.layers.TimeDistributed(keras.layers.Conv2D(4, 3)), (5, 8, 8, 2), 5 * 36 * 9 * 2 * 4),
        (keras.layers.SpectralNormalization(keras.layers.Conv2D(4, 3)), (8, 8, 2), 36 * 9 * 2 * 4),
        (keras.layers.GRU(4), (8, 3), 0),
    ],
    ids=lambda value: type(value).__name__,
)
def test_macs_of_layers_of_every_kind(layer, shape, macs):
    model = keras.Sequential([keras.Input(shape), layer])
    found = zoo.arithmetic(model)
    assert found.macs == count_macs(model) == macs
    assert found.parameters == model.count_params()


def test_attention_counts_projections_and_products():
    rows = keras.Input((28, 8))
    model = keras.Model(rows, keras.layers.MultiHeadAttention(2, 4)(rows, rows))
    assert count_macs(model) == 4 * 28 * 64 + 28 * 28 * 2 * (4 + 4)
    assert zoo.arithmetic(model).rows[-1].receptive_field is None


def test_a_layer_that_is_called_twice_costs_twice_and_has_its_weights_once():
    image = keras.Input((8, 8, 2))
    twice = keras.layers.Conv2D(2, 3, padding="same", name="twice")
    model = keras.Model(image, twice(twice(image)))
    found = zoo.arithmetic(model)
    assert found.macs == count_macs(model) == 2 * 64 * 9 * 2 * 2
    assert found.parameters == model.count_params()
    assert found.rows[-1].receptive_field == (5, 5)


def test_sizes_that_are_not_known_and_several_outputs_are_counted_as_far_as_they_go():
    from recipes.train.memory import check_memory, evaluation_batch

    image = keras.Input((None, None, 2))
    sequence, state = keras.layers.GRU(3, return_sequences=True, return_state=True)(keras.ops.mean(image, axis=1))
    model = keras.Model(image, keras.layers.Dense(2)(state))
    assert evaluation_batch(model) == 500
    check_memory(model, 8)
    assert zoo.arithmetic(model).macs == 6
