"""What the site's generator writes is in the language of its page; the Korean of networks says what their pages say."""

import importlib
import re
import tomllib

import pytest
from conftest import ROOT

import recipes
import zoo

KOREAN = tomllib.loads((ROOT / "docs" / "networks.toml").read_text(encoding="utf-8"))
NAMES = sorted({*zoo.registry.BUILTIN, *recipes.names()})
NUMBER = re.compile(r"\d[\d,.]*\d|\d")
CODE = re.compile(r"^```.*?^```$|^    .*$|`[^`\n]*`|<[^>]*>|\]\([^)]*\)|!\[", re.DOTALL | re.MULTILINE)
ENGLISH = re.compile(r"[A-Za-z][a-z']+(?:[ ,]+[a-z']+){3,}")


@pytest.fixture(autouse=True)
def networks(builder):
    """The part of it that writes the pages of networks."""
    return importlib.import_module("builder.networks")


@pytest.fixture
def written(builder, tmp_path, monkeypatch):
    """Where the generator writes, for this test."""
    for language in builder.files.LANGUAGES:
        (tmp_path / language).mkdir()
    monkeypatch.setattr(builder.files, "DOCS", tmp_path)
    return tmp_path


def prose(page):
    """The text of a Markdown page without its code, links and names in code."""
    return CODE.sub(" ", page.replace("\\*", ""))


def english_in(page):
    """Runs of four English words or more."""
    return ENGLISH.findall(prose(page))


def test_english_is_found_beside_code_and_names():
    page = "수업 `python is code here`\n\n```sh\nno prose is this either\n```\n\n| Runs were made one by one |\n"
    assert english_in(page) == ["Runs were made one by one"]
    assert english_in("keras.applications의 ResNet, arXiv:1512.03385 [이름](a.md) `of the code here`") == []


def test_every_network_and_recipe_is_described_in_korean():
    assert sorted(KOREAN) == NAMES
    for name, said in KOREAN.items():
        needed = {"use"} | ({"source", "network"} if name in zoo.registry.BUILTIN else set())
        assert needed | ({"recipe"} if name in recipes.names() else set()) == set(said) - {"licence"}, name


@pytest.mark.parametrize("name", NAMES)
def test_korean_figures_of_a_network_are_those_of_its_pages(builder, name):
    english = " ".join(builder.networks.described.texts(name, "en"))
    if name in zoo.registry.BUILTIN:
        english += f"{zoo.info(name).source} {zoo.info(name).use} {zoo.info(name).weights_licence}"
    known = {*NUMBER.findall(english), *map(str, range(11))}
    said = re.sub(r"\]\([^)]*\)|2025", "", " ".join(KOREAN[name].values()))
    assert {number for number in NUMBER.findall(said) if number not in known} == set()


def test_words_of_generated_pages_are_in_both_languages(builder):
    for name, said in builder.files.toml("builder/words.toml").items():
        assert re.search("[가-힣]", said["ko"]) or not re.search("[A-Za-z]{4}", said["ko"]), name


@pytest.mark.parametrize("name", ["fashion_cnn", "lenet5", "own_photos"])
def test_the_korean_page_of_a_network_is_in_korean(builder, written, name):
    page = builder.networks.page(name, "ko")
    assert english_in(page) == []
    text = prose(page)
    assert len(re.findall("[가-힣]", text)) > len(re.findall("[A-Za-z]", text)) / 2


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_page_of_a_network_has_its_report_or_learning_curves(builder, written, language):
    assert "](lenet5-fashion_mnist-tuned-curves-light.png#" in builder.networks.page("lenet5", language)
    assert "](../reports/mnist_functional.html)" in builder.networks.page("mnist_functional", language)


def test_what_was_made_of_the_same_stands_and_is_not_swept(builder, written):
    pytest.importorskip("jupytext", reason="skipped: what builds the site is not installed (the extra docs)")
    files = builder.files
    files.write("learn/relu.md", "# ReLU\n")
    files.finished("learn/relu", b"script")
    files.sweep()
    patterns = ("learn/relu.*", "learn/relu-*")
    assert not files.stands("learn/relu", patterns, b"another script")
    assert files.stands("learn/relu", patterns, b"script")
    files.write("learn/pooling.md", "# Pooling\n")
    files.sweep()
    assert (written / "ko" / "learn" / "relu.md").exists()
    files.sweep()
    assert not (written / "ko" / "learn").exists()


def test_what_benchmarks_wrote_is_shown_in_korean(builder):
    from builder import phrases

    for page in sorted((ROOT / "docs" / "ko").glob("*.md")):
        for _, name, block, _ in phrases.BLOCK.findall(page.read_text(encoding="utf-8")):
            shown = phrases.in_korean(f"<!-- {name} -->\n{block}<!-- /{name} -->")
            assert [said for said in english_in(shown) if not said.startswith("model, litert")] == [], (page.name, name)
            assert sorted(NUMBER.findall(shown)) == sorted(NUMBER.findall(f"{name}{block}{name}")), (page.name, name)


def test_the_page_of_commands_shows_every_option(builder, written):
    from builder.pages import reference

    reference.build()
    english, korean = (
        (written / language / "reference" / "commands.md").read_text("utf-8") for language in ("en", "ko")
    )
    for verb in reference.verbs():
        (options,) = {
            page.partition(f"## `recipes.{verb}`:")[2].partition("\n## ")[0].partition("```")[2]
            for page in (english, korean)
        }
        assert f"usage: python -m recipes.{verb} " in options
    assert "--require-recall" in english
    assert english_in(korean) == []
