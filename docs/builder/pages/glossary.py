"""The glossary: every Korean spelling beside its English term, so that the search of either site finds the lesson."""

from __future__ import annotations

from builder import lessons
from builder.files import DOCS, LANGUAGES, title, toml, write
from zoo.text import markdown

HEADS = {
    "en": ("Glossary", "term", "in Korean, with other spellings", "what it is", "lesson"),
    "ko": ("용어집", "용어", "영어", "뜻", "수업"),
}


def build() -> None:
    """Write the page for both languages."""
    terms = sorted(toml("glossary.toml")["term"], key=lambda term: term["en"].lower())
    for language in LANGUAGES:
        name, *head = HEADS[language]
        rows = []
        for term in sorted(terms, key=lambda term: term["ko"][0]) if language == "ko" else terms:
            page, is_there = f"{term['lesson']}.md", term["lesson"] in lessons.slugs()
            lesson = f"[{title(DOCS / language / 'learn' / page)}]({page})" if is_there else ""
            spelled = ", ".join(term["ko"])
            pair = (term["en"], spelled) if language == "en" else (spelled, term["en"])
            rows.append((*pair, term[f"means_{language}"], lesson))
        write("learn/glossary.md", f"# {name}\n\n{markdown.table(tuple(head), rows)}", (language,))
