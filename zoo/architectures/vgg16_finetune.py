"""vgg16_finetune: VGG16's convolutions under a new head, with block 5 thawed.

Source: Deep Learning with Python, 2nd ed., section 8.3.2 (Korean notes: chapter 8); VGG16: Simonyan and Zisserman,
arXiv:1409.1556. The network is the one of vgg16_feature_extract; the last block, whose features are the most
specialised, is trainable too. Train the head first (the recipe does): a random head would tear thawed weights apart.

    180x180x3 -> RGB to BGR, minus the ImageNet mean
              -> block1 .. block4, frozen -> 11x11x512
              -> block5: 3 conv x512 -> pool -> 5x5x512, trainable
              -> flatten 12,800 -> dense 256 (linear) -> dropout 0.5 -> dense 1, sigmoid

Parameters (kernel height x kernel width x input channels x filters + filters; inputs x units + units):

    block1 .. block4                         =  7,635,264   frozen
    block5  3 x (3 x 3 x 512 x 512 + 512)    =  7,079,424   trainable
    head    12,800 x 256 + 256 + 256 + 1     =  3,277,313   trainable
    total                                      17,992,001   trainable 10,356,737
"""

import keras

from zoo.architectures.vgg16_feature_extract import with_head
from zoo.checks import Shape
from zoo.weights import Weights


def build(
    *, input_shape: Shape = (180, 180, 3), classes: int = 2, weights: Weights = "imagenet", dropout: float = 0.5
) -> keras.Model:
    """Build vgg16_finetune: block 5 and the head are trainable, the rest is frozen.

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
    model = with_head("vgg16_finetune", input_shape=input_shape, classes=classes, weights=weights, dropout=dropout)
    for layer in model.layers:
        layer.trainable = layer.name.startswith(("block5_", "head_"))
    return model
