"""The table of faults on the page of errors, in both languages: `python docs/builder/faults.py` writes it anew."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from builder.files import DOCS, LANGUAGES, toml  # noqa: E402

BEGIN, END = "<!-- cases -->", "<!-- end of cases -->"
HEADS = {
    "en": ("what goes wrong", "code", "what happens", "test"),
    "ko": ("무엇이 잘못되는가", "코드", "무엇이 일어나는가", "테스트"),
}


def table(language: str) -> str:
    """Each case with its exit code and the tests that inject it, as Markdown."""
    rows = [HEADS[language], ("---",) * len(HEADS[language])]
    for case in toml("faults.toml")["case"]:
        codes = ", ".join(map(str, case["codes"]))
        tests = "<br>".join(f"`{test}`" for test in case["tests"])
        rows.append((case[f"wrong_{language}"], codes, case[f"then_{language}"], tests))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def filled(language: str) -> str:
    """The page of errors with its table as it should be."""
    before, _, rest = page(language).read_text(encoding="utf-8").partition(BEGIN)
    return f"{before}{BEGIN}\n\n{table(language)}\n\n{END}{rest.partition(END)[2]}"


def page(language: str) -> Path:
    """Where the page of errors is."""
    return DOCS / language / "faults.md"


if __name__ == "__main__":
    for each in LANGUAGES:
        page(each).write_text(filled(each), encoding="utf-8")
