"""What CleanVision finds odd about photos that can be read."""

from __future__ import annotations

import io
from collections.abc import Mapping
from contextlib import redirect_stderr
from pathlib import Path

ISSUES = {"dark": "very dark", "light": "very bright", "blurry": "blurry", "low_information": "nearly empty"}


def quality(pictures: Mapping[str, Path]) -> dict[str, list[str]]:
    """Names of photos that are very dark, very bright, blurry or nearly empty.

    Args:
        pictures: Where a readable picture of each photo is; a small one will do.
    """
    if not pictures:
        return {}
    from cleanvision import Imagelab

    lab = Imagelab(filepaths=[str(path) for path in pictures.values()])
    with redirect_stderr(io.StringIO()):  # It draws a progress bar of its own.
        lab.find_issues({issue: {} for issue in ISSUES}, n_jobs=1, verbose=False)
    found = {
        words: [name for name, path in pictures.items() if lab.issues.loc[str(path), f"is_{issue}_issue"]]
        for issue, words in ISSUES.items()
    }
    return {words: names for words, names in found.items() if names}
