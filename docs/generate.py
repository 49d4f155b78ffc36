"""Make the pages that follow from the code: one per architecture and recipe, the API, the table of results.

Run by `mkdocs build`. Numbers come from the built networks and from results/, so that none can go stale.
"""

import dataclasses
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import mkdocs_gen_files

import recipes
import zoo
from recipes.recipe.search_space import LogFloat, OneOf, Space
from recipes.report.figures.search import over_seeds
from recipes.study import results_files, results_table
from zoo.text import markdown

MEASURED = results_files.load(Path("results"))
BY_FOLDS = results_files.load(Path("results/folds"))
SEARCHED = results_files.load(Path("results/search"))


def architecture_page(name: str) -> str:
    """Source and diagram, facts, every layer of the built network, the builder."""
    facts = zoo.info(name)
    model = zoo.get(name, weights=None)
    module = importlib.import_module(f"zoo.architectures.{name}")
    described = inspect.cleandoc(module.__doc__).partition("\n")[2].strip()
    rows = [
        ("source", facts.source),
        ("input", " x ".join(map(str, facts.input_shape)) + ", raw pixels 0-255"),
        ("output", f"{model.output_shape[-1]} unit(s) for {facts.classes} classes"),
        ("parameters", f"{model.count_params():,}"),
        ("MACs an image", f"{facts.macs:,}"),
        ("data set", facts.dataset),
        ("licence of pretrained weights", facts.weights_licence),
    ]
    trainable = [f"`{layer.name}`" for layer in model.layers if layer.trainable_weights]
    return "\n".join(
        [
            f"# {name}",
            f"{facts.use}.",
            "",
            f'```python\nimport zoo\n\nmodel = zoo.get("{name}", weights=None)\n```',
            "",
            described,
            "",
            "## Facts",
            markdown.table(("fact", ""), rows),
            "## Layers",
            "Parameters: the size of each weight. Memory: the output for one image in float32. Sees: how many pixels",
            "of the image one value depends on, before the edge cuts them off; behind a layer that gathers all, all.",
            "",
            zoo.arithmetic(model).markdown(),
            f"As returned, these can train: {', '.join(trainable)}.",
            "",
            "## Builder",
            *(f"::: zoo.architectures.{name}.{function}\n" for function in public_functions(module)),
        ]
    )


def api(name: str, indent: str = "    ") -> list[str]:
    """Write the page of a module, and those of a package's modules; give their lines of the navigation."""
    package = getattr(importlib.import_module(name), "__path__", None)
    inside = [part.name for part in pkgutil.iter_modules(package or [], f"{name}.") if in_api(part.name)]
    title, path = name.rpartition(".")[2], "api/" + name.replace(".", "/")
    page = f"{path}/index.md" if inside else f"{path}.md"
    write(page, f"# {name}\n\n::: {name}\n")
    line = f"[{title}]({page})"
    if not inside:
        return [f"{indent}* {line}"]
    deeper = f"{indent}    "
    return [f"{indent}* {title}", f"{deeper}* {line}", *(line for part in inside for line in api(part, deeper))]


def in_api(name: str) -> bool:
    """Whether a module is part of the API: not the pages, which have their own place, nor the commands."""
    is_command = hasattr(importlib.import_module(name), "parser")
    return not is_command and not name.startswith(("zoo.architectures", "recipes.book.", "recipes.data.samples."))


def public_functions(module) -> list[str]:
    """Names of the functions a module defines for its readers, in order."""
    return [
        name
        for name, member in vars(module).items()
        if inspect.isfunction(member) and member.__module__ == module.__name__ and not name.startswith("_")
    ]


# The tables of results need the room of the contents list.
WIDE = "---\nhide:\n  - toc\n---\n"


def recipe_page(name: str) -> str:
    """Source and protocol, measured results, both variants side by side."""
    module = importlib.import_module(f"recipes.book.{name}")
    published, tuned = flat(module.PUBLISHED), flat(module.TUNED)
    rows = [(f"`{path}`", published.get(path, ""), tuned.get(path, "")) for path in dict.fromkeys([*published, *tuned])]
    measured = results_files.of_recipe(MEASURED, name)
    described = inspect.cleandoc(module.__doc__).partition("\n")[2].strip()
    # The table below says more than the lines that the docstring states.
    described = re.sub("<!-- measured -->.*?<!-- /measured -->\n*", "", described, flags=re.DOTALL)
    return "\n".join(
        [
            WIDE,
            f"# {name}",
            f"Trains [{module.TUNED.architecture}](../architectures/{module.TUNED.architecture}.md).",
            "",
            described,
            "",
            "## Measured",
            results_table.table(measured) if measured else "Not measured yet.",
            results_table.folds_table(results_files.of_recipe(BY_FOLDS, name)),
            "## Settings",
            "Each path can be changed with `--set path=value`.",
            "",
            markdown.table(("path", "published", "tuned"), rows),
            *searched(name, module.TUNED),
        ]
    )


def searched(name: str, tuned: recipes.Recipe) -> list[str]:
    """Where a search looks, what the last one found, and what that is worth on other seeds."""
    values = flat(tuned)
    found = SEARCHED.get(name)
    best = found["trials"][found["best"]]["values"] if found else {}
    ranges = [
        (f"`{path}`", in_words(space), values.get(path, "the network's own"), best.get(path, "-"))
        for path, space in tuned.tune.items()
    ]
    lines = ["## Searched", markdown.table(("path", "range", "tuned", "best trial"), ranges)]
    if not found:
        return [*lines, "No search has been made yet."]
    epochs, images = sum(phase["epochs"] for phase in found["recipe"]["phases"]), found["images"]
    facts = [
        f"{len(found['trials'])} trials of {epochs} epochs (the recipe has {tuned.epochs()}), {found['tuner']}, on",
        f"{images['train']:,} training and {images['validation']:,} validation images, {found['seconds'] / 60:.0f}",
        f"minutes, {found['date']}: `results/search/{name}.json`. The best trial had",
        f"{found['trials'][found['best']]['val_accuracy']:.4f}. Trained again it has",
        f"{over_seeds(found['retrained']['winner'])}; the settings it started from have",
        f"{over_seeds(found['retrained']['page'])}.",
    ]
    return [*lines, " ".join(facts)]


def in_words(space: Space) -> str:
    """A range for a reader."""
    if isinstance(space, OneOf):
        return ", ".join(map(str, space.values))
    return f"{space.low:g} to {space.high:g}" + (", logarithmic" if isinstance(space, LogFloat) else "")


def from_page(name: str, page: str = "README.md") -> str:
    """What stands between the marks of that name on a page."""
    return Path(page).read_text(encoding="utf-8").partition(f"<!-- {name} -->")[2].partition("<!--")[0]


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


def write(path: str, text: str) -> None:
    """Add a page to the site."""
    with mkdocs_gen_files.open(path, "w") as page:
        page.write(text)


def title(page: Path) -> str:
    """The heading of a page."""
    return page.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")


def main() -> None:
    """Write all generated pages and the navigation."""
    nav = ["* [Home](index.md)", "* [Quick start](quickstart.md)", "* [Install without a clone](install.md)"]
    nav += ["* 한국어", "    * [빠른 시작](ko.md)"]
    nav += [f"    * [{title(page)}](ko/{page.name})" for page in sorted(Path("docs/ko").glob("*.md"))]
    nav += ["* [Results](results.md)"]
    write(
        "results.md",
        WIDE + "# Results\n\nEvery figure comes from runs of the command on the recipe's page; the spread is the "
        "standard deviation over the seeds.\n\n"
        + results_table.table(MEASURED)
        + results_table.folds_table(BY_FOLDS)
        + "\n"
        "## How far to trust the tuned rows\n" + from_page("trust") + "\n"
        "## What 0.985 is worth\n" + from_page("worth") + "\n"
        "## Two dials of lenet5\n" + from_page("lenet5 dials", "docs/en/lenet5-dials.md") + "\n"
        "## Speed of fashion_cnn\n" + from_page("speed") + "\n"
        "## What running the frozen part once is worth\n" + from_page("boundary"),
    )
    nav.append("* Architectures")
    for name in sorted(zoo.registry.BUILTIN):
        write(f"architectures/{name}.md", architecture_page(name))
        nav.append(f"    * [{name}](architectures/{name}.md)")
    nav.append("* Recipes")
    for name in recipes.names():
        write(f"recipes/{name}.md", recipe_page(name))
        nav.append(f"    * [{name}](recipes/{name}.md)")
    nav += [
        "* Your own photos",
        "    * [From a folder to a network](photos.md)",
        "    * [Sort an album](sort.md)",
        "    * [Is the class given away?](shortcuts.md)",
        "    * [Groups that you name](groups.md)",
        "    * [How many photos more?](how-many.md)",
        "    * [An operating point](operating-point.md)",
        "    * [The report, and what to do next](report.md)",
        "    * [None of these](none-of-these.md)",
        "    * [Answers into folders](answers.md)",
        "    * [Photos that grew](grow.md)",
        "    * [Take it elsewhere](elsewhere.md)",
        "* [The books, chapter by chapter](books.md)",
        "    * [Why networks changed](lenet5-dials.md)",
        "* [A network of your own](own-networks.md)",
        "* [Tune, compare, certify](tuning.md)",
        "* [See what it learned](explain.md)",
        "* [Train above a frozen part](boundary.md)",
        "* [Any base under a new head](backbones.md)",
        "* [What the linter says](lint.md)",
        "* [When something goes wrong](faults.md)",
        "* [Data and weights](data.md)",
        "* [Decisions](decisions.md)",
    ]
    nav += ["* API", *api("zoo"), *api("recipes")]
    write("SUMMARY.md", "\n".join(nav) + "\n")


main()
