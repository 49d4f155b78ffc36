"""A book of training recipes for the architectures of `zoo`.

`recipes.get("fashion_cnn")` is a frozen `Recipe`; `python -m recipes.run fashion_cnn` executes it. Importing this
package loads no Keras.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import zoo


def _refuse_another_zoo() -> None:
    """Name what is imported in place of this book's networks: a file or package called zoo that is found before it.

    Raises:
        ImportError: With the mend.
        SystemExit: The same as one line and exit code 4, where a command is starting.
    """
    found = getattr(zoo, "__file__", None)
    if found and Path(found).resolve().parents[1] == Path(__file__).resolve().parents[1]:
        return
    words = f"zoo is {found or list(zoo.__path__)} here, which is not the one that belongs to recipes. Rename it, or "
    words += "start in another folder: Python takes what it finds first."
    if sys.argv[:1] == ["-m"]:
        print(f"error: {words}", file=sys.stderr)
        raise SystemExit(4)
    raise ImportError(words)


_refuse_another_zoo()
# OpenVINO and NNCF report each use to their maker where they find this package. What is done here is nobody's business.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

from recipes.book import get, names  # noqa: E402
from recipes.recipe import Augment, Choice, Phase, Recipe, Shares, Split  # noqa: E402

if TYPE_CHECKING:
    from recipes.inference.predictor import Predictor

__all__ = ["Augment", "Choice", "Phase", "Recipe", "Shares", "Split", "get", "load", "names"]


def load(run: str | os.PathLike) -> Predictor:
    """Load a finished run; `load(run).predict(["cat.jpg"])` says what is on photos.

    Args:
        run: A run folder.

    Raises:
        UsageFault: When no run has ended there.
        CorruptFault: When its model is not what the run wrote.
    """
    from recipes.inference import saved

    return saved.load(run)
