"""The page of commands, as `--help` prints them, and the changelog, which is in English."""

from __future__ import annotations

import importlib
import os
import pkgutil
from unittest import mock

import recipes
from builder.files import LANGUAGES, ROOT, words, write

COLUMNS = "88"


def build() -> None:
    """Write both pages for both languages; the Korean changelog leads to the English one."""
    for language in LANGUAGES:
        write("reference/commands.md", commands(language), (language,))
    write("reference/changelog.md", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), ("en",))
    write("reference/changelog.md", words("ko")["changelog"] + "\n", ("ko",))


def commands(language: str) -> str:
    """Every command with its options."""
    said = words(language)
    parts = [f"# {said['commands_title']}", said["commands_say"]]
    for verb in verbs():
        parser = importlib.import_module(f"recipes.{verb}").parser()
        with mock.patch.dict(os.environ, COLUMNS=COLUMNS):
            parts.append(
                f"## `recipes.{verb}`: {said[f'verb_{verb}']}\n\n```text\n{parser.format_help().rstrip()}\n```"
            )
    return "\n\n".join(parts) + "\n"


def verbs() -> list[str]:
    """The modules of recipes that are commands."""
    names = [part.name for part in pkgutil.iter_modules(recipes.__path__)]
    return [name for name in names if hasattr(importlib.import_module(f"recipes.{name}"), "parser")]
