"""What differs between two recipes, and what may differ between a run and its resume: more epochs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from recipes.errors import UsageFault
from recipes.recipe import Recipe, with_defaults


def refuse_changes(before: dict[str, Any], recipe: Recipe) -> tuple[str, ...]:
    """Compare the recipe a run was started with and the one it would go on with.

    Args:
        before: The stored recipe, as `Recipe.as_dict` gave it.
        recipe: The recipe now.

    Returns:
        The names of the phases that have more epochs now.

    Raises:
        UsageFault: When anything but a larger number of epochs differs; the message lists the differences.
    """
    before, now = with_defaults(before), with_defaults(recipe.as_dict())
    longer = []
    for old, new in zip(before["phases"], now["phases"], strict=False):
        if new["epochs"] > old["epochs"]:
            longer.append(new["name"])
            old = old | {"epochs": new["epochs"]}
            before = before | {"phases": [old if phase["name"] == old["name"] else phase for phase in before["phases"]]}
    if changes := differences(before, now):
        raise UsageFault(
            f"A resumed run must have the recipe it started with (only more epochs are allowed): {'; '.join(changes)}"
        )
    return tuple(longer)


def recipe_changes(before: dict[str, Any], after: dict[str, Any], chosen: Iterable[str] = ()) -> list[str]:
    """What changed between two recipes, a line each; both as `Recipe.as_dict` gave them, whenever that was.

    Args:
        before: The one.
        after: The other.
        chosen: Paths that an audition decides, and that differences are therefore no changes of.
    """
    decided = tuple(f"{path}:" for path in chosen)
    found = differences(with_defaults(before), with_defaults(after))
    return [change for change in found if not change.startswith(decided)]


def differences(before: Any, after: Any, path: str = "") -> list[str]:
    """What changed between two nested values, a line each."""
    if isinstance(before, dict) and isinstance(after, dict):
        keys = [*before, *(key for key in after if key not in before)]
        return [
            line
            for key in keys
            for line in differences(before.get(key), after.get(key), f"{path}.{key}" if path else str(key))
        ]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        named = [item.get("name", index) if isinstance(item, dict) else index for index, item in enumerate(before)]
        return [
            line
            for name, one, other in zip(named, before, after, strict=True)
            for line in differences(one, other, f"{path}.{name}")
        ]
    return [] if before == after else [f"{path}: {before!r} -> {after!r}"]
