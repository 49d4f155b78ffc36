"""The contract of every architecture, and what single pages promise."""

import functools
import re
import subprocess

import keras
import numpy as np
import pytest
from conftest import PYTHON

import zoo
from recipes.inference.gradcam import last_convolution
from zoo.architectures.keras_mat_lenet import conv_part, fc_part
from zoo.testing import check_architecture, pixels, small_shape

# The layers with weights, by name: their names are public.
LAYERS = {
    "dogs_vs_cats_aug": "conv1 conv2 conv3 conv4 conv5 probabilities",
    "fashion_cnn": "conv1 conv2 dense probabilities",
    "keras_mat_lenet": "conv1 conv2 dense preds",
    "mnist_functional": "conv1 conv2 conv3 dense probabilities",
    "mnist_wide": "conv1 conv2 dense1 dense2 probabilities",
}
LAYERS["vgg16_feature_extract"] = LAYERS["vgg16_finetune"] = (
    "block1_conv1 block1_conv2 block2_conv1 block2_conv2 block3_conv1 block3_conv2 block3_conv3 "
    "block4_conv1 block4_conv2 block4_conv3 block5_conv1 block5_conv2 block5_conv3 head_dense head_probabilities"
)

LAYERS["dogs_vs_cats_gap"] = LAYERS["dogs_vs_cats_aug"]


def normalized(*names):
    """Each convolution and the BatchNormalization behind it."""
    return [part for name in names for part in (name, f"{name.removesuffix('_conv')}_bn")]


def xception():
    names = normalized("block1_conv1", "block1_conv2")
    for block in range(2, 15):
        middle = 5 <= block <= 12
        names += normalized(*(f"block{block}_sepconv{place}" for place in ((1, 2, 3) if middle else (1, 2))))
        names += normalized(f"block{block}_skip_conv") if not middle and block != 14 else []
    return " ".join([*names, "head_dense", "head_probabilities"])


def efficientnet_lite0():
    names = normalized("stem_conv")
    for stage, blocks in enumerate((1, 2, 2, 3, 3, 4, 1), start=1):
        for block in "abcd"[:blocks]:
            parts = ("depthwise", "project") if stage == 1 else ("expand", "depthwise", "project")
            names += normalized(*(f"block{stage}{block}_{part}_conv" for part in parts))
    return " ".join([*names, *normalized("top_conv"), "head_probabilities"])


def resnet50():
    names = normalized("stem_conv")
    for stack, blocks in enumerate((3, 4, 6, 3), start=1):
        for block in range(1, blocks + 1):
            start = f"stack{stack}_block{block}"
            names += normalized(f"{start}_reduce_conv", f"{start}_filter_conv")
            # By depth: what leads past the block stands beside what it is added to.
            last = ("skip", "expand") if block == 1 else ("expand",)
            names += [f"{start}_{part}_{kind}" for kind in ("conv", "bn") for part in last]
    return " ".join([*names, "head_probabilities"])


def densenet121():
    names = normalized("stem_conv")
    for block, num_layers in enumerate((6, 12, 24, 16), start=1):
        for layer in range(1, num_layers + 1):
            for part in ("narrow", "grow"):
                names += [f"block{block}_layer{layer}_{part}_bn", f"block{block}_layer{layer}_{part}_conv"]
        names += [f"transition{block}_bn", f"transition{block}_conv"] if block < 4 else ["top_bn"]
    return " ".join([*names, "head_probabilities"])


def mobilenet():
    pairs = [f"block{block}_{part}_conv" for block in range(1, 14) for part in ("depthwise", "pointwise")]
    return " ".join([*normalized("stem_conv", *pairs), "head_conv"])


def efficientnet_b0():
    names = ["normalization", *normalized("stem_conv")]
    for stage, blocks in enumerate((1, 2, 2, 3, 3, 4, 1), start=1):
        for block in (f"block{stage}{letter}" for letter in "abcd"[:blocks]):
            names += normalized(*[f"{block}_expand_conv"] * (stage > 1), f"{block}_depthwise_conv")
            names += [f"{block}_squeeze_reduce_conv", f"{block}_squeeze_expand_conv"]
            names += normalized(f"{block}_project_conv")
    return " ".join([*names, *normalized("top_conv"), "head_probabilities"])


LAYERS["lenet5"] = "conv1 conv2 dense1 dense2 probabilities"
LAYERS["alexnet"] = "conv1 conv2 conv3 conv4 conv5 dense1 dense2 probabilities"
LAYERS["vgg16"] = LAYERS["vgg16_finetune"].replace("head_dense", "head_dense1 head_dense2")
LAYERS |= {made.__name__: made() for made in (resnet50, densenet121, mobilenet, efficientnet_b0)}
LAYERS["xception_feature_extract"] = LAYERS["xception_finetune"] = xception()
LAYERS["efficientnet_lite0"] = LAYERS["transfer"] = efficientnet_lite0()


shape_of = functools.cache(small_shape)


def small(name):
    """The architecture at a small input, with random weights."""
    return zoo.get(name, input_shape=shape_of(name), weights=None)


@pytest.mark.parametrize("name", zoo.names())
def test_architecture_keeps_the_contract(name):
    check_architecture(name)


@pytest.mark.parametrize("name", zoo.names())
def test_architecture_keeps_its_size_its_name_and_those_of_its_layers(name):
    model = zoo.get(name, weights=None)
    assert model.name == name
    assert model.input_shape == (None, *zoo.info(name).input_shape)
    assert model.output_shape[-1] == 1 or model.output_shape[-1] == zoo.info(name).classes
    assert " ".join(layer.name for layer in model.layers if layer.weights) == LAYERS[name]
    assert all(type(layer).__module__.startswith("keras.") for layer in model.layers)


@pytest.mark.parametrize("name", zoo.names())
def test_architecture_refuses_what_it_cannot_take(name):
    channels = zoo.info(name).input_shape[-1]
    with pytest.raises(ValueError, match=r"at least (\d+)x\1 pixels") as refused:
        zoo.get(name, input_shape=(1, 1, channels), weights=None)
    smallest = int(re.search(r"at least (\d+)x", str(refused.value))[1])
    assert zoo.get(name, input_shape=(smallest, smallest, channels), weights=None).built
    with pytest.raises(ValueError, match=f"at least {smallest}x"):
        zoo.get(name, input_shape=(smallest - 1, smallest - 1, channels), weights=None)
    with pytest.raises(ValueError, match="three positive integers"):
        zoo.get(name, input_shape=(100, 100), weights=None)
    with pytest.raises(ValueError, match="'classes' parameter .* 2 or more. Got 1 instead"):
        zoo.get(name, classes=1, weights=None)


def test_saved_models_load_with_keras_alone(tmp_path):
    """In a process that finds neither this package nor this checkout, under safe mode."""
    expected = {}
    for name in ("efficientnet_lite0", "fashion_cnn", "vgg16_finetune", "xception_finetune"):
        model = small(name)
        model.save(tmp_path / f"{name}.keras")
        expected[name] = np.asarray(model(pixels(model)))
        np.save(tmp_path / f"{name}.npy", pixels(model))
    code = (
        "import sys, glob, numpy as np, keras\n"
        "assert not any(name in sys.modules for name in ('zoo', 'recipes'))\n"
        "for path in sorted(glob.glob('*.keras')):\n"
        "    model = keras.models.load_model(path, safe_mode=True)\n"
        "    np.save(path + '.out.npy', np.asarray(model(np.load(path.replace('.keras', '.npy')))))\n"
        "assert not any(name in sys.modules for name in ('zoo', 'recipes'))\n"
    )
    subprocess.run([PYTHON, "-I", "-c", code], cwd=tmp_path, check=True, capture_output=True)
    for name, out in expected.items():
        np.testing.assert_allclose(np.load(tmp_path / f"{name}.keras.out.npy"), out, atol=1e-5)


def test_xception_gives_what_keras_applications_gives():
    page = zoo.get("xception_feature_extract", input_shape=(71, 71, 3), weights=None)
    base = keras.Model(page.input, page.get_layer("block14_sepconv2_act").output)
    theirs = keras.applications.Xception(include_top=False, weights=None, input_shape=(71, 71, 3))
    # A small variance to divide by: else random weights leave nothing of the image.
    arrays = [np.full_like(one, 0.05) if "variance" in weight.path else one
              for weight, one in zip(theirs.weights, theirs.get_weights(), strict=True)]  # fmt: skip
    for model in (base, theirs):
        model.set_weights(arrays)
    image = pixels(page, 2).astype("float32")
    expected = np.asarray(theirs(keras.applications.xception.preprocess_input(image.copy())))
    assert expected.max() > 1e-3
    np.testing.assert_allclose(np.asarray(base(image)), expected, rtol=1e-3, atol=1e-5 * expected.max())


def test_keras_mat_lenet_counts_of_section_4_2():
    assert zoo.get("keras_mat_lenet", input_shape=(28, 28, 1)).count_params() == 1_199_882


def test_keras_mat_lenet_halves_share_their_layers():
    model = zoo.get("keras_mat_lenet")
    convolutions, hidden = conv_part(model), fc_part(model)
    assert convolutions.output_shape == (None, 12_544)
    assert hidden.output_shape == (None, 128)
    assert convolutions.get_layer("conv1") is model.get_layer("conv1")
    assert hidden.get_layer("dense") is model.get_layer("dense")
    image = pixels(model, 2)
    before = np.asarray(convolutions(image))
    model.get_layer("conv2").bias.assign_add(np.ones(64, "float32"))
    assert np.abs(np.asarray(convolutions(image)) - before).max() > 0
    assert zoo.architectures.keras_mat_lenet.conv_part is conv_part


def test_keras_mat_lenet_gives_the_same_answer_channels_first():
    last = zoo.get("keras_mat_lenet", input_shape=(12, 14, 3))
    first = zoo.get("keras_mat_lenet", input_shape=(3, 12, 14), data_format="channels_first")
    first.set_weights(last.get_weights())
    image = pixels(last)
    np.testing.assert_allclose(first(image.transpose(0, 3, 1, 2)), last(image), atol=1e-6)
    with pytest.raises(ValueError, match="'data_format' parameter"):
        zoo.get("keras_mat_lenet", data_format="middle")


def test_keras_mat_lenet_follows_kerass_image_data_format():
    before = keras.config.image_data_format()
    try:
        keras.config.set_image_data_format("channels_first")
        model = zoo.get("keras_mat_lenet")
        assert model.input_shape == (None, 3, 32, 32)
        assert model.count_params() == 1_626_442
        assert np.isfinite(np.asarray(model(pixels(model)))).all()
    finally:
        keras.config.set_image_data_format(before)


@pytest.mark.parametrize(("name", "trainable"), [("vgg16_feature_extract", 3_277_313), ("vgg16_finetune", 10_356_737)])
def test_vgg16_returns_the_right_layers_thawed(name, trainable):
    model = zoo.get(name, weights=None)
    assert sum(int(np.prod(variable.shape)) for variable in model.trainable_variables) == trainable


def test_vgg16_preprocesses_as_keras_applications_does():
    model = small("vgg16_finetune")
    image = pixels(model)
    inside = keras.Model(model.input, model.get_layer("preprocess").output)(image)
    expected = keras.applications.vgg16.preprocess_input(image.astype("float32"))
    np.testing.assert_allclose(inside, expected, atol=1e-3)
    with pytest.raises(ValueError, match="must have 3 channels"):
        zoo.get("vgg16_finetune", input_shape=(32, 32, 1), weights=None)


# The same network in keras.applications, and its preparation of pixels.
THEIRS = {
    "vgg16": ("VGG16", "vgg16"),
    "resnet50": ("ResNet50", "resnet"),
    "densenet121": ("DenseNet121", "densenet"),
    "mobilenet": ("MobileNet", "mobilenet"),
    "efficientnet_b0": ("EfficientNetB0", "efficientnet"),
}


@pytest.mark.parametrize("name", THEIRS)
def test_page_of_the_book_gives_what_keras_applications_gives(name):
    network, family = THEIRS[name]
    ours = zoo.get(name, input_shape=(64, 64, 3), classes=7)
    theirs = getattr(keras.applications, network)(weights=None, input_shape=(64, 64, 3), classes=7)
    generator = np.random.default_rng(1)
    for weight in theirs.weights:
        if "normalization" in weight.path:
            continue
        if weight.path.endswith(("gamma", "moving_variance")):
            weight.assign(generator.uniform(0.5, 1.5, weight.shape))
        elif weight.path.endswith(("beta", "moving_mean", "bias")):
            weight.assign(generator.normal(0, 0.1, weight.shape))
    ours.set_weights(theirs.get_weights())
    image = pixels(ours, 2).astype("float32")
    prepared = getattr(keras.applications, family).preprocess_input(image.copy())
    if name == "efficientnet_b0":  # Without pretrained weights theirs leaves the deviation out.
        prepared = image / np.sqrt([0.229, 0.224, 0.225], dtype="float32")
    expected = np.asarray(theirs(prepared))
    assert np.ptp(expected) > 1e-2, "answers that are all alike show nothing"
    np.testing.assert_allclose(np.asarray(ours(image)), expected, atol=1e-5)


def test_lenet5_has_two_dials_that_change_no_count():
    model = zoo.get("lenet5", activation="relu", pool="max")
    assert model.count_params() == zoo.get("lenet5").count_params() == 61_706
    assert {model.get_layer(name).activation for name in ("conv1", "conv2", "dense1", "dense2")} == {
        keras.activations.relu
    }
    assert isinstance(model.get_layer("pool1"), keras.layers.MaxPooling2D)
    with pytest.raises(ValueError, match="'pool' parameter of lenet5 must be one of average, max. Got 'mean'"):
        zoo.get("lenet5", pool="mean")


def test_grad_cam_of_mobilenet_looks_below_the_convolution_that_classifies():
    model = zoo.get("mobilenet", input_shape=(64, 64, 3), weights=None)
    assert last_convolution(model) == "block13_pointwise_conv"
