"""resnet50: sixteen bottleneck blocks, each of which adds to what it was given.

Source: the Korean book on deep learning by Hanbit Media (2025, "Learning deep learning by making it alone"), section
2-3; ResNet: He, Zhang, Ren and Sun, arXiv:1512.03385. A block computes a change, not an answer, and adds it to its
input: gradients reach the first layers past all the others, and a network of fifty layers trains.

    224x224x3 -> RGB to BGR, minus the ImageNet mean
              -> stem:   pad 3 -> conv 7x7 x64, stride 2 -> 112x112 -> pad 1 -> pool 3, stride 2 -> 56x56
              -> stack1: 3 blocks of  64,  64,   256           -> 56x56
              -> stack2: 4 blocks of 128, 128,   512, stride 2 -> 28x28
              -> stack3: 6 blocks of 256, 256, 1,024, stride 2 -> 14x14
              -> stack4: 3 blocks of 512, 512, 2,048, stride 2 -> 7x7
              -> average 2,048 -> dense 1,000, softmax

A block reduces its channels (1x1, which takes the stride), filters them (3x3) and expands them four times (1x1); the
first of a stack has a 1x1 convolution on the way past, since its shape changes. After each convolution comes
BatchNormalization, after each sum a ReLU. ResNet-101 has `blocks=(3, 4, 23, 3)`, ResNet-152 `blocks=(3, 8, 36, 3)`.

As in the book, convolutions have a bias, though the BatchNormalization behind takes it away again. keras.applications
has the same network with an epsilon of 1.001e-5 where the book and this page have 1e-5.

Parameters (kernel height x kernel width x input channels x filters + filters; BatchNormalization 4 x channels):

    stem    7 x 7 x 3 x 64 + 64 + 4 x 64  =      9,728
    stack1  3 blocks                      =    220,032
    stack2  4 blocks                      =  1,230,336
    stack3  6 blocks                      =  7,129,088
    stack4  3 blocks                      = 14,998,528
    head    2,048 x 1,000 + 1,000         =  2,049,000
    total                                   25,636,712
"""

from collections.abc import Sequence

import keras
from keras import layers

from zoo.checks import Shape, check_request
from zoo.pretrained.base import MINUS_MEAN_BGR
from zoo.weights import Weights, load_weights


def build(
    *,
    input_shape: Shape = (224, 224, 3),
    classes: int = 1000,
    weights: Weights = None,
    blocks: Sequence[int] = (3, 4, 6, 3),
) -> keras.Model:
    """Build resnet50.

    Args:
        input_shape: (height, width, 3) of raw 0-255 RGB images; 32x32 pixels or more.
        classes: Number of classes, 2 or more.
        weights: `None` (random), or the path of a saved model or weights file of this network.
        blocks: Number of blocks in each stack.

    Returns:
        A model from (batch, height, width, 3) to (batch, classes) probabilities.

    Raises:
        ValueError: For a shape or number of classes the network cannot take.
    """
    check_request("resnet50", input_shape, classes, smallest=32, channels=3)
    image = keras.Input(input_shape, name="image")
    x = MINUS_MEAN_BGR(image)

    # Stem
    x = layers.ZeroPadding2D(3, name="stem_pad")(x)
    x = layers.Conv2D(64, 7, strides=2, name="stem_conv")(x)
    x = _normalized(x, "stem")
    x = layers.ReLU(name="stem_relu")(x)
    x = layers.ZeroPadding2D(1, name="stem_pool_pad")(x)
    x = layers.MaxPooling2D(3, strides=2, name="stem_pool")(x)

    # Stacks: the first keeps the size, each other one halves it.
    for number, repeats in enumerate(blocks, start=1):
        x = _stack(x, f"stack{number}", filters=32 * 2**number, repeats=repeats, stride=1 if number == 1 else 2)

    # Classifier
    x = layers.GlobalAveragePooling2D(name="head_average")(x)
    probabilities = layers.Dense(classes, activation="softmax", name="head_probabilities")(x)

    model = keras.Model(image, probabilities, name="resnet50")
    return load_weights(model, weights)


def _stack(x: keras.KerasTensor, name: str, *, filters: int, repeats: int, stride: int) -> keras.KerasTensor:
    """Blocks in a row; the first changes the shape."""
    x = _block(x, f"{name}_block1", filters=filters, stride=stride, changes_shape=True)
    for number in range(2, repeats + 1):
        x = _block(x, f"{name}_block{number}", filters=filters, stride=1, changes_shape=False)
    return x


def _block(x: keras.KerasTensor, name: str, *, filters: int, stride: int, changes_shape: bool) -> keras.KerasTensor:
    """Reduce, filter, expand, and add the input: a bottleneck."""
    given = x
    if changes_shape:
        given = layers.Conv2D(4 * filters, 1, strides=stride, name=f"{name}_skip_conv")(x)
        given = _normalized(given, f"{name}_skip")

    x = layers.Conv2D(filters, 1, strides=stride, name=f"{name}_reduce_conv")(x)
    x = _normalized(x, f"{name}_reduce")
    x = layers.ReLU(name=f"{name}_reduce_relu")(x)
    x = layers.Conv2D(filters, 3, padding="same", name=f"{name}_filter_conv")(x)
    x = _normalized(x, f"{name}_filter")
    x = layers.ReLU(name=f"{name}_filter_relu")(x)
    x = layers.Conv2D(4 * filters, 1, name=f"{name}_expand_conv")(x)
    x = _normalized(x, f"{name}_expand")

    x = layers.Add(name=f"{name}_add")([given, x])
    return layers.ReLU(name=f"{name}_relu")(x)


def _normalized(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    return layers.BatchNormalization(epsilon=1e-5, name=f"{name}_bn")(x)
