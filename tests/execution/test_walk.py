"""A newcomer's walk: from a folder of photos to a bundle that is checked, by the commands that are printed alone."""

import dataclasses
import importlib
import shlex
import shutil

import pytest
from conftest import ROOT

from recipes.book import own_photos

SETS = ROOT.parent / "shared" / "photos"
EACH = 8


def cut(source, into):
    """A few photos of each class, on the sides on which they are."""
    for folder in [source, *(path for path in source.rglob("*") if path.is_dir())]:
        for file in sorted(path for path in folder.iterdir() if path.is_file())[:EACH]:
            if folder != source:
                (into / folder.relative_to(source)).mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, into / folder.relative_to(source) / file.name)
    return into


def call(command):
    python, dash_m, verb, *arguments = shlex.split(command)
    assert (python, dash_m) == ("python", "-m")
    return importlib.import_module(verb).main(arguments)


@pytest.mark.parametrize("name", ["ants_bees", "weather", "sign_digits", "crops"])
def test_printed_commands_lead_from_a_folder_to_a_bundle(
    name, lite0_weights, small_bases, clothes, tmp_path, monkeypatch, capsys
):
    if name != "crops" and not (SETS / name).is_dir():
        pytest.skip("skipped: the photos are not beside this checkout (shared/photos)")
    photos = cut(clothes if name == "crops" else SETS / name, tmp_path / "my photos")
    monkeypatch.chdir(tmp_path)
    # At full size, and with four bases, it is the same walk and takes minutes; on one set with a base that is large.
    base = "efficientnet_lite0" if name == "crops" else "small"
    model = own_photos.TUNED.model | {"backbone": base}
    short = dataclasses.replace(own_photos.TUNED, image_size=64, model=model, audition=(f"{base}@64",))
    monkeypatch.setattr(own_photos, "TUNED", short)

    command, walked, most = f"python -m recipes.doctor {shlex.quote(str(photos))}", [], 0
    while command:
        walked.append(command.split()[2])
        assert call(command) == 0, command
        captured = capsys.readouterr()
        lines = [line for line in (captured.out + captured.err).splitlines() if line.startswith("next ")]
        most = max(most, len(lines))
        for line in lines:  # Each can be copied.
            assert shlex.split(line)[1:3] == ["python", "-m"]
        command = lines[-1].removeprefix("next").strip() if lines else ""
        command = command.replace("IMAGE_OR_FOLDER", shlex.quote(str(next(photos.rglob("*.*g")))))
    assert walked == ["recipes.doctor", "recipes.run", "recipes.predict", "recipes.export", "recipes.verify"]
    assert most <= 2
    assert "answers as it should" in captured.out
