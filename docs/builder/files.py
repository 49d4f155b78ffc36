"""Where pages are written: docs/<language>/<folder>/, which git ignores. What did not change is left alone."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent.parent
ROOT = DOCS.parent
LANGUAGES = ("en", "ko")

_written: set[Path] = set()


def write(path: str, content: str | bytes, languages: tuple[str, ...] = LANGUAGES) -> None:
    """Write a page or a picture below the folder of each language.

    Args:
        path: Where, relative to the language's folder; in a folder of its own.
        content: Text (UTF-8) or bytes.
        languages: For which languages.
    """
    content = content.encode() if isinstance(content, str) else content
    for language in languages:
        place = DOCS / language / path
        _written.add(place)
        if not place.exists() or place.read_bytes() != content:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)


def share(folder: str) -> None:
    """Give a folder of docs/ (pictures, scripts) to both languages."""
    for place in sorted((DOCS / folder).rglob("*")):
        if place.is_file():
            write(place.relative_to(DOCS).as_posix(), place.read_bytes())


def sweep() -> None:
    """Remove what an earlier build wrote and this one did not."""
    for language in LANGUAGES:
        for folder in [place for place in (DOCS / language).iterdir() if place.is_dir()]:
            for place in folder.rglob("*"):
                if place.is_file() and place not in _written:
                    place.unlink()
            if not any(place.is_file() for place in folder.rglob("*")):
                shutil.rmtree(folder)
    _written.clear()


def toml(name: str) -> dict[str, Any]:
    """Read a TOML file of docs/."""
    return tomllib.loads((DOCS / name).read_text(encoding="utf-8"))


def words(language: str) -> dict[str, str]:
    """The words of generated pages in a language, by what they say."""
    return {name: said[language] for name, said in toml("builder/words.toml").items()}


def title(page: Path) -> str:
    """The heading of a written page, without its attributes."""
    lines = page.read_text(encoding="utf-8").splitlines()
    return next(line for line in lines if line.startswith("# ")).removeprefix("# ").partition(" {")[0]
