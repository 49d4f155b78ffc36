"""efficientnet_lite0: a small network that knows 1,000 things, and makes the best of few photos.

Source: EfficientNet-Lite (2020), Google's TPU repository; EfficientNet: Tan and Le, arXiv:1905.11946. EfficientNet for
telephones and CPUs: no squeeze-and-excite, ReLU6 in place of swish: fast in any runtime, and made for int8.

    224x224x3 -> (pixel - 127) / 128
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

A block widens its input six times (a 1x1 convolution), filters each channel by itself (the depthwise convolution), and
narrows it again without an activation; where input and output are alike, the input is added. After each convolution
comes BatchNormalization, which takes the place of a bias.

Parameters (kernel height x kernel width x input channels x filters; BatchNormalization 4 x channels):

    stem    3 x 3 x 3 x 32 + 4 x 32                     =        992
    block1                                              =        992
    block2  2 blocks                                    =     15,024
    block3  2 blocks                                    =     41,408
    block4  3 blocks                                    =    203,760
    block5  3 blocks                                    =    454,752
    block6  4 blocks                                    =  1,670,688
    block7  1 block                                     =    610,688
    top     320 x 1,280 + 4 x 1,280                     =    414,720
    head    1,280 x 1,000 + 1,000                       =  1,281,000
    total                                                  4,694,024
"""

import keras
from keras import layers

from zoo.checks import Shape, check_request
from zoo.pretrained.bases import EFFICIENTNET_LITE0
from zoo.transfer import probabilities_layer
from zoo.weights import Weights, load_weights


def build(
    *, input_shape: Shape = (224, 224, 3), classes: int = 1000, weights: Weights = "imagenet", dropout: float = 0.2
) -> keras.Model:
    """Build efficientnet_lite0: with its own 1,000 classes it is trained already, with others it has a new head.

    Args:
        input_shape: (height, width, 3) of raw 0-255 RGB images; 32x32 pixels or more.
        classes: Number of classes. Two give one sigmoid unit (the probability of class 1), more a softmax; 1,000 are
            those of ImageNet, `zoo.pretrained.imagenet_classes`.
        weights: `"imagenet"`, `None` (random), or a path of a saved model or weights file.
        dropout: Share of the 1,280 averages dropped in training, 0 to 1.

    Returns:
        A model from (batch, height, width, 3) to (batch, 1) or (batch, classes) probabilities, all trainable.

    Raises:
        ValueError: For a shape or number of classes the network cannot take.
        zoo.weights.WeightsMissing: When no source has the pretrained weights.
        zoo.weights.WeightsCorrupt: When a weights file fails its check.
    """
    check_request("efficientnet_lite0", input_shape, classes, smallest=32, channels=3)
    image = keras.Input(input_shape, name="image")
    x = EFFICIENTNET_LITE0.features(image)

    x = layers.GlobalAveragePooling2D(name="head_average")(x)
    x = layers.Dropout(dropout, name="head_dropout")(x)
    probabilities = probabilities_layer(classes, name="head_probabilities")(x)
    model = keras.Model(image, probabilities, name="efficientnet_lite0")
    return load_weights(model, weights, EFFICIENTNET_LITE0)
