"""lenet5: the first convolutional network, on clothes in place of digits.

Source: the Korean book on deep learning by Hanbit Media (2025, "Learning deep learning by making it alone"), section
1-3. `PUBLISHED` is its protocol to the letter: 48,000 images to train and 12,000 to validate (`train_test_split`,
random_state 42), rmsprop at Keras's rate of 0.001, batches of 32, up to 20 epochs, stopped after two without a lower
validation loss, best weights restored. It prints validation accuracies of 0.8369 and 0.8350 in the last two epochs,
0.8373 at best, and no test accuracy. Some seeds stop early, which is most of the spread. ReLU and max pooling, the
network's two dials, are measured by this protocol in docs/en/lenet5-dials.md.

`TUNED` keeps the network, sigmoids and average pools, and the split: a high rate that rises first, for the gradients
that come through four sigmoids are small, training images mirrored, averaged weights. Six settings of 30 epochs were
tried on seed 43 and the one with the highest validation accuracy taken: rates of 0.003, 0.01, 0.02 and 0.03, the
last two with a decay of 0.02, have 0.8938, 0.9057, 0.9143 and 0.9149; at 0.01, images that are shifted too have 0.9013,
and a decay of 0.05 has 0.9039.

<!-- measured -->
Measured: mean test accuracy ± standard deviation over seeds, and minutes of training a seed.

- fashion_mnist, published: 0.8629 ± 0.0123 (3 seeds), 1.9 minutes on 2 cores; certified
- fashion_mnist, tuned: 0.9122 ± 0.0018 (3 seeds), 3.1 minutes on 2 cores; certified
<!-- /measured -->

    python -m recipes.run lenet5
    python -m recipes.run lenet5 --variant published --set model.activation=relu --set model.pool=max
"""

from recipes.recipe import Augment, Phase, Recipe, Split
from recipes.recipe.search_space import LogFloat, OneOf

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
            learning_rate=0.03,
            schedule="one_cycle",
            weight_decay=0.02,
            average_epochs=0.5,
            monitor="val_accuracy",
            keep="last",
        ),
    ),
    tune={
        "batch_size": OneOf((32, 64, 128)),
        "phases.train.learning_rate": LogFloat(3e-3, 0.1),
        "phases.train.weight_decay": LogFloat(0.003, 0.1),
    },
)
