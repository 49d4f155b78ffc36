"""Each concept of the sources has its section in a lesson, in English and in Korean; each lesson is whole."""

import importlib
import re
import tomllib

import pytest
from conftest import ROOT

CONCEPTS = tomllib.loads((ROOT / "docs" / "concepts.toml").read_text(encoding="utf-8"))
LESSONS = sorted((ROOT / "docs" / "learn").glob("*.py"))


@pytest.fixture
def lessons(builder):
    """The generator's module that runs lessons."""
    pytest.importorskip("jupytext", reason="skipped: what builds the site is not installed (the extra docs)")
    return importlib.import_module("builder.lessons")


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


def test_a_step_that_fails_stops_the_lesson_and_both_are_named(lessons):
    cells = lessons.jupytext.reads("# %%\nnumber = 1\n\n# %%\nnumber / 0\n", fmt="py:percent").cells
    with pytest.raises(RuntimeError, match=r"^The lesson tiny stops at:\nnumber / 0$") as stopped:
        lessons.run("tiny", cells)
    assert isinstance(stopped.value.__cause__, ZeroDivisionError)


def test_what_a_step_prints_and_draws_stands_by_its_cell(lessons, monkeypatch):
    monkeypatch.setattr(lessons.figures, "save", lambda figure, path, says: f"![{says}]({path})")
    steps = (
        "[markdown]\n# # Words",
        "\nimport matplotlib.pyplot as plt\nnumber = 2",
        "\nprint(number)\nplt.subplots()",
        "\nplt.subplots()",
        "\nprint(number + 1)",
    )
    cells = lessons.jupytext.reads("\n".join(f"# %% {step}\n" for step in steps), fmt="py:percent").cells
    shown = lessons.run("tiny", cells)
    assert [shown.get(id(cell)) for cell in cells] == [
        None,
        "",
        "```text\n2\n```\n\n![1](learn/tiny-1)",
        "![2](learn/tiny-2)",
        "```text\n3\n```",
    ]
