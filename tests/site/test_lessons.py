"""Each concept of the sources has its section in a lesson, in English and in Korean; each lesson is whole."""

import re
import tomllib

import pytest
from conftest import ROOT

CONCEPTS = tomllib.loads((ROOT / "docs" / "concepts.toml").read_text(encoding="utf-8"))
LESSONS = sorted((ROOT / "docs" / "learn").glob("*.py"))


def said(lesson, language):
    """The prose of a lesson in a language."""
    cells = re.split(r"^# %% ?", lesson.read_text(encoding="utf-8"), flags=re.MULTILINE)
    own = [cell for cell in cells if cell.startswith(f'[markdown] lang="{language}"')]
    return re.sub(r"^# ?", "", "\n".join(own), flags=re.MULTILINE)


def test_all_concepts_are_taught():
    assert len(CONCEPTS) == 22


@pytest.mark.parametrize("concept", CONCEPTS)
def test_a_concept_has_its_section_in_both_languages(concept):
    entry = CONCEPTS[concept]
    lesson = ROOT / "docs" / "learn" / f"{entry['lesson']}.py"
    for language in ("en", "ko"):
        assert entry[language] in said(lesson, language).splitlines()


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.stem)
def test_a_lesson_has_a_figure_a_question_and_the_same_headings_in_both_languages(lesson):
    english, korean = (re.findall(r"^(#+) ", said(lesson, language), re.MULTILINE) for language in ("en", "ko"))
    assert english == korean
    assert "??? question" in said(lesson, "en")
    assert "??? question" in said(lesson, "ko")
    assert re.search(r"plt\.|Figure\(", lesson.read_text(encoding="utf-8"))
