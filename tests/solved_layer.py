"""A network whose last layer is solved for, on frozen colours, and a recipe on it. To import it is to register it."""

import keras
from conftest import tiny_recipe

import zoo
from recipes import Augment, Phase, Split


@zoo.register("solved_layer")
def build(*, input_shape, classes):
    """Two random mixtures of the colours of each quarter speak for or against every class."""
    image = keras.Input(input_shape, name="image")
    x = keras.layers.AveragePooling2D(input_shape[0] // 2, name="quarters")(
        keras.layers.Rescaling(1 / 255, name="scale")(image)
    )
    drawn = keras.initializers.RandomUniform(seed=1)
    mix = keras.layers.Conv2D(2, 1, activation="relu", name="mix", trainable=False, kernel_initializer=drawn)
    x = keras.layers.Flatten(name="flatten")(mix(x))
    return keras.Model(image, keras.layers.Dense(classes, activation="softmax", name="dense")(x))


MINE = tiny_recipe(
    name="solved", architecture="solved_layer", augment=Augment(), split=Split(validation=0.8), views=1,
    phases=(Phase("head", epochs=1, train=("dense",), optimizer="logistic_regression", weight_decay=10.0),),
)  # fmt: skip
