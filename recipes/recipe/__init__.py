"""What a recipe is, as values: its parts, their checks, overrides by path, and the ranges a search may look in."""

from recipes.recipe.values import SQUARES, Augment, Choice, Phase, Recipe, Shares, Split, with_defaults

__all__ = ["SQUARES", "Augment", "Choice", "Phase", "Recipe", "Shares", "Split", "with_defaults"]
