"""Where pages are written: docs/<language>/<folder>/, which git ignores. What did not change is left alone.

Lessons and networks take most of a build: what an earlier build made of the same sources stays, see `stands`.
"""

from __future__ import annotations

import functools
import hashlib
import shutil
import tomllib
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent.parent
ROOT = DOCS.parent
LANGUAGES = ("en", "ko")
# What lessons and pages of networks follow from: the project's code and data, the generator, and these packages.
SOURCES = (
    "zoo",
    "recipes",
    "results",
    "docs/builder",
    "docs/glossary.toml",
    "docs/networks.toml",
    "docs/learn/data",
    "docs/reports",
)
PACKAGES = ("keras", "tensorflow", "numpy", "scikit-learn", "matplotlib", "jupytext", "mlxtend")

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


@functools.cache
def _sources() -> bytes:
    """A digest of everything that computed pages follow from, but for a lesson's own script."""
    digest = hashlib.sha256(repr([version(package) for package in PACKAGES]).encode())
    places = {place for source in SOURCES for found in ROOT.glob(source) for place in (found, *found.rglob("*"))}
    for place in sorted(place for place in places if place.is_file() and place.suffix != ".pyc"):
        digest.update(f"{place.relative_to(ROOT)}\n".encode() + hashlib.sha256(place.read_bytes()).digest())
    return digest.digest()


def _stamp(part: str, own: bytes) -> tuple[str, str]:
    """Where it is noted from what a part of the site was made, and the note."""
    folder, _, name = part.rpartition("/")
    return f"{folder}/.{name}", hashlib.sha256(_sources() + own).hexdigest()


def stands(part: str, patterns: Sequence[str], own: bytes = b"") -> bool:
    """Whether an earlier build made a part of the site from the same; its files then stay.

    Args:
        part: Its name, below a folder, such as "learn/pooling".
        patterns: Its files, as globs below the language's folder.
        own: What it follows from beside `SOURCES`.
    """
    place, note = _stamp(part, own)
    if not all((DOCS / language / place).exists() for language in LANGUAGES):
        return False
    if any((DOCS / language / place).read_text(encoding="utf-8") != note for language in LANGUAGES):
        return False
    _written.update(found for language in LANGUAGES for glob in patterns for found in (DOCS / language).glob(glob))
    write(place, note)
    return True


def finished(part: str, own: bytes = b"") -> None:
    """Note from what a part of the site was made, when all of it is written."""
    write(*_stamp(part, own))


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
    return tomllib.loads((ROOT / "docs" / name).read_text(encoding="utf-8"))


@functools.cache
def words(language: str) -> dict[str, str]:
    """The words of generated pages in a language, by what they say."""
    return {name: said[language] for name, said in toml("builder/words.toml").items()}


def title(page: Path) -> str:
    """The heading of a written page, without its attributes."""
    lines = page.read_text(encoding="utf-8").splitlines()
    return next(line for line in lines if line.startswith("# ")).removeprefix("# ").partition(" {")[0]


def folded(head: str, body: str) -> str:
    """Markdown that is shown when its head is clicked."""
    lines = "\n".join(f"    {line}" if line else "" for line in body.split("\n"))
    return f'??? note "{head}"\n\n{lines}\n'
