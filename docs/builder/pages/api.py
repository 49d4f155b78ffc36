"""The reference of the API, a page a module, in English as the docstrings are."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from builder.files import words, write

# What has its own place on the site, or is no part of the API.
ELSEWHERE = ("recipes.book.", "recipes.data.samples.")


def build(name: str) -> list[Any]:
    """Write the page of a module, and those of a package's modules; give their entries of the navigation."""
    package = getattr(importlib.import_module(name), "__path__", None)
    inside = [part.name for part in pkgutil.iter_modules(package or [], f"{name}.") if _is_shown(part.name)]
    title, path = name.rpartition(".")[2], "api/" + name.replace(".", "/")
    page = f"{path}/index.md" if inside else f"{path}.md"
    write(page, f"# {name}\n\n::: {name}\n{options(name)}", ("en",))
    if not inside:
        return [{title: page}]
    return [{title: [page, *(entry for part in inside for entry in build(part))]}]


def options(name: str) -> str:
    """The networks' code is part of their pages; that of 200 modules of recipes would be two thirds of the site."""
    return "" if name.startswith("zoo") else "    options:\n      show_source: false\n"


def elsewhere() -> None:
    """Write the Korean page that leads to the English ones."""
    write("reference/api.md", "# API\n\n" + words("ko")["api_says"] + "\n", ("ko",))


def _is_shown(name: str) -> bool:
    is_command = hasattr(importlib.import_module(name), "parser")
    return not is_command and not name.startswith(ELSEWHERE)
