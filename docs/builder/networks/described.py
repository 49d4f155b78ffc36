"""What a page says of a network and of its recipe: docstrings in English, docs/networks.toml in Korean."""

from __future__ import annotations

import functools
import importlib
import inspect
import re
from types import ModuleType

import zoo
from builder.files import toml, words

ROOMS = {"network": "zoo.architectures", "recipe": "recipes.book"}
# What a docstring has indented, by what is in it: the first that fits.
INDENTED = {"->": "diagram", "python -m": "commands", "=": "sums"}


@functools.cache
def korean() -> dict[str, dict[str, str]]:
    """What is said in Korean of each network and recipe: `use`, and where it has them `source`, `network`, `recipe`."""
    return toml("networks.toml")


def use(name: str, language: str) -> str:
    """What it is for, as a sentence."""
    if language == "ko":
        return f"{korean()[name]['use']}."
    if name in zoo.registry.BUILTIN:
        return f"{zoo.info(name).use}."
    first = inspect.cleandoc(_modules(name)["recipe"].__doc__ or "").partition("\n")[0]
    said = first.partition(": ")[2]
    return said[:1].upper() + said[1:]


def source(name: str, language: str) -> str:
    """Where a network was published."""
    return korean()[name]["source"] if language == "ko" else zoo.info(name).source


def licence(name: str, language: str) -> str:
    """Of the pretrained weights."""
    terms = zoo.info(name).weights_licence
    if terms == "none":
        return words(language)["no_licence"]
    return korean()[name].get("licence", terms) if language == "ko" else terms


def texts(name: str, language: str) -> list[str]:
    """What is said of the network, then of the recipe; in Korean with the docstrings' diagrams, sums and commands."""
    parts = []
    for kind, module in _modules(name).items():
        text = docstring(module)
        if language == "ko":
            text = _in_korean(korean()[name].get(kind, ""), text)
        parts.append(text + "\n")
    return parts


def docstring(module: ModuleType) -> str:
    """A page's docstring without its first line and without results, which stand in a table."""
    text = inspect.cleandoc(module.__doc__ or "").partition("\n")[2].strip()
    return re.sub("<!-- measured -->.*?<!-- /measured -->\n*", "", text, flags=re.DOTALL)


def _in_korean(prose: str, english: str) -> str:
    """The Korean prose, and what the docstring has indented."""
    said, parts = words("ko"), [prose.strip()]
    for block in re.findall(r"(?:^ {4}.*\n?|^\n(?= {4}))+", english, re.MULTILINE):
        kind = next(word for sign, word in INDENTED.items() if sign in block)
        parts += [said[kind], block.strip("\n")]
    return "\n\n".join(parts)


def _modules(name: str) -> dict[str, ModuleType]:
    """The pages of the code that a network has, by what they are of."""
    found = {}
    for kind, room in ROOMS.items():
        try:
            found[kind] = importlib.import_module(f"{room}.{name}")
        except ModuleNotFoundError:
            continue
    return found
