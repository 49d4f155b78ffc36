"""A recipe for each way in which people bring a network, registered as a person's own module would."""

import guest_networks

import zoo
from recipes import Phase, Recipe

_TRAIN = {"frozen_base": ("classifier",)} | dict.fromkeys(
    ("statistics_that_move_when_frozen", "spectral_normalization"), ("conv",)
)

for _build in (*guest_networks.TRAIN, *guest_networks.REFUSED):
    zoo.register(_build.__name__)(_build)
    globals()[_build.__name__.upper()] = Recipe(
        name=_build.__name__,
        architecture=_build.__name__,
        data="fashion_mnist",
        batch_size=128,
        phases=(Phase("train", epochs=1, train=_TRAIN.get(_build.__name__, ("*",)), learning_rate=1e-2),),
    )
