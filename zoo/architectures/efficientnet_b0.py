"""efficientnet_b0: sixteen inverted bottlenecks with squeeze-and-excite, found by a search.

Source: the Korean book on deep learning by Hanbit Media (2025, "Learning deep learning by making it alone"), section
3-2; EfficientNet: Tan and Le, arXiv:1905.11946.

    224x224x3 -> shares of 255 -> normalization -> by the square roots of 0.229, 0.224, 0.225
              -> stem:    conv 3x3 x32, stride 2              -> 112x112
              -> block1:  1 of 3x3, 16 channels, expansion 1  -> 112x112
              -> block2:  2 of 3x3, 24, stride 2              -> 56x56
              -> block3:  2 of 5x5, 40, stride 2              -> 28x28
              -> block4:  3 of 3x3, 80, stride 2              -> 14x14
              -> block5:  3 of 5x5, 112                       -> 14x14
              -> block6:  4 of 5x5, 192, stride 2             -> 7x7
              -> block7:  1 of 3x3, 320                       -> 7x7
              -> top:     conv 1x1 x1,280                     -> 7x7
              -> average -> dropout 0.2 -> dense 1,000, softmax

A block widens its input six times (1x1), filters each channel by itself (depthwise), weighs the channels by what their
averages say (squeeze-and-excite, through a quarter of the block's input channels), and narrows again without an
activation; where input and output are alike, the input is added. In training such a block is left out at times, the
later the oftener, up to 0.2 (stochastic depth). Activations are swish; after each convolution comes
BatchNormalization, which takes the place of a bias, but for the two of squeeze-and-excite, which have one.

The book writes the sum inside its test for a share above 0 that is left out. The one block with a share of 0 is the
first, which has no sum: the network is that of the paper. keras.applications has the same with pretrained weights;
without them it leaves out the division by the square roots. The normalization holds mean 0 and variance 1 until weights
say otherwise.

Parameters (kernel height x kernel width x input channels x filters; BatchNormalization 4 x channels):

    normalization  mean 3, variance 3, count 1    =         7
    stem           3 x 3 x 3 x 32 + 4 x 32        =       992
    block1         1 block                        =     1,544
    block2         2 blocks                       =    17,770
    block3         2 blocks                       =    48,336
    block4         3 blocks                       =   248,210
    block5         3 blocks                       =   551,116
    block6         4 blocks                       = 2,044,396
    block7         1 block                        =   722,480
    top            320 x 1,280 + 4 x 1,280        =   414,720
    head           1,280 x 1,000 + 1,000          = 1,281,000
    total                                           5,330,571
"""

from math import sqrt

import keras
from keras import layers

from zoo.checks import Shape, check_request
from zoo.weights import Weights, load_weights

# Kernel, blocks, filters, stride and expansion of the seven stages.
STAGES = (
    (3, 1, 16, 1, 1),
    (3, 2, 24, 2, 6),
    (5, 2, 40, 2, 6),
    (3, 3, 80, 2, 6),
    (5, 3, 112, 1, 6),
    (5, 4, 192, 2, 6),
    (3, 1, 320, 1, 6),
)
STOCHASTIC_DEPTH = 0.2


def build(
    *, input_shape: Shape = (224, 224, 3), classes: int = 1000, weights: Weights = None, dropout: float = 0.2
) -> keras.Model:
    """Build efficientnet_b0.

    Args:
        input_shape: (height, width, 3) of raw 0-255 RGB images; 32x32 pixels or more.
        classes: Number of classes, 2 or more.
        weights: `None` (random), or the path of a saved model or weights file of this network.
        dropout: Share of the 1,280 averages dropped in training, 0 to 1.

    Returns:
        A model from (batch, height, width, 3) to (batch, classes) probabilities.

    Raises:
        ValueError: For a shape or number of classes the network cannot take.
    """
    check_request("efficientnet_b0", input_shape, classes, smallest=32, channels=3)
    image = keras.Input(input_shape, name="image")
    x = layers.Rescaling(1 / 255, name="scale")(image)
    x = layers.Normalization(name="normalization")(x)
    x = layers.Rescaling([1 / sqrt(deviation) for deviation in (0.229, 0.224, 0.225)], name="deviation")(x)

    # Stem
    x = layers.Conv2D(32, 3, strides=2, padding="same", use_bias=False, name="stem_conv")(x)
    x = _activated(x, "stem")

    # Seven stages, sixteen blocks: the first of a stage takes the stride.
    num_blocks, before = sum(blocks for _, blocks, _, _, _ in STAGES), 0
    for number, (kernel, blocks, filters, stride, expansion) in enumerate(STAGES, start=1):
        for place in range(blocks):
            x = _block(
                x,
                f"block{number}{'abcd'[place]}",
                kernel=kernel,
                filters=filters,
                stride=1 if place else stride,
                expansion=expansion,
                left_out=STOCHASTIC_DEPTH * before / num_blocks,
            )
            before += 1

    # Top
    x = layers.Conv2D(1280, 1, use_bias=False, name="top_conv")(x)
    x = _activated(x, "top")

    # Classifier
    x = layers.GlobalAveragePooling2D(name="head_average")(x)
    x = layers.Dropout(dropout, name="head_dropout")(x)
    probabilities = layers.Dense(classes, activation="softmax", name="head_probabilities")(x)

    model = keras.Model(image, probabilities, name="efficientnet_b0")
    return load_weights(model, weights)


def _block(
    x: keras.KerasTensor, name: str, *, kernel: int, filters: int, stride: int, expansion: int, left_out: float
) -> keras.KerasTensor:
    """Widen, filter each channel by itself, weigh the channels, narrow; and add an input of the same shape."""
    given = x
    if expansion > 1:
        x = layers.Conv2D(expansion * given.shape[-1], 1, use_bias=False, name=f"{name}_expand_conv")(x)
        x = _activated(x, f"{name}_expand")
    x = layers.DepthwiseConv2D(kernel, strides=stride, padding="same", use_bias=False, name=f"{name}_depthwise_conv")(x)
    x = _activated(x, f"{name}_depthwise")
    x = _squeeze_and_excite(x, f"{name}_squeeze", filters=given.shape[-1] // 4)
    x = layers.Conv2D(filters, 1, use_bias=False, name=f"{name}_project_conv")(x)
    x = layers.BatchNormalization(epsilon=1e-3, name=f"{name}_project_bn")(x)
    if stride == 1 and x.shape[-1] == given.shape[-1]:
        x = layers.Dropout(left_out, noise_shape=(None, 1, 1, 1), name=f"{name}_dropout")(x)
        x = layers.Add(name=f"{name}_add")([given, x])
    return x


def _squeeze_and_excite(x: keras.KerasTensor, name: str, *, filters: int) -> keras.KerasTensor:
    """Weigh each channel, 0 to 1, by what the averages of all say."""
    share = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_average")(x)
    share = layers.Conv2D(filters, 1, activation="swish", name=f"{name}_reduce_conv")(share)
    share = layers.Conv2D(x.shape[-1], 1, activation="sigmoid", name=f"{name}_expand_conv")(share)
    return layers.Multiply(name=f"{name}_scale")([x, share])


def _activated(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    x = layers.BatchNormalization(epsilon=1e-3, name=f"{name}_bn")(x)
    return layers.Activation("swish", name=f"{name}_swish")(x)
