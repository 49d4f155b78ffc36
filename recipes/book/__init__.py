"""The recipes, one page each, found by name. Pages are read when asked for, and so are plug-ins' entry points."""

from __future__ import annotations

import importlib.util
import inspect
import pkgutil
from collections.abc import Iterator
from importlib.metadata import EntryPoint

from recipes.console.backend import load_keras
from recipes.errors import Fault, UsageFault
from recipes.recipe import Recipe
from zoo import plugins
from zoo.text.suggest import closest

VARIANTS = ("tuned", "published")
GROUP = "recipes.book"
_OF_BUILDERS = (
    " A function that builds a network is registered, @zoo.register('my_net'), and a recipe beside it names it: "
    "RECIPE = Recipe(architecture='my_net', ...), which runs as MODULE:RECIPE."
)


def names() -> list[str]:
    """Names of all recipes, sorted: the pages of this book and the entry points of the group `recipes.book`."""
    return sorted(_pages() | plugins.names(GROUP))


def get(name: str, variant: str = "tuned") -> Recipe:
    """A recipe by name.

    Args:
        name: A name of `names()`, or `"package.module:RECIPE"` for a recipe of your own.
        variant: `"tuned"`, ours, or `"published"`, the source to the letter. Your own recipe has no variants; an entry
            point's has, where it leads to a module with `TUNED` and `PUBLISHED`.

    Raises:
        UsageFault: For an unknown name (with up to three suggestions) or variant, a name that is taken twice, or when
            what the name points to cannot be loaded or is not a recipe.
    """
    if variant not in VARIANTS:
        raise UsageFault(f"The variant must be one of {', '.join(VARIANTS)}. Got {variant!r} instead.")
    if ":" in name:
        return _from_module(name, variant)
    try:
        point = _plugin(name)
        if name in _pages():
            return getattr(importlib.import_module(f"{__name__}.{name}"), variant.upper())
        if point is not None:
            load_keras()
            return _chosen(plugins.load(point), variant, plugins.in_words(point))
    except ValueError as error:
        raise UsageFault(str(error)) from error
    hint = closest(name, names())
    raise UsageFault(f"No recipe named {name!r}.{hint} python -m recipes.run --list shows all {len(names())}.")


def summary(name: str) -> str:
    """A line on a recipe: of its page, or where it comes from, or why it cannot be had; no plug-in is loaded."""
    try:
        point = _plugin(name)
    except ValueError as error:
        return str(error)
    if point is not None:
        return f"from {plugins.in_words(point)}"
    page = importlib.import_module(f"{__name__}.{name}")
    return (page.__doc__ or "").split("\n")[0].removeprefix(f"{name}: ").rstrip(".")


def overview() -> Iterator[tuple[str, str, str, str]]:
    """Name, data, published accuracy and a line on each recipe; "-" for what is not known without loading a plug-in."""
    plugged = plugins.names(GROUP)
    for name in names():
        recipe = None if name in plugged else get(name)
        published = f"{recipe.published_accuracy:.4f}" if recipe and recipe.published_accuracy else "-"
        yield name, recipe.data if recipe else "-", published, summary(name)


def _pages() -> set[str]:
    return {page.name for page in pkgutil.iter_modules(__path__)}


def _plugin(name: str) -> EntryPoint | None:
    """The entry point of a name that no page has."""
    return plugins.find(GROUP, name, ours="this book" if name in _pages() else "")


def _from_module(target: str, variant: str) -> Recipe:
    module_name, _, attribute = target.partition(":")
    try:
        if importlib.util.find_spec(module_name.partition(".")[0]):
            load_keras()  # Quietly, for the module may import it for its networks.
        module = importlib.import_module(module_name)
    except Fault:
        raise
    except Exception as error:  # A module of anybody's raises what it likes.
        if isinstance(error, ModuleNotFoundError) and module_name.startswith(error.name or module_name):
            why = f"{error}. The form is package.module:RECIPE, and Python must find the module"
        else:
            why = f"its module cannot be imported: {plugins.blame(error)}"
        raise UsageFault(f"No recipe at {target!r}: {why}.") from error
    if not hasattr(module, attribute):
        there = [name for name, value in vars(module).items() if isinstance(value, Recipe)]
        raise UsageFault(
            f"No recipe at {target!r}: {module.__file__} has no {attribute!r}.{closest(attribute, there)} "
            f"Its recipes: {', '.join(there) or 'none'}."
        )
    return _chosen(getattr(module, attribute), variant, repr(target))


def _chosen(found: object, variant: str, target: str) -> Recipe:
    """The variant of what a name leads to: a recipe, which has none but itself, or something that has both."""
    if isinstance(found, Recipe):
        if variant != VARIANTS[0]:
            raise UsageFault(f"{target} is one recipe, without variants: there is no {variant} one.")
        return found
    chosen = getattr(found, variant.upper(), None)
    if not isinstance(chosen, Recipe):
        raise UsageFault(
            f"{target} is a {type(found).__name__}, not a recipes.Recipe, and has no recipe {variant.upper()}."
            f"{_OF_BUILDERS if inspect.isfunction(found) else ''}"
        )
    return chosen
