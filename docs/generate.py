"""Write the pages of the site that follow from the code and from results/, and give mkdocs the navigation.

`mkdocs build` runs this as a hook: it writes the pages of both languages, builds the English site, and then the Korean
one into /ko/. `python docs/generate.py` writes the pages alone.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from matplotlib import rc_context

sys.path.insert(0, str(Path(__file__).resolve().parent))

from builder import files, lessons, navigation, networks, phrases  # noqa: E402
from builder.pages import api, explained, glossary, home, reference, results  # noqa: E402

API: list[Any] = []


def write_pages() -> None:
    """Write what both languages need, and the API, which is English."""
    files.share("images")
    files.share("assets")
    files.share("reports")
    for slug in lessons.slugs():
        part, script = f"learn/{slug}", lessons.source(slug).read_bytes()
        if not files.stands(part, (f"{part}.*", f"{part}-*"), script):
            lessons.build(slug)
            files.finished(part, script)
    for language in files.LANGUAGES:
        files.write("learn/index.md", lessons.index(language), (language,))
    with rc_context():  # The look of a report stays with its own figures.
        if not files.stands("networks/all", ("networks/*",)):
            networks.build()
            files.finished("networks/all")
        if not files.stands("explain/all", ("explain/*",)):
            explained.build()
            files.finished("explain/all")
    results.build()
    glossary.build()
    reference.build()
    api.elsewhere()
    API[:] = [*api.build("zoo"), *api.build("recipes")]
    files.sweep()


def on_config(config: Any) -> Any:
    """Mkdocs has read a configuration: write the pages, once for both languages, and say where each stands."""
    language = config.theme["language"]
    if language == "en":
        write_pages()
    config.nav = navigation.build(language, API)
    root = urlsplit(config.site_url).path.removesuffix("ko/")
    config.extra["alternate"] = [
        {"name": "English", "link": root, "lang": "en", "folder": ""},
        {"name": "한국어", "link": f"{root}ko/", "lang": "ko", "folder": "ko/"},
    ]
    return config


def on_page_context(context: Any, page: Any, config: Any, nav: Any) -> Any:
    """A page is about to be written: the choice of language stays on it where the other language has it."""
    up = "../" * page.url.count("/") + ("../" if config.theme["language"] == "ko" else "")
    for alternate in config.extra["alternate"]:
        there = (files.DOCS / alternate["lang"] / page.file.src_uri).exists()
        alternate["here"] = f"{up}{alternate['folder']}{page.url if there else ''}" or "."
    return context


def on_page_markdown(markdown: str, *, config: Any, **_: Any) -> str:
    """The home page gets its numbers; the tables that benchmarks wrote into a Korean page are shown in Korean."""
    language = config.theme["language"]
    markdown = home.with_numbers(markdown, language)
    return phrases.in_korean(markdown) if language == "ko" else markdown


def on_post_build(config: Any) -> None:
    """The English site stands: build the Korean one into it."""
    if config.theme["language"] == "en":
        from mkdocs.commands.build import build
        from mkdocs.config import load_config

        korean = load_config(
            str(files.DOCS / "ko.yml"), site_dir=str(Path(config.site_dir) / "ko"), strict=config.strict
        )
        korean.plugins.on_startup(command="build", dirty=False)
        build(korean)


if __name__ == "__main__":
    write_pages()
