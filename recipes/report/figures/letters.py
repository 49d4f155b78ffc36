"""Letters that the usual font lacks, as those of Korean class names: drawn in a font of this machine that has them."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text

USUAL = "DejaVu Sans"
# Looked into first, by how their files are called; then all others.
PREFERRED = ("notosanscjk", "notosanskr", "nanumgothic.", "malgun.", "applesdgothic", "applegothic", "nanum", "noto")
# Pictures of letters, which cannot be drawn in outline; and a font that draws a box for every letter there is.
PASSED_OVER = ("color", "lastresort", "last resort")
log = logging.getLogger("recipes")
# Said here, once, and with what to do.
warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from", UserWarning)


def fit(figure: Figure) -> None:
    """Give each text of a figure the fonts that hold its letters; what no font has is said once, with what to do."""
    texts = [text for text in figure.findobj(Text) if isinstance(text, Text) and not text.get_text().isascii()]
    letters = {letter for text in texts for letter in text.get_text() if not letter.isspace()}
    wanted = frozenset(letters - _held(font_manager.findfont(USUAL), frozenset(letters)))
    if wanted and (families := _families(wanted)):
        for text in texts:
            text.set_fontfamily([*text.get_fontfamily(), *families])


@lru_cache(maxsize=16)
def _families(letters: frozenset[str]) -> tuple[str, ...]:
    """Font families that together hold letters, as far as this machine has them."""
    found, left = [], set(letters)
    for path in _files():
        if held := _held(path, frozenset(left)):
            found.append(_family(path))
            left -= held
        if not left:
            return tuple(found)
    log.warning(
        "NOTICE no font here has %s: figures show boxes in their place. A font that has them helps, such as Noto "
        "Sans CJK (Debian and Ubuntu: apt install fonts-noto-cjk).", " ".join(sorted(left)[:8]),
    )  # fmt: skip
    return tuple(found)


def _files() -> Iterator[str]:
    """Font files, those first that are likely to have letters; some that matplotlib does not know of yet."""
    known = {entry.fname for entry in font_manager.fontManager.ttflist}
    paths = known | set(font_manager.findSystemFonts())

    def rank(path: str) -> tuple[int, bool, str]:
        name = Path(path).name.lower()
        place = next((place for place, begin in enumerate(PREFERRED) if name.startswith(begin)), len(PREFERRED))
        return place, any(word in name for word in ("bold", "light", "thin", "black")), path

    yield from (
        path for path in sorted(paths, key=rank) if not any(word in Path(path).name.lower() for word in PASSED_OVER)
    )


def _family(path: str) -> str:
    """The family of a font file, which matplotlib knows from then on."""
    if path not in {entry.fname for entry in font_manager.fontManager.ttflist}:
        font_manager.fontManager.addfont(path)
    return next(entry.name for entry in font_manager.fontManager.ttflist if entry.fname == path)


@lru_cache(maxsize=4096)
def _held(path: str, letters: frozenset[str]) -> frozenset[str]:
    """Which letters a font file has; none of one that cannot be read."""
    try:
        font = FT2Font(path)
        return frozenset(letter for letter in letters if font.get_char_index(ord(letter)))
    except (OSError, RuntimeError, ValueError):
        return frozenset()
