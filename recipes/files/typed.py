"""JSON files as typed values: checked field by field when they are read."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, TypeVar

from annotated_types import Ge, Le, Predicate

from recipes.errors import CorruptFault

if TYPE_CHECKING:
    from pydantic import TypeAdapter

Value = TypeVar("Value")
Count: TypeAlias = Annotated[int, Ge(0)]
FiniteFloat: TypeAlias = Annotated[float, Predicate(math.isfinite)]
Share: TypeAlias = Annotated[FiniteFloat, Ge(0), Le(1)]
Seconds: TypeAlias = Annotated[FiniteFloat, Ge(0)]


def read(path: Path, kind: type[Value]) -> Value:
    """Read a JSON file as a value of a dataclass; a field that is absent has its default.

    Args:
        path: The file.
        kind: The dataclass. Its hints give types and ranges; nothing is converted but lists to tuples.

    Raises:
        CorruptFault: When the file is missing or damaged; the message names the first field that is.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CorruptFault(f"{path} is missing or damaged: {error.strerror}.") from error
    try:
        return parse(content, kind)
    except ValueError as error:
        raise CorruptFault(f"{path} is missing or damaged: {error}.") from error


def parse(content: bytes, kind: type[Value]) -> Value:
    """JSON as a value of a dataclass.

    Raises:
        ValueError: When it is not; the message names the first field that is wrong, what is wanted, and what is there.
    """
    from pydantic import ValidationError  # A command that reads nothing answers sooner without it.

    try:
        return _adapter(kind).validate_json(content, strict=True)  # type: ignore[arg-type]
    except ValidationError as error:
        found = error.errors(include_url=False)[0]
        field = ".".join(map(str, found["loc"]))
        wrong = "This value cannot be" if found["type"] == "predicate_failed" else found["msg"]
        received = "" if found["type"] in ("json_invalid", "missing") else f". Got {found['input']!r:.100}"
        raise ValueError(f"{field}: {wrong}{received}" if field else wrong) from error


@cache
def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)
