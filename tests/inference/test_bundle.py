"""Bundles: every format answers as the run does, or is not kept."""

import dataclasses
import functools
import json
import shutil

import keras
import numpy as np
import pytest
from photo_files import CLASSES
from PIL import Image

import zoo
from recipes import export, run, verify
from recipes.inference.bundle import FORMATS
from recipes.inference.bundle.formats import RUNTIMES
from zoo.checksum import sha256_of


@pytest.fixture(scope="module")
def bundle_of(trained, tmp_path_factory):
    """The bundle of that run in a format; each is made once."""

    @functools.cache
    def made(kind):
        folder = tmp_path_factory.mktemp("bundles") / kind
        assert export.main([str(trained), "--to", kind, "--out", str(folder)]) == 0
        return folder

    return made


def with_network(run, folder, model, class_names):
    """A finished run of another network: that run's folder with what differs put in its place."""
    shutil.copytree(run, folder)
    model.save(folder / "model.keras")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"]["model.keras"] = sha256_of(folder / "model.keras")
    manifest["data"]["class_names"] = list(class_names)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.mark.parametrize("kind", FORMATS)
def test_every_bundle_answers_as_the_run_does(trained, bundle_of, call, kind):
    bundle = bundle_of(kind)
    facts = json.loads((bundle / "bundle.json").read_text())
    assert facts["class_names"] == list(CLASSES)
    assert facts["input"]["shape"] == [80, 80, 3]
    card = (bundle / "README.md").read_text()
    assert card.startswith("---\n")
    assert "옷" in card
    code, out, _ = call(verify, bundle)
    assert code == 0
    assert f"{kind} answers as it should on 8 images" in out
    assert call(export, trained, "--to", kind, "--out", bundle)[0] == 2


def test_a_format_is_added_by_one_entry(trained, call, tmp_path, monkeypatch):
    monkeypatch.setitem(RUNTIMES, "another", dataclasses.replace(RUNTIMES["keras"], file="another.keras"))
    code, out, err = call(export, trained, "--to", "another", "--out", tmp_path / "bundle")
    assert code == 0, err
    assert (tmp_path / "bundle" / "another.keras").is_file()
    assert "another answers as it should on 8 images" in call(verify, tmp_path / "bundle")[1]
    assert "another" in run.parser().format_help()


def thinned(model):
    """The same network with an eighth of its filters and units."""

    def thin(layer):
        config = layer.get_config()
        for size in {"filters", "units"} & config.keys():
            if layer.name != model.layers[-1].name:
                config[size] //= 8
        return type(layer).from_config(config)

    return keras.models.clone_model(model, clone_function=thin)


@pytest.fixture(scope="module")
def vgg16(trained, tmp_path_factory):
    """A run of VGG16 over 32 x 32 pixels, and one of its thin likeness."""
    keras.utils.set_random_seed(0)
    whole = zoo.get("vgg16_feature_extract", input_shape=(32, 32, 3), classes=len(CLASSES), weights=None)
    runs = {}
    for size, model in {"whole": whole, "thin": thinned(whole)}.items():
        runs[size] = with_network(trained, tmp_path_factory.mktemp("vgg16") / size, model, CLASSES)
        for path in (runs[size] / "golden").iterdir():
            Image.open(path).resize((32, 32)).save(path)
    return runs


@pytest.mark.parametrize("kind", FORMATS)
def test_vgg16_goes_into_every_format(vgg16, call, tmp_path, kind):
    """As a whole into what people deploy it in; for the other formats its layers are the point, not their size."""
    size = "whole" if kind in ("onnx", "openvino") else "thin"
    code, out, err = call(export, vgg16[size], "--to", kind, "--out", tmp_path / kind)
    assert code == 0, err
    assert "loaded again and compared on 8 images" in out
    shutil.rmtree(tmp_path / kind)


def test_two_classes_go_out_as_one_number(trained, tmp_path, call):
    keras.utils.set_random_seed(0)
    model = zoo.get("dogs_vs_cats_aug", input_shape=(80, 80, 3), classes=2)
    run = with_network(trained, tmp_path / "run", model, ["flower", "temple"])
    assert call(export, run, "--to", "onnx", "--out", tmp_path / "bundle")[0] == 0
    facts = json.loads((tmp_path / "bundle" / "bundle.json").read_text())
    assert facts["output"] == "one number: the probability of 'temple'"
    np.testing.assert_allclose([sum(image["probabilities"]) for image in facts["golden"]], 1)


def test_a_bundle_that_changed_is_found_out(bundle_of, call, tmp_path):
    bundle = tmp_path / "bundle"
    shutil.copytree(bundle_of("openvino"), bundle)
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
    from recipes.inference.bundle import formats

    def wrong(model, path):
        copy = keras.models.clone_model(model)
        copy.save(path)

    sound = formats.RUNTIMES["keras"]
    broken = dataclasses.replace(sound, write=wrong)
    monkeypatch.setitem(formats.RUNTIMES, "keras", broken)
    code, _, err = call(export, trained, "--out", tmp_path / "bundle")
    assert code == 9
    assert "answers otherwise" in err
    assert not list(tmp_path.iterdir())


def test_a_missing_runtime_is_said_first(trained, call, run_cli, photos, tmp_path, monkeypatch):
    from recipes.inference.bundle import formats

    sound = formats.RUNTIMES["onnx"]
    absent = dataclasses.replace(sound, needs=("no_such_module",))
    monkeypatch.setitem(formats.RUNTIMES, "onnx", absent)
    code, _, err = call(export, trained, "--to", "onnx", "--out", tmp_path / "bundle")
    assert code == 4
    assert "pip install 'keras-zoo-recipes[export]'" in err
    assert run_cli("dogs_vs_cats_aug", "--data", photos, "--out", tmp_path / "run", "--export", "onnx")[0] == 4
    assert not (tmp_path / "run").exists()
