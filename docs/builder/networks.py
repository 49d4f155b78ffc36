"""A page a network: the architecture and the recipe of the same name, with what was measured; and the gallery."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import inspect
import re
from pathlib import Path
from types import ModuleType

import keras
import pandas as pd
from sklearn.metrics import confusion_matrix

import recipes
import zoo
from builder import figures
from builder.files import LANGUAGES, ROOT, words, write
from recipes.recipe.search_space import LogFloat, OneOf, Space
from recipes.report.figures.confusion import confusion_figure
from recipes.report.figures.search import over_seeds
from recipes.study import results_files, results_table
from zoo.text import markdown

MEASURED = results_files.load(ROOT / "results")
BY_FOLDS = results_files.load(ROOT / "results" / "folds")
SEARCHED = results_files.load(ROOT / "results" / "search")
# A longer list of layers is folded.
LONG = 40


def names() -> list[str]:
    """Every architecture and every recipe; what has the same name shares a page."""
    return sorted({*zoo.registry.BUILTIN, *recipes.names()})


def page(name: str, language: str) -> str:
    """The page of a network: what it is, layer by layer, how it is trained, what was measured."""
    said = words(language)
    modules = [_module(f"{room}.{name}") for room in ("zoo.architectures", "recipes.book")]
    described = [_described(module) for module in modules if module]
    parts = [f"# {name}", ""]
    if name in zoo.registry.BUILTIN:
        facts = zoo.info(name)
        parts += [
            f"{facts.use}." if language == "en" else "",
            "",
            _picture(name, said["picture"]),
            "",
            said["picture"],
            "",
        ]
        parts += [
            f"## {said['build_it']}",
            f'```python\nimport zoo\n\nmodel = zoo.get("{name}", weights=None)\n```',
            "",
        ]
    if name in recipes.names():
        parts += [f"## {said['train_it']}", f"```sh\npython -m recipes.run {name}\n```", "", *_measured(name, said)]
        parts += _settings(name, said)
    if language == "en":
        parts += [text + "\n" for text in described]
    if name in zoo.registry.BUILTIN:
        parts += [*_facts(name, said), *_layers(name, said)]
    if language == "ko":
        parts += [f"## {said['from_source']}", *(text + "\n" for text in described)]
    return "\n".join(parts) + "\n"


def gallery(language: str) -> str:
    """The page that leads to all networks, with a picture of each."""
    said = words(language)
    cards = []
    for name in names():
        picture = f"![]({name}-light.png#only-light)![]({name}-dark.png#only-dark)" if _is_built(name) else ""
        groups = results_files.of_recipe(MEASURED, name).values()
        best = [f"{group['mean']:.4f} ({group['dataset']}, {group['variant']})" for group in groups]
        count = f"{zoo.info(name).parameters:,} {said['parameters']}" if _is_built(name) else said["recipe"]
        line = f"{said['test_accuracy']} " + ", ".join(best) if best else ""
        cards.append(f"-   **[{name}]({name}.md)**\n\n    {picture}\n\n    {count}\n\n    {line}\n")
    body = '<div class="grid cards" markdown>\n\n' + "\n".join(cards) + "\n</div>"
    return f"---\nhide:\n  - toc\n---\n\n# {said['gallery']}\n\n{said['gallery_says']}\n\n{body}\n"


def _is_built(name: str) -> bool:
    return name in zoo.registry.BUILTIN


def _module(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        return None


def _described(module: ModuleType) -> str:
    """A page's docstring without its first line and without results, which stand in a table."""
    text = inspect.cleandoc(module.__doc__ or "").partition("\n")[2].strip()
    return re.sub("<!-- measured -->.*?<!-- /measured -->\n*", "", text, flags=re.DOTALL)


@functools.lru_cache(maxsize=1)  # Some are large, and each is asked for several times in a row.
def _model(name: str) -> keras.Model:
    return zoo.get(name, weights=None)


@functools.cache
def _picture(name: str, says: str) -> str:
    return figures.save(figures.network(_model(name)), f"networks/{name}", says)


def _facts(name: str, said: dict[str, str]) -> list[str]:
    facts, model = zoo.info(name), _model(name)
    rows = [
        (said["source"], facts.source),
        (said["input"], " x ".join(map(str, facts.input_shape)) + f", {said['raw']}"),
        (said["output"], said["units"].format(units=model.output_shape[-1], classes=facts.classes)),
        (said["parameters"], f"{model.count_params():,}"),
        (said["macs"], f"{facts.macs:,}"),
        (said["dataset"], facts.dataset),
        (said["licence"], facts.weights_licence),
    ]
    return [f"## {said['facts']}", markdown.table((said["fact"], ""), rows)]


def _layers(name: str, said: dict[str, str]) -> list[str]:
    model = _model(name)
    table = zoo.arithmetic(model).markdown()
    trainable = [f"`{layer.name}`" for layer in model.layers if layer.trainable_weights]
    can_train = f"{said['trainable']}: {', '.join(trainable)}."
    if len(model.layers) > LONG:
        table = _folded(said["all_layers"].format(number=len(model.layers)), f"{table}\n\n{can_train}")
        can_train = ""
    return [f"## {said['layers']}", said["layers_says"], "", table, "", can_train, ""]


def _folded(head: str, body: str) -> str:
    lines = "\n".join(f"    {line}" if line else "" for line in body.split("\n"))
    return f'??? note "{head}"\n\n{lines}\n'


def _measured(name: str, said: dict[str, str]) -> list[str]:
    """The table of results, and a confusion matrix where the certified answers are kept."""
    measured = results_files.of_recipe(MEASURED, name)
    if not measured:
        return [f"## {said['measured']}", said["not_measured"], ""]
    parts = [f"## {said['measured']}", results_table.table(measured)]
    parts.append(results_table.folds_table(results_files.of_recipe(BY_FOLDS, name)))
    for answers in sorted((ROOT / "results" / "answers").glob(f"{name}-*-tuned.csv")):
        parts += [_matrix(answers, said["matrix"]), "", said["matrix"], ""]
    return parts


@functools.cache
def _matrix(answers: Path, says: str) -> str:
    table = pd.read_csv(answers)
    columns = [column for column in table.columns if column.startswith("probability ")]
    classes = [column.removeprefix("probability ") for column in columns]
    said = table[columns].idxmax(axis=1).str.removeprefix("probability ")
    figure = confusion_figure(confusion_matrix(table["truth"], said, labels=classes), classes, "")
    return figures.save(figure, f"networks/{answers.stem}", says)


def _settings(name: str, said: dict[str, str]) -> list[str]:
    """What differs between the variants, the rest folded, then where a search looks."""
    module = importlib.import_module(f"recipes.book.{name}")
    published, tuned = flat(module.PUBLISHED), flat(module.TUNED)
    paths = list(dict.fromkeys([*published, *tuned]))
    head = (said["path"], "published", "tuned")
    rows = [(f"`{path}`", published.get(path, ""), tuned.get(path, "")) for path in paths]
    different = [row for row in rows if row[1] != row[2]]
    same = [row for row in rows if row[1] == row[2]]
    parts = [f"## {said['settings']}", said["settings_says"], ""]
    parts += [markdown.table(head, different)] if different else []
    folded = markdown.table(head[:2], [row[:2] for row in same])
    return [
        *parts,
        _folded(said["same_settings"].format(number=len(same)), folded),
        *_searched(name, module.TUNED, said),
    ]


def _searched(name: str, tuned: recipes.Recipe, said: dict[str, str]) -> list[str]:
    """Where a search looks, what the last one found, and what that is worth on other seeds."""
    if not tuned.tune:
        return []
    values, found = flat(tuned), SEARCHED.get(name)
    best = found["trials"][found["best"]]["values"] if found else {}
    ranges = [
        (f"`{path}`", in_words(space), values.get(path, "-"), best.get(path, "-")) for path, space in tuned.tune.items()
    ]
    lines = [f"## {said['searched']}", markdown.table((said["path"], "range", "tuned", "best trial"), ranges)]
    if found:
        epochs, images = sum(phase["epochs"] for phase in found["recipe"]["phases"]), found["images"]
        facts = [
            f"{len(found['trials'])} trials of {epochs} epochs (the recipe has {tuned.epochs()}), {found['tuner']}, on",
            f"{images['train']:,} training and {images['validation']:,} validation images, {found['seconds'] / 60:.0f}",
            f"minutes, {found['date']}: `results/search/{name}.json`. The best trial had",
            f"{found['trials'][found['best']]['val_accuracy']:.4f}. Trained again it has",
            f"{over_seeds(found['retrained']['winner'])}; the settings it started from have",
            f"{over_seeds(found['retrained']['page'])}.\n",
        ]
        lines.append(" ".join(facts))
    return lines


def in_words(space: Space) -> str:
    """A range for a reader."""
    if isinstance(space, OneOf):
        return ", ".join(map(str, space.values))
    return f"{space.low:g} to {space.high:g}" + (", logarithmic" if isinstance(space, LogFloat) else "")


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


def build() -> None:
    """Write the gallery and all pages."""
    for name in names():
        for language in LANGUAGES:
            write(f"networks/{name}.md", page(name, language), (language,))
    for language in LANGUAGES:
        write("networks/index.md", gallery(language), (language,))
