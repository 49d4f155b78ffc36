"""What a saved network says of itself beside its layers: its classes, and how a photo becomes its square.

It stands in the file's own metadata, where Keras writes its version and passes over what else is there:
`keras.saving.KerasFileEditor(path).metadata["class_names"]`.
"""

from __future__ import annotations

import json
import shutil
import zipfile
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from annotated_types import MinLen

from recipes.files import typed
from recipes.files.atomic import atomic_path

MEMBER = "metadata.json"
# What a file claims is not believed beyond this.
MOST_BYTES = 10_000_000


@dataclass(frozen=True, kw_only=True)
class Notes:
    """What is noted.

    Attributes:
        class_names: In the order of the outputs; of one output, which is the probability of the second, both.
        square: How a photo of another shape is brought to the network's: `Recipe.square`.
    """

    class_names: Annotated[list[str], MinLen(2)]
    square: str = "squash"


def add(path: Path, notes: Notes) -> None:
    """Write notes into a `.keras` file, or leave it as it was.

    Raises:
        DiskFault: When it cannot be written.
    """
    with (
        zipfile.ZipFile(path) as before,
        atomic_path(path) as temporary,
        zipfile.ZipFile(temporary, "w") as after,
    ):
        for member in before.infolist():
            if member.filename == MEMBER:
                metadata = json.loads(before.read(member)) | asdict(notes)
                after.writestr(member, json.dumps(metadata, ensure_ascii=False))
            else:
                with before.open(member) as source, after.open(member, "w") as target:
                    shutil.copyfileobj(source, target, 2**20)


def read(path: Path) -> Notes | None:
    """The notes of a saved network; `None` where it has none."""
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo(MEMBER).file_size > MOST_BYTES:
                return None
            return typed.parse(archive.read(MEMBER), Notes)
    except (OSError, KeyError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error):
        return None
