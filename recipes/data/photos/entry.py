"""One photo as it is listed, and the groups that a person names: what every table and every later step calls it by."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from recipes.errors import UsageFault

# What each extension promises.
EXTENSIONS = {
    ".jpg": "JPEG", ".jpeg": "JPEG", ".jpe": "JPEG", ".jfif": "JPEG", ".png": "PNG", ".gif": "GIF", ".bmp": "BMP",
    ".jif": "JPEG", ".mpo": "JPEG", ".apng": "PNG", ".dib": "BMP",
    ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF", ".avif": "AVIF", ".heic": "HEIF", ".heif": "HEIF",
}  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """One photo as it is listed.

    Attributes:
        name: Its path relative to the root, with `/`; the stable name in every table.
        path: Where it is.
        label: Its class.
        split: `"train"`, `"validation"` or `"test"` where that is given; else `None`.
        group: The group that a person names for it, such as the object that it shows; `None` for a photo of its own.
    """

    name: str
    path: Path
    label: str
    split: str | None = None
    group: str | None = None


def pattern(group_by: str) -> re.Pattern[str]:
    """The regular expression that names groups.

    Raises:
        UsageFault: When it is none, or has not exactly one group.
    """
    try:
        found = re.compile(group_by)
    except re.error as error:
        raise UsageFault(f"--group-by {group_by!r} is no regular expression: {error}.") from error
    if found.groups != 1:
        raise UsageFault(
            f"--group-by must have exactly one group in parentheses, what photos have in common, as in "
            rf"'([^/]+)_\d+\.jpg$'. Got {group_by!r} with {found.groups}; write (?:...) for parentheses that only hold "
            "together."
        )
    return found


def grouped(entries: Sequence[Entry], group_by: str) -> list[Entry]:
    """Photos with the group that a regular expression finds in their names, if it finds one.

    Raises:
        UsageFault: As `pattern`, and when it finds none at all, or photos have groups already.
    """
    if any(entry.group for entry in entries):
        raise UsageFault("The table has a column group, and --group-by names others. Leave one of them out.")
    wanted, found = pattern(group_by), []
    for entry in entries:
        match = wanted.search(entry.name)
        found.append(replace(entry, group=(match[1] or None) if match else None))
    if entries and not any(entry.group for entry in found):
        raise UsageFault(
            f"--group-by {group_by!r} matches none of {len(entries):,} photos. It is looked for in names such as "
            f"{entries[0].name!r}."
        )
    return found
