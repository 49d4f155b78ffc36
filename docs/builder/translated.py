"""From which English each Korean page was made: `python docs/builder/translated.py PAGE ...` notes it anew.

A page whose English prose has changed since is stale, and a test names it. Code, headings and the tables of benchmarks
have tests of their own.
"""

from __future__ import annotations

import hashlib
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from builder.files import DOCS, toml  # noqa: E402

NOTES = "translated.toml"
NOT_PROSE = re.compile(r"<!-- ([\w ]+) -->.*?<!-- (?:/\1|end of \1) -->|^```.*?^```$", re.DOTALL | re.MULTILINE)


def digest(name: str) -> str:
    """A name for the English prose of a page, however its lines are broken."""
    prose = NOT_PROSE.sub("", (DOCS / "en" / f"{name}.md").read_text(encoding="utf-8"))
    return hashlib.sha256(" ".join(prose.split()).encode()).hexdigest()[:12]


def pages() -> list[str]:
    """The pages that are in Korean."""
    return sorted(page.stem for page in (DOCS / "ko").glob("*.md"))


def stale() -> list[str]:
    """Pages whose English is not the one that their Korean was made from."""
    noted = toml(NOTES)
    return [name for name in pages() if noted.get(name) != digest(name)]


def note(names: list[str]) -> None:
    """Note the English of today for these pages, or for all."""
    noted = (toml(NOTES) if (DOCS / NOTES).exists() else {}) | {name: digest(name) for name in names or pages()}
    lines = [f'{name} = "{noted[name]}"' for name in pages()]
    head = "# The English prose that each page of docs/ko was made from; docs/builder/translated.py writes it.\n"
    (DOCS / NOTES).write_text(head + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    note(sys.argv[1:])
