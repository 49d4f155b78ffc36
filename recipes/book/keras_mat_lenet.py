"""keras_mat_lenet: two convolutions on CIFAR-10, or on MNIST.

Source: "3-Minute Deep Learning with Keras" (Keras-mat), sections 4.3 (CIFAR-10) and 4.2 (MNIST). `PUBLISHED` is its
protocol to the letter. CIFAR-10: 40,000 of the training images to train and 10,000 to validate (`train_test_split`,
random_state 0; the source calls those 10,000 its test set), adadelta at 1.0 (the default when the book was written;
Keras 3's default of 0.001 barely trains), batches of 128, 10 epochs. MNIST: the last 20% validate, rmsprop, batches of
128, 10 epochs. The source prints no figure; Keras's own example of this net on MNIST reaches 0.9925.

`TUNED` keeps the network (with less dropout: on augmented photos it learns too little, not too much) and the splits.

    python -m recipes.run keras_mat_lenet
    python -m recipes.run keras_mat_lenet --set data=mnist
    python -m recipes.run keras_mat_lenet --variant published
"""

from recipes.recipe import Augment, Phase, Recipe, Split
from recipes.space import Float, LogFloat, OneOf

PUBLISHED = Recipe(
    name="keras_mat_lenet",
    architecture="keras_mat_lenet",
    data="cifar10",
    split=Split(method="shuffled", validation=0.2, seed=0),
    batch_size=128,
    phases=(Phase("train", epochs=10, optimizer="adadelta", learning_rate=1.0, keep="last"),),
    on_data={
        "mnist": {"split.method": "last", "phases.train.optimizer": "rmsprop", "phases.train.learning_rate": 1e-3}
    },
)

TUNED = Recipe(
    name="keras_mat_lenet",
    architecture="keras_mat_lenet",
    data="cifar10",
    split=PUBLISHED.split,
    batch_size=128,
    augment=Augment(flip=True, shift=0.1),
    model={"dropout": 0.3},
    phases=(
        Phase(
            "train",
            epochs=30,
            optimizer="adam",
            learning_rate=1.5e-3,
            schedule="cosine",
            average_epochs=0.5,
            monitor="val_accuracy",
            keep="last",
        ),
    ),
    tune={
        "batch_size": OneOf((64, 128, 256)),
        "phases.train.learning_rate": LogFloat(5e-4, 5e-3),
        "augment.strength": Float(0.4, 1.6),
        "label_smoothing": Float(0.0, 0.15),
        "model.conv_dropout": Float(0.0, 0.3),
        "model.dropout": Float(0.1, 0.6),
    },
    on_data={
        "mnist": {
            "split.method": "last",
            "phases.train.epochs": 12,
            "augment.flip": False,
            "augment.shift": 0.08,
            "augment.rotation": 0.03,
            "augment.zoom": 0.1,
        }
    },
)
