"""Bundles: every format answers as the run does, or is not kept."""

import json
import shutil

import keras
import numpy as np
import pytest
from conftest import SMALL
from photo_files import CLASSES, write_photos

from recipes import export, verify
from recipes.bundle import FORMATS


@pytest.mark.parametrize("kind", FORMATS)
def test_every_bundle_answers_as_the_run_does(trained, call, tmp_path, kind):
    code, out, err = call(export, trained, "--to", kind, "--out", tmp_path / kind)
    assert code == 0, err
    assert "compared on 8 images" in out
    facts = json.loads((tmp_path / kind / "bundle.json").read_text())
    assert facts["class_names"] == list(CLASSES)
    assert facts["input"]["shape"] == [80, 80, 3]
    card = (tmp_path / kind / "README.md").read_text()
    assert card.startswith("---\n")
    assert "옷" in card
    code, out, _ = call(verify, tmp_path / kind)
    assert code == 0
    assert f"{kind} answers as it should on 8 images" in out
    assert call(export, trained, "--to", kind, "--out", tmp_path / kind)[0] == 2


def test_vgg16_goes_into_every_format(photos, tmp_path, run_cli, call):
    code, _, err = run_cli(
        "vgg16_feature_extract", "--data", photos, "--out", tmp_path / "run", "--weights", "none", "--smoke",
        "--set", "image_size=32", "--set", "engine=keras",
    )  # fmt: skip
    assert code == 0, err
    for kind in FORMATS:
        assert call(export, tmp_path / "run", "--to", kind, "--out", tmp_path / kind)[0] == 0
        assert call(verify, tmp_path / kind)[0] == 0
        shutil.rmtree(tmp_path / kind)


def test_two_classes_go_out_as_one_number(tmp_path, run_cli, call):
    write_photos(tmp_path / "photos")
    shutil.rmtree(tmp_path / "photos" / "옷")
    code, _, err = run_cli("dogs_vs_cats_aug", "--data", tmp_path / "photos", "--out", tmp_path / "run", *SMALL)
    assert code == 0, err
    assert call(export, tmp_path / "run", "--to", "onnx", "--out", tmp_path / "bundle")[0] == 0
    facts = json.loads((tmp_path / "bundle" / "bundle.json").read_text())
    assert facts["output"] == "one number: the probability of 'temple'"
    np.testing.assert_allclose([sum(image["probabilities"]) for image in facts["golden"]], 1)


def test_a_bundle_that_changed_is_found_out(trained, call, tmp_path):
    bundle = tmp_path / "bundle"
    assert call(export, trained, "--to", "openvino", "--out", bundle)[0] == 0
    facts = json.loads((bundle / "bundle.json").read_text())
    facts["golden"][0]["probabilities"] = facts["golden"][0]["probabilities"][::-1]
    (bundle / "bundle.json").write_text(json.dumps(facts))
    code, _, err = call(verify, bundle)
    assert code == 9
    assert "answers otherwise" in err
    (bundle / "model.bin").write_bytes(b"")
    assert call(verify, bundle)[0] == 9
    assert call(verify, tmp_path)[0] == 2


def test_a_bundle_that_answers_otherwise_is_deleted(trained, call, tmp_path, monkeypatch):
    from recipes.bundle import runtimes

    def wrong(model, path):
        copy = keras.models.clone_model(model)
        copy.save(path)

    sound = runtimes.RUNTIMES["keras"]
    broken = runtimes.Runtime(sound.file, sound.needs, wrong, sound.load)
    monkeypatch.setitem(runtimes.RUNTIMES, "keras", broken)
    code, _, err = call(export, trained, "--out", tmp_path / "bundle")
    assert code == 9
    assert "answers otherwise" in err
    assert not list(tmp_path.iterdir())


def test_a_missing_runtime_is_said_first(trained, call, run_cli, photos, tmp_path, monkeypatch):
    from recipes.bundle import runtimes

    sound = runtimes.RUNTIMES["onnx"]
    absent = runtimes.Runtime(sound.file, ("no_such_module",), sound.write, sound.load)
    monkeypatch.setitem(runtimes.RUNTIMES, "onnx", absent)
    code, _, err = call(export, trained, "--to", "onnx", "--out", tmp_path / "bundle")
    assert code == 4
    assert "pip install 'keras-zoo-recipes[export]'" in err
    assert run_cli("dogs_vs_cats_aug", "--data", photos, "--out", tmp_path / "run", "--export", "onnx")[0] == 4
    assert not (tmp_path / "run").exists()
