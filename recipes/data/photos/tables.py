"""Tables of photos as people write them: CSV in several encodings, or Parquet."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from recipes.errors import DataFault, first_line

TABLES = (".csv", ".parquet")
SEPARATORS = ",;\t"


def paths_in_table(path: Path) -> list[Path]:
    """The column `path` of a CSV or Parquet file; its paths start at its folder.

    Raises:
        DataFault: When it cannot be read or has no such column.
    """
    table = read_table(path)
    if "path" not in table:
        raise DataFault(f"{path} lacks the column path; it has: {', '.join(map(str, table.columns))}.")
    return [path.parent / path_in(name, path) for name in table["path"] if name.strip()]


def read_table(path: Path) -> Any:
    """A table whose columns are called in lower case, and whose cells are text.

    Raises:
        DataFault: When it cannot be read, or a path, label, split, group or decision is a list.
    """
    import pandas

    try:
        table = pandas.read_parquet(path) if path.suffix.lower() == ".parquet" else _read_csv(path)
    except MemoryError:
        raise
    except Exception as error:  # Parsers raise what they like, of Parquet above all.
        raise DataFault(f"{path} cannot be read: {first_line(error)}") from error
    table.columns = [str(name).strip().lower() for name in table.columns]
    table = table.map(_as_text)
    for column in {"path", "label", "split", "group", "decision"} & set(table.columns):
        if several := next((value for value in table[column] if not isinstance(value, str)), None):
            raise DataFault(
                f"{path}: a photo must have one {column}, and one has {several}. Give each photo a single {column}; "
                "photos of several labels are not taken."
            )
    return table


def path_in(written: str, table: Path) -> str:
    """A path as it is written in a table; of one with backslashes, from Windows, with slashes."""
    name = written.strip()
    return name if "\\" not in name or (table.parent / name).exists() else name.replace("\\", "/")


def _as_text(value: Any) -> Any:
    """A cell as text, empty where there is nothing in it; a list stays one."""
    import pandas

    if isinstance(value, list | tuple | set) or hasattr(value, "__array__"):
        return list(value)
    return "" if pandas.isna(value) else str(value)


def _read_csv(path: Path) -> Any:
    """A CSV file in UTF-8, UTF-16 or CP949, as Korean Windows writes it; with commas, semicolons or tabs."""
    import pandas

    content = path.read_bytes()
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = content.decode("utf-16")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("cp949")
    header = text.partition("\n")[0]
    separator = max(SEPARATORS, key=header.count)
    return pandas.read_csv(io.StringIO(text), sep=separator, dtype=str, keep_default_na=False, skipinitialspace=True)
