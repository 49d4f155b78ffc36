"""A book of training recipes for the architectures of `zoo`.

`recipes.get("fashion_cnn")` is a frozen `Recipe`; `python -m recipes.run fashion_cnn` executes it. Importing this
package loads no Keras.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from recipes.book import get, names
from recipes.recipe import Augment, Choice, Phase, Recipe, Shares, Split

if TYPE_CHECKING:
    from recipes.inference.predictor import Predictor

__all__ = ["Augment", "Choice", "Phase", "Recipe", "Shares", "Split", "get", "load", "names"]


def load(run: str | os.PathLike) -> Predictor:
    """Load a finished run; `load(run).predict(["cat.jpg"])` says what is on photos.

    Args:
        run: A run folder.

    Raises:
        UsageFault: When no run has ended there.
        CorruptFault: When its model is not what the run wrote.
    """
    from recipes.inference import saved

    return saved.load(run)
