"""Make the pictures of the walk with own photos in docs/images/: the page that sorts, a report, where a network looked.

In a folder that holds `album`, 120 photos of flowers and temples, and `photo.jpg`:

    python -m recipes.sort album --classes flower,temple --out sorted
    python -m recipes.run --data sorted
    python docs/walk_pictures.py FOLDER

The photographs come with scikit-learn: china.jpg by danielbuechele and flower.jpg by vultilion, both CC BY 2.0.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

import recipes
from recipes.inference import explanations

sys.path.insert(0, str(Path(__file__).resolve().parent))

from builder import figures  # noqa: E402

IMAGES = Path(__file__).resolve().parent / "images"
SCHEMES = ("light", "dark")
WIDTH = 960


def main(folder: Path) -> None:
    """Take each picture in both schemes, and the page in both languages."""
    (report,) = (folder / "runs" / "own_photos").glob("*/report.html")
    look(report.parent, folder / "photo.jpg")
    with sync_playwright() as playwright:
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        take(browser, report.resolve().as_uri(), "own-report", "table.matrix")
        for language in ("en", "ko"):
            sort(browser, folder / "album", language)
        browser.close()


def look(run: Path, photo: Path) -> None:
    """Where a run's network looked on a photo, as `recipes.explain` draws it."""
    _, figure = next(explanations.explained(recipes.load(run), [photo], None, []))
    for scheme, colour in figures.INK.items():
        figures.ink(figure, colour)
        place, options = IMAGES / f"gradcam-{scheme}.webp", {"quality": 85, "method": 6}
        figure.savefig(place, dpi=90, bbox_inches="tight", transparent=True, pil_kwargs=options)


def sort(browser: Browser, album: Path, language: str) -> None:
    """The page of `recipes.sort` in a language."""
    with tempfile.TemporaryDirectory() as out:
        options = ["--classes", "flower,temple", "--out", out, "--port", "0", "--language", language]
        command = [sys.executable, "-u", "-m", "recipes.sort", album, *options]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as page:
            for line in page.stdout or ():
                if found := re.search(r"http://\S+", line):
                    take(browser, found[0], f"sort-{language}", "main, body")
                    page.send_signal(signal.SIGINT)


def take(browser: Browser, address: str, name: str, last: str) -> None:
    """A page from its top to the end of an element, in both schemes."""
    for scheme in SCHEMES:
        page = browser.new_page(viewport={"width": WIDTH, "height": 600}, color_scheme=scheme)
        page.goto(address)
        page.wait_for_load_state("networkidle")
        box = page.locator(last).first.bounding_box() or {"y": 0, "height": 600}
        clip = {"x": 0, "y": 0, "width": WIDTH, "height": box["y"] + box["height"] + 16}
        with tempfile.NamedTemporaryFile(suffix=".png") as file:
            page.screenshot(path=file.name, full_page=True, clip=clip)
            Image.open(file.name).convert("RGB").save(IMAGES / f"{name}-{scheme}.webp", quality=80, method=6)
        page.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
