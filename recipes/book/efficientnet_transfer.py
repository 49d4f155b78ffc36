"""efficientnet_transfer: a new head of two dense layers on a frozen EfficientNet, for a few thousand photos.

Source: the Korean book on deep learning by Hanbit Media (2025, "Learning deep learning by making it alone"), section
3-3. EfficientNetB0 is frozen; its averages, 128 hidden units and one sigmoid unit (a softmax where there are more than
two classes) learn by rmsprop at 5e-5, batches of 16, 20 epochs, of which the last is kept; 224x224 pixels, not
augmented. The book has 2,148 photos of two kinds of pistachio, 1,718 to train and 430 to validate, prints a validation
accuracy of 0.9814 in the last epochs, and has no test images. Here are as many photos of cats and dogs, and those that
are left test.

Where the weights of keras.applications' EfficientNetB0 cannot be had, EfficientNet-Lite0 stands in: the run says so,
and the report names the base. The book calls its frozen base with the training flag of the head, and nothing moves in
it for that; here its BatchNormalization is held by itself, and each photo passes the base once. There is one setting:
`PUBLISHED` is `TUNED`, and the recipe `transfer` is the one that was tuned.

<!-- measured -->
Measured: mean test accuracy ± standard deviation over seeds, and minutes of training a seed.

- cats_vs_dogs, published: 0.9867 ± 0.0011 (3 seeds), 0.3 minutes on 2 cores, some without the frozen pass; certified,
  on efficientnet_lite0
<!-- /measured -->

    python -m recipes.run efficientnet_transfer
    python -m recipes.run efficientnet_transfer --data ~/photos
    python -m recipes.run efficientnet_transfer --set model.backbone=efficientnet_lite0
"""

from recipes.recipe import Choice, Phase, Recipe

TUNED = PUBLISHED = Recipe(
    name="efficientnet_transfer",
    architecture="transfer",
    data="cats_vs_dogs",
    split=Choice(train=1718, validation=430, test=1852),
    image_size=224,
    batch_size=16,
    model={"backbone": "EfficientNetB0", "hidden": 128, "activation": "relu", "dropout": 0.0},
    stand_in="efficientnet_lite0",
    weights="imagenet",
    views=1,
    phases=(Phase("head", epochs=20, train=("head_*",), optimizer="rmsprop", learning_rate=5e-5, keep="last"),),
)
