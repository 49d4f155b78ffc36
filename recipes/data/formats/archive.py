"""Photos in a zip archive: unpacked into a folder of their own, and no more of it than is believed."""

from __future__ import annotations

import logging
import lzma
import shutil
import zipfile
import zlib
from collections.abc import Container
from pathlib import Path

from recipes.errors import CorruptFault, DataFault, DiskFault, first_line
from recipes.files.atomic import disk_faults

log = logging.getLogger("recipes")
# A photo does not become this many times smaller; what claims so is made to fill a disk.
MOST_TIMES, SMALL = 200, 10_000_000
# The share of the free disk that an archive may take.
OF_FREE = 0.7
_IS_UTF_8 = 0x800


def unpacked(path: Path, folder: Path, extensions: Container[str], most_bytes: int) -> dict[Path, str]:
    """Unpack the photos of an archive into a folder, under numbers: names in it lead nowhere else.

    Args:
        path: The archive.
        folder: Made where it is not there.
        extensions: What photos end in, in lower case.
        most_bytes: Larger files are passed over, as are those whose names lead out of the archive; the log says so.

    Returns:
        By the file of each photo its name in the archive, in the archive's order.

    Raises:
        DataFault: When it is no archive, or is encrypted.
        CorruptFault: When it claims to hold far more than it can.
        DiskFault: When it would fill the disk.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            found = [member for member in archive.infolist() if Path(_name(member)).suffix.lower() in extensions]
            found = _believed(path, [member for member in found if not _is_passed_over(member)], most_bytes)
            _refuse_bombs(path, found)
            with disk_faults(folder):
                folder.mkdir(parents=True, exist_ok=True)
            _refuse_too_much(path, found, folder)
            return {_extracted(archive, member, folder, place): _name(member) for place, member in enumerate(found)}
    except (OSError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise DataFault(
            f"{path} cannot be read: {first_line(error)}. Where another program can unpack it, give the folder."
        ) from error


def _extracted(archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path, place: int) -> Path:
    """A photo of an archive as a file; of one that is damaged, as much as there is, which the decoder will name."""
    file = folder / f"{place:06d}{Path(_name(member)).suffix.lower()}"
    with disk_faults(file), file.open("wb") as target:
        try:
            with archive.open(member) as source:
                shutil.copyfileobj(source, target)
        except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError) as error:
            if getattr(error, "errno", None):  # Of the disk, not of the reader.
                raise
            target.flush()
    return file


def _name(member: zipfile.ZipInfo) -> str:
    """What a photo is called: Windows in Korea writes names in CP949 and does not say so."""
    if member.flag_bits & _IS_UTF_8:
        return member.filename
    try:
        written = member.filename.encode("cp437")
    except UnicodeEncodeError:
        return member.filename
    for encoding in ("utf-8", "cp949"):
        try:
            return written.decode(encoding)
        except UnicodeDecodeError:
            continue
    return member.filename


def _is_passed_over(member: zipfile.ZipInfo) -> bool:
    """Whether it is a folder, hidden, or what a Mac put beside a photo."""
    parts = Path(member.filename).parts
    return member.is_dir() or any(part == "__MACOSX" or (part[0] == "." and part != "..") for part in parts)


def _believed(path: Path, members: list[zipfile.ZipInfo], most_bytes: int) -> list[zipfile.ZipInfo]:
    """The photos without those that are too large, and without those whose names lead elsewhere."""
    kept = members
    for cause, is_refused in (
        (f"larger than {most_bytes / 1e6:,.0f} MB", lambda member: member.file_size > most_bytes),
        ("named as if they lay outside", lambda member: ".." in Path(member.filename).parts),
    ):
        if refused := [member for member in kept if is_refused(member)]:
            log.warning(
                "%s: %s of %s photos are %s, and passed over, such as %s.",
                path, f"{len(refused):,}", f"{len(members):,}", cause, _name(refused[0]),
            )  # fmt: skip
        kept = [member for member in kept if not is_refused(member)]
    return kept


def _refuse_bombs(path: Path, members: list[zipfile.ZipInfo]) -> None:
    for member in members:
        if member.file_size > max(SMALL, MOST_TIMES * member.compress_size):
            raise CorruptFault(
                f"{path} is not to be trusted: {_name(member)} claims to be {member.file_size / 1e6:,.0f} MB in "
                f"{member.compress_size:,} bytes."
            )


def _refuse_too_much(path: Path, members: list[zipfile.ZipInfo], folder: Path) -> None:
    wanted, free = sum(member.file_size for member in members), shutil.disk_usage(folder).free
    if wanted > OF_FREE * free:
        raise DiskFault(
            f"{path} holds {wanted / 1e9:,.1f} GB of photos, and {free / 1e9:,.1f} GB are free at {folder.parent}. "
            "Free some space, or let TMPDIR name another place."
        )
