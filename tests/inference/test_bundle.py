"""Bundles: every format answers as the run does, or is not kept."""

import dataclasses
import errno
import functools
import json
import re
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
from conftest import ROOT
from photo_files import CLASSES, claiming, encoded, swapped_profile, write_photos
from PIL import Image
from sklearn.datasets import load_sample_images

import recipes
import zoo
from recipes import export, run, verify
from recipes.data.decode import decode
from recipes.evaluate import none_of_these
from recipes.files import manifest as manifests
from recipes.files import model_notes
from recipes.inference.bundle import FORMATS, originals
from recipes.inference.bundle.formats import RUNTIMES
from recipes.inference.bundle.preparation import preparation
from recipes.recipe import SQUARES
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
    (folder / none_of_these.FILE).unlink()
    del manifest["files"][none_of_these.FILE]
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
    assert "failed" not in out
    assert facts["bundle_format"] == 2
    assert facts["made_with"].keys() > {"python", "keras-zoo-recipes", "keras"}
    assert "not installed" not in facts["made_with"].values()
    assert call(export, trained, "--to", kind, "--out", bundle)[0] == 2


def test_an_onnx_file_has_the_names_of_the_network(trained, bundle_of):
    import onnxruntime

    session = onnxruntime.InferenceSession(bundle_of("onnx") / "model.onnx")
    (entrance,), outputs = session.get_inputs(), session.get_outputs()
    network = keras.saving.load_model(trained / "model.keras", compile=False)
    assert (entrance.name, entrance.shape) == ("image", ["batch", 80, 80, 3])
    assert [output.name for output in outputs] == [*network.output_names, "likeness"]
    assert [output.shape for output in outputs] == [["batch", 3], ["batch", 1]]


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


def test_a_network_with_gelu_constants_and_regularized_activities_goes_into_onnx(trained, tmp_path, call):
    image = keras.Input((80, 80, 3))
    scaled = keras.layers.Normalization(mean=[99.0] * 3, variance=[8000.0] * 3)(image)
    maps = keras.layers.Conv2D(4, 3, strides=4, activation="gelu", activity_regularizer="l1")(scaled)
    maps = keras.layers.ActivityRegularization(l2=0.1)(maps)
    maps = maps + keras.layers.Embedding(20, 4)(keras.ops.arange(20))
    rows = keras.layers.GRU(4)(keras.layers.Reshape((20, -1))(maps))
    model = keras.Model(image, keras.layers.Dense(3, activation="softmax")(rows))
    run = with_network(trained, tmp_path / "run", model, CLASSES)
    code, out, err = call(export, run, "--to", "onnx", "--out", tmp_path / "bundle")
    assert code == 0, err
    assert "compared on 8 images" in out
    assert "Removed" not in err


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


def resigned(bundle, change):
    """Change the facts of a bundle, and say that its files are as they should be."""
    facts = json.loads((bundle / "bundle.json").read_text())
    change(facts)
    for name in facts["files"]:
        if (bundle / name).is_file():
            facts["files"][name] = sha256_of(bundle / name)
    (bundle / "bundle.json").write_text(json.dumps(facts))


def test_a_bundle_changed_by_hand_is_refused_before_it_is_decoded_or_run(bundle_of, call, tmp_path):
    def changed(name, change_files=lambda bundle, image: None, change_facts=lambda facts: None):
        bundle = tmp_path / name
        shutil.copytree(bundle_of("openvino"), bundle)
        image = bundle / json.loads((bundle / "bundle.json").read_text())["golden"][0]["file"]
        change_files(bundle, image)
        resigned(bundle, change_facts)
        code, _, err = call(verify, bundle)
        assert (code, err.count("\n")) == (9, 1), err
        return err

    def linked(bundle, image):
        shutil.copyfile(image, tmp_path / "elsewhere.png")
        image.unlink()
        image.symlink_to(tmp_path / "elsewhere.png")

    assert "200 x 200 pixels in place of 80 x 80" in changed(
        "large", lambda bundle, image: Image.new("RGB", (200, 200)).save(image)
    )
    assert "more than 50 million" in changed("bomb", lambda bundle, image: image.write_bytes(claiming(12_000, 12_000)))
    assert "not an image" in changed("text", lambda bundle, image: image.write_bytes(b"no image"))
    assert "leads out of the bundle" in changed("link", linked)
    assert "input.shape: This value cannot be" in changed(
        "shape", change_facts=lambda facts: facts["input"].update(shape=[10**6] * 3)
    )
    assert "input.square: Input should be 'squash'" in changed(
        "square", change_facts=lambda facts: facts["input"].update(square="round")
    )
    for name in ("model.xml", "model.bin", "golden/00.png"):  # Nothing would tell that it changed.
        assert f"bundle.json is damaged: files: {name} is missing" in changed(
            name.replace("/", " "), change_facts=lambda facts, name=name: facts["files"].pop(name)
        )
    assert "golden: List should have at least 1 item" in changed(
        "none", change_facts=lambda facts: facts.update(golden=[])
    )


def test_a_bundle_goes_into_a_folder_of_its_own(trained, call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("mine")
    (tmp_path / "album").mkdir()
    (tmp_path / "album" / "mine.jpg").write_bytes(b"x")
    photos = Path(manifests.read(trained).data.path)
    for out in (".", "/", "", "file", "album", photos / "bundle"):
        assert call(export, trained, "--out", out)[0] == 2, out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["album", "file"]


def test_a_disk_that_is_full_is_not_the_networks_fault(trained, call, tmp_path, monkeypatch):
    def full(path, notes):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(model_notes, "add", full)
    code, _, err = call(export, trained, "--to", "keras", "--out", tmp_path / "bundle")
    assert (code, "model.keras cannot be written: the disk is full" in err) == (6, True), err
    assert not (tmp_path / "bundle").exists()


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


def odd_photos(folder):
    """Photos of sizes that a decoder does much to: large, of other colours, turned, transparent, grey, wide."""
    temple, flower = (Image.fromarray(pixels) for pixels in load_sample_images().images)
    turned = Image.Exif()
    turned[0x0112] = 6
    clear = flower.resize((233, 310)).convert("RGBA")
    clear.putalpha(Image.linear_gradient("L").resize(clear.size))
    files = {
        "temple/large.jpg": encoded(temple.resize((1501, 1003)), quality=90, icc_profile=swapped_profile()),
        "temple/turned.jpg": encoded(temple.resize((403, 277)), exif=turned),
        "temple/wide.png": encoded(temple.crop((0, 100, 640, 171)), "PNG"),
        "flower/transparent.png": encoded(clear, "PNG"),
        "flower/grey.jpg": encoded(flower.convert("L").resize((131, 97))),
        "flower/cmyk.jpg": encoded(flower.convert("CMYK")),
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return [folder / name for name in files]


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """A short run of such photos, cropped, all of which are test images; the photos, and its bundle for ONNX."""
    root = tmp_path_factory.mktemp("odd")
    write_photos(root / "photos" / "train", number=12)
    shutil.rmtree(root / "photos" / "train" / "옷")
    odd = odd_photos(root / "photos" / "test")
    settings = "square=crop image_size=80 phases.train.epochs=2 phases.train.average_epochs=0".split()
    given = [part for setting in settings for part in ("--set", setting)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_ZOO_CACHE", str(root / "cache"))
        asked = ["dogs_vs_cats_aug", "--data", str(root / "photos"), *given, "--export", "onnx"]
        assert run.main([*asked, "--out", str(root / "run")]) == 0
    return root / "run", odd, root / "run" / "export" / "onnx"


@pytest.fixture(scope="module")
def strangers():
    """What docs/en/elsewhere.md defines for those who have a bundle and not this package."""
    page = (ROOT / "docs" / "en" / "elsewhere.md").read_text(encoding="utf-8")
    (lines,) = (
        body for body in re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE) if "def answers" in body
    )
    assert not re.search(r"^(import|from) (recipes|zoo)", lines, re.MULTILINE)
    names = {}
    exec(compile(lines, "docs/en/elsewhere.md", "exec"), names)  # noqa: S102
    return names


def test_the_lines_of_the_docs_answer_on_files_as_the_run_does(odd, strangers):
    folder, photos, bundle = odd
    said = recipes.load(folder).predict(photos)
    assert not said.problems
    answers = strangers["answers"](bundle, photos)
    assert list(answers[0]) == ["flower", "temple"]
    np.testing.assert_allclose([list(row.values()) for row in answers], said.probabilities, atol=1e-3)
    facts = json.loads((bundle / "bundle.json").read_text())
    assert len(facts["originals"]) == 3
    answers = strangers["answers"](bundle, [bundle / image["file"] for image in facts["originals"]])
    told = [image["probabilities"] for image in facts["originals"]]
    np.testing.assert_allclose([list(row.values()) for row in answers], told, atol=1e-3)
    assert np.ptp(said.probabilities) > 0.05
    for rate in facts["none_of_these"]["least"]:
        told = recipes.load(folder).predict(photos, none_of_these=float(rate) + 1e-6)
        assert strangers["none_of_these"](bundle, photos, rate) == told.refused.tolist()


@pytest.mark.parametrize("square", SQUARES)
@pytest.mark.parametrize("shape", [(48, 48, 3), (160, 160, 3), (28, 28, 1), (40, 56, 3)])
def test_the_lines_of_the_docs_give_the_pixels_that_a_network_sees(odd, strangers, shape, square):
    facts = preparation(shape, square)
    for photo in odd[1]:
        pixels = strangers["pixels"](photo, facts["shape"], facts["square"], facts["fill"])
        np.testing.assert_array_equal(pixels, decode(photo.read_bytes(), shape[:2], shape[2], square), photo.name)


def test_originals_are_files_as_they_came_and_may_be_deleted(odd, call, tmp_path, caplog):
    folder, photos, _ = odd
    bundle = tmp_path / "bundle"
    code, out, err = call(export, folder, "--out", bundle)
    assert code == 0, err
    assert "compared on 6 images and 3 original files" in out
    assert "golden/originals holds photos as they came, with what the camera noted: look before" in caplog.text
    contents = {path.read_bytes() for path in photos}
    facts = json.loads((bundle / "bundle.json").read_text())
    assert {(bundle / image["file"]).read_bytes() for image in facts["originals"]} < contents
    assert model_notes.read(bundle / "model.keras") == model_notes.Notes(
        class_names=["flower", "temple"], square="crop"
    )
    assert (facts["input"]["square"], facts["input"]["fill"]) == ("crop", 128)
    assert "Its square is `crop`" in (bundle / "README.md").read_text()
    (bundle / facts["originals"][0]["file"]).unlink()
    assert "6 images and 2 original files" in call(verify, bundle)[1]
    facts["originals"][1]["probabilities"] = facts["originals"][1]["probabilities"][::-1]
    (bundle / "bundle.json").write_text(json.dumps(facts))
    code, _, err = call(verify, bundle)
    assert (code, "are decoded otherwise here" in err) == (4, True)
    shutil.rmtree(bundle / "golden" / "originals")
    assert "answers as it should on 6 images (" in call(verify, bundle)[1]


def test_a_photo_that_changed_or_went_is_no_original(odd, call, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(odd[0], folder, ignore=shutil.ignore_patterns("export"))
    shutil.copytree(odd[1][0].parents[2], tmp_path / "photos")
    manifest = json.loads((folder / "manifest.json").read_text())
    for path, number in ((tmp_path / "photos", 3), (tmp_path / "gone", 0)):
        manifest["data"]["path"] = str(path)
        (folder / "manifest.json").write_text(json.dumps(manifest))
        assert len(originals.find(folder, manifests.read(folder), arrays(folder))) == number
    manifest["data"]["path"] = str(tmp_path / "photos")
    (folder / "manifest.json").write_text(json.dumps(manifest))
    for photo in (tmp_path / "photos" / "test").glob("*/*"):
        photo.write_bytes(odd[1][1].read_bytes() + b"more")
    assert len(originals.find(folder, manifests.read(folder), arrays(folder))) <= 1
    (folder / "predictions.csv").write_text("id,truth\n")
    assert originals.find(folder, manifests.read(folder), arrays(folder)) == {}


def test_originals_of_a_data_set_are_its_images_as_they_are_stored(odd, tmp_path, monkeypatch):
    folder = tmp_path / "run"
    shutil.copytree(odd[0], folder, ignore=shutil.ignore_patterns("export"))
    manifest = json.loads((folder / "manifest.json").read_text())
    root, asked = Path(manifest["data"]["path"]), []

    def stored(origin, names):
        asked.append(origin)
        return {name: (root / name).read_bytes() for name in names}

    monkeypatch.setattr(originals, "stored", stored)
    for kind, number in (("tfds", 3), ("download", 0), ("sample", 0)):
        manifest["data"]["kind"] = kind
        (folder / "manifest.json").write_text(json.dumps(manifest))
        assert len(originals.find(folder, manifests.read(folder), arrays(folder))) == number
    assert [(origin.kind, origin.path) for origin in asked] == [("tfds", root)]


def arrays(run):
    return {path.stem: np.asarray(Image.open(path)) for path in sorted((run / "golden").glob("*.png"))}
