"""A package of somebody else's calls our checks on what it brings."""

import pytest

import recipes
import zoo
from recipes.testing import check_recipe
from zoo.testing import check_architecture

PACKAGE = '''
"""Somebody's package."""

import keras
from keras import layers

import zoo
from recipes import Phase, Recipe
from zoo.checks import check_request


def build(*, input_shape=(16, 16, 3), classes=2, weights=None):
    """A small net of theirs."""
    check_request("outside_net", input_shape, classes, smallest=4)
    image = keras.Input(input_shape, name="image")
    x = layers.Rescaling(1 / 255, name="scale")(image)
    x = layers.Conv2D(4, 3, padding="same", use_bias=False, name="conv")(x)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.GlobalAveragePooling2D(name="average")(layers.ReLU(name="relu")(x))
    outputs = layers.Dense(1 if classes == 2 else classes, activation=("softmax", "sigmoid")[classes == 2], name="p")(x)
    return keras.Model(image, outputs, name="outside_net")


def careless(*, input_shape=(16, 16, 3), classes=2, weights=None):
    image = keras.Input(input_shape)
    x = keras.Sequential([layers.RandomFlip(), layers.Flatten()])(image)
    return keras.Model(image, layers.Dense(classes)(x))


RECIPE = Recipe(name="outside_recipe", architecture="outside_net", data="mnist", phases=(Phase("train", epochs=5),))
WRONG = Recipe(name="wrong", architecture="outside_net", data="mnist", phases=(Phase("a", 5, ("head_*",)),))
'''


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The package with its entry points, as pip would lay it down, in a folder of its own on the path."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "outside_package.py").write_text(PACKAGE, encoding="utf-8")
    information = folder / "outside_package-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: outside-package\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(
        "[zoo.architectures]\noutside_net = outside_package:build\n\n"
        "[recipes.book]\noutside_recipe = outside_package:RECIPE\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield


def test_outside_package_passes_the_checks(installed):
    assert "outside_net" in zoo.names()
    assert "outside_recipe" in recipes.names()
    check_architecture("outside_net")
    check_recipe("outside_recipe")


def test_outside_package_is_told_all_that_is_wrong(installed):
    import outside_package

    with pytest.raises(AssertionError) as broken:
        check_architecture(outside_package.careless)
    for words in (
        "is a network inside",
        "not probabilities",
        "is called 'dense_",
        "it takes one class without a ValueError",
    ):
        assert words in str(broken.value)
    with pytest.raises(AssertionError, match="'head_.' matches no layer with weights in outside_net"):
        check_recipe(outside_package.WRONG)
