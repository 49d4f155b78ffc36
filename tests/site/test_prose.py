"""The English pages can be read: no sentence is long, and no command names a run that is not there."""

import re

import pytest
from conftest import ROOT

PAGES = sorted(page for page in (ROOT / "docs" / "en").glob("*.md") if page.name != "decisions.md")
BOTH = sorted((ROOT / "docs").glob("*/*.md"))
MOST_WORDS = 30


def sentences(text):
    """The sentences of a page without its code and without what benchmarks put between marks."""
    text = re.sub(r"<!-- ([\w ]+) -->.*?<!-- /\1 -->", "", text, flags=re.DOTALL)
    text = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    for block in re.split(r"\n\s*\n|\n(?=[-#|]|\d\. )", text):
        if not block.startswith(("#", "    ")):
            for part in block.split("|") if block.startswith("|") else [block]:
                yield from re.split(r"(?<=[.?!:])\s+|(?<=[.?!]\*\*) ", " ".join(part.split()))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_sentence_is_long(page):
    long = [
        text for text in sentences(page.read_text(encoding="utf-8")) if len(re.findall(r"[\w`]\S*", text)) > MOST_WORDS
    ]
    assert long == []


def test_a_long_sentence_is_found():
    assert (
        max(len(text.split()) for text in sentences("Short. " + "word " * 31 + ".\n\n| " + "cell " * 9 + " |"))
        > MOST_WORDS
    )


@pytest.mark.parametrize("page", BOTH, ids=lambda page: f"{page.parent.name}-{page.stem}")
def test_no_command_names_a_run_by_its_date(page):
    commands = re.sub(r"^```text\n.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    assert not re.search(r"\d{8}T\d{6}Z", commands)
