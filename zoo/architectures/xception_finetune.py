"""xception_finetune: Xception's convolutions under a new head, all of it to be trained at a low rate.

Source: Deep Learning with Python, 3rd ed. (2025), chapter 8; Xception: Chollet, arXiv:1610.02357. The network is that
of xception_feature_extract. The book's text thaws the whole base once the head is trained; its printed code freezes it
again one line later, so that its own figure is that of a frozen base. Here the text is followed: every layer is
trainable, and BatchNormalization is held by the recipe's phases, for its statistics belong to the base.

Parameters: 21,386,281, as in xception_feature_extract: base 20,861,480, head 524,801.
"""

import keras

from zoo.architectures.xception_feature_extract import with_head
from zoo.checks import Shape
from zoo.weights import Weights


def build(
    *,
    input_shape: Shape = (180, 180, 3),
    classes: int = 2,
    weights: Weights = "imagenet",
    activation: str | None = None,
    dropout: float = 0.25,
) -> keras.Model:
    """Build xception_finetune: everything is trainable.

    Args:
        input_shape: (height, width, 3) of raw 0-255 RGB images; 71x71 pixels or more.
        classes: Number of classes. Two give one sigmoid unit (the probability of class 1), more a softmax.
        weights: `"imagenet"`, `None` (random), or a path: weights of Xception's base in Keras's `notop.h5` layout, or a
            saved model or weights file of the whole network.
        activation: Of the 256 hidden units.
        dropout: Share of the hidden units dropped in training, 0 to 1.

    Returns:
        A model from (batch, height, width, 3) to (batch, 1) or (batch, classes) probabilities.

    Raises:
        ValueError: For a shape or number of classes the network cannot take.
        zoo.weights.WeightsMissing: When no source has the pretrained weights.
        zoo.weights.WeightsCorrupt: When a weights file fails its check.
    """
    return with_head(
        "xception_finetune", input_shape=input_shape, classes=classes, weights=weights,
        activation=activation, dropout=dropout,
    )  # fmt: skip
