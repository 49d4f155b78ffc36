"""EfficientNet-Lite without its head: the networks of EfficientNet-B0 to -B2, made simple for telephones and CPUs.

Source: EfficientNet-Lite (2020), Google's TPU repository; EfficientNet: Tan and Le, arXiv:1905.11946.
"""

from math import ceil

import keras
from keras import layers

# Kernel, blocks, channels, stride and expansion of the seven stages.
STAGES = (
    (3, 1, 16, 1, 1),
    (3, 2, 24, 2, 6),
    (5, 2, 40, 2, 6),
    (3, 3, 80, 2, 6),
    (5, 3, 112, 1, 6),
    (5, 4, 192, 2, 6),
    (3, 1, 320, 1, 6),
)


def body(x: keras.KerasTensor, *, width: float = 1.0, depth: float = 1.0) -> keras.KerasTensor:
    """The network from preprocessed pixels to features (batch, rows, columns, 1,280).

    Args:
        x: (batch, height, width, 3) pixels from about -1 to 1.
        width: Channels of a stage, times this, to the nearest 8; stem and top stay as they are.
        depth: Blocks of a stage, times this; the first and the last stage keep their one.
    """
    x = layers.Conv2D(32, 3, strides=2, padding="same", use_bias=False, name="stem_conv")(x)
    x = _normalized(x, "stem")
    x = layers.ReLU(6.0, name="stem_relu")(x)
    for number, (kernel, blocks, channels, stride, expansion) in enumerate(STAGES, start=1):
        ends = number in (1, len(STAGES))
        for place in range(blocks if ends else ceil(blocks * depth)):
            x = _block(
                x,
                f"block{number}{'abcdefgh'[place]}",
                kernel=kernel,
                channels=_rounded(channels * width),
                stride=1 if place else stride,
                expansion=expansion,
            )
    x = layers.Conv2D(1280, 1, use_bias=False, name="top_conv")(x)
    x = _normalized(x, "top")
    return layers.ReLU(6.0, name="top_relu")(x)


def _block(
    x: keras.KerasTensor, name: str, *, kernel: int, channels: int, stride: int, expansion: int
) -> keras.KerasTensor:
    """Widen, filter each channel by itself, narrow; and add the input where it has the same shape."""
    given = x
    if expansion > 1:
        x = layers.Conv2D(expansion * x.shape[-1], 1, use_bias=False, name=f"{name}_expand_conv")(x)
        x = _normalized(x, f"{name}_expand")
        x = layers.ReLU(6.0, name=f"{name}_expand_relu")(x)
    x = layers.DepthwiseConv2D(kernel, strides=stride, padding="same", use_bias=False, name=f"{name}_depthwise_conv")(x)
    x = _normalized(x, f"{name}_depthwise")
    x = layers.ReLU(6.0, name=f"{name}_depthwise_relu")(x)
    x = layers.Conv2D(channels, 1, use_bias=False, name=f"{name}_project_conv")(x)
    x = _normalized(x, f"{name}_project")
    if x.shape == given.shape and stride == 1:
        x = layers.Add(name=f"{name}_add")([given, x])
    return x


def _normalized(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    return layers.BatchNormalization(epsilon=1e-3, name=f"{name}_bn")(x)


def _rounded(channels: float) -> int:
    """To the nearest multiple of 8, and not more than a tenth below."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * channels else rounded + 8
