"""Make docs/reports/: the reports of short runs on bundled pictures, which the pages of their networks show.

    python docs/sample_reports.py

The photographs in the report of transfer come with scikit-learn: china.jpg by danielbuechele and flower.jpg by
vultilion, both CC BY 2.0.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

REPORTS = Path(__file__).resolve().parent / "reports"
RUNS = ("mnist_functional", "transfer")
# The folders of this machine before those of the project and its cache.
FOLDERS = re.compile(r"(?<=&#34;)/[^&]*/(?=recipes/data/|weights/)")


def main() -> None:
    """Run each recipe on its bundled sample, and keep the report."""
    REPORTS.mkdir(exist_ok=True)
    for name in RUNS:
        with tempfile.TemporaryDirectory() as folder:
            run = Path(folder) / "run"
            command = [sys.executable, "-m", "recipes.run", name, "--data", "sample", "--seed", "42", "--out", run]
            subprocess.run(command, check=True)
            keep(run / "report.html", REPORTS / f"{name}.html")


def keep(report: Path, file: Path) -> None:
    """A report without the names of this machine's folders."""
    file.write_text(FOLDERS.sub("", report.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
