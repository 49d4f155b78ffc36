"""A recipe's network: built in one place, made flat, checked, described."""

from recipes.train.network.build import build, describe, differences

__all__ = ["build", "describe", "differences"]
