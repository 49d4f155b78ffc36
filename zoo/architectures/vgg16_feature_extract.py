"""vgg16_feature_extract: VGG16's convolutions, frozen, under a new head.

Source: Deep Learning with Python, 2nd ed., section 8.3.1 (Korean notes: chapter 8); VGG16: Simonyan and Zisserman,
arXiv:1409.1556.

    180x180x3 -> RGB to BGR, minus the ImageNet mean
              -> block1: 2 conv x64  -> pool -> 90x90      -> block4: 3 conv x512 -> pool -> 11x11
              -> block2: 2 conv x128 -> pool -> 45x45      -> block5: 3 conv x512 -> pool -> 5x5
              -> block3: 3 conv x256 -> pool -> 22x22
              -> flatten 12,800 -> dense 256 (linear) -> dropout 0.5 -> dense 1, sigmoid

Parameters (kernel height x kernel width x input channels x filters + filters; inputs x units + units):

    block1   1,792 +    36,928             =     38,720
    block2  73,856 +   147,584             =    221,440
    block3  295,168 + 2 x 590,080          =  1,475,328
    block4  1,180,160 + 2 x 2,359,808      =  5,899,776
    block5  3 x 2,359,808                  =  7,079,424   base 14,714,688, frozen
    head    12,800 x 256 + 256 + 256 + 1   =  3,277,313   trainable
    total                                    17,992,001
"""

import keras
from keras import layers

from zoo.architectures.vgg16 import convolutions
from zoo.checks import Shape, check_request
from zoo.pretrained.bases import VGG16
from zoo.transfer import probabilities_layer
from zoo.weights import Weights, load_weights


def build(
    *, input_shape: Shape = (180, 180, 3), classes: int = 2, weights: Weights = "imagenet", dropout: float = 0.5
) -> keras.Model:
    """Build vgg16_feature_extract: the base is frozen, the head is trainable.

    Args:
        input_shape: (height, width, 3) of raw 0-255 RGB images; 32x32 pixels or more.
        classes: Number of classes. Two give one sigmoid unit (the probability of class 1), more a softmax.
        weights: `"imagenet"`, `None` (random), or a path: VGG16 base weights in Keras's `notop.h5`
            layout, or a saved model or weights file of the whole network.
        dropout: Share of the 256 hidden units dropped in training, 0 to 1.

    Returns:
        A model from (batch, height, width, 3) to (batch, 1) or (batch, classes) probabilities.

    Raises:
        ValueError: For a shape or number of classes the network cannot take.
        zoo.weights.WeightsMissing: When no source has the pretrained weights.
        zoo.weights.WeightsCorrupt: When a weights file fails its check.
    """
    model = with_head(
        "vgg16_feature_extract", input_shape=input_shape, classes=classes, weights=weights, dropout=dropout
    )
    for layer in model.layers:
        layer.trainable = layer.name.startswith("head_")
    return model


def with_head(name: str, *, input_shape: Shape, classes: int, weights: Weights, dropout: float) -> keras.Model:
    """The convolutions of vgg16 under dense 256, dropout and the probabilities: what the two pages share."""
    check_request(name, input_shape, classes, smallest=VGG16.smallest, channels=3)
    image = keras.Input(input_shape, name="image")
    x = convolutions(image)

    # Head: the dense layer has no activation, as in the book.
    x = layers.Flatten(name="head_flatten")(x)
    x = layers.Dense(256, name="head_dense")(x)
    x = layers.Dropout(dropout, name="head_dropout")(x)
    probabilities = probabilities_layer(classes, name="head_probabilities")(x)
    model = keras.Model(image, probabilities, name=name)
    return load_weights(model, weights, VGG16)
