"""What an examination of photos found, on one self-contained page."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from recipes.report.page import render

if TYPE_CHECKING:
    from recipes.data.photos.diagnosis import Diagnosis
    from recipes.data.photos.scan import Photo

MOST_ROWS = 200
MOST_GROUPS = 40


def doctor_page(diagnosis: Diagnosis) -> str:
    """An HTML page: counts, warnings, bad files, oddities, duplicates, and a contact sheet."""
    inline = {
        name: "data:image/jpeg;base64," + base64.b64encode(content).decode()
        for name, content in diagnosis.pictures.items()
    }

    def pictured(group: list[Photo]) -> list[dict[str, Any]]:
        return [
            {"name": photo.entry.name, "label": photo.entry.label, "picture": inline.get(photo.entry.name)}
            for photo in group
        ]

    in_alike = {photo.entry.name for group in diagnosis.alike for photo in group}
    sheet = {
        label: [
            {"name": photo.entry.name, "picture": inline[photo.entry.name]}
            for photo in diagnosis.photos
            if photo.entry.label == label and photo.entry.name in inline and photo.entry.name not in in_alike
        ]
        for label in diagnosis.listing.classes
    }
    return render(
        "doctor.html",
        title=f"Photos in {diagnosis.listing.root.name or diagnosis.listing.root}",
        diagnosis=diagnosis,
        oddities=diagnosis.notes | diagnosis.quality,
        groups=[pictured(group) for group in diagnosis.alike[:MOST_GROUPS]],
        conflicts=[pictured(group) for group in diagnosis.conflicts[:MOST_GROUPS]],
        sheet={label: pictures for label, pictures in sheet.items() if pictures},
        most_rows=MOST_ROWS,
    )
