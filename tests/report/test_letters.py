"""Letters that the usual font lacks are drawn in a font that has them, or it is said once that none has."""

import warnings

import pytest
from matplotlib import cbook, font_manager
from matplotlib import pyplot as plt
from matplotlib.ft2font import FT2Font

from recipes.report.figures import letters, style

STIX = str(cbook._get_data_path("fonts/ttf/STIXGeneral.ttf"))


@pytest.fixture
def title():
    """A figure with a title, and the title."""
    style.apply()
    figure, axes = plt.subplots()

    def make(text):
        return figure, axes.set_title(text)

    yield make
    plt.close(figure)


@pytest.fixture(autouse=True)
def _anew():
    letters._families.cache_clear()
    yield
    letters._families.cache_clear()


def test_a_letter_is_drawn_in_the_first_font_that_has_it(title, monkeypatch, caplog):
    usual = FT2Font(font_manager.findfont(letters.USUAL)).get_charmap()
    rare = chr(next(code for code in FT2Font(STIX).get_charmap() if code > 255 and code not in usual))
    monkeypatch.setattr(letters, "_files", lambda: [STIX])
    figure, text = title(f"a {rare}")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        letters.fit(figure)
        figure.canvas.draw()
    assert text.get_fontfamily() == [letters.USUAL, "STIXGeneral"]
    assert "NOTICE" not in caplog.text


def test_letters_that_no_font_has_are_said_once(title, monkeypatch, caplog):
    monkeypatch.setattr(letters, "_files", lambda: [STIX])
    figure, _ = title("고양이")
    for _ in range(3):
        letters.fit(figure)
    assert caplog.text.count("no font here has 고 양 이: figures show boxes in their place") == 1
    assert "apt install fonts-noto-cjk" in caplog.text


def test_fonts_that_matplotlib_does_not_know_of_yet_are_found(title, monkeypatch, tmp_path):
    """It keeps a list of its own, in which fonts that were installed since are missing."""
    usual = FT2Font(font_manager.findfont(letters.USUAL)).get_charmap()
    rare = chr(next(code for code in FT2Font(STIX).get_charmap() if code > 255 and code not in usual))
    known = [entry for entry in font_manager.fontManager.ttflist if entry.name == letters.USUAL]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", known)
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [STIX, str(tmp_path / "broken.ttf")])
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    figure, text = title(rare)
    letters.fit(figure)
    assert text.get_fontfamily() == [letters.USUAL, "STIXGeneral"]


def test_plain_text_costs_no_look_at_fonts(title, monkeypatch):
    monkeypatch.setattr(letters, "_files", lambda: pytest.fail("looked for fonts"))
    figure, _ = title("cat, é, Ω")
    letters.fit(figure)
