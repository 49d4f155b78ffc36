"""English and Korean pages stand side by side: the same headings, the same code, the same numbers."""

import re

import pytest
from conftest import ROOT

ENGLISH, KOREAN = ROOT / "docs" / "en", ROOT / "docs" / "ko"
# What was decided and why is kept in English alone.
ENGLISH_ALONE = {"decisions.md"}
NAMES = sorted(page.name for page in ENGLISH.glob("*.md") if page.name not in ENGLISH_ALONE)
NUMBER = re.compile(r"\d[\d,.]*\d|\d")
FENCE = re.compile(r"^```(?:\w*)\n.*?^```$", re.DOTALL | re.MULTILINE)
# An answer that is folded, and cards: prose, though it stands indented.
FOLDED = re.compile(r"^(?:\?\?\?|-  ) .*\n(?:    .*\n|\n)*", re.MULTILINE)


@pytest.fixture(params=NAMES)
def pair(request):
    """The text of a page in both languages."""
    return tuple((folder / request.param).read_text(encoding="utf-8") for folder in (ENGLISH, KOREAN))


def headings(text):
    return re.findall(r"^(#+) ", FENCE.sub("", text), re.MULTILINE)


def code(text):
    prose = FOLDED.sub("", FENCE.sub("", text))
    indented = re.findall(r"^    .*", prose, re.MULTILINE)
    return FENCE.findall(text), indented


def numbers_in_tables(text):
    rows = [line for line in FENCE.sub("", text).splitlines() if line.startswith("|")]
    return sorted(NUMBER.findall("\n".join(rows)))


def test_the_same_pages_are_there():
    assert sorted(page.name for page in KOREAN.glob("*.md")) == NAMES


def test_headings_have_the_same_levels(pair):
    english, korean = map(headings, pair)
    assert english == korean


def test_code_is_the_same(pair):
    english, korean = map(code, pair)
    assert english == korean


def test_tables_have_the_same_numbers(pair):
    english, korean = map(numbers_in_tables, pair)
    assert english == korean


def test_what_benchmarks_wrote_is_the_same(pair):
    blocks = (re.findall(r"<!-- ([\w ]+) -->\n(.*?)<!-- /\1 -->", text, re.DOTALL) for text in pair)
    english, korean = ({name: sorted(NUMBER.findall(body)) for name, body in found} for found in blocks)
    assert english == korean


def test_korean_pages_are_in_korean(pair):
    prose = FENCE.sub("", pair[1])
    assert re.search(r"^# .*[가-힣]", prose, re.MULTILINE)
    for heading in re.findall(r"^#+ (.*)", prose, re.MULTILINE):
        assert re.search(r"[가-힣]", heading) or not re.search(r"[a-z]{3} [a-z]", heading), heading


def test_links_of_korean_pages_lead_to_korean_pages(pair):
    for target in re.findall(r"\]\((?!https?:)([^)#]+\.md)", pair[1]):
        assert not target.startswith("../"), target
        assert "/" in target or target in {*NAMES, "results.md"}, target


def test_no_korean_page_follows_an_older_english_one(monkeypatch, builder):
    from builder import translated

    assert translated.stale() == [], "bring docs/ko up to date, then: python docs/builder/translated.py PAGE ..."
    noted = translated.toml(translated.NOTES) | {"faq": "another"}
    monkeypatch.setattr(translated, "digest", noted.get)
    assert translated.stale() == ["faq"]
