"""A network of one layer, and a recipe on it: for tests that train often. To import it is to register it."""

import dataclasses

import keras
from conftest import tiny_recipe

import zoo
from recipes import Augment, Phase, Shares, Split
from recipes.recipe.search_space import LogFloat


@zoo.register("one_layer")
def build(*, input_shape, classes, dropout=0.4):
    """Every pixel speaks for or against every class."""
    image = keras.Input(input_shape, name="image")
    x = keras.layers.Flatten(name="flatten")(keras.layers.Rescaling(1 / 255, name="scale")(image))
    x = keras.layers.Dropout(dropout, name="dropout")(x)
    return keras.Model(image, keras.layers.Dense(classes, activation="softmax", name="dense")(x))


MINE = tiny_recipe(
    name="mine", architecture="one_layer", augment=Augment(), split=Split(validation=0.8),
    phases=(Phase("train", epochs=3),),
)  # fmt: skip


class RACE:
    """It in two variants, which are the same."""

    TUNED = PUBLISHED = MINE


SEARCHED = dataclasses.replace(MINE, name="searched", tune={"phases.train.learning_rate": LogFloat(1e-4, 1e-2)})

OF_PHOTOS = dataclasses.replace(
    MINE, name="photos", image_size=16, batch_size=8, split=Shares(), phases=(Phase("train", epochs=2),)
)
