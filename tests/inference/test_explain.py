"""What a network learned, in pictures: for runs of this book and for anybody's flat model."""

import functools
import json
import os

import keras
import numpy as np
import pytest
from PIL import Image

from recipes import explain
from recipes.errors import UsageFault
from recipes.files import model_file
from recipes.inference import explanations, gradcam
from recipes.inference.activation_maximization import excite


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    path = tmp_path_factory.mktemp("photo") / "고양이 1.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 80, 3)).astype("uint8")).save(path)
    return path


@pytest.fixture(scope="module")
def mobilenet(tmp_path_factory):
    """A flat network of another house, its first half, with random weights, and how many it has."""
    path = tmp_path_factory.mktemp("model") / "mobilenet.keras"
    whole = keras.applications.MobileNetV2((96, 96, 3), alpha=0.35, weights=None, include_top=False)
    x = keras.layers.GlobalAveragePooling2D()(whole.get_layer("block_6_project_BN").output)
    model = keras.Model(whole.input, keras.layers.Dense(5, activation="softmax")(x), name=whole.name)
    model.save(path)
    return path, model.count_params()


@pytest.fixture
def explained(call, tmp_path, monkeypatch):
    """Call the verb; three panels a figure and three steps of gradient ascent, which has a test of its own."""
    monkeypatch.setattr(
        "recipes.inference.activation_maximization.excite", functools.partial(excite, filters=3, steps=3)
    )
    monkeypatch.setattr("recipes.report.figures.explanations.MOST_MAPS", 3)
    monkeypatch.setattr("recipes.report.figures.explanations.MOST_FILTERS", 3)

    def run(*arguments):
        return *call(explain, *arguments, "--out", tmp_path / "out"), tmp_path / "out"

    return run


def is_picture(path):
    with Image.open(path) as picture:
        return min(picture.size) > 100 and len(np.unique(np.asarray(picture))) > 20


def test_grad_cam_and_feature_maps_of_a_run(explained, trained, photo):
    code, out, err, folder = explained(trained, photo, photo.with_name("missing.png"))
    assert code == 0
    assert "missing.png cannot be read" in out + err
    assert is_picture(folder / "고양이 1-gradcam.png")
    convolutions = [
        layer.name for layer in keras.saving.load_model(trained / "model.keras").layers if "conv" in layer.name
    ]
    assert explained(trained, photo, "--features", ",".join(convolutions[:2]))[0] == 0
    assert all(is_picture(folder / f"고양이 1-{name}.png") for name in convolutions[:2])
    assert explained(trained, photo, "--layer", convolutions[0])[0] == 0


def test_filters_are_kernels_in_the_first_layer_and_images_in_a_deeper_one(explained, trained):
    names = [layer.name for layer in keras.saving.load_model(trained / "model.keras").layers if "conv" in layer.name]
    for name in names[:2]:
        code, _, err, folder = explained(trained, "--filters", name)
        assert code == 0, err
        assert is_picture(folder / f"{name}-filters.png")


def test_a_model_of_another_house(explained, mobilenet, photo, monkeypatch):
    mobilenet, parameters = mobilenet
    monkeypatch.setattr(model_file, "read", functools.cache(model_file.read))  # Its many layers take seconds to read.
    code, out, err, folder = explained(mobilenet, photo, "--range", "-1", "1", "--layer", "block_6_project")
    assert code == 0, err
    assert is_picture(folder / "고양이 1-gradcam.png")
    code, _, err, _ = explained(mobilenet, photo, "--range", "-1", "1", "--features", "block_3_expand")
    assert code == 0, err
    code, _, err, _ = explained(mobilenet, "--range", "-1", "1", "--filters", "block_1_project")
    assert code == 0, err
    code, out, _, _ = explained("--arithmetic", mobilenet, "--json")
    assert json.loads(out)["parameters"] == parameters


def test_edges_by_hand_stand_beside_the_filters_a_network_learned(explained, trained, photo):
    assert explained("--sobel", photo)[0] == 0
    code, _, _, folder = explained("--sobel", photo, trained)
    assert code == 0
    assert is_picture(folder / "고양이 1-sobel.png")


def test_arithmetic_is_printed_as_text_markdown_and_data(explained):
    code, out, _, _ = explained("--arithmetic", "fashion_cnn")
    assert code == 0
    assert "3 x 3 x 32 x 64 + 64 = 18,496" in out
    assert "| `conv2` | Conv2D |" in explained("--arithmetic", "fashion_cnn", "--markdown")[1]
    assert json.loads(explained("--arithmetic", "fashion_cnn", "--json")[1])["parameters"] == 333_526


def test_an_exciting_image_excites_its_filter_more_than_noise_does():
    keras.utils.set_random_seed(0)
    image = keras.Input((24, 24, 1))
    maps = keras.layers.Conv2D(6, 3, activation="relu", name="first")(keras.layers.Rescaling(1 / 255)(image))
    maps = keras.layers.Conv2D(4, 3, activation="relu", name="second")(maps)
    model = keras.Model(image, maps)
    found = excite(model, "second", steps=30)
    assert found.min() >= 0
    assert found.max() <= 255
    noise = np.random.default_rng(1).uniform(102, 153, found.shape)
    before, after = (model.predict(images, verbose=0) for images in (noise, found))
    for index in range(4):
        assert after[index, ..., index].mean() > before[index, ..., index].mean()
    np.testing.assert_array_equal(found, excite(model, "second", steps=30))


def network(*inner, units=3, activation="softmax"):
    """A flat network over 12 x 12 grey images, with an unnamed input."""
    image = keras.Input((12, 12, 1))
    maps = image
    for layer in inner:
        maps = layer(maps)
    return keras.Model(image, keras.layers.Dense(units, activation=activation)(keras.layers.Flatten()(maps)))


def ends_in(operation):
    model = network(keras.layers.Conv2D(2, 3), activation=None)
    return keras.Model(model.inputs[0], operation(model.outputs[0]))


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        (lambda: network(), "probability"),
        (lambda: network(units=1, activation="sigmoid"), "probability"),
        (lambda: ends_in(keras.layers.Softmax()), "probability"),
        (lambda: ends_in(keras.layers.Activation("softmax")), "probability"),
        (lambda: ends_in(keras.ops.softmax), "probability"),
        (
            lambda: ends_in(lambda x: keras.ops.exp(x - 9) / keras.ops.sum(keras.ops.exp(x - 9), -1, True)),
            "probability",
        ),
        (lambda: keras.Sequential([keras.Input((12, 12, 1)), network()]), "probability"),
        (lambda: network(activation=None), "score"),
        (lambda: network(activation="sigmoid"), "score"),
        (lambda: network(units=1, activation=None), "score"),
        (lambda: network(units=1), "score"),
        (lambda: ends_in(keras.ops.sigmoid), "score"),
        (lambda: ends_in(keras.ops.tanh), "score"),
    ],
)
def test_outputs_that_do_not_sum_to_one_are_called_scores(tmp_path, model, kind):
    model().save(tmp_path / "model.keras")
    predictor = explanations.subject(str(tmp_path / "model.keras"), (0, 1))
    table = predictor.predict(np.random.default_rng(0).integers(0, 256, (5, 12, 12, 1)).astype("uint8"))
    assert table.as_csv().splitlines()[0].startswith(f"path,prediction,{kind},{kind} class 0,{kind} class 1")
    rows = table.probabilities
    assert (rows.argmax(axis=1) == [int(name.split()[1]) for name in table.predictions]).all()
    assert (np.allclose(rows.sum(axis=1), 1) and rows.min() >= 0) or kind == "score"


def test_percent_signs_are_for_probabilities():
    assert explanations.in_words(0.25, "probability") == "25.0%"
    assert explanations.in_words(3.256, "score") == "score 3.26"


def test_grad_cam_follows_outputs_that_an_operation_makes(explained, photo, tmp_path):
    shared = keras.layers.Conv2D(1, 3, padding="same", name="shared")
    image = keras.Input((12, 12, 1))
    maps = keras.layers.BatchNormalization()(shared(shared(image)), training=False)
    logits = keras.layers.Dense(3)(keras.ops.mean(maps, axis=(1, 2)))
    model = keras.Model(image, keras.ops.softmax(logits))
    model.save(tmp_path / "own.keras")
    code, _, err, folder = explained(tmp_path / "own.keras", photo)
    assert code == 0, err
    assert is_picture(folder / "고양이 1-gradcam.png")
    model.save(tmp_path / "own.h5")
    code, _, err, _ = explained(tmp_path / "own.h5", photo)
    assert code == 9
    assert "What keras.ops made can only be read from a .keras file" in err


def test_grad_cam_looks_past_the_convolutions_that_weigh_channels():
    keras.utils.set_random_seed(0)
    layers = keras.layers
    image = keras.Input((16, 16, 3))
    maps = layers.Conv2D(4, 3, padding="same", name="seen")(image)
    weighed = layers.Conv2D(4, 1, activation="sigmoid")(layers.GlobalAveragePooling2D(keepdims=True)(maps))
    seen = layers.GlobalAveragePooling2D()(maps * weighed)
    model = keras.Model(image, layers.Dense(2, activation="softmax")(seen))
    assert gradcam.last_convolution(model) == "seen"
    pictures = np.random.default_rng(0).uniform(0, 255, (1, 16, 16, 3))
    assert max(gradcam.heatmaps(model, pictures, [label]).max() for label in (0, 1)) > 0.9


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (lambda: network(), "has no two-dimensional convolution to look at"),
        (
            lambda: keras.Sequential([keras.Input((12, 12, 1)), network(keras.layers.Conv2D(2, 3))]),
            "has no two-dimensional convolution to look at. The network inside it, 'functional",
        ),
        (lambda: keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(2)]), "Give it a keras.Input"),
    ],
)
def test_a_network_without_a_convolution_to_see_is_refused(explained, photo, tmp_path, model, words):
    model().save(tmp_path / "model.keras")
    code, _, err, folder = explained(tmp_path / "model.keras", photo)
    assert (code, words in err) == (2, True), err
    assert not folder.exists()
    assert explained(tmp_path / "model.keras", "--filters", "conv")[0] == 2


def test_a_convolution_to_which_no_gradient_leads_is_named(explained, photo, tmp_path):
    steps = keras.layers.Discretization([-1.0, 1.0]), keras.layers.Rescaling(1.0)
    network(keras.layers.Conv2D(2, 3, name="conv"), *steps).save(tmp_path / "model.keras")
    code, _, err, _ = explained(tmp_path / "model.keras", photo)
    assert (code, "No gradient leads from the answer to 'conv'" in err) == (2, True), err


def test_a_pipe_and_what_is_too_large_for_a_photo_are_named_and_passed_over(explained, trained, photo, tmp_path):
    pipe, large = tmp_path / "pipe.jpg", tmp_path / "large.jpg"
    os.mkfifo(pipe)
    with large.open("wb") as file:
        file.truncate(201_000_000)
    code, out, err, _ = explained(trained, pipe, large, photo)
    assert (code, "pipe.jpg cannot be read: not a file" in out + err) == (0, True), err
    assert "large.jpg cannot be read: oversized: 201 MB, more than 200" in out + err
    for file, words in ((pipe, "not a file"), (large, "oversized: 201 MB")):
        code, _, err, _ = explained("--sobel", file)
        assert (code, words in err) == (3, True), err


def test_a_misspelt_convolution_of_a_deep_network_is_answered_in_a_line():
    deep = network(*(keras.layers.Conv2D(2, 3, padding="same", name=f"block{place}_conv") for place in range(30)))
    with pytest.raises(UsageFault, match=r"Did you mean .*'block7_conv'.* There are: block0_conv, .* and 10 more\.$"):
        explanations.convolution(deep, "block7_conf")


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        ((), 2, "Which run?"),
        (("{run}",), 2, "Which image?"),
        (("{run}", "{photo}", "--layer", "cnv"), 2, "has no layer 'cnv'"),
        (("{run}", "--filters", "cnv"), 2, "no convolution 'cnv'"),
        (("{run}", "{run}/manifest.json"), 3, "cannot be read"),
        (("nowhere", "{photo}"), 2, "neither the folder of a run, nor"),
        (("{photo}", "{photo}"), 9, "cannot be loaded"),
        (("--sobel", "nowhere.png"), 3, "cannot be read"),
        (("--arithmetic", "fashion"), 2, "neither"),
        (("{run}", "{photo}", "--range", "1", "0"), 2, "the lowest value"),
    ],
)
def test_bad_input_says_what_is_wrong(explained, trained, photo, arguments, code, expected):
    places = {"run": trained, "photo": photo}
    found, out, err, folder = explained(*(argument.format(**places) for argument in arguments))
    assert (found, expected in out + err) == (code, True), err
    assert not folder.exists()
