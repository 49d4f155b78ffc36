"""A book of training recipes for the architectures of `zoo`.

`recipes.get("fashion_cnn")` is a frozen `Recipe`; `python -m recipes.run fashion_cnn` executes it. Importing this
package loads no Keras.
"""

from recipes.book import get, names
from recipes.recipe import Augment, Choice, Phase, Recipe, Split

__all__ = ["Augment", "Choice", "Phase", "Recipe", "Split", "get", "names"]
