"""Which photos a person has: a folder a class, folders of splits, or a table of paths and labels.

Files are listed, not opened, and never changed.
"""

from __future__ import annotations

import logging
import os
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from recipes.data.photos import decisions
from recipes.data.photos.entry import EXTENSIONS, Entry, grouped
from recipes.data.photos.tables import (
    TABLES,
    as_meant,
    columns_for_classes,
    path_in,
    read_table,
    refuse_several,
)
from recipes.errors import DataFault

# Folders that network disks and systems put among a person's files, in lower case.
OF_A_SYSTEM = {
    "__macosx", "@eadir", "@recycle", "@recently-snapshot", "@sharebin", "@synoresource", "@tmp", "#recycle",
    "#snapshot", "~snapshot", "$recycle.bin", "recycler", "recycled", "network trash folder", "temporary items",
    "thevolumesettingsfolder", "system volume information", "lost+found", "found.000",
}  # fmt: skip
log = logging.getLogger("recipes")
LOOSE = "outside of a class folder"
HIDDEN = "hidden"
LINK = "linked folder"
NO_PHOTOS = "folder without photos, beside the splits"
NO_EXTENSION = "without extension"
# Folders that sorting or answering sets aside: of photos of no class, and of those that need a look.
ASIDE = ("_none", "_unsure", "_unreadable")
SET_ASIDE = f"folder set aside ({', '.join(ASIDE)})"
SPLITS = {
    "train": "train", "training": "train", "validation": "validation", "valid": "validation", "val": "validation",
    "dev": "validation", "test": "test", "testing": "test",
}  # fmt: skip


@dataclass
class Listing:
    """All photos under a root, and what was passed over.

    Attributes:
        root: The folder or the table.
        entries: Photos in the order of their names.
        classes: All classes, sorted; also those without a photo.
        ignored: Files that are no photos, counted by extension, in lower case; with `LOOSE`, `HIDDEN`,
            `SET_ASIDE`, `LINK` and `NO_PHOTOS`.
        unreadable: (name, reason) of files whose name or row cannot be used.
        decided: What became of a person's decisions about the labels; `None` where there are none.
    """

    root: Path
    entries: list[Entry] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    decided: decisions.Decided | None = None


def list_photos(root: Path, decided: Path | None = None, group_by: str | None = None) -> Listing:
    """List the photos of a folder or table, with the labels that a person decided on.

    Args:
        root: `photos/<class>/...` at any depth, `photos/{train,validation,test}/<class>/...`, or a CSV or Parquet file
            with the columns path, label and, if wanted, split and group; its paths start at its folder.
        decided: A table of decisions, see `recipes.data.photos.decisions`; by default the one beside the photos. There
            may be none.
        group_by: A regular expression with one group, which names the group of each photo out of its name.

    Raises:
        UsageFault: When `group_by` cannot be used, see `recipes.data.photos.entry.grouped`.
        DataFault: When there is nothing like that, or a decision is wrong; the message says what is wanted.
    """
    listing = _listed(root)
    if group_by is not None:
        listing.entries = grouped(listing.entries, group_by)
    file = decided or decisions.beside(root)
    if file.is_file() and file != root:
        listing.entries, listing.decided = decisions.honour(file, listing.entries, listing.classes)
    return listing


def _listed(root: Path) -> Listing:
    if not _is_text(os.path.abspath(root)):
        raise DataFault(
            f"{printable(root)}: its name, or that of a folder that it is in, is not UTF-8, and no table or run could "
            "name it. Rename it, or give a link to it that has another name."
        )
    if root.is_file():
        if root.suffix.lower() not in TABLES:
            raise DataFault(f"{root} is neither a folder nor a table ({', '.join(TABLES)}).{_instead(root)}")
        return _from_table(root)
    if not root.is_dir():
        hint = " An address is not fetched: download it first." if {"http:", "https:"} & set(root.parts) else ""
        raise DataFault(f"There is no folder or table at {root}.{hint}")
    return _from_folder(root)


def _instead(file: Path) -> str:
    """What to give in place of a file."""
    if file.suffix.lower() in (".zip", ".tar", ".gz", ".tgz", ".7z", ".rar", ".alz", ".egg"):
        return " Unpack it, and give the folder."
    if file.suffix.lower() in EXTENSIONS:
        return " Give the folder that holds a folder of photos for each class."
    return ""


def _from_folder(root: Path) -> Listing:
    listing = Listing(root)
    folders = _subfolders(root, listing)
    splits = {folder: SPLITS.get(folder.name.lower()) for folder in folders}
    named = {folder: split for folder, split in splits.items() if split}
    others = [folder for folder in folders if folder not in named]
    if "train" in named.values() and (not others or _hold_all(named, others)):
        _add_splits(named, others, listing)
    else:
        _refuse_what_are_no_classes(root, folders)
        if _are_splits(folders):
            _refuse_photos_beside_splits(root, others)
            _add_splits(named, others, listing)
            folders = []
        for class_folder in folders:
            _add_class(class_folder, None, listing)
    listing.classes = sorted(set(listing.classes))
    listing.entries.sort(key=lambda entry: entry.name)
    return listing


def _hold_all(splits: Iterable[Path], others: Iterable[Path]) -> bool:
    """Whether folders that are called as splits hold all photos, each of them in two classes or more.

    A class may be called `train`, too: its photos are its own, or in one folder.
    """
    if any(next(photos_below(folder), None) for folder in others):
        return False
    for split in splits:
        below = {photo.relative_to(split).parts for photo in photos_below(split)}
        if any(len(parts) == 1 for parts in below) or len({parts[0] for parts in below}) < 2:
            return False
    return True


def _add_splits(splits: dict[Path, str], others: Sequence[Path], listing: Listing) -> None:
    """Add the classes of each split, and count the folders beside them, which hold no photos.

    Raises:
        DataFault: When a split holds photos and no class.
    """
    listing.ignored[NO_PHOTOS] += len(others)
    listing.ignored += Counter()  # Drops what was counted zero times.
    for folder, split in splits.items():
        classes = _subfolders(folder, listing)
        if not classes and next(photos_below(folder), None):
            raise DataFault(
                f"{folder} is called as a split and holds photos, but no folder for each class. Put its photos into "
                f"{folder.name}/<class>/, or give a table with the columns path and label."
            )
        for class_folder in classes:
            _add_class(class_folder, split, listing)


def _are_splits(folders: list[Path]) -> bool:
    """Whether training photos and those of another split are among the folders: `test1` is called as a split, too."""
    called = {SPLITS.get(folder.name.lower().rstrip("0123456789 _-")) for folder in folders}
    return "train" in called and len(called - {None}) > 1


def _refuse_photos_beside_splits(root: Path, others: list[Path]) -> None:
    """Refuse folders with photos that are no splits, where others are; those without photos are passed over.

    Raises:
        DataFault: With what to move.
    """
    if beside := [folder.name for folder in others if next(photos_below(folder), None)]:
        raise DataFault(
            f"{root} holds splits (train and others), and beside them {', '.join(map(repr, beside[:3]))} with photos: "
            "neither is a class. Move it away, or call it train, validation or test."
        )


def _refuse_what_are_no_classes(root: Path, folders: list[Path]) -> None:
    """Refuse a folder around the folder that is meant, and splits under other names.

    Raises:
        DataFault: With what to type, or to rename.
    """
    inside = [_folders_in(folder) for folder in folders]
    lower = folders[0] if len(folders) == 1 else root
    while len(names := _folders_in(lower)) == 1:
        lower /= names[0]
    if len(folders) == 1 and names:
        raise DataFault(
            f"{root} holds one folder, {folders[0].name!r}, and {lower} holds {', '.join(names[:3])}: are these the "
            f"classes? Then --data {lower}"
        )
    for folder, names in zip(folders, inside, strict=True):
        if _are_splits([folder / name for name in names]) and not SPLITS.get(folder.name.lower()):
            raise DataFault(
                f"{folder} holds {', '.join(names[:3])}: splits are above the classes, not in them. Turn them round "
                f"({names[0]}/{folder.name} and so on), or give a table with the columns path, label and split."
            )
    if shared := _shared_by_most(inside):
        raise DataFault(
            f"Each of {', '.join(folder.name for folder in folders[:4])} in {root} holds {', '.join(shared[:3])}: "
            "these are splits, not classes. Call them train, validation and test; if they are classes, give a table "
            "with the columns path and label."
        )


def _shared_by_most(inside: list[list[str]]) -> list[str]:
    """Names that several folders hold alike, as splits do, of which a small one may lack a class; else none.

    Numbers, such as years, are no names of classes where one is lacking.
    """
    shared = sorted(set.intersection(*map(set, inside))) if len(inside) > 1 else []
    most = max(map(len, inside), default=0)
    if len(shared) < 2 or 3 * len(shared) < 2 * most or (len(shared) < most and all(map(str.isdecimal, shared))):
        return []
    return shared


def _folders_in(folder: Path) -> list[str]:
    """Names of the folders in a folder, in order; none where it cannot be read."""
    return sorted(name for name in next(os.walk(folder), ("", [], []))[1] if not _is_hidden(name))


def _subfolders(folder: Path, listing: Listing) -> list[Path]:
    """The folders in a folder that may be classes; loose files are counted."""
    found = []
    for entry in sorted(folder.iterdir()):
        if _is_hidden(entry.name):
            listing.ignored[HIDDEN] += 1
        elif entry.name in ASIDE:
            listing.ignored[SET_ASIDE] += 1
        elif entry.is_symlink() and entry.is_dir():
            listing.ignored[LINK] += 1
        elif entry.is_dir():
            if _is_text(entry.name):
                found.append(entry)
            else:
                name = printable(entry.relative_to(listing.root))
                listing.unreadable.append((name, "the folder's name is not UTF-8"))
        elif entry != decisions.beside(listing.root):
            extension = entry.suffix.lower()
            listing.ignored[LOOSE if extension in EXTENSIONS else extension or NO_EXTENSION] += 1
    return found


def _add_class(folder: Path, split: str | None, listing: Listing) -> None:
    """Add every photo below a class folder. Links to folders are not followed: they may go round in circles."""
    label = unicodedata.normalize("NFC", folder.name)  # A Mac writes a Korean letter as its parts.
    listing.classes.append(label)

    def unread(error: OSError) -> None:
        name = printable(os.path.relpath(error.filename or folder, listing.root))
        listing.unreadable.append((name, f"the folder cannot be read: {error.strerror}"))

    for parent, folders, files in os.walk(folder, onerror=unread):
        kept = [name for name in folders if not _is_hidden(name) and not (Path(parent) / name).is_symlink()]
        listing.ignored[HIDDEN] += sum(_is_hidden(name) for name in folders)
        listing.ignored[LINK] += len(folders) - len(kept) - sum(_is_hidden(name) for name in folders)
        folders[:] = kept
        for name in files:
            path = Path(parent) / name
            extension = path.suffix.lower()
            if _is_hidden(name):
                listing.ignored[HIDDEN] += 1
            elif extension not in EXTENSIONS:
                listing.ignored[extension if _is_text(extension) and extension else NO_EXTENSION] += 1
            elif not _is_text(str(path.relative_to(listing.root))):
                listing.unreadable.append((printable(path.relative_to(listing.root)), "the name is not UTF-8"))
            else:
                relative = path.relative_to(listing.root).as_posix()
                listing.entries.append(Entry(relative, path, label, split))
    listing.ignored += Counter()  # Drops what was counted zero times.


def _from_table(path: Path) -> Listing:
    table = read_table(path)
    if missing := {"path", "label"} - set(table.columns):
        others = {name: table[name].map(str) for name in table.columns if name not in ("path", "split", "group")}
        raise DataFault(
            f"{path} lacks the column{'s' * (len(missing) > 1)} {' and '.join(sorted(missing))}. "
            f"It must have path and label, and may have "
            f"split and group; it has: {', '.join(map(str, table.columns))}.{columns_for_classes(others)}"
        )
    listing = Listing(path)
    rows = table.to_dict("records")
    for row in rows:
        if (split := row.get("split", "").strip().lower()) and split not in SPLITS:
            raise DataFault(
                f"{path}: the split of {row['path']} must be one of train, validation, test. Got {split!r}."
            )
    names = as_meant([path_in(name, path) for name in table["path"]], path)
    for name, row in zip(names, rows, strict=True):
        label, split = row["label"].strip(), row.get("split", "").strip().lower()
        label = unicodedata.normalize("NFC", label)
        if not name or not label:
            listing.unreadable.append((name or "(row without a path)", "path or label is empty"))
        elif label.lower() == "nan":  # As pandas writes a label that is not there.
            listing.unreadable.append((name, f"its label is {label}, which stands for none"))
        else:
            group = row.get("group", "").strip() or None
            listing.entries.append(Entry(name, path.parent / name, label, SPLITS.get(split), group))
    refuse_several(path, [(entry.name, entry.label) for entry in listing.entries])
    listing.classes = sorted({entry.label for entry in listing.entries})
    listing.entries.sort(key=lambda entry: entry.name)
    return listing


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in OF_A_SYSTEM


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def printable(path: str | os.PathLike) -> str:
    """A path as text; where it is not UTF-8, with its strange bytes as `\\xNN`."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def photos_below(folder: Path) -> Iterator[Path]:
    """Every photo below a folder, in the order of their names; hidden files and links to folders are left out."""
    for parent, folders, files in os.walk(folder, onerror=lambda error: log.warning("%s", error)):
        folders[:] = sorted(name for name in folders if not _is_hidden(name))
        for name in sorted(files):
            if not _is_hidden(name) and Path(name).suffix.lower() in EXTENSIONS:
                yield Path(parent) / name
