"""A page a network: the architecture and the recipe of the same name, with what was measured; and the gallery."""

from __future__ import annotations

import functools

import keras

import recipes
import zoo
from builder import figures
from builder.files import LANGUAGES, folded, words, write
from builder.networks import described, measured, settings
from recipes.study import results_files
from zoo.text import markdown

# A longer list of layers is folded.
LONG = 40


def names() -> list[str]:
    """Every architecture and every recipe; what has the same name shares a page."""
    return sorted({*zoo.registry.BUILTIN, *recipes.names()})


def page(name: str, language: str) -> str:
    """The page of a network: what it is, how it is trained, what was measured, and its layers one by one."""
    said = words(language)
    parts = [f"# {name}", "", described.use(name, language), ""]
    if _is_built(name):
        parts += [figures.image(_picture(name), said["picture"]), "", said["picture"], ""]
        parts += [
            f"## {said['build_it']}",
            f'```python\nimport zoo\n\nmodel = zoo.get("{name}", weights=None)\n```',
            "",
        ]
    if name in recipes.names():
        parts += [f"## {said['train_it']}", f"```sh\npython -m recipes.run {name}\n```", ""]
        parts += [*measured.section(name, language), *settings.section(name, language)]
    parts += [f"## {said['described']}", *described.texts(name, language), _code(name, language), ""]
    if _is_built(name):
        parts += [*_facts(name, language), *_layers(name, language)]
    return "\n".join(parts) + "\n"


def gallery(language: str) -> str:
    """The page that leads to all networks, with a picture of each."""
    said = words(language)
    cards = []
    for name in names():
        picture = f"![]({name}-light.png#only-light)![]({name}-dark.png#only-dark)" if _is_built(name) else ""
        groups = results_files.of_recipe(measured.MEASURED, name).values()
        best = [f"{group['mean']:.4f} ({group['dataset']}, {group['variant']})" for group in groups]
        number = f"{zoo.info(name).parameters:,}" if _is_built(name) else ""
        count = said["counted"].format(number=number) if number else described.use(name, language)
        line = f"{said['test_accuracy']} " + ", ".join(best) if best else ""
        cards.append(f"-   **[{name}]({name}.md)**\n\n    {picture}\n\n    {count}\n\n    {line}\n")
    body = '<div class="grid cards" markdown>\n\n' + "\n".join(cards) + "\n</div>"
    return f"---\nhide:\n  - toc\n---\n\n# {said['gallery']}\n\n{said['gallery_says']}\n\n{body}\n"


def _is_built(name: str) -> bool:
    return name in zoo.registry.BUILTIN


def _code(name: str, language: str) -> str:
    """Where the code is: of the network, which the API shows in English alone, and of the recipe."""
    files = []
    if _is_built(name):
        file, place = f"zoo/architectures/{name}.py", f"api/zoo/architectures/{name}"
        files.append(f'<a href="../../../{place}/">{file}</a>' if language == "ko" else f"[{file}](../{place}.md)")
    if name in recipes.names():
        files.append(f"`recipes/book/{name}.py`")
    return words(language)["code"].format(files=", ".join(files))


@functools.lru_cache(maxsize=1)  # Some are large, and each is asked for several times in a row.
def _model(name: str) -> keras.Model:
    return zoo.get(name, weights=None)


@functools.lru_cache(maxsize=1)
def _cells(name: str) -> list[tuple[str, ...]]:
    return zoo.arithmetic(_model(name)).cells()


@functools.cache
def _picture(name: str) -> str:
    """Draw a network; where."""
    path = f"networks/{name}"
    figures.save(figures.network(_model(name)), path)
    return path


def _facts(name: str, language: str) -> list[str]:
    said, facts, model = words(language), zoo.info(name), _model(name)
    rows = [
        (said["source"], described.source(name, language)),
        (said["input"], " x ".join(map(str, facts.input_shape)) + f", {said['raw']}"),
        (said["output"], said["units"].format(units=model.output_shape[-1], classes=facts.classes)),
        (said["parameters"], f"{model.count_params():,}"),
        (said["macs"], f"{facts.macs:,}"),
        (said["dataset"], facts.dataset),
        (said["licence"], described.licence(name, language)),
    ]
    return [f"## {said['facts']}", markdown.table((said["fact"], said["value"]), rows)]


def _layers(name: str, language: str) -> list[str]:
    """The table of layers with its sums, folded where it is long, and which layers can train."""
    said, layers = words(language), _model(name).layers
    _, *rows, total = _cells(name)
    rows = [(f"`{layer}`", *rest) for layer, *rest in rows]
    table = markdown.table(said["layer_columns"].split(", "), [*rows, (said["in_all"], *total[1:])])
    can_train = f"{said['trainable']}: {', '.join(f'`{layer.name}`' for layer in layers if layer.trainable_weights)}."
    if len(layers) > LONG:
        table = folded(said["all_layers"].format(number=len(layers)), f"{table}\n\n{can_train}")
        can_train = ""
    return [f"## {said['layers']}", said["layers_says"], "", table, "", can_train, ""]


def build() -> None:
    """Write the gallery and all pages."""
    for name in names():
        for language in LANGUAGES:
            write(f"networks/{name}.md", page(name, language), (language,))
    for language in LANGUAGES:
        write("networks/index.md", gallery(language), (language,))
