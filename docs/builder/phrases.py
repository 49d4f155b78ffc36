"""What benchmarks wrote between the marks of a page, in Korean: docs/phrases.toml has the words."""

from __future__ import annotations

import functools
import re

from builder.files import toml

BLOCK = re.compile(r"(<!-- ([\w ]+) -->\n)(.*?)(<!-- /\2 -->)", re.DOTALL)
CELL = re.compile(r"(?<=\| )[^|`]+(?= \|)")


def in_korean(page: str) -> str:
    """A Korean page with its tables from benchmarks in Korean; names, figures and commands stay."""
    return BLOCK.sub(lambda block: block[1] + _translated(block[3]) + block[4], page)


def _translated(block: str) -> str:
    lines = []
    for line in block.split("\n"):
        if line.startswith("|"):
            lines.append(CELL.sub(lambda cell: _cell(cell[0]), line))
        else:
            for english, korean in _patterns("sentences"):
                line = english.sub(korean, line)
            lines.append(line)
    return "\n".join(lines)


@functools.cache
def _cell(text: str) -> str:
    for english, korean in _patterns("cells"):
        if found := english.fullmatch(text):
            return found.expand(korean)
    return text


@functools.cache
def _patterns(kind: str) -> list[tuple[re.Pattern[str], str]]:
    return [(re.compile(english), korean) for english, korean in toml("phrases.toml")[kind].items()]
