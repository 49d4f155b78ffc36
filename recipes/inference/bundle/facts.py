"""What a bundle says of itself, typed: `bundle.json`, in a format that has a number.

Format 1 is that of bundles without a number. Format 2 names its number and the versions that made it, and its photos
are read in sRGB. Both are read; a later one is refused by its number. `bundle.schema.json` beside this page says the
same for other languages.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from annotated_types import Ge, MaxLen, MinLen, Predicate

from recipes.data.decode import MOST_PIXELS
from recipes.errors import EnvironmentFault, UsageFault
from recipes.files import typed
from recipes.files.typed import FiniteFloat

FACTS = "bundle.json"
# The form that is written today, and the latest that is read.
FORMAT = 2

Sha256: TypeAlias = Annotated[str, MinLen(64), MaxLen(64)]


def _is_image(shape: list[int]) -> bool:
    return shape[2] in (1, 3) and shape[0] * shape[1] <= MOST_PIXELS


@dataclass(frozen=True, kw_only=True)
class Image:
    """An image of a bundle, and what must be said of it.

    Attributes:
        file: Its path in the bundle.
        probabilities: (classes,), in the order of the names.
        likeness: How like it is to what the network learned from, -1 to 1; `None` where no second output tells.
    """

    file: str
    probabilities: Annotated[list[FiniteFloat], MinLen(1)]
    likeness: FiniteFloat | None = None


@dataclass(frozen=True, kw_only=True)
class Entrance:
    """What the network takes, see `recipes.inference.bundle.preparation`; shape: (height, width, channels)."""

    shape: Annotated[list[Annotated[int, Ge(1)]], MinLen(3), MaxLen(3), Predicate(_is_image)]
    square: Literal["squash", "crop", "letterbox"] = "squash"
    decoder: str = ""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a check of a bundle needs; more stands in the file, for programs and people.

    Attributes:
        bundle_format: The number of this form.
        format: The runtime's name, one of `recipes.inference.bundle.FORMATS`.
        made_with: Versions of Python and of the packages that made it.
        class_names: In the order of the outputs.
        modules: To import before the network can be loaded: those of its own layers.
        input: What the network takes.
        golden: Images as the network takes them, and its answers.
        originals: The files of some of them, as they came; they may be deleted.
        files: sha256 of every other file in the bundle, by its path in it.
    """

    bundle_format: Annotated[int, Ge(1)] = 1
    format: str
    made_with: dict[str, str] = field(default_factory=dict)
    class_names: Annotated[list[str], MinLen(1)]
    modules: list[str] = field(default_factory=list)
    input: Entrance
    golden: Annotated[list[Image], MinLen(1)]
    originals: list[Image] = field(default_factory=list)
    files: dict[str, Sha256]


@dataclass(frozen=True, kw_only=True)
class _Numbered:
    """What every format has, those to come too."""

    bundle_format: int = 1
    made_with: dict[str, Any] = field(default_factory=dict)


def read(bundle: Path) -> Facts:
    """The facts of a bundle.

    Raises:
        UsageFault: When it is no bundle.
        EnvironmentFault: When its format is newer than this package.
        CorruptFault: When they are damaged; the message names the field.
    """
    path = bundle / FACTS
    if not path.is_file():
        raise UsageFault(f"{bundle} is not a bundle: it has no {FACTS}.")
    numbered = typed.read(path, _Numbered)
    if numbered.bundle_format > FORMAT:
        maker = numbered.made_with.get("keras-zoo-recipes", "a later version")
        raise EnvironmentFault(
            f"{path} has the bundle format {numbered.bundle_format}, and this package, "
            f"{installed('keras-zoo-recipes')}, reads 1 to {FORMAT}. It was made by keras-zoo-recipes {maker}: "
            "pip install --upgrade keras-zoo-recipes"
        )
    return typed.read(path, Facts)


def installed(package: str) -> str:
    """The version of an installed package; `"not installed"` of another."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def schema() -> dict[str, Any]:
    """The facts as a JSON Schema."""
    from pydantic import TypeAdapter

    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | TypeAdapter(Facts).json_schema()


if __name__ == "__main__":
    Path(__file__).with_name("bundle.schema.json").write_text(
        json.dumps(schema(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )
