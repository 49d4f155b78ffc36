"""Networks and recipes of a second each, for runs that are killed. To import it is to register them."""

import dataclasses

import zoo
from recipes import Phase, Recipe
from recipes.book import own_photos
from recipes.recipe.search_space import LogFloat

BASE = "tiny"


@zoo.register("flat")
def build(*, input_shape, classes, dropout=0.2):
    """Every pixel speaks for or against every class."""
    import keras

    image = keras.Input(input_shape, name="image")
    x = keras.layers.Flatten(name="flatten")(keras.layers.Rescaling(1 / 255, name="scale")(image))
    x = keras.layers.Dropout(dropout, name="dropout")(x)
    return keras.Model(image, keras.layers.Dense(classes, activation="softmax", name="dense")(x))


FLAT = Recipe(
    name="flat", architecture="flat", data="fashion_mnist", image_size=28, batch_size=32,
    phases=(Phase("train", epochs=2, keep="best"),),
)  # fmt: skip

SEARCHED = Recipe(
    name="searched", architecture="flat", data="fashion_mnist", image_size=16, batch_size=32,
    phases=(Phase("train", epochs=2),), tune={"phases.train.learning_rate": LogFloat(1e-4, 1e-2)},
)  # fmt: skip

TWO_PHASES = Recipe(
    name="two_phases", architecture="transfer", data="fashion_mnist", image_size=32, batch_size=16, weights="imagenet",
    model={"backbone": BASE}, views=2, engine="keras",
    phases=(
        Phase("head", epochs=2, train=("head_*",)),
        Phase("finetune", epochs=2, train=("stage:-1", "head_*"), average_epochs=1, save_every_epoch=True),
    ),
)  # fmt: skip

FETCHED = Recipe(
    name="fetched", architecture="transfer", data="fashion_mnist", image_size=32, batch_size=32, weights="imagenet",
    model={"backbone": BASE}, views=1, engine="keras", phases=(Phase("head", epochs=1, train=("head_*",)),),
)  # fmt: skip

OWN = dataclasses.replace(
    own_photos.TUNED, name="own", image_size=32, model={"backbone": BASE, "stages": 1, "dropout": 0.0}, engine="keras",
    audition=(f"{BASE}@32", f"{BASE}@48"),
)  # fmt: skip
