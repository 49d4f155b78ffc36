"""lenet5: the first convolutional network, on clothes in place of digits.

Source: the Korean book on deep learning by Hanbit Media (2025, "Learning deep learning by making it alone"), section
1-3. `PUBLISHED` is its protocol to the letter: 48,000 images to train and 12,000 to validate (`train_test_split`,
random_state 42), rmsprop at Keras's rate of 0.001, batches of 32, up to 20 epochs, stopped after two without a lower
validation loss, best weights restored. It prints validation accuracies of 0.8369 and 0.8350 in the last two epochs,
0.8373 at best, and no test accuracy.

<!-- measured -->
<!-- /measured -->

    python -m recipes.run lenet5
    python -m recipes.run lenet5 --variant published --set model.activation=relu --set model.pool=max
"""

from recipes.recipe import Augment, Phase, Recipe, Split

PUBLISHED = Recipe(
    name="lenet5",
    architecture="lenet5",
    data="fashion_mnist",
    split=Split(method="shuffled", validation=0.2, seed=42),
    batch_size=32,
    phases=(Phase("train", epochs=20, optimizer="rmsprop", learning_rate=1e-3, patience=2, keep="best"),),
)

TUNED = Recipe(
    name="lenet5",
    architecture="lenet5",
    data="fashion_mnist",
    split=PUBLISHED.split,
    batch_size=64,
    augment=Augment(flip=True),
    phases=(
        Phase(
            "train",
            epochs=30,
            optimizer="adamw",
            learning_rate=3e-3,
            schedule="one_cycle",
            average_epochs=0.5,
            monitor="val_accuracy",
            keep="last",
        ),
    ),
)
