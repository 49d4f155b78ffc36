"""Tables of photos as people write them: CSV in several encodings, or Parquet; with one class a photo."""

from __future__ import annotations

import csv
import io
import logging
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path, PurePosixPath
from posixpath import normpath
from typing import Any
from urllib.parse import unquote

from recipes.data.photos.entry import EXTENSIONS
from recipes.errors import DataFault, UsageFault, first_line
from recipes.files.atomic import disk_faults, is_stream

TABLES = (".csv", ".parquet")
SEPARATORS = ",;\t"
# So many things beside a table are looked through for a folder that its paths may start at.
MOST_HOMES = 1000
# What may stand before the names of the columns: empty lines, and the separator as Excel is told of it.
_FIRST_LINES = re.compile(r"\A[\r\n]*(sep=.[\r\n]+)?")
BETWEEN_LABELS = re.compile(r"\s*[,;|]\s*")
# Fewer photos than these may well be of a class each.
FEW = 10
ONE_HOT = {"0", "1", "0.0", "1.0", "true", "false", ""}
SEVERAL = "photos of several labels are not taken"
log = logging.getLogger("recipes")


def paths_in_table(path: Path) -> list[Path]:
    """The column `path` of a CSV or Parquet file; its paths start at its folder.

    Raises:
        DataFault: When it cannot be read or has no such column.
    """
    table = read_table(path)
    if "path" not in table:
        raise DataFault(f"{path} lacks the column path; it has: {', '.join(map(str, table.columns))}.")
    names = [path_in(name, path) for name in table["path"] if name.strip()]
    return [path.parent / name for name in as_meant(names, path)]


def refuse_to_overwrite(table: Path, read: Iterable[Path], begins: str) -> None:
    """Refuse to write a table over what a command reads, over a photo, or over a file that is no such table.

    Args:
        table: What `--csv` names.
        read: The files and folders that the command reads.
        begins: How a table begins that this command wrote before: such a one is written anew.

    Raises:
        UsageFault: With what is in the way.
        DiskFault: When a file that is there cannot be looked at.
    """
    if any(os.path.realpath(table) == os.path.realpath(path) for path in read):
        raise UsageFault(f"{table} is read by this command, and would be written over. Choose another --csv.")
    if table.is_dir():
        raise UsageFault(f"--csv {table} is a folder. Name a file in it, such as {table / 'table.csv'}.")
    if table.suffix.lower() in EXTENSIONS:
        raise UsageFault(f"{table} is called as a photo. A table is called table.csv, for example.")
    if os.path.isfile(table) and not is_stream(table) and os.path.getsize(table):
        with disk_faults(table), table.open("rb") as file:
            if file.read(len(begins.encode())) != begins.encode():
                raise UsageFault(
                    f"{table} holds something else than this command writes, and would be lost. Choose another --csv."
                )


def read_table(path: Path) -> Any:
    """A table whose columns are called in lower case, and whose cells are text.

    Raises:
        DataFault: When it cannot be read, or a path, label, split, group or decision is a list or has parts.
    """
    try:
        table = _read_parquet(path) if path.suffix.lower() == ".parquet" else _read_csv(path)
    except MemoryError:
        raise
    except Exception as error:  # Parsers raise what they like, of Parquet above all.
        raise DataFault(f"{path} cannot be read: {first_line(error)}") from error
    table.columns = [str(name).strip().lower() for name in table.columns]
    table = table.astype(object).map(_as_text)  # Else pandas makes floats of integers with gaps.
    for column in {"path", "label", "split", "group", "decision"} & set(table.columns):
        if (table.columns == column).sum() > 1:
            raise DataFault(f"{path} has more than one column {column}. Leave it one.")
        if several := next((value for value in table[column] if not isinstance(value, str)), None):
            raise DataFault(
                f"{path}: a photo must have one {column}, and one has {several}. Give each photo a single {column}; "
                "photos of several labels are not taken."
            )
    return table


def path_in(written: str, table: Path) -> str:
    """A path as it is written in a table; of one with backslashes, from Windows, with slashes."""
    name = written.strip()
    return name if "\\" not in name or _is_there(table.parent / name) else name.replace("\\", "/")


def as_meant(names: Sequence[str], table: Path) -> list[str]:
    """The paths of a table, read in the one obvious other way where as they are written they lead nowhere.

    Args:
        names: From `path_in`.
        table: Where they are written; they start at its folder.

    Raises:
        DataFault: When not one leads to a file, and neither does any such reading; with the first.
    """
    folder = table.parent
    astray = [name for name in names if name and not _is_there(folder / name)]
    if not astray:
        return list(names)
    some = astray[:: max(1, len(astray) // 50)]
    for read in _readings(folder, some[0]):
        if all(_is_there(folder / read(name)) for name in some):
            log.warning(
                "NOTICE %s: %d paths lead nowhere as they are written; %s is taken for %s, and the others alike.",
                table, len(astray), read(some[0]), some[0],
            )  # fmt: skip
            lost = set(astray)
            return [read(name) if name in lost else name for name in names]
    if len(astray) == len(list(filter(None, names))):
        raise DataFault(
            f"{table}: not one of its {len(astray):,} paths leads to a file. The first is {astray[0]!r}, which was "
            f"looked for at {folder / astray[0]}: paths start at the folder of the table."
        )
    return list(names)


def _readings(folder: Path, example: str) -> Iterator[Callable[[str], str]]:
    """Other readings of a path: in another Unicode form, as in an address, below another root, with an extension.

    A folder that is not there is never taken for another one: `train/1.jpg` is not `test/1.jpg`.
    """
    yield lambda name: unicodedata.normalize("NFC", name)
    yield lambda name: unicodedata.normalize("NFD", name)
    yield unquote
    path = PurePosixPath(example)
    homes = [f"{entry.name}/" for entry in islice(folder.iterdir(), MOST_HOMES) if entry.is_dir()]
    for ending in _ENDINGS:
        for home in ["", *sorted(homes)]:
            has_root = path.is_absolute() or ":" in path.parts[0]
            for first in range(len(path.parts) if has_root or not home else 1):
                yield (
                    lambda name, ending=ending, home=home, first=first: (  # type: ignore[misc]
                        f"{home}{ending('/'.join(PurePosixPath(name).parts[first:]))}"
                    )
                )


def _with_suffix(change: Callable[[str], str]) -> Callable[[str], str]:
    def changed(name: str) -> str:
        stem, point, suffix = name.rpartition(".")
        return f"{stem}{point}{change(suffix)}"

    return changed


def _with_end(end: str) -> Callable[[str], str]:
    return lambda name: name + end


# As it is, with its extension in the other case, and with one that it lacks.
_ENDINGS: list[Callable[[str], str]] = [
    str,
    _with_suffix(str.lower),
    _with_suffix(str.upper),
    *(_with_end(suffix) for extension in EXTENSIONS for suffix in (extension, extension.upper())),
]


def _is_there(path: Path) -> bool:
    try:
        return path.exists() and not path.is_dir()
    except (OSError, ValueError):  # Too long a name, or one that no system takes.
        return False


def _as_text(value: Any) -> Any:
    """A cell as text, empty where there is nothing in it; a list and what has parts stay as they are."""
    import pandas

    if isinstance(value, list | tuple | set) or hasattr(value, "__array__"):
        return list(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, dict) else "" if pandas.isna(value) else str(value)


def _columns(text: str, separator: str) -> int:
    """How many columns a table has; a row with more cells would be read as another row than it is.

    Raises:
        ValueError: With its line, and what helps.
    """
    limit = csv.field_size_limit(2**31 - 1)  # A picture may stand in a column that nobody asks for.
    try:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)
        columns = len(next(rows, []))
        for row in rows:
            if any(cell.strip() for cell in row[columns:]):
                raise ValueError(
                    f"line {rows.line_num} has {len(row)} cells, and the first line {columns}: put quotes around what "
                    f"holds {separator!r}"
                )
        return columns
    finally:
        csv.field_size_limit(limit)


def _of_windows(content: bytes) -> str:
    """Text in the code page of Korean Windows; where it is none, in that of western Europe."""
    try:
        return content.decode("cp949")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _read_parquet(path: Path) -> Any:
    """A Parquet file; an index with a name is a column, and integers stay such where some are missing."""
    import pandas

    table = pandas.read_parquet(path, dtype_backend="numpy_nullable")
    named = [name for name in table.index.names if name is not None]
    return table.reset_index(named) if named else table


def _read_csv(path: Path) -> Any:
    """A CSV file in UTF-8, UTF-16, CP949 or CP1252, as Windows writes it; with commas, semicolons or tabs."""
    import pandas

    content = path.read_bytes()
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = content.decode("utf-16")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = _of_windows(content)
    if "\0" in text:
        raise ValueError("it is no text in UTF-8 or UTF-16: save it as CSV in UTF-8")
    text = _FIRST_LINES.sub("", text)
    header = text.partition("\n")[0]
    separator = max(SEPARATORS, key=header.count)
    columns = _columns(text, separator)
    return pandas.read_csv(
        io.StringIO(text),
        sep=separator,
        dtype=str,
        keep_default_na=False,
        skipinitialspace=True,
        usecols=list(range(columns)),
    )


def columns_for_classes(columns: Mapping[str, Iterable[str]]) -> str:
    """What to write where a table without a column label has a column for each class; empty where it has not.

    Args:
        columns: Cells of the columns that are neither path, split nor group, by the column's name.
    """
    classes = [name for name, cells in columns.items() if {cell.strip().lower() for cell in cells} <= ONE_HOT]
    if len(classes) < 2:
        return ""
    return (
        f" {classes[0]}, {classes[1]} look like a column for each class: write the one class of each photo; {SEVERAL}."
    )


def refuse_several(path: Path, photos: Sequence[tuple[str, str]]) -> None:
    """Refuse a table whose photos have several labels, or a figure of their own each.

    Args:
        path: The table.
        photos: (path, label) of each row that has both.

    Raises:
        DataFault: With the row or the label that shows it.
    """
    labels_of: dict[str, set[str]] = {}
    for name, label in photos:
        labels_of.setdefault(normpath(name), set()).add(label)
    if several := next(((name, labels) for name, labels in labels_of.items() if len(labels) > 1), None):
        name, labels = several
        raise DataFault(f"{path}: {name!r} has the labels {_named(labels)}. Leave it one; {SEVERAL}.")
    twice = [name for name, number in Counter(normpath(name) for name, _ in photos).items() if number > 1]
    if twice:
        raise DataFault(
            f"{path} lists {len(twice)} path{'s' * (len(twice) != 1)} more than once, {twice[0]!r} among them."
        )
    classes = {label for _, label in photos}
    _refuse_joined(path, classes)
    if len(photos) >= FEW and 2 * len(classes) > len(photos) and all(map(_is_figure, classes)):
        raise DataFault(
            f"{path}: the label is a figure that differs from photo to photo, such as {_named(classes)}. A figure "
            "(regression) is not learned here: give each photo a class, such as low or high."
        )


def _refuse_joined(path: Path, classes: set[str]) -> None:
    """Refuse labels that are made of others; say which are taken for one class though they have a part in common."""
    parts = {label: [part for part in BETWEEN_LABELS.split(label) if part] for label in classes}
    joined = {label: names for label, names in parts.items() if len(names) > 1}
    if several := next((label for label in sorted(joined) if set(joined[label]) <= classes), None):
        raise DataFault(
            f"{path}: {several!r} is made of labels that stand alone elsewhere. Give each photo a single label; "
            f"{SEVERAL}."
        )
    shared = Counter(name for names in joined.values() for name in set(names))
    if alike := next((label for label in sorted(joined) if any(shared[name] > 1 for name in joined[label])), None):
        log.warning("NOTICE %s: %r is taken for the name of one class; %s.", path, alike, SEVERAL)


def _is_figure(label: str) -> bool:
    try:
        float(label)
    except ValueError:
        return False
    return True


def _named(labels: Iterable[str]) -> str:
    return ", ".join(map(repr, sorted(labels)[:3]))
