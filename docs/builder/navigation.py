"""Where each page stands: the same order in both languages, titles from the pages."""

from __future__ import annotations

from typing import Any

from builder import lessons, networks
from builder.files import DOCS, title, words

# Hand-written pages by section; one that is nowhere here stands at the end of `use`.
LEARN_FIRST = ("my-photo-answered", "weeks")
LEARN_LAST = ("lenet5-dials", "history", "books", "cheat-sheet", "numbers-differ")
OWN_PHOTOS = (
    "photos", "sort", "shortcuts", "groups", "how-many", "operating-point", "report", "none-of-these", "answers",
    "grow", "elsewhere",
)  # fmt: skip
USE = ("install", "quickstart", "explain", "boundary", "backbones", "own-networks", "tuning", "backends", "cluster")
REFERENCE = ("faq", "faults", "lint", "data", "decisions")
REFERENCE_FIRST, REFERENCE_LAST = "reference/commands.md", "reference/changelog.md"
ALONE = ("index", "results")


def build(language: str, api: list[Any]) -> list[Any]:
    """The navigation of a language, as mkdocs takes it.

    Args:
        language: "en" or "ko".
        api: The entries of the API, in English.
    """
    said = words(language)
    learn = ["learn/index.md", *(f"learn/{slug}.md" for slug in lessons.slugs()), "learn/glossary.md"]
    built = ["networks/index.md", *(f"networks/{name}.md" for name in networks.names())]
    placed = {*LEARN_FIRST, *LEARN_LAST, *OWN_PHOTOS, *USE, *REFERENCE, *ALONE}
    left = sorted(page.stem for page in (DOCS / language).glob("*.md") if page.stem not in placed)
    sections = {
        said["learn"]: [*_there(language, LEARN_FIRST), *learn, *_there(language, LEARN_LAST)],
        said["own_photos"]: _there(language, OWN_PHOTOS),
        said["use"]: _there(language, (*USE, *left)),
        said["networks"]: built,
    }
    pages = {section: [{_named(language, page): page} for page in inside] for section, inside in sections.items()}
    kept = [REFERENCE_FIRST, *_there(language, REFERENCE), REFERENCE_LAST]
    reference = [{_named(language, page): page} for page in kept]
    reference += [{said["api"]: api if language == "en" else "reference/api.md"}]
    entries: list[Any] = [{said["home"]: "index.md"}]
    entries += [{section: inside} for section, inside in pages.items()]
    return [*entries, {said["results"]: "results.md"}, {said["reference"]: reference}]


def _there(language: str, stems: tuple[str, ...]) -> list[str]:
    return [f"{stem}.md" for stem in stems if (DOCS / language / f"{stem}.md").exists()]


def _named(language: str, page: str) -> str:
    return title(DOCS / language / page)
