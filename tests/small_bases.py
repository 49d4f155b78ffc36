"""Two bases of a few layers each, in five stages as the large ones: for tests that hear, join, cut and thaw bases."""

import numpy as np

from zoo.pretrained.base import MINUS_ONE_TO_ONE, Base


def _body(widths):
    def body(pixels):
        from keras import layers

        x = pixels
        for stage, width in enumerate(widths, 1):
            x = layers.Conv2D(width, 3, strides=2, padding="same", use_bias=False, name=f"stage{stage}_conv")(x)
            x = layers.BatchNormalization(name=f"stage{stage}_bn")(x)
            x = layers.ReLU(name=f"stage{stage}_relu")(x)
        return x

    return body


def _base(name, widths):
    def fetch(_):
        """The same weights always: what it was trained on is nothing."""
        import keras

        image, draw = keras.Input((32, 32, 3)), np.random.default_rng(0)
        return [
            draw.normal(0, np.prod(weight.shape[:-1]) ** -0.5, weight.shape).astype("float32")
            if weight.path.endswith("kernel")
            else weight.numpy()
            for weight in keras.Model(image, _body(widths)(image)).weights
        ]

    return Base(name=name, body=_body(widths), pixels=MINUS_ONE_TO_ONE, sha256="", fetch=fetch)


BOTH = _base("small", (8, 16, 16, 32, 32)), _base("other", (8, 8, 16, 16, 24))
