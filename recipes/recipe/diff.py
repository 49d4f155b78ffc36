"""What may change between a run and its resume: more epochs. Between a run and the next in its folder: nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from recipes.errors import UsageFault
from recipes.recipe import Recipe, with_defaults

if TYPE_CHECKING:
    from recipes.execution.manifest import Started
    from recipes.execution.request import Request

# What a request may ask for that leaves the result as it is.
WITHOUT_EFFECT = ("require_accuracy", "export", "tensorboard")


def refuse_other_request(folder: Path, was: Started, request: Request) -> None:
    """Compare the request a folder's run was started with and one that is made now.

    Two requests are one where they ask for the same recipe, data, seed and number format, however they are worded.

    Raises:
        UsageFault: When they are not; the message gives both, and what differs.
    """
    apart = (*WITHOUT_EFFECT, "overrides")
    then, now = (
        {name: value for name, value in vars(one).items() if name not in apart} for one in (was.request, request)
    )
    changes = differences(then, now) or differences(was.request.dataset(), request.dataset(), "data")
    if changes := changes or recipe_changes(was.recipe, request.recipe(was.origin.dataset).as_dict()):
        raise UsageFault(
            f"{folder} holds the run of another request: {'; '.join(changes)}. It was: {was.request.command()}. "
            f"Asked now: {request.command()}. Choose another --out, or train anew there with --overwrite."
        )


def refuse_changes(before: dict[str, Any], recipe: Recipe) -> None:
    """Compare the recipe a run was started with and the one it would go on with.

    Args:
        before: The stored recipe, as `Recipe.as_dict` gave it.
        recipe: The recipe now.

    Raises:
        UsageFault: When anything but a larger number of epochs differs; the message lists the differences.
    """
    before, now = with_defaults(before), with_defaults(recipe.as_dict())
    for old, new in zip(before["phases"], now["phases"], strict=False):
        if new["epochs"] >= old["epochs"]:
            old = old | {"epochs": new["epochs"]}
            before = before | {"phases": [old if phase["name"] == old["name"] else phase for phase in before["phases"]]}
    if changes := differences(before, now):
        raise UsageFault(
            f"A resumed run must have the recipe it started with (only more epochs are allowed): {'; '.join(changes)}"
        )


def recipe_changes(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What changed between two recipes, a line each; both as `Recipe.as_dict` gave them, whenever that was."""
    return differences(with_defaults(before), with_defaults(after))


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
