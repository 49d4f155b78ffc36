"""Xception without its head. Source: Chollet, arXiv:1610.02357; layers are called as in keras.applications."""

import keras
from keras import layers


def body(x: keras.KerasTensor) -> keras.KerasTensor:
    """Xception from preprocessed pixels to features (batch, rows, columns, 2,048)."""
    x = layers.Conv2D(32, 3, strides=2, use_bias=False, name="block1_conv1")(x)
    x = layers.BatchNormalization(name="block1_conv1_bn")(x)
    x = layers.Activation("relu", name="block1_conv1_act")(x)
    x = layers.Conv2D(64, 3, use_bias=False, name="block1_conv2")(x)
    x = layers.BatchNormalization(name="block1_conv2_bn")(x)
    x = layers.Activation("relu", name="block1_conv2_act")(x)

    x = _shrinking(x, "block2", (128, 128), activated=False)  # It is: by block 1.
    x = _shrinking(x, "block3", (256, 256))
    x = _shrinking(x, "block4", (728, 728))
    for number in range(5, 13):
        given = x
        for place in (1, 2, 3):
            x = layers.Activation("relu", name=f"block{number}_sepconv{place}_act")(x)
            x = _separable(x, f"block{number}_sepconv{place}", 728)
        x = layers.Add(name=f"block{number}_add")([x, given])
    x = _shrinking(x, "block13", (728, 1024))

    for place, filters in enumerate((1536, 2048), start=1):
        x = _separable(x, f"block14_sepconv{place}", filters)
        x = layers.Activation("relu", name=f"block14_sepconv{place}_act")(x)
    return x


def _shrinking(
    x: keras.KerasTensor, name: str, filters: tuple[int, int], *, activated: bool = True
) -> keras.KerasTensor:
    """Two separable convolutions and a pool of stride 2; a 1x1 convolution brings the input to the same shape."""
    given = layers.Conv2D(filters[1], 1, strides=2, padding="same", use_bias=False, name=f"{name}_skip_conv")(x)
    given = layers.BatchNormalization(name=f"{name}_skip_bn")(given)
    for place in (1, 2):
        if activated or place == 2:
            x = layers.Activation("relu", name=f"{name}_sepconv{place}_act")(x)
        x = _separable(x, f"{name}_sepconv{place}", filters[place - 1])
    x = layers.MaxPooling2D(3, strides=2, padding="same", name=f"{name}_pool")(x)
    return layers.Add(name=f"{name}_add")([x, given])


def _separable(x: keras.KerasTensor, name: str, filters: int) -> keras.KerasTensor:
    x = layers.SeparableConv2D(filters, 3, padding="same", use_bias=False, name=name)(x)
    return layers.BatchNormalization(name=f"{name}_bn")(x)
