"""Pages as a browser shows them: nothing is fetched, nothing complains, and everybody can read them."""

import json
import threading

import pytest
from axe_playwright_python.sync_playwright import Axe
from chromium import launched, needs_chromium

import recipes
from recipes import book
from recipes.console.screen import Screen
from recipes.data.photos import decisions
from recipes.data.photos.listing import list_photos
from recipes.pages.classify import ClassifyPage
from recipes.pages.decide import DecidePage
from recipes.pages.server import server
from recipes.pages.sort import SortPage
from recipes.study.doubtful_labels import Judged
from recipes.study.sorting import session
from recipes.study.sorting.request import Request

pytestmark = [
    pytest.mark.drawn,
    pytest.mark.usefixtures("few_images"),
    needs_chromium,
]
WIDTHS = (1280, 400)


@pytest.fixture(scope="module")
def browser():
    with launched() as started:
        yield started


@pytest.fixture
def opened(browser):
    """Open an address; gives the page, with what it asked for and complained about."""
    contexts = []

    def go(address, **settings):
        context = browser.new_context(**settings)
        contexts.append(context)
        page = context.new_page()
        page.complaints, page.asked = [], []
        page.on("console", lambda message: page.complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("request", lambda request: page.asked.append(request.url))
        page.goto(address)
        return page

    yield go
    for context in contexts:
        context.close()


def assert_everybody_can_read(page):
    found = Axe().run(page)
    assert not found.response["violations"], found.generate_report()


@pytest.mark.parametrize("name", ["report.html", "doctor.html"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_reports_open_from_disk_and_everybody_can_read_them(opened, trained, name, scheme):
    for width in WIDTHS:
        page = opened((trained / name).as_uri(), viewport={"width": width, "height": 900}, color_scheme=scheme)
        assert page.complaints == []
        assert [url for url in page.asked if not url.startswith(("file:", "data:"))] == []
        # A notice names a path, which may be long.
        notice = f"<p class=notice>{'/photos' * 40}</p>"
        page.locator("main").evaluate("(main, notice) => main.insertAdjacentHTML('beforeend', notice)", notice)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{name} is {wide} wide on a screen of {width}"
        words = page.locator("td.text:visible").evaluate_all("cells => cells.map((cell) => cell.offsetWidth)")
        assert min(words) >= 60, f"words of {name} break letter by letter on a screen of {width}"
        assert_everybody_can_read(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_cell_of_the_matrix_opens_its_photos_by_keyboard_and_without_scripts(opened, trained, scheme):
    for width in WIDTHS:
        page = opened(
            (trained / "report.html").as_uri(),
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            java_script_enabled=width == WIDTHS[0],
        )
        cells, link = page.locator("section.cell"), page.locator(".matrix a").first
        assert cells.count() == page.locator(".matrix a").count() > 0
        assert not any(cell.is_visible() for cell in cells.all())
        link.focus()
        page.keyboard.press("Enter")
        (shown,) = [cell for cell in cells.all() if cell.is_visible()]
        assert shown.get_attribute("id") == link.get_attribute("href").removeprefix("#")
        assert shown.locator("img").first.is_visible()
        assert shown.locator(".near").count() == 3 * shown.locator("figure").count()
        near = shown.locator(".near > span").first
        assert near.bounding_box()["height"] > 40
        if width == WIDTHS[0]:
            assert "data:image" in near.evaluate("it => getComputedStyle(it).backgroundImage")
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert_everybody_can_read(page)
        shown.get_by_text("Back to the matrix").click()
        assert not shown.is_visible()
        assert page.complaints == []


def one_of_each_kind():
    """The first recipe of each data set, number of phases, and with or without a base."""
    kinds = {}
    for name in book.names():
        recipe = book.get(name)
        kinds.setdefault((recipe.data, len(recipe.phases), recipe.weights), name)
    return list(kinds.values())


@pytest.fixture
def run_of(request, run_cli, small_bases, tmp_path):
    """A run of a recipe: one that another test needs too, where there is one."""

    def run(name):
        if len(book.get(name).phases) > 1:
            return request.getfixturevalue("fine_tuned")
        if name == "fashion_cnn":
            return request.getfixturevalue("finished")[0]
        if book.get(name).weights is None:
            return request.getfixturevalue("published")(name)
        quick = "--set image_size=32 --set batch_size=8 --set model.backbone=small --weights none".split()
        code, _, err = run_cli(name, "--smoke", *quick, "--out", tmp_path / "run")
        assert code == 0, err
        return tmp_path / "run"

    return run


@pytest.mark.parametrize("name", one_of_each_kind())
def test_the_report_of_every_kind_of_recipe_is_clean_and_says_what_metrics_json_says(opened, run_of, name):
    run = run_of(name)
    page = opened((run / "report.html").as_uri(), viewport={"width": 1280, "height": 900})
    assert page.complaints == []
    assert [url for url in page.asked if not url.startswith(("file:", "data:"))] == []
    assert_everybody_can_read(page)
    scores = json.loads((run / "metrics.json").read_text())
    shown = page.locator(".figures b").all_inner_texts()
    assert (shown[0], shown[2], shown[3]) == (
        f"{scores['test']['accuracy']:.4f}",
        f"{scores['test']['balanced_accuracy']:.4f}",
        f"{scores['validation']['accuracy']:.4f}",
    )
    assert (run / "report.html").stat().st_size < 8e6
    assert json.loads((run / "manifest.json").read_text())["seconds"]["report"] < 60


def test_the_figures_of_a_report_are_those_of_its_metrics(opened, trained):
    scores = json.loads((trained / "metrics.json").read_text())
    page = opened((trained / "report.html").as_uri())
    shown = page.locator(".figures b").all_inner_texts()
    assert shown == [
        f"{scores['test']['accuracy']:.4f}",
        f"{scores['test']['balanced_accuracy']:.4f}",
        f"{scores['validation']['accuracy']:.4f}",
    ]
    rows = page.locator("h2:text-is('Per class') + div tbody tr").all_inner_texts()
    expected = [
        f"{name}\t{row['precision']:.3f}\t{row['recall']:.3f}\t{row['f1']:.3f}"
        for name, row in scores["test"]["per_class"].items()
    ]
    assert [row.rsplit("\t", 3)[0] for row in rows] == expected


def test_a_photo_on_the_page_is_classified_and_explained(opened, trained, photos):
    with server(ClassifyPage(recipes.load(trained))) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        host, port = running.server_address
        page = opened(f"http://{host}:{port}/", locale="ko-KR", viewport={"width": 400, "height": 800})
        assert page.evaluate("document.documentElement.lang") == "ko"
        assert "무슨 사진일까요?" in page.inner_text("body")
        page.set_input_files("input[type=file]", photos / "temple" / "empty.jpg")
        page.wait_for_selector("#said:has-text('사진으로 읽을 수 없습니다')")
        page.complaints.clear()  # Of the answer 422.
        page = opened(f"http://{host}:{port}/")
        assert_everybody_can_read(page)
        page.set_input_files("input[type=file]", photos / "temple" / "rotated.jpg")
        page.wait_for_selector("img[src^='data:image/png']")
        text = page.inner_text("body")
        assert all(name in text for name in ("temple", "flower", "옷"))
        assert "%" in text
        assert page.complaints == []
        assert {url.split("/")[2] for url in page.asked if url.startswith("http")} == {f"{host}:{port}"}
        assert_everybody_can_read(page)
        running.shutdown()


@pytest.fixture
def deciding(clothes, tmp_path):
    """The address of a page with eight doubtful photos of ten classes, and its table of decisions."""
    listing, file = list_photos(clothes), tmp_path / "decisions.csv"
    doubted = [Judged(one.name, one.label, "Sneaker", 0.9, 0.1, 0.5) for one in listing.entries[:80:10]]
    with server(DecidePage(doubted, listing, file, "python -m recipes.run --data photos")) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}/", file, doubted, listing.classes
        running.shutdown()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_the_page_of_decisions(opened, deciding, scheme):
    address, *_ = deciding
    for width in WIDTHS:
        page = opened(address, viewport={"width": width, "height": 900}, color_scheme=scheme)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.getElementById('photo').naturalWidth") == 28
        assert_everybody_can_read(page)
        page.keyboard.press("k" if width == WIDTHS[0] else "x")
        page.keyboard.press("ArrowLeft")
        page.wait_for_selector("#decided:not([data-is=''])")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.complaints == []
        assert {url.split("/")[2] for url in page.asked if url.startswith("http")} == {address.split("/")[2]}
        assert_everybody_can_read(page)
        page.keyboard.press("Tab")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_decisions_are_made_by_keys_and_taken_back(opened, deciding):
    address, file, doubted, classes = deciding
    page = opened(address)
    page.wait_for_selector("#place:not(:empty)")
    for key in ("k", "x", "m", "2", "0"):
        page.keyboard.press(key)
    page.keyboard.press("u")
    page.wait_for_selector("#said:has-text('Undone')")
    made = [(row.path, row.decision, row.label) for row in decisions.read(file)]
    assert made == [
        (doubted[0].path, "keep", doubted[0].label),
        (doubted[1].path, "leave_out", ""),
        (doubted[2].path, "move", "Sneaker"),
        (doubted[3].path, "move", classes[1]),
    ]
    assert page.inner_text("#place") == "5 of 8"
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector("#decided[data-is='move']")
    assert page.locator("#classes button.chosen").inner_text().endswith(classes[1])
    # A window that opens now goes on where the first one is.
    other = opened(address)
    other.wait_for_selector("#place:text-is('5 of 8')")
    for _ in range(4):
        other.keyboard.press("k")
    other.wait_for_selector("#done:not([hidden])")
    assert "python -m recipes.run --data photos" in other.inner_text("#done")
    assert len(decisions.read(file)) == 8
    file.write_text("another table\n")
    other.keyboard.press("x")
    other.wait_for_selector("#failed:not([hidden])")
    assert "Not saved:" in other.inner_text("#failed")


def test_the_page_of_decisions_speaks_the_browsers_language(opened, deciding):
    for locale, language, words in (
        ("ko-KR", "ko", "레이블 그대로 두기"),
        ("en-GB", "en", "Keep"),
        ("fr", "en", "Undo"),
    ):
        page = opened(deciding[0], locale=locale)
        page.wait_for_selector("#place:not(:empty)")
        assert page.evaluate("document.documentElement.lang") == language
        assert words in page.inner_text("body")


@pytest.fixture
def sitting(pile, by_colours, tmp_path):
    """The address of a page that sorts an album of twenty photos, its folder, and the truth by the photos' names."""
    (pile / "broken.jpg").write_bytes(b"<html>")
    request = Request(pile, ("flower", "temple", "옷", "none"), tmp_path / "out")
    with session.opened(request, Screen(quiet=True)) as sat:
        page = SortPage(sat.sorting, sat.album.paths, sat.album.problems, sat.write, what=sat.what, command=sat.follows)
        with server(page) as running:
            threading.Thread(target=running.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{running.server_address[1]}/", tmp_path / "out", sat.sorting
            running.shutdown()


def pressed(page, sorting, *keys):
    """Press keys as a person does: each when the photos that it is about are there."""
    for key in keys:
        page.wait_for_selector("body[data-loading='0']")
        turn = sorting.turn
        page.keyboard.press(key)
        page.wait_for_function("turn => state && state.turn > turn", arg=turn)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_the_page_of_sorting(opened, sitting, scheme):
    address, _, sorting = sitting
    for width, locale in zip(WIDTHS, ("en", "ko"), strict=True):
        page = opened(address, viewport={"width": width, "height": 900}, color_scheme=scheme, locale=locale)
        page.wait_for_selector("body[data-loading='0']")
        assert page.evaluate("document.documentElement.lang") == locale
        assert page.evaluate("document.querySelector('#photos img').naturalWidth") == 96
        assert_everybody_can_read(page)
        for keys in (("a", "c"), ("2",), ("o",), ("3",)):
            pressed(page, sorting, *keys)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert_everybody_can_read(page)
        pressed(page, sorting, "o", "u", "u")
        page.keyboard.press("Tab")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        assert page.complaints == []
        assert {url.split("/")[2] for url in page.asked if url.startswith("http")} == {address.split("/")[2]}


def test_an_album_is_sorted_by_keys_alone(opened, sitting):
    address, out, sorting = sitting
    page = opened(address, viewport={"width": 400, "height": 800})
    page.wait_for_selector("body[data-loading='0']")
    assert "broken.jpg" in page.inner_text("#problems")
    names = ["flower", "temple", "옷"]
    while sorting.asked:
        shown = [names.index(sorting.photos[place].split("/")[0]) for place in sorting.shown]
        most = max(set(shown), key=shown.count)
        for label in sorted(set(shown) - {most}):
            pressed(
                page, sorting, *(letter for letter, one in zip("abcdefghijkl", shown, strict=False) if one == label)
            )
            pressed(page, sorting, str(label + 1))
            shown = [one for one in shown if one != label]
        pressed(page, sorting, "Enter" if sorting.asked.proposal == most else str(most + 1))
    page.wait_for_selector("#done:not([hidden])")
    assert not list(out.glob("*/*.*"))
    page.keyboard.press("Enter")
    page.wait_for_selector("#then:not([hidden])")
    assert "Added: 20, there already: 0" in page.inner_text("#wrote")
    assert f"python -m recipes.run --data {out}" in page.inner_text("#done")
    assert len(list((out / "temple").iterdir())) == 7
    assert_everybody_can_read(page)
    # A window that opens now shows the same, and U takes back what was named last.
    other = opened(address)
    other.wait_for_selector("#done:not([hidden])")
    pressed(other, sorting, "u")
    assert sorting.asked
    # The first window shows what was before: its key does nothing.
    counts = sorting.counts
    page.keyboard.press("u")
    page.wait_for_selector("#said:has-text('Another window')")
    assert sorting.counts == counts
    (out / "sorted.csv").unlink()
    other.keyboard.press("1")
    other.wait_for_selector("#failed:not([hidden])")
    assert "Not saved:" in other.inner_text("#failed")
    assert other.inner_text("#said") == "", "a word about the key before would be read as one about this"


def test_keys_wait_for_the_photos_and_clicks_do_what_keys_do(opened, sitting):
    address, _, sorting = sitting
    page = opened(address)
    page.wait_for_selector("body[data-loading='0']")
    page.evaluate("waiting = 1")
    page.keyboard.press("1")
    page.wait_for_selector("#said:has-text('still loading')")
    assert sorting.counts == [0, 0, 0, 0]
    page.evaluate("waiting = 0")
    page.click("#photos button:nth-child(2)")
    page.wait_for_selector("#photos button:nth-child(2)[aria-pressed='true']")
    page.click("#classes button:has-text('temple')")
    page.wait_for_selector("#said:has-text('1 named temple')")
    assert sorting.counts == [0, 1, 0, 0]
    # The button that was clicked does not take the next Enter for itself.
    page.keyboard.press("Enter")
    page.wait_for_selector("#said:has-text('There is no proposal yet')")
    assert sorting.counts == [0, 1, 0, 0]
    # A Korean keyboard gives other letters: the place of the key counts.
    page.evaluate("document.dispatchEvent(new KeyboardEvent('keydown', { key: 'ㅕ', code: 'KeyU', bubbles: true }))")
    page.wait_for_selector("#said:has-text('1 taken back')")
