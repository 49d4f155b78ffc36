"""The interactive figures of the site: they compute what Keras computes, and everybody can use them."""

import importlib.util
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from chromium import launched, needs_chromium, served

import zoo
from recipes.data.samples import SAMPLES

ROOT = Path(__file__).resolve().parents[2]
ASSETS = ROOT / "docs" / "assets"
DATA = ASSETS / "widgets" / "data"
NAMES = ("kernel", "network", "pooling", "draw", "freeze", "augment", "dropout", "features", "home")
NETWORKS = {"fashion_cnn": "fashion_mnist", "mnist_functional": "mnist"}

PAGE = """<!doctype html>
<html lang="{lang}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Figures</title>
<link rel="icon" href="data:,">{styles}<link rel="stylesheet" href="{up}assets/widgets.css"></head>
<body data-md-color-scheme="{scheme}" data-md-color-primary="indigo">
<main class="md-typeset"><h1>Figures</h1>
<div class="widget" data-widget="{name}"><p>What it shows, in a sentence.</p></div></main>
<script type="module" src="{up}assets/widgets.js"></script></body></html>
"""


def material_styles():
    """The style sheets of the site's theme, where it is installed: its colours are what the figures use."""
    found = importlib.util.find_spec("material")
    folder = Path(found.origin).parent / "templates" / "assets" / "stylesheets" if found else None
    return [next(folder.glob(f"{name}.*.min.css")) for name in ("main", "palette")] if folder else []


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The address of a folder with a page for each figure, language and scheme, under / and /ko/."""
    root = tmp_path_factory.mktemp("site")
    shutil.copytree(ASSETS, root / "assets")
    (root / "ko").mkdir()
    styles = material_styles()
    for style in styles:
        shutil.copy(style, root / style.name)
    for name in (*NAMES, "unknown"):
        for lang, folder, up in (("en", "", ""), ("ko", "ko/", "../")):
            links = "".join(f'<link rel="stylesheet" href="{up}{style.name}">' for style in styles)
            for scheme in ("default", "slate"):
                page = PAGE.format(lang=lang, styles=links, up=up, scheme=scheme, name=name)
                (root / f"{folder}{name}-{scheme}.html").write_text(page, encoding="utf-8")
    with served(root) as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    with launched() as started:
        yield started


@pytest.fixture
def opened(browser, site):
    """Open a figure and wait for it; gives the page, with what it asked for and complained about."""
    contexts = []

    def go(name, lang="en", scheme="default", width=1280, ready=True, **settings):
        context = browser.new_context(viewport={"width": width, "height": 900}, **settings)
        contexts.append(context)
        page = context.new_page()
        page.complaints, page.asked = [], []
        page.on("console", lambda message: page.complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("request", lambda request: page.asked.append(request.url))
        page.goto(f"{site}{'ko/' if lang == 'ko' else ''}{name}-{scheme}.html")
        if ready:
            page.wait_for_selector('.widget[data-state="ready"]')
        return page

    yield go
    for context in contexts:
        context.close()


def run(page, module, expression, given=None):
    """Evaluate an expression over `it`, a module of the figures, and `given`."""
    code = f"async (given) => {{ const it = await import('/assets/widgets/{module}.js'); return {expression}; }}"
    return page.evaluate(code, given)


@needs_chromium
@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("name", NAMES)
def test_a_figure_is_clean_on_wide_and_narrow_screens_light_and_dark(opened, site, name, lang):
    for width, scheme in ((1280, "default"), (400, "slate")):
        page = opened(name, lang, scheme, width)
        assert page.complaints == []
        assert [url for url in page.asked if not url.startswith((site, "data:"))] == []
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{name} is {wide} wide on a screen of {width}"
        found = Axe().run(page)
        assert not found.response["violations"], found.generate_report()
        text = page.inner_text(".widget")
        assert any("가" <= letter <= "힣" for letter in text) == (lang == "ko")
        assert "undefined" not in text
        assert "NaN" not in text
        assert "{" not in text


@needs_chromium
def test_the_paragraph_stays_without_scripts_and_where_a_name_is_unknown(opened):
    for name, scripts in (("kernel", False), ("unknown", True)):
        page = opened(name, ready=False, java_script_enabled=scripts)
        assert page.inner_text(".widget").strip() == "What it shows, in a sentence."


@needs_chromium
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_the_kernel_gives_what_keras_gives(opened, stride, padding):
    import keras

    page = opened("kernel")
    generator = np.random.default_rng(stride)
    for bias, rectify in ((0.0, False), (-2.5, True)):
        pixels, kernel = generator.uniform(0, 9, (8, 8)), generator.normal(size=(3, 3))
        setting = {"bias": bias, "stride": stride, "padding": padding, "rectify": rectify}
        setting |= {"pixels": pixels.ravel().tolist(), "kernel": kernel.ravel().tolist()}
        got = run(page, "kernel", "Array.from(it.compute(given).data)", setting)
        image, weights = (array.astype("float32") for array in (pixels[None, ..., None], kernel[..., None, None]))
        expected = keras.ops.conv(image, weights, strides=stride, padding=padding) + bias
        expected = keras.ops.relu(expected) if rectify else expected
        np.testing.assert_allclose(got, np.ravel(expected), atol=1e-5)


@needs_chromium
@pytest.mark.parametrize(("size", "stride"), [(2, 2), (4, 4), (2, 1), (3, 2)])
def test_pooling_gives_what_keras_gives(opened, size, stride):
    import keras

    page = opened("pooling")
    pixels = np.random.default_rng(size).uniform(0, 9, (8, 8)).astype("float32")
    call = "(({max, mean}) => [Array.from(max.data), Array.from(mean.data)])(it.compute(...given))"
    most, mean = run(page, "pooling", call, [pixels.ravel().tolist(), size, stride])
    image = pixels[None, ..., None]
    np.testing.assert_allclose(most, np.ravel(keras.ops.max_pool(image, size, stride)), atol=1e-5)
    np.testing.assert_allclose(mean, np.ravel(keras.ops.average_pool(image, size, stride)), atol=1e-5)


def with_weights_of_the_figures(name):
    """The network in Keras, with the weights that the figures use."""
    model, facts = zoo.get(name, weights=None), json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))
    numbers, start, weights = np.fromfile(DATA / f"{name}.bin", "<f2").astype("float32"), 0, []
    for shape in (weight["shape"] for layer in facts["layers"] for weight in layer["weights"]):
        weights.append(numbers[start : start + np.prod(shape)].reshape(shape))
        start += np.prod(shape)
    assert start == len(numbers) == model.count_params()
    model.set_weights(weights)
    return model


@needs_chromium
@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_in_the_browser_answers_as_in_keras(opened, name):
    _, test, class_names = SAMPLES[NETWORKS[name]].read()
    pixels, labels = test.pixels[:20], test.labels[:20]
    page = opened("kernel")
    call = """(async () => {
      const { network } = await import('/assets/widgets/parts/data.js');
      const used = await network(given.name);
      return given.all.map((pixels) => Array.from(it.forward(used, pixels).at(-1).data));
    })()"""
    got = np.array(run(page, "parts/forward", f"await {call}", {"name": name, "all": pixels.reshape(20, -1).tolist()}))
    expected = with_weights_of_the_figures(name).predict(pixels, verbose=0)
    assert np.abs(got - expected).max() < 1e-3
    assert (got.argmax(1) == expected.argmax(1)).all()
    assert (got.argmax(1) == labels).sum() >= 17
    assert json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))["classes"] == class_names


@needs_chromium
@pytest.mark.parametrize("name", NETWORKS)
def test_the_receptive_field_is_the_one_the_zoo_counts(opened, name):
    page = opened("kernel")
    rows = [row for row in zoo.arithmetic(zoo.get(name, weights=None)).rows if row.layer[:4] in ("conv", "pool")]
    call = f"await fetch('/assets/widgets/data/{name}.json').then((answer) => answer.json())"
    for row in rows:
        first, last = run(page, "parts/forward", f"it.reach({call}, '{row.layer}', 3)")
        assert row.receptive_field == (last - first + 1, last - first + 1)


@needs_chromium
def test_a_view_is_the_one_that_the_recipes_compute(opened):
    import tensorflow as tf

    from recipes import Augment
    from recipes.data.augment import augment

    _, test, _ = SAMPLES["cats_vs_dogs"].read()
    image = test.pixels[0][:60, :80]
    page, seed = opened("augment"), tf.constant([3, 5])
    settings = Augment(flip=True, shift=0.2, rotation=0.1, zoom=0.3)
    draws = np.asarray(tf.random.stateless_uniform([1, 7], seed, minval=-1.0, maxval=1.0))[0]
    drawn = {"mirror": bool(draws[0] < 0), "right": round(draws[1] * 0.2 * 80), "down": round(draws[2] * 0.2 * 60)}
    drawn |= {"turn": float(draws[3] * 0.1 * 2 * np.pi), "zoom": float(draws[4] * 0.3), "contrast": 0}
    given = {"width": 80, "height": 60, "data": np.dstack([image, np.full((60, 80), 255)]).ravel().tolist()}
    got = run(page, "augment", "Array.from(it.view(given[0], given[1]).data)", [given, drawn])
    got = np.reshape(got, (60, 80, 4))[..., :3]
    expected = np.asarray(augment(image[None], seed, settings))[0]
    assert np.abs(got - expected).mean() < 1


@needs_chromium
def test_arrow_keys_move_the_kernel_and_the_sum_is_that_of_the_feature_map(opened):
    page = opened("kernel")
    assert "Row 1, column 1" in page.inner_text(".w-said")
    page.focus("[role=application] >> nth=0")
    for key in ("ArrowRight", "ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    text = page.inner_text(".w-said")
    assert "Row 2, column 3" in text
    shown = page.locator("[role=application] >> nth=1").locator(".w-squares span").all_inner_texts()
    assert text.endswith(f" = {shown[6 + 2]}")
    page.select_option("select >> nth=2", "same")
    page.select_option("select >> nth=3", "2")
    assert "so 4 × 4" in page.inner_text(".widget")
    page.select_option("select >> nth=4", "32")
    page.select_option("select >> nth=5", "64")
    assert "3 × 3 × 32 × 64 + 64 = 18,496" in page.inner_text(".widget")


@needs_chromium
def test_arrow_keys_shift_the_pooled_picture(opened):
    page = opened("pooling")
    assert "changed 0 of 64 pixels" in page.inner_text(".widget")
    page.focus("[role=application] >> nth=0")
    page.keyboard.press("ArrowRight")
    assert page.locator("output").first.inner_text() == "1"
    assert "changed 0 of 64 pixels" not in page.inner_text(".widget")


@needs_chromium
def test_a_digit_is_drawn_with_the_keyboard_and_with_the_pointer(opened):
    page = opened("draw")
    said = page.locator(".w-said")
    assert said.inner_text() == "The board is empty."
    page.focus("[role=application]")
    page.keyboard.press(" ")
    for _ in range(17):
        page.keyboard.press("ArrowDown")
    assert "says 1 (" in said.inner_text()
    page.keyboard.press("Delete")
    assert said.inner_text() == "The board is empty."
    box = page.locator(".w-board").bounding_box()
    for number, (x, y) in enumerate([(0.25, 0.2), (0.75, 0.2), (0.45, 0.85)]):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=12)
        if number == 0:
            page.mouse.down()
    page.mouse.up()
    assert "says 7 (" in said.inner_text()


@needs_chromium
def test_the_pictures_on_the_first_page_are_chosen_with_arrow_keys(opened):
    page = opened("home")
    page.focus(".w-pictures input >> nth=0")
    right = 0
    for _ in range(20):
        right += "it is right" in page.inner_text(".w-said")
        page.keyboard.press("ArrowRight")
    assert right >= 17


@needs_chromium
def test_a_value_inside_the_network_is_chosen_and_the_shoe_shifted_with_arrow_keys(opened):
    page = opened("network")
    page.check("input[value=conv2]")
    assert page.locator(".w-tight input").count() == 64
    page.focus("[role=application] >> nth=1")
    page.keyboard.press("ArrowUp")
    assert "row 7, column 8" in page.inner_text(".w-said")
    assert "8 × 8 pixels" in page.inner_text(".w-said")
    before = page.locator(".w-bars").inner_text()
    page.focus("[role=application] >> nth=0")
    for _ in range(8):
        page.keyboard.press("ArrowDown")
    assert page.locator("output").nth(1).inner_text() == "8"
    assert page.locator(".w-bars").inner_text() != before


@needs_chromium
def test_the_freeze_ladder_counts_as_the_zoo_counts_and_warns_as_the_linter_warns(opened):
    page = opened("freeze")
    facts = json.loads((DATA / "freeze.json").read_text(encoding="utf-8"))
    assert "10,356,737 of 17,992,001" in page.inner_text(".widget")
    assert "Nothing" in page.inner_text(".w-findings")
    page.uncheck("text=compile() after the change")
    (finding,) = facts["findings"]["block5 trained 0.00001 before"]
    assert finding["code"] == "trainable-changed"
    assert finding["message"] in page.inner_text(".w-findings")
    page.focus(".w-rung input >> nth=1")
    page.keyboard.press("ArrowDown")
    assert "The minutes of this step were not measured." in page.inner_text(".widget")


def test_the_files_of_the_figures_are_those_that_the_code_gives_today():
    spec = importlib.util.spec_from_file_location("widget_data", ROOT / "docs" / "builder" / "widget_data.py")
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    kept = json.loads((DATA / "freeze.json").read_text(encoding="utf-8"))
    assert json.loads(json.dumps(made.freeze_ladder())) == kept, "run docs/builder/widget_data.py"
    for dataset in made.NETWORKS.values():
        facts, pixels = made.pictures(dataset)
        assert json.loads((DATA / f"{dataset}_pictures.json").read_text(encoding="utf-8")) == facts
        assert (DATA / f"{dataset}_pictures.bin").read_bytes() == pixels
    if made.FEATURES.exists():
        facts, numbers, _ = made.features(made.FEATURES)
        assert json.loads((DATA / "features.json").read_text(encoding="utf-8")) == facts
        assert (DATA / "features.bin").read_bytes() == numbers


@needs_chromium
def test_the_nearest_photos_are_the_nearest_in_numpy_and_the_share_of_the_same_kind_is_said(opened):
    facts = json.loads((DATA / "features.json").read_text(encoding="utf-8"))
    labels = np.array(facts["labels"])
    rows = np.fromfile(DATA / "features.bin", "uint8").reshape(len(labels), facts["length"]).astype("float64")
    page = opened("features")
    found = run(page, "features", "given.map((_, place) => it.nearest(given, place, 6))", rows.tolist())
    for place, near in enumerate(found):
        distances = np.linalg.norm(rows - rows[place], axis=1)
        distances[place] = np.inf
        np.testing.assert_allclose([distance for _, distance in near], np.sort(distances)[:6], rtol=1e-6)
    agreement = np.mean([labels[other] == labels[place] for place, near in enumerate(found) for other, _ in near])
    assert f"it is {100 * agreement:.0f}% by features" in page.inner_text(".w-said")
    before = page.locator(".w-near").inner_text()
    page.focus(".w-pictures input:checked")
    page.keyboard.press("ArrowRight")
    assert page.locator(".w-near").inner_text() != before


@needs_chromium
def test_dropout_keeps_the_sum_on_average_and_drops_nothing_when_answering(opened):
    page = opened("dropout")
    values = run(page, "dropout", "Array.from({length: 4000}, () => it.drop([2, 1], given))", 0.4)
    drawn = np.array(values)
    assert set(np.round(drawn[:, 0], 4)) == {0.0, round(2 / 0.6, 4)}
    assert drawn.mean(0) == pytest.approx([2, 1], rel=0.1)
    page.check("input[value=answering]")
    assert page.locator(".w-dropped").count() == 0
    assert page.locator("button:disabled").count() == 1
