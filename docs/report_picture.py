"""Make docs/assets/report-light.webp and report-dark.webp for README and the first page: the top of a real report.

python -m recipes.run mnist_functional --data sample --out runs/picture
python docs/report_picture.py runs/picture/report.html
"""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

ASSETS = Path(__file__).resolve().parent / "assets"
WIDTH = 1000
# The last thing that the picture shows.
LAST = "table.matrix"


def main(report: Path) -> None:
    """Take the report in both schemes, from its top to the end of the confusion matrix."""
    with sync_playwright() as playwright:
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            page = browser.new_page(viewport={"width": WIDTH, "height": 900}, color_scheme=scheme)
            page.goto(report.resolve().as_uri())
            box = page.locator(LAST).first.bounding_box()
            clip = {"x": 0, "y": 0, "width": WIDTH, "height": box["y"] + box["height"] + 24}
            taken = page.screenshot(full_page=True, clip=clip)
            Image.open(io.BytesIO(taken)).save(ASSETS / f"report-{scheme}.webp", quality=80, method=6)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
