"""own_photos: your own photos, under the base and the head that folds on them choose.

No base is the best on every small set of photos (arXiv:2410.08592), and no setting is: what was best for two balanced
classes of 1,000 photos called 0.75 of a set of clothes by their names, where a regression on the averages of a base of
17 MB calls 0.86. So bases are heard first, on up to 500 of the photos that train: by five folds, look-alikes together,
under a logistic regression and a linear discriminant analysis with shrinkage, on the averages of one stage, of two and
of four (Head2Toe, arXiv:2201.03529). Two bases are joined where folds gain more than their interval. The candidate with
the lowest loss, its probabilities tempered, sees all photos once, and its head is solved for. Nothing takes steps:
there is no rate, no epoch and no seed to be unlucky with.

No source has this recipe: both variants are ours. What the choice is worth, by nested folds: results/own_photos.json.

<!-- measured -->
Measured: mean test accuracy ± standard deviation over seeds, and minutes of training a seed.

- cats_vs_dogs, tuned: 0.9930 ± 0.0000 (3 seeds), 0.6 minutes on 2 cores, some without the frozen pass; certified
<!-- /measured -->

    python -m recipes.run --data ~/photos
    python -m recipes.run --data ~/photos --minutes 30
    python -m recipes.run own_photos --data ~/photos --set audition=efficientnet_lite0@224,MobileNetV3Small@224
    python -m recipes.run own_photos --data ~/photos --set model.backbone=xception --set image_size=299
"""

from recipes.recipe import Choice, Phase, Recipe

TUNED = PUBLISHED = Recipe(
    name="own_photos",
    architecture="transfer",
    data="cats_vs_dogs",
    split=Choice(train=2000, validation=1000, test=1000),
    image_size=224,
    batch_size=64,
    model={"backbone": "efficientnet_lite0", "stages": 2, "dropout": 0.0},
    weights="imagenet",
    views=1,
    phases=(Phase("head", epochs=1, train=("head_*",), optimizer="logistic_regression", weight_decay=10.0),),
    then=(
        Phase(
            "finetune",
            epochs=4,
            train=("stage:-1", "head_*"),
            optimizer="adamw",
            learning_rate=1e-3,
            schedule="one_cycle",
            weight_decay=0.01,
            keep="last",
        ),
    ),
    audition=(
        "efficientnet_lite0@224",
        "efficientnet_lite0@288",
        "efficientnet_lite2@288",
        "xception@288",
        "vgg16@224",
    ),
)
