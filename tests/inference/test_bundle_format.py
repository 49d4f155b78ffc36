"""A bundle is a format with a number, by which it is read or refused; a check of it tells all that it looked at."""

import json

import numpy as np
import pytest
from conftest import ROOT
from PIL import Image

from recipes import verify
from recipes.inference import saved
from recipes.inference.bundle import facts, formats
from zoo.checksum import sha256_of

SCHEMA = ROOT / "recipes" / "inference" / "bundle" / "bundle.schema.json"
NUMBERED = {"bundle_format": 2, "made_with": {"keras-zoo-recipes": "0.1.0", "json": "1"}}


@pytest.fixture
def bundle(tmp_path, monkeypatch):
    """A bundle of two images in a format that needs no runtime, and a function that writes its facts."""

    def load(path, modules):
        return lambda batch: [np.stack([[1 - row.mean() / 255, row.mean() / 255] for row in batch])]

    runtime = formats.Runtime("model.stub", "stub", ("json",), lambda model, path: None, load)
    monkeypatch.setitem(formats.RUNTIMES, "stub", runtime)
    folder = tmp_path / "bundle"
    (folder / "golden").mkdir(parents=True)
    for name, colour in (("0", "black"), ("1", "white")):
        Image.new("RGB", (8, 8), colour).save(folder / "golden" / f"{name}.png")
    (folder / "model.stub").write_bytes(b"model")

    def write(**changes):
        files = {name: sha256_of(folder / name) for name in ("golden/0.png", "golden/1.png", "model.stub")}
        golden = [{"file": f"golden/{n}.png", "probabilities": [1.0 - n, float(n)]} for n in (0, 1)]
        said = {"format": "stub", "files": files, "golden": golden, "class_names": ["옷", "b"]}
        said |= {"input": {"shape": [8, 8, 3], "square": "squash", "decoder": "x"}}
        (folder / "bundle.json").write_text(json.dumps(said | changes), encoding="utf-8")
        return folder

    return write


@pytest.mark.parametrize(("number", "changes"), [(1, {}), (2, NUMBERED)])
def test_bundles_of_every_format_so_far_are_read(bundle, call, number, changes):
    code, out, err = call(verify, bundle(**changes))
    assert (code, err) == (0, "")
    assert f"bundle format {number}" in out
    assert "answers as it should on 2 images" in out
    assert number <= facts.FORMAT


def test_a_later_format_is_refused_by_its_number_and_maker(bundle, call):
    later = {"bundle_format": facts.FORMAT + 1, "made_with": {"keras-zoo-recipes": "9.9"}, "golden": "another form"}
    code, out, err = call(verify, bundle(**later))
    assert (code, err.count("\n")) == (4, 1)
    assert f"has the bundle format {facts.FORMAT + 1}" in err
    assert "made by keras-zoo-recipes 9.9: pip install --upgrade" in err
    assert "failed" in out


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"bundle_format": 0}, "bundle_format"),
        ({"format": "pickle"}, "format cannot be 'pickle'"),
        ({"golden": []}, "golden"),
        ({"class_names": [1, 2]}, "class_names.0"),
        ({"class_names": ["one"]}, "gives (2, 2) in place of (2, 1)"),
        ({"input": {"shape": [8, 8, 2]}}, "input.shape"),
        ({"files": {"model.stub": "short"}}, "files.model.stub"),
        ({"files": {"../elsewhere": "0" * 64}}, "leads out of the bundle"),
        ({"files": {"a\0b": "0" * 64}}, "leads out of the bundle"),
    ],
)
def test_a_field_that_cannot_be_is_named(bundle, call, changes, words):
    code, _, err = call(verify, bundle(**changes))
    assert (code, err.count("\n")) == (9, 1), err
    assert words in err


def test_a_bundle_that_brings_a_module_is_refused_and_nothing_of_it_is_run(bundle, call, monkeypatch):
    folder = bundle(modules=["theirs_for_test.layers"])
    (folder / "theirs_for_test").mkdir()
    (folder / "theirs_for_test" / "__init__.py").write_text("raise SystemExit('run')")
    monkeypatch.syspath_prepend(str(folder))  # As by `python -m` in the bundle's folder.
    code, _, err = call(verify, folder)
    assert (code, "brings the module 'theirs_for_test.layers' itself, which is not to be trusted" in err) == (9, True)


def test_each_missing_and_changed_file_is_named_in_a_row_and_in_the_line(bundle, call):
    folder = bundle()
    (folder / "golden" / "1.png").unlink()
    (folder / "model.stub").write_bytes(b"another")
    code, out, err = call(verify, folder)
    assert code == 9
    assert "missing: golden/1.png; changed: model.stub" in err
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines()}
    assert rows["golden/0.png"][0] == "ok"
    assert rows["golden/1.png"][:2] == ["failed", "missing"]
    assert rows["model.stub"][0] == "failed"


def test_every_check_is_a_row_with_what_was_found_and_expected(bundle, call):
    wrong = [{"file": "golden/0.png", "probabilities": [1, 0]}, {"file": "golden/1.png", "probabilities": [0.6, 0.4]}]
    code, out, err = call(verify, bundle(golden=wrong), "--json")
    assert code == 9
    assert "golden/1.png becomes 'b'" in err
    said = json.loads(out)
    rows = {check["what"]: check for check in said["checks"]}
    assert not said["ok"]
    assert rows["model.stub"]["ok"]
    assert rows["runtime json"]["ok"]
    assert rows["answer on golden/0.png"] == {
        "what": "answer on golden/0.png", "ok": True, "found": "옷 1.0000", "expected": "옷 1.0000, to 0.0001",
    }  # fmt: skip
    assert not rows["answer on golden/1.png"]["ok"]
    assert rows["answer on golden/1.png"]["found"] == "b 1.0000"


def test_the_schema_beside_the_code_says_what_is_read():
    def fields(schema):
        parts = [schema, *schema["$defs"].values()]
        return {part["title"]: (sorted(part["properties"]), sorted(part["required"])) for part in parts}

    written = json.loads(SCHEMA.read_text(encoding="utf-8"))
    assert fields(written) == fields(facts.schema()), "python -m recipes.inference.bundle.facts"


@pytest.mark.parametrize("content", ["[]", '{"files": []}', '{"files": {"model.keras": 1}}'])
def test_what_lies_beside_a_network_and_is_no_index_is_passed_over(tmp_path, content):
    (tmp_path / "model.keras").write_bytes(b"x")
    (tmp_path / "bundle.json").write_text(content)
    assert saved._beside(tmp_path / "model.keras") == {}
