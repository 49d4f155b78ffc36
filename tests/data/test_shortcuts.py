"""Whether something silly gives the class away: found where it does, and no alarm where it does not."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from recipes import Shares, doctor
from recipes.data.photos.diagnosis import examine
from recipes.data.photos.entry import Entry
from recipes.data.photos.scan import Photo
from recipes.data.photos.shortcuts import NATURAL, SILLY, shortcuts

NUMBER = 30


def picture(random, light=1.0):
    """Coarse spots of any colour, over the whole range of light."""
    spots = Image.fromarray(random.integers(0, 256, (6, 8, 3), dtype="uint8")).resize((96, 72))
    return Image.fromarray((np.asarray(spots) * light).astype("uint8"))


def write(root, change=lambda picture: picture, suffix=".jpg", **options):
    """Photos of two classes alike, but for what is changed of the second."""
    random = np.random.default_rng(0)
    for label in ("left", "right"):
        (root / label).mkdir(parents=True)
        for number in range(NUMBER):
            is_changed = label == "right"
            made = change(picture(random)) if is_changed else picture(random)
            file = (root / label / f"{number}").with_suffix(suffix if is_changed else ".jpg")
            made.save(file, **{"format": "JPEG", "quality": 90} | (options if is_changed else {}))


def exif(tag, value):
    found = Image.Exif()
    found[tag] = value
    return found


def framed(made):
    made.paste(0, (0, 0, made.width, 6))
    made.paste(0, (0, made.height - 6, made.width, made.height))
    return made


CHANGES = {
    "named .png": ("file kind", {"suffix": ".png"}),
    "PNG": ("file kind", {"suffix": ".png", "format": "PNG"}),
    "quality": ("compression", {"quality": 40}),
    "dark": ("brightness", {"change": lambda made: Image.eval(made, lambda level: 0.6 * level)}),
    "grey": ("colour", {"change": lambda made: made.convert("L").convert("RGB")}),
    "small": ("size", {"change": lambda made: made.resize((80, 60))}),
    "square": ("aspect", {"change": lambda made: made.crop((0, 0, 72, 72))}),
    "bars": ("border", {"change": framed}),
    "camera": ("camera", {"exif": exif(0x0110, "Another")}),
    "date": ("date", {"exif": exif(0x0132, "2024:05:01 12:00:00")}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_shortcuts_are_found_by_what_gives_the_class_away(tmp_path, change):
    by, how = CHANGES[change]
    write(tmp_path, **how)
    found = {one.by: one for one in examine(tmp_path, Shares()).shortcuts}
    assert found[by].is_alarm
    assert found[by].of_label.found > 0.8
    assert found[by].of_label.interval[0] <= found[by].of_label.found <= found[by].of_label.interval[1]


def test_shortcuts_raise_no_alarm_where_classes_are_alike(tmp_path):
    write(tmp_path)
    found = examine(tmp_path, Shares())
    assert {one.by for one in found.shortcuts} >= {"brightness", "colour"}
    assert not any(one.is_alarm for one in found.shortcuts)
    assert "given away" not in " ".join(found.warnings)


def test_shortcuts_are_said_by_the_doctor_and_kept_with_the_look(tmp_path, capsys):
    write(tmp_path / "photos", suffix=".png")
    for _ in range(2):  # The second time out of what was kept.
        assert doctor.main([str(tmp_path / "photos"), "--out", str(tmp_path / "out"), "--json"]) == 0
        said = capsys.readouterr()
        rows = {row["by"]: row for row in json.loads(said.out)["shortcuts"]}
        assert rows["file kind"]["is_alarm"]
        assert rows["file kind"]["of_label"]["found"] == 1.0
        assert "file kind alone tells 'left' from all others: balanced accuracy 1.00" in said.err
    page = (tmp_path / "out" / "doctor.html").read_text(encoding="utf-8")
    assert '<tr class="chosen"><td>file kind</td><td>1.00</td>' in page


def test_shortcuts_of_one_class_among_ten_are_found():
    photos = [photo(f"{label}", number, 90 if label == 3 else 96) for label in range(10) for number in range(20)]
    (found,) = [one for one in shortcuts(photos, np.arange(len(photos))) if one.by == "size"]
    assert found.is_alarm
    assert (found.label, found.of_label.found) == ("3", 1.0)
    assert found.classes.chance == pytest.approx(0.1)
    assert found.classes.found < 0.3


def test_shortcuts_count_look_alikes_once():
    photos = [photo(label, number, 90 if label == "b" else 96) for label in "ab" for number in range(60)]
    apart, together = (shortcuts(photos, np.arange(120) // size) for size in (1, 6))
    assert apart[0].of_label.interval[0] > together[0].of_label.interval[0]
    assert shortcuts(photos, np.arange(120) // 12) == []


def test_shortcuts_leave_a_class_some_light_of_its_own():
    random = np.random.default_rng(1)
    photos = [
        photo(label, number, brightness=random.normal(mean, 20))
        for label, mean in (("rain", 100), ("shine", 132))
        for number in range(100)
    ]
    (found,) = shortcuts(photos, np.arange(200))
    assert found.by == "brightness"
    assert SILLY < found.of_label.interval[0] < NATURAL
    assert not found.is_alarm


def photo(label, number, side=96, brightness=120.0):
    """A photo as a look at it would have it, without a file."""
    name = f"{label}/{number}.jpg"
    traits = {
        "format": "JPEG", "mode": "RGB", "quantization": 3.0, "colour quantization": 4.0, "sampling": "2x2",
        "progressive": 0.0, "camera": "", "date": "", "brightness": float(brightness), "darkest": 0.0,
        "brightest": 255.0, "red to green": 0.0, "blue to yellow": 0.0, "saturation": 0.0, "aspect": 1.0,
        "border above": 0.0, "border below": 0.0, "border left": 0.0, "border right": 0.0, "border level": -1.0,
    }  # fmt: skip
    return Photo(Entry(name, Path(name), label), size=(side, side), traits=traits)
