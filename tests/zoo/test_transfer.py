"""Any base under a new head: flat, held, called the same on every build, or refused by name."""

import dataclasses

import h5py
import keras
import numpy as np
import pytest

import zoo
from recipes import Phase, Recipe
from recipes.errors import CorruptFault, UsageFault
from recipes.execution.prepare import find_weights
from recipes.freeze.layers import frontier, thaw
from zoo import weights
from zoo.checksum import sha256_of_arrays
from zoo.pretrained import applications, bases, borrowed
from zoo.pretrained.applications import PREPARED
from zoo.pretrained.bases import find
from zoo.structure.stages import stages
from zoo.weights import WeightsCorrupt, WeightsMissing, locate

FAMILIES = {
    "DenseNet121": "densenet", "InceptionV3": "inception_v3", "InceptionResNetV2": "inception_resnet_v2",
    "MobileNet": "mobilenet", "MobileNetV2": "mobilenet_v2", "NASNetMobile": "nasnet", "ResNet50": "resnet50",
    "ResNet50V2": "resnet_v2", "VGG19": "vgg19", "Xception": "xception", "EfficientNetB0": "efficientnet",
    "EfficientNetV2B0": "efficientnet_v2", "ConvNeXtTiny": "convnext", "MobileNetV3Small": "mobilenet_v3",
}  # fmt: skip
PHOTOS = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype("float32")


def transfer(backbone, side=32, **keywords):
    return zoo.get("transfer", backbone=backbone, input_shape=(side, side, 3), **keywords)


@pytest.fixture(scope="module")
def mobilenet():
    return transfer("MobileNetV3Small", weights=None, classes=3)


@pytest.fixture
def own():
    return keras.Sequential(
        [
            keras.Input((None, None, 3)),
            keras.layers.Conv2D(4, 3, strides=2, name="mine"),
            keras.layers.BatchNormalization(name="norm"),
            keras.layers.Dropout(0.5),
        ]
    )


def names(model):
    return [layer.name for layer in model.layers]


def kernel(model):
    return model.get_layer("mine").get_weights()[0]


def test_every_network_of_keras_applications_is_a_base():
    assert set(PREPARED) == {name for name in dir(keras.applications) if name[0].isupper()}


@pytest.mark.parametrize("name", FAMILIES)
def test_pixels_are_prepared_as_keras_prepares_them(name):
    wanted = getattr(keras.applications, FAMILIES[name]).preprocess_input(PHOTOS.copy())
    found = PREPARED[name][0](keras.ops.convert_to_tensor(PHOTOS))
    np.testing.assert_allclose(np.asarray(found), wanted, atol=2e-4)


def test_a_base_is_called_the_same_on_every_build_and_passes_once(mobilenet):
    assert names(transfer("MobileNetV3Small", weights=None, classes=3)) == names(mobilenet)
    assert names(mobilenet)[1] == "rescaling"
    thaw(mobilenet, ("head_*",))
    assert frontier(mobilenet) == "head_average"
    thaw(mobilenet, ("head_*", "stage:-1"))
    assert frontier(mobilenet) == "expanded_conv_8_depthwise_pad"


def test_a_base_gives_the_features_that_keras_gives(mobilenet):
    original = keras.applications.MobileNetV3Small(include_top=False, weights=None, input_shape=(32, 32, 3))
    for layer in original.layers:
        if layer.weights:
            layer.set_weights(mobilenet.get_layer(layer.name).get_weights())
    features = keras.Model(mobilenet.inputs[0], mobilenet.get_layer("head_average").input)
    np.testing.assert_allclose(np.asarray(features(PHOTOS)), np.asarray(original(PHOTOS)), atol=1e-5)


def test_random_layers_of_a_base_are_left_out_and_efficientnet_divides_twice():
    model = transfer("EfficientNetB0", weights=None)
    assert not [name for name in names(model) if "drop" in name and not name.startswith("head_")]
    assert names(model)[1:4] == ["rescaling", "normalization", "rescaling_1"]
    thaw(model, ("head_*",))
    assert frontier(model) == "head_average"


def test_weights_that_keras_fetches_are_kept(monkeypatch, tmp_path):
    monkeypatch.setattr(weights, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(applications, "reachable", lambda _: True)
    build, asked = keras.applications.MobileNetV3Small, []

    def fetching(*, include_top, weights, input_shape=(32, 32, 3)):
        asked.append(weights)
        return build(include_top=include_top, weights=None, input_shape=input_shape)

    monkeypatch.setattr(keras.applications, "MobileNetV3Small", fetching)
    source = locate("imagenet", find("MobileNetV3Small"))
    model = transfer("MobileNetV3Small", classes=3)
    assert asked.count("imagenet") == 1
    below = [layer for layer in model.layers if not layer.name.startswith("head_")]
    assert sha256_of_arrays([array for layer in below for array in layer.get_weights()]) == source.sha256

    assert weights.at_hand([find("VGG19"), find("MobileNetV3Small")]) == ["MobileNetV3Small"]
    (kept,) = (tmp_path / "weights").glob("*.npz")
    kept.write_bytes(b"half")
    with pytest.raises(WeightsCorrupt, match="is damaged: .* It was deleted; the next run fetches it again"):
        locate("imagenet", find("MobileNetV3Small"))


def test_a_file_of_keras_without_a_head_is_read_by_keras(tmp_path, mobilenet):
    path, below = tmp_path / "mine_no_top.h5", [layer for layer in mobilenet.layers if layer.weights][:-1]
    with h5py.File(path, "w") as file:
        for layer in below:
            group = file.create_group(layer.name)
            for weight in layer.weights:
                group[weight.path] = weight.numpy()
            group.attrs["weight_names"] = [weight.path for weight in layer.weights]
        file.attrs["layer_names"] = [layer.name for layer in below]
    model = transfer("MobileNetV3Small", weights=path)
    for layer in below:
        for wanted, found in zip(layer.get_weights(), model.get_layer(layer.name).get_weights(), strict=True):
            np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize(
    ("raised", "error", "words"),
    [
        (OSError("truncated file"), WeightsCorrupt, "MobileNet cannot be read: truncated file Delete the file and run"),
        (ValueError(), WeightsCorrupt, "MobileNet cannot be read: ValueError Delete the file and run"),
        (Exception("URL fetch failure on https://x: 503"), WeightsMissing, "cannot be fetched: URL fetch failure"),
    ],
)
def test_a_download_of_keras_that_fails_is_told(monkeypatch, raised, error, words):
    def failing(**_):
        raise raised

    monkeypatch.setattr(applications, "reachable", lambda _: True)
    monkeypatch.setattr(keras.applications, "MobileNet", failing)
    with pytest.raises(error, match=words):
        find("MobileNet").fetch("imagenet")


def test_weights_nobody_has_are_missing(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(applications, "reachable", lambda _: False)
    with pytest.raises(WeightsMissing, match="weights of MobileNet are not in .* cannot be reached.*weights=None"):
        find("MobileNet").fetch("imagenet")


def test_a_network_of_ones_own_is_a_base_with_its_weights(own, tmp_path):
    own.save(tmp_path / "own.keras")
    first = transfer(own)
    first.save(tmp_path / "first.keras")
    assert [name for name in names(first) if not name.startswith("head_")] == ["image", "mine", "norm"]
    for backbone in (own, tmp_path / "own.keras", str(tmp_path / "first.keras")):
        model = transfer(backbone, classes=4)  # Of one that has a head, what is below it.
        assert names(model) == names(first)
        np.testing.assert_array_equal(kernel(model), kernel(own))
    assert not np.array_equal(kernel(transfer(own, weights=None)), kernel(own))
    thaw(first, ("*",))
    assert not first.get_layer("norm").trainable


@pytest.mark.parametrize(
    ("classifier", "left_out"),
    [
        ([keras.layers.Dense(4, activation="softmax", name="dense")], "dense"),
        ([keras.layers.Dense(1, name="one"), keras.layers.Dropout(0.1), keras.layers.Activation("sigmoid")], "one"),
        ([keras.layers.Dense(4, name="scores"), keras.layers.Softmax()], "scores"),
        ([keras.layers.Dense(4, name="embedding", activation="relu")], None),
    ],
)
def test_a_network_that_ends_in_probabilities_is_a_base_below_them(own, tmp_path, caplog, classifier, left_out):
    pooled = keras.layers.GlobalAveragePooling2D(name="pooled")
    network = keras.Sequential([*own.layers, pooled, *classifier])
    network(PHOTOS)
    network.save(tmp_path / f"{left_out}.keras")
    image = keras.Input((32, 32, 3), name="image")
    for backbone in (tmp_path / f"{left_out}.keras", keras.Model(image, network(image))):
        base = [name for name in names(transfer(backbone)) if not name.startswith("head_")]
        assert base == ["image", "mine", "norm", "pooled", *(["embedding"] if left_out is None else [])]
    assert (f"below its layer {left_out!r} is taken" in caplog.text) == (left_out is not None)


def test_two_bases_look_at_the_same_image(lite0_weights, tmp_path):
    backbone = "efficientnet_lite0+MobileNetV3Small"
    found = weights.locate_all("imagenet", [find("efficientnet_lite0")] * 2)
    assert found.kind == "package index"
    assert len(found.parts) == 2
    both = transfer(backbone, weights=None, classes=3, stages=2)
    assert not any(isinstance(layer, keras.Model) for layer in both.layers)
    both.save(tmp_path / "both.keras")
    again = transfer(backbone, weights=tmp_path / "both.keras", classes=3, stages=2)
    assert names(again) == names(both)
    for other in (keras.models.load_model(tmp_path / "both.keras"), again):
        np.testing.assert_array_equal(np.asarray(other(PHOTOS)), np.asarray(both(PHOTOS)))
    with pytest.raises(ValueError, match="Bases that are joined differ"):
        transfer("xception+xception", weights=None)
    with pytest.raises(ValueError, match="No pretrained base named 'xceptoin'"):
        transfer("efficientnet_lite0+xceptoin", weights=None)


def test_each_of_two_bases_has_its_own_weights_and_pixels(lite0_weights, own, monkeypatch):
    mine = dataclasses.replace(borrowed.own(own), name="mine")
    monkeypatch.setitem(bases.BASES, "mine", mine)
    both = transfer("efficientnet_lite0+mine", stages=1)
    alone = [transfer(name, stages=1) for name in ("efficientnet_lite0", "mine")]
    joined, *each = (
        np.asarray(keras.Model(model.inputs, model.get_layer(name).output)(PHOTOS))
        for model, name in ((both, "head_joined"), *((model, "head_average") for model in alone))
    )
    np.testing.assert_allclose(joined, np.concatenate(each, axis=1), atol=1e-5)


def test_what_is_no_base_is_refused_by_name(own, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"Did you mean 'MobileNetV3Small' .* the 40 networks of keras.applications"):
        transfer("MobilenetV3small")
    with pytest.raises(ValueError, match="must be the name of a base, a .keras file.* Got 3"):
        transfer(3)
    with pytest.raises(WeightsMissing, match="No backbone at .*gone.keras"):
        transfer(tmp_path / "gone.keras")
    (tmp_path / "half.keras").write_bytes(b"half")
    with pytest.raises(WeightsCorrupt, match="half.keras cannot be loaded"):
        transfer(tmp_path / "half.keras")
    fixed = keras.Sequential([keras.Input((20, 20, 3)), keras.layers.Conv2D(4, 3)])
    with pytest.raises(ValueError, match=r"takes images of \(20, 20, 3\). Got \(32, 32, 3\)"):
        transfer(fixed)
    monkeypatch.setattr(borrowed.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(WeightsMissing, match=r"needs KerasHub: pip install 'keras-zoo-recipes\[hub\]'"):
        transfer("hub:resnet_18_imagenet")


class Forgetful(keras.layers.Layer):
    def __init__(self, units):
        super().__init__()

    def call(self, x):
        return x


def test_a_base_with_a_layer_that_cannot_be_copied_is_refused(monkeypatch):
    base = dataclasses.replace(find("MobileNet"), body=lambda pixels: Forgetful(3)(pixels))
    monkeypatch.setattr("zoo.architectures.transfer.find_all", lambda _: (base,))
    with pytest.raises(ValueError, match=r"'MobileNet' cannot be used: its layer 'forgetful.*' \(Forgetful\)"):
        transfer("MobileNet")


def test_a_recipe_finds_the_weights_of_its_backbone(own, tmp_path):
    own.save(tmp_path / "own.keras")
    recipe = Recipe(
        name="own", architecture="transfer", data="cats_vs_dogs", weights="imagenet",
        model={"backbone": str(tmp_path / "own.keras")}, phases=(Phase("head", epochs=1),),
    )  # fmt: skip
    assert find_weights(recipe).kind == "backbone"
    whole = (tmp_path / "own.keras").read_bytes()
    (tmp_path / "own.keras").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CorruptFault, match=r"own.keras is corrupt, or no saved network: [\d,]+ bytes.* Get it again"):
        find_weights(recipe)

    @keras.saving.register_keras_serializable(package="theirs")
    class Gate(keras.layers.Layer):
        pass

    keras.Sequential([keras.Input((8, 8, 3)), Gate()]).save(tmp_path / "own.keras")
    keras.saving.get_custom_objects().pop("theirs>Gate")
    with pytest.raises(CorruptFault, match="holds 'Gate', which no imported module registers.* --import MODULE"):
        find_weights(recipe)
    with pytest.raises(UsageFault, match="No pretrained base named 'Xceptoin'. Did you mean"):
        find_weights(recipe.override("model.backbone", "Xceptoin"))


def test_stages_are_what_lies_between_two_halvings():
    vgg16 = zoo.get("vgg16_feature_extract", input_shape=(32, 32, 3), weights=None)
    assert [(stage[0], stage[-1]) for stage in stages(vgg16)] == [
        ("block1_conv1", "block1_conv2"), ("block2_conv1", "block2_conv2"), ("block3_conv1", "block3_conv3"),
        ("block4_conv1", "block4_conv3"), ("block5_conv1", "block5_conv3"),
    ]  # fmt: skip
    trained = thaw(vgg16, ("stage:-1", "head_*"))
    assert trained == ["block5_conv1", "block5_conv2", "block5_conv3", "head_dense", "head_probabilities"]
    assert frontier(vgg16) == "block4_pool"
    for wrong in ("stage:5", "stage:last"):
        with pytest.raises(
            UsageFault, match=rf"has no '{wrong}'. .*stage:-5 is block1_conv1 to block1_conv2, .*conv3\."
        ):
            thaw(vgg16, (wrong,))


def test_a_residual_path_is_not_cut_by_a_stage():
    xception = zoo.get("xception_feature_extract", input_shape=(71, 71, 3), weights=None)
    found = stages(xception)
    assert len(found) == 5
    assert {name.split("_")[0] for name in found[-1]} == {"block13", "block14"}


def test_a_backbone_of_keras_hub_is_a_base_with_its_weights_and_pixels(tmp_path):
    keras_hub = pytest.importorskip("keras_hub", reason="skipped: KerasHub is not installed (the extra hub)")
    backbone = keras_hub.models.ResNetBackbone(
        input_conv_filters=[64], input_conv_kernel_sizes=[7], stackwise_num_filters=[64, 64],
        stackwise_num_blocks=[1, 1], stackwise_num_strides=[1, 2], block_type="basic_block",
    )  # fmt: skip
    backbone.save_to_preset(str(tmp_path))
    keras_hub.layers.ImageConverter(scale=1 / 127.5, offset=-1.0).save_to_preset(str(tmp_path))
    model = transfer(f"hub:{tmp_path}", classes=3)
    features = keras.Model(model.inputs[0], model.get_layer("head_average").input)
    np.testing.assert_allclose(np.asarray(features(PHOTOS)), np.asarray(backbone(PHOTOS / 127.5 - 1)), atol=1e-4)
    thaw(model, ("stage:-1", "head_*"))
    assert frontier(model) == "stack0_block0_out"
    with pytest.raises(WeightsMissing, match="KerasHub has no preset '.*gone' with a way to prepare images"):
        transfer(f"hub:{tmp_path / 'gone'}")


def test_head_that_reads_earlier_stages_does_not_join_them():
    shape = (64, 64, 3)
    joined, last = (zoo.get("transfer", weights=None, input_shape=shape, stages=number) for number in (4, 1))
    assert stages(joined) == stages(last)
