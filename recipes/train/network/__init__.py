"""A recipe's network: built in one place, made flat, checked, described."""

from recipes.train.network.build import build, describe, differences, say_what_was_frozen

__all__ = ["build", "describe", "differences", "say_what_was_frozen"]
