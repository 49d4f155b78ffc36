"""The recipes, one page each, found by name. Pages are read when asked for, and so are plug-ins' entry points."""

from __future__ import annotations

import importlib
import pkgutil
from importlib.metadata import entry_points

from recipes.errors import UsageFault
from recipes.recipe import Recipe
from zoo.suggest import closest

VARIANTS = ("tuned", "published")


def names() -> list[str]:
    """Names of all recipes, sorted: the pages of this book and the entry points of the group `recipes.book`."""
    pages = {page.name for page in pkgutil.iter_modules(__path__)}
    return sorted(pages | {point.name for point in entry_points(group="recipes.book")})


def get(name: str, variant: str = "tuned") -> Recipe:
    """A recipe by name.

    Args:
        name: A name of `names()`, or `"package.module:RECIPE"` for a recipe of your own (which has no variants).
        variant: `"tuned"`, ours, or `"published"`, the source to the letter.

    Raises:
        UsageFault: For an unknown name (with up to three suggestions) or variant, or when what the name points
            to is not a recipe.
    """
    if variant not in VARIANTS:
        raise UsageFault(f"The variant must be one of {', '.join(VARIANTS)}. Got {variant!r} instead.")
    if ":" in name:
        return _from_module(name)
    if name in {page.name for page in pkgutil.iter_modules(__path__)}:
        return getattr(importlib.import_module(f"{__name__}.{name}"), variant.upper())
    for point in entry_points(group="recipes.book"):
        if point.name == name:
            return _checked(point.load(), point.value)
    hint = closest(name, names())
    raise UsageFault(f"No recipe named {name!r}.{hint} python -m recipes.run --list shows all {len(names())}.")


def summary(name: str) -> str:
    """The first line of a recipe's page, without its name."""
    point = next((point for point in entry_points(group="recipes.book") if point.name == name), None)
    if point is not None:
        return f"from {point.value}"
    page = importlib.import_module(f"{__name__}.{name}")
    return (page.__doc__ or "").split("\n")[0].removeprefix(f"{name}: ").rstrip(".")


def _from_module(target: str) -> Recipe:
    module_name, _, attribute = target.partition(":")
    try:
        return _checked(getattr(importlib.import_module(module_name), attribute), target)
    except (ImportError, AttributeError) as error:
        raise UsageFault(f"No recipe at {target!r}: {error}. The form is package.module:RECIPE.") from error


def _checked(found: object, target: str) -> Recipe:
    if not isinstance(found, Recipe):
        raise UsageFault(f"{target!r} is a {type(found).__name__}, not a recipes.Recipe.")
    return found
