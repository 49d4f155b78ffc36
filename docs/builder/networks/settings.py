"""The settings of a recipe on its page: what differs between the variants, and where a search looks."""

from __future__ import annotations

import dataclasses
import importlib

import recipes
from builder.files import ROOT, folded, words
from recipes.recipe.search_space import LogFloat, OneOf, Space
from recipes.report.figures.search import over_seeds
from recipes.study import results_files
from zoo.text import markdown

SEARCHED = results_files.load(ROOT / "results" / "search")


def section(name: str, language: str) -> list[str]:
    """What differs between the variants, the rest folded, then where a search looks."""
    said, module = words(language), importlib.import_module(f"recipes.book.{name}")
    published, tuned = flat(module.PUBLISHED), flat(module.TUNED)
    head = (said["path"], "published", "tuned")
    rows = [(f"`{path}`", published.get(path, ""), tuned.get(path, "")) for path in dict.fromkeys([*published, *tuned])]
    different = [row for row in rows if row[1] != row[2]]
    same = [row[:2] for row in rows if row[1] == row[2]]
    shown = (
        [said["settings_says"], "", markdown.table(head, different)] if different else [said["settings_are_same"], ""]
    )
    hidden = folded(said["same_settings"].format(number=len(same)), markdown.table((said["path"], said["value"]), same))
    return [f"## {said['settings']}", *shown, hidden, *_searched(name, module.TUNED, language)]


def _searched(name: str, tuned: recipes.Recipe, language: str) -> list[str]:
    """Where a search looks, what the last one found, and what that is worth on other seeds."""
    if not tuned.tune:
        return []
    said, values, found = words(language), flat(tuned), SEARCHED.get(name)
    best = found["trials"][found["best"]]["values"] if found else {}
    head = [said["path"], said["range"], "tuned"] + [said["best_trial"]] * bool(found)
    ranges = [
        [f"`{path}`", in_words(space, said), values.get(path, "-")] + [best.get(path, "-")] * bool(found)
        for path, space in tuned.tune.items()
    ]
    lines = [f"## {said['searched']}", markdown.table(head, ranges)]
    if found:
        trained = {who: over_seeds(scores) for who, scores in found["retrained"].items()}
        if language == "ko":
            trained = {who: text.replace(" on seeds ", ", 시드 ") for who, text in trained.items()}
        facts = said["search_says"].format(
            trials=len(found["trials"]), epochs=sum(phase["epochs"] for phase in found["recipe"]["phases"]),
            whole=tuned.epochs(), tuner=found["tuner"], train=f"{found['images']['train']:,}",
            validation=f"{found['images']['validation']:,}", minutes=f"{found['seconds'] / 60:.0f}",
            date=found["date"], name=name, best=f"{found['trials'][found['best']]['val_accuracy']:.4f}", **trained,
        )  # fmt: skip
        lines.append(facts + "\n")
    return lines


def in_words(space: Space, said: dict[str, str]) -> str:
    """A range for a reader."""
    if isinstance(space, OneOf):
        return ", ".join(map(str, space.values))
    between = said["between"].format(low=f"{space.low:g}", high=f"{space.high:g}")
    return between + (f", {said['logarithmic']}" if isinstance(space, LogFloat) else "")


def flat(recipe: recipes.Recipe) -> dict[str, str]:
    """Every value of a recipe by its override path."""
    values: dict[str, str] = {}

    def visit(prefix: str, value: object) -> None:
        if dataclasses.is_dataclass(value):
            for field in dataclasses.fields(value):
                if field.name not in ("name", "on_data", "published_accuracy", "tune"):
                    visit(f"{prefix}.{field.name}" if prefix else field.name, getattr(value, field.name))
        elif isinstance(value, dict):
            for key, item in value.items():
                visit(f"{prefix}.{key}", item)
        elif isinstance(value, tuple) and value and dataclasses.is_dataclass(value[0]):
            for part in value:
                visit(f"{prefix}.{part.name}", part)
        else:
            values[prefix] = ", ".join(value) if isinstance(value, tuple) else str(value)

    visit("", recipe)
    return {path: value.replace("*", "\\*") for path, value in values.items()}
