"""A built site, as a reader meets it: searches, links, sizes, steps of lessons, and every page in a browser.

    mkdocs build --strict --site-dir site && BUILT_SITE=site python -m pytest tests/site/check_built.py --dist load

`.ci/run` does this right after the strict build. A site takes longer to build than to check, so no test builds one.
"""

import os
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlparse

import jupytext
import pytest
from axe_playwright_python.sync_playwright import Axe
from chromium import launched, needs_chromium, served
from conftest import ROOT

SITE = Path(os.environ.get("BUILT_SITE", "")).resolve()
pytestmark = pytest.mark.skipif(
    not os.environ.get("BUILT_SITE"), reason="skipped: no built site is given (BUILT_SITE=DIR)"
)

MOST_BYTES = 500_000
PAGES = sorted(page.relative_to(SITE).as_posix() for page in SITE.rglob("*.html")) if "BUILT_SITE" in os.environ else []
# What is English on a Korean page: reports of runs, messages of the program, terms of books, names of networks.
IN_ENGLISH = {page for page in PAGES if "/reports/" in page} | {
    f"ko/{name}" for name in ("404.html", "own-networks/index.html", "books/index.html", "networks/index.html")
}
# Pages of the API and of networks follow a template each: some stand for all.
API, NETWORKS = (
    [page for page in PAGES if page.removeprefix("ko/").startswith(kind)] for kind in ("api/", "networks/")
)
SEEN = sorted({*PAGES} - {*API} - {*NETWORKS}) + NETWORKS[::5] + API[::40]
WIDTHS = {"light": 1280, "dark": 400}
LESSONS = sorted((ROOT / "docs" / "learn").glob("*.py"))

SEARCHES = {
    "en": {
        "convolution": "convolution",
        "feature map": "convolution",
        "stride": "stride_and_padding",
        "ReLU": "relu",
        "max pooling": "pooling",
        "count parameters": "counting_parameters",
        "Sobel filter": "filters",
        "receptive field": "hierarchy",
        "overfitting": "overfitting_and_dropout",
        "dropout": "overfitting_and_dropout",
        "data augmentation": "augmentation",
        "transfer learning": "feature_extraction",
        "fine-tuning": "fine_tuning",
        "nearest neighbour": "features",
    },
    "ko": {
        "합성곱": "convolution",
        "컨볼루션": "convolution",
        "특징맵": "convolution",
        "스트라이드": "stride_and_padding",
        "렐루": "relu",
        "맥스 풀링": "pooling",
        "매개변수": "counting_parameters",
        "소벨 필터": "filters",
        "수용장": "hierarchy",
        "과적합": "overfitting_and_dropout",
        "드롭아웃": "overfitting_and_dropout",
        "데이터 증강": "augmentation",
        "전이학습": "feature_extraction",
        "미세 조정": "fine_tuning",
        "파인튜닝": "fine_tuning",
        "최근접 이웃": "features",
    },
}


class Links(HTMLParser):
    """The ids of a page, and where it leads."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.targets = set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.ids |= {given.get("id"), given.get("name")}
        self.targets |= {given[name] for name in ("href", "src") if given.get(name)}


class Prose(HTMLParser):
    """What an article says, but for its code and other tags that are to be silent."""

    def __init__(self, text, *silent):
        super().__init__()
        self.silent = {"code", "pre", "script", "style", "svg", "nav", *silent}
        self.inside, self.hidden, self.parts = 0, 0, []
        self.feed(text)
        self.text = "".join(self.parts)

    def handle_starttag(self, tag, attributes):
        self.inside += tag == "article"
        self.hidden += tag in self.silent
        self.parts.append("\n" if tag in ("p", "li", "td", "th", "summary", "div") else "")

    def handle_endtag(self, tag):
        self.inside -= tag == "article"
        self.hidden -= tag in self.silent

    def handle_data(self, data):
        if self.inside:
            self.parts.append(" 0 " if self.hidden else data)


class Steps(HTMLParser):
    """The code of a page, what it printed and the pictures it drew, in their order."""

    def __init__(self, text, pictures):
        super().__init__()
        self.pictures, self.kind, self.found = pictures, "", []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        kind = re.search(r"language-(python|text)", given.get("class") or "") if tag == "div" else None
        if kind:
            self.kind = kind[1]
            self.found.append((self.kind, ""))
        picture = re.search(self.pictures, given.get("src") or "") if tag == "img" else None
        if picture:
            self.found.append(("picture", picture[0]))

    def handle_endtag(self, tag):
        self.kind = "" if tag == "pre" else self.kind

    def handle_data(self, data):
        if self.kind:
            self.found[-1] = (self.kind, self.found[-1][1] + data)


@pytest.fixture(scope="module")
def address():
    with served(SITE) as address:
        yield address


@pytest.fixture(scope="module")
def views(address):
    """A page of the browser for each scheme; each keeps what it asked for and complained about."""
    with launched() as browser:
        opened = {}
        for scheme, width in WIDTHS.items():
            page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
            page.complaints, page.asked = [], []
            page.on("console", lambda said, page=page: page.complaints.append(said.text) if said.type == "error" else 0)
            page.on("pageerror", lambda error, page=page: page.complaints.append(str(error)))
            page.on("request", lambda request, page=page: page.asked.append(request.url))
            opened[scheme] = page
        yield opened


def test_the_site_is_whole():
    assert len(PAGES) > 150
    assert {"index.html", "ko/index.html", "learn/convolution/index.html", "results/index.html"} <= set(PAGES)


def test_no_page_is_large():
    large = {page: size for page in PAGES if (size := (SITE / page).stat().st_size) > MOST_BYTES}
    assert large == {}


def test_links_lead_to_pages_and_anchors_that_are_there():
    pages = {page: Links((SITE / page).read_text(encoding="utf-8")) for page in PAGES}
    broken = set()
    for page, links in pages.items():
        for target in links.targets:
            url = urlparse(urljoin(f"http://site/{page}", target))
            if url.netloc != "site" or url.scheme != "http":
                continue
            path = unquote(url.path).lstrip("/")
            path += "index.html" if not path or path.endswith("/") else ""
            anchors = pages[path].ids if path in pages else {unquote(url.fragment)}
            if not (SITE / path).exists() or unquote(url.fragment) not in anchors | {""}:
                broken.add((page, target))
    assert broken == set()


def test_korean_pages_are_in_korean():
    english, few = {}, {}
    for path in [page for page in PAGES if page.startswith("ko/") and page not in IN_ENGLISH]:
        text = (SITE / path).read_text(encoding="utf-8")
        found = re.findall(r"[A-Za-z][a-z']+(?: [a-z']+){3,}", Prose(text).text)
        if found:
            english[path] = found
        loose = Prose(text, "table").text
        korean, latin = (len(re.findall(letters, loose)) for letters in ("[가-힣]", "[A-Za-z]"))
        if latin > korean:
            few[path] = (korean, latin)
    assert english == {}
    assert few == {}


@pytest.mark.parametrize("language", SEARCHES)
@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.stem)
def test_each_step_of_a_lesson_is_there_with_what_it_printed_and_drew(lesson, language):
    folder = SITE / ("ko" if language == "ko" else "") / "learn"
    page = (folder / lesson.stem / "index.html").read_text(encoding="utf-8")
    found = Steps(page, rf"{lesson.stem}-\d+-(light|dark)\.png").found
    shown = [(kind, "..." if kind == "text" and text.strip() else text.strip()) for kind, text in found]
    expected, drawn = [], 0
    for step in [cell for cell in jupytext.read(lesson).cells if cell.cell_type == "code"]:
        output = [("text", "...")] if "print(" in step.source else []
        for _ in re.findall(r"plt\.(?:figure|subplots)\(", step.source):
            drawn += 1
            output += [("picture", f"{lesson.stem}-{drawn}-{scheme}.png") for scheme in ("light", "dark")]
        code = [("python", step.source.strip())]
        expected += output + code if "hide-input" in step.metadata.get("tags", []) else code + output
    assert shown == expected
    assert [name for kind, name in found if kind == "picture" and not (folder / name).stat().st_size] == []


@needs_chromium
@pytest.mark.parametrize(("number", "path"), enumerate(SEEN), ids=SEEN)
def test_a_page_is_clean_on_wide_and_narrow_screens_light_and_dark(views, address, number, path):
    scheme = ("light", "dark")[number % 2]
    page = views[scheme]
    page.complaints.clear()
    page.asked.clear()
    page.set_viewport_size({"width": WIDTHS[scheme], "height": 900})
    page.goto(f"{address}{path}")
    # To measure contrast takes longer than all the rest, and colours are the theme's: a fifth of the pages is asked.
    rules = {"color-contrast": {"enabled": number % 5 == 0}}
    found = Axe().run(page, options={"resultTypes": ["violations"], "rules": rules})
    assert not found.response["violations"], f"{scheme}: {found.generate_report()}"
    for width in WIDTHS.values():
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function("document.documentElement.scrollWidth <= innerWidth", timeout=5000)
        cut = "all => all.filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.innerText)"
        assert page.eval_on_selector_all(".language-sh pre > code", cut) == []
    assert page.complaints == []
    assert [url for url in page.asked if not url.startswith((address, "data:", "blob:"))] == []


@needs_chromium
@pytest.mark.parametrize("language", SEARCHES)
def test_a_search_finds_its_lesson_first(views, address, language):
    page = views["light"]
    page.set_viewport_size({"width": 1280, "height": 900})
    home = address if language == "en" else f"{address}ko/"
    page.goto(home)
    box, results = page.locator("[data-md-component=search-query]"), page.locator(".md-search-result__item")
    found = {}
    for query in SEARCHES[language]:
        box.fill("")
        box.press("End")
        results.first.wait_for(state="detached")
        box.fill(query)
        box.press("End")
        link = results.locator("a").first
        link.wait_for(state="attached")
        found[query] = re.sub(r"^learn/(\w+)/.*", r"\1", link.get_attribute("href").removeprefix(home))
    assert found == SEARCHES[language]


@needs_chromium
def test_the_choice_of_language_stays_on_the_page(views, address):
    page = views["light"]
    page.set_viewport_size({"width": 1280, "height": 900})
    for path in ("learn/convolution/", "photos/", "networks/lenet5/", "cheat-sheet/"):
        page.goto(f"{address}{path}")
        for language, there in (("ko", f"ko/{path}"), ("en", path)):
            page.locator(".md-header .md-select").hover()
            page.locator(f".md-select__link[hreflang={language}]").click()
            page.wait_for_url(f"{address}{there}")


@needs_chromium
@pytest.mark.parametrize("language", SEARCHES)
@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_the_cheat_sheet_is_one_printed_page(views, address, language, paper):
    page = views["light"]
    page.goto(f"{address}{'ko/' if language == 'ko' else ''}cheat-sheet/")
    printed = page.pdf(format=paper, margin=dict.fromkeys(("top", "bottom", "left", "right"), "10mm"))
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1


@needs_chromium
@pytest.mark.parametrize("language", SEARCHES)
def test_the_accuracy_of_each_result_is_seen_on_a_narrow_screen(views, address, language):
    page = views["dark"]
    page.set_viewport_size({"width": 400, "height": 900})
    page.goto(f"{address}{'ko/' if language == 'ko' else ''}results/")
    ends = "all => all.map(one => one.getBoundingClientRect().right)"
    rows = page.eval_on_selector_all(".results table:first-of-type td:nth-child(4)", ends)
    assert len(rows) > 15
    assert max(rows) <= 400
