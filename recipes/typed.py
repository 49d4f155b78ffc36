"""JSON files as typed values: checked field by field when they are read."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Any, TypeAlias, TypeVar

from pydantic import Field, FiniteFloat, TypeAdapter, ValidationError

from recipes.errors import CorruptFault

Value = TypeVar("Value")
Count: TypeAlias = Annotated[int, Field(ge=0)]
Share: TypeAlias = Annotated[FiniteFloat, Field(ge=0, le=1)]
Seconds: TypeAlias = Annotated[FiniteFloat, Field(ge=0)]


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
    try:
        return _adapter(kind).validate_json(content, strict=True)  # type: ignore[arg-type]
    except ValidationError as error:
        found = error.errors(include_url=False)[0]
        field = ".".join(map(str, found["loc"]))
        received = (
            "" if found["type"] in ("json_invalid", "missing", "value_error") else f". Got {found['input']!r:.100}"
        )
        raise ValueError(f"{field}: {found['msg']}{received}" if field else found["msg"]) from error


@cache
def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
