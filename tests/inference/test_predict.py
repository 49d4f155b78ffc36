"""What a finished run says of new photos: on the command line and in Python."""

import csv
import io
import json
import os
import shutil
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import needs_posix
from photo_files import CLASSES, write_photos
from PIL import Image

import recipes
from recipes import explain, predict
from recipes.data.decode import decode
from recipes.data.samples import SAMPLES
from recipes.data.samples.pictures import picture
from recipes.errors import CorruptFault, UsageFault
from recipes.files import model_notes
from recipes.files.model_notes import Notes
from recipes.inference import explanations
from recipes.pages.classify import ClassifyPage


def test_predict_goes_on_past_bad_files(trained, photos, call, tmp_path):
    code, out, err = call(predict, trained, photos / "temple", photos / "flower" / "page.jpg", "--json")
    assert code == 0
    found = json.loads(out)
    assert {problem["path"].rsplit("/", 1)[1] for problem in found["problems"]} == {
        "empty.jpg", "truncated.jpg", "page.jpg",
    }  # fmt: skip
    assert "3 of" in err
    good = [image["path"].rsplit("/", 1)[1] for image in found["images"]]
    assert {"00.jpg", "rotated.jpg", "cmyk.jpg", "caf\\xe9.jpg"} <= set(good)
    assert ".hidden.jpg" not in good
    assert found["accuracy"] is None


def test_a_folder_that_is_given_twice_is_asked_about_once(trained, photos, call):
    temple = photos / "temple"
    once = json.loads(call(predict, trained, temple, "--json")[1])
    code, out, err = call(predict, trained, temple, f"{temple}/../temple", temple / "00.jpg", "--json")
    number = len(once["images"]) + len(once["problems"])
    assert (code, json.loads(out)) == (0, once), err
    assert f"NOTICE {number + 1} of {2 * number + 1} photos are named again: each is asked about once." in err


def test_photos_that_only_an_extra_reads_are_named_and_counted(trained, photos, call, tmp_path, monkeypatch):
    monkeypatch.setattr("recipes.data.decode.FORMATS", ("JPEG", "PNG"))
    shutil.copy(photos / "temple" / "00.jpg", tmp_path / "IMG_0001.jpg")
    for number in (2, 3):
        (tmp_path / f"IMG_000{number}.HEIC").write_bytes(b"\0\0\0\x18ftypheic" + bytes([number] * 100))
    code, out, err = call(predict, trained, tmp_path, "--json")
    assert (code, "2 of 3" in err) == (0, True), err
    problems = {problem["path"][-13:]: problem["reason"] for problem in json.loads(out)["problems"]}
    assert problems.keys() == {"IMG_0002.HEIC", "IMG_0003.HEIC"}
    assert all("pip install 'keras-zoo-recipes[heic]'" in words for words in problems.values())
    assert call(predict, trained, tmp_path, "--csv", tmp_path / "said.csv")[0] == 0
    rows = list(csv.DictReader((tmp_path / "said.csv").open(encoding="utf-8")))
    assert [("heic" in row["problem"], bool(row["prediction"])) for row in rows] == [
        (False, True), (True, False), (True, False),
    ]  # fmt: skip


def test_predict_says_what_the_run_said(trained, photos, call, tmp_path):
    rows = list(csv.DictReader((trained / "predictions.csv").open(encoding="utf-8")))
    paths = [photos / row["id"] for row in rows]
    code, out, err = call(predict, trained, *paths, "--csv", tmp_path / "table.csv", "--top", 2)
    assert (code, out) == (0, "")
    assert f"{len(paths)} rows in" in err
    table = list(csv.DictReader((tmp_path / "table.csv").open(encoding="utf-8")))
    assert [row["prediction"] for row in table] == [row["prediction"] for row in rows]
    for name in CLASSES:
        said, reported = ([float(row[f"probability {name}"]) for row in one] for one in (table, rows))
        np.testing.assert_allclose(said, reported, atol=1e-4)


def test_predict_scores_a_folder_of_classes_and_refuses_another(trained, photos, call, tmp_path):
    root = tmp_path / "photos"
    write_photos(root, number=4, seed=11)
    code, out, _ = call(predict, trained, root)
    assert code == 0
    assert "of 12 photos, by their folders)" in out
    (root / "temple").rename(root / "castle")
    code, _, err = call(predict, trained, root)
    assert code == 3
    assert "holds the classes castle, and the model knows flower, temple, 옷" in err
    code, out, _ = call(predict, trained, root, "--unlabelled")
    assert code == 0
    assert "by their folders" not in out


def test_a_table_is_never_written_over_what_is_asked_about(tmp_path, call):
    """Before the run is looked at: a labelled table or a photo would be lost."""
    (tmp_path / "album").mkdir()
    photo, table = tmp_path / "album" / "1.jpg", tmp_path / "labels.csv"
    photo.write_bytes(b"a photo")
    table.write_text("path,label\nalbum/1.jpg,cat\n")
    for asked, place, words in (
        (table, table, "is read by this command, and would be written over"),
        (photo, photo, "is read by this command"),
        (photo, table, "holds something else than this command writes, and would be lost"),
        (tmp_path / "album", photo, "is called as a photo"),
        (table, tmp_path / "other.jpg", "is called as a photo"),
        (photo, tmp_path / "album", "album is a folder. Name a file in it"),
        (photo, "", ". is a folder. Name a file in it"),
    ):
        code, _, err = call(predict, tmp_path / "run", asked, "--csv", place)
        assert (code, words in err) == (2, True), err
    assert photo.read_bytes() == b"a photo"
    assert table.read_text().startswith("path,label")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["album", "labels.csv"]


def test_predict_without_a_readable_photo_or_a_run_fails(trained, photos, call, tmp_path):
    assert call(predict, trained, photos / "temple" / "empty.jpg")[0] == 3
    assert call(predict, trained, tmp_path / "nothing.jpg")[0] == 3
    assert call(predict, trained, tmp_path)[0] == 3
    assert call(predict, tmp_path, photos / "temple" / "00.jpg")[0] == 2
    assert call(predict, trained, photos / "temple" / "00.jpg", "--top", 0)[0] == 2


def test_a_predictor_takes_paths_and_arrays(trained, photos):
    predictor = recipes.load(trained)
    paths = sorted((photos / "flower").glob("0*.jpg"))
    from_paths = predictor.predict(paths)
    arrays = [np.asarray(Image.open(path)) for path in paths]
    assert from_paths.predictions == predictor.predict(arrays).predictions
    np.testing.assert_allclose(from_paths.probabilities.sum(axis=1), 1, atol=1e-6)
    assert predictor.predict(arrays[0][..., 0][np.newaxis]).probabilities.shape == (1, 3)
    assert len(predictor.predict([])) == 0
    assert predictor.predict([photos / "gone.jpg"]).problems == {
        str(photos / "gone.jpg"): "cannot be read: No such file or directory"
    }


def test_a_photo_in_any_form_has_the_same_answer(trained, photos):
    predictor = recipes.load(trained)
    path = photos / "flower" / "00.jpg"
    wanted = predictor.predict([path]).probabilities
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB"))
        forms = [path, str(path), path.read_bytes(), picture, pixels, pixels[np.newaxis], tf.constant(pixels), [pixels]]
        forms += [bytearray(path.read_bytes()), io.BytesIO(path.read_bytes()), [io.BytesIO(path.read_bytes())]]
        for form in forms:
            table = predictor.predict(form)
            np.testing.assert_allclose(table.probabilities, wanted, atol=0.02, err_msg=str(type(form)))
    with Image.open(photos / "temple" / "rotated.jpg") as turned:
        as_file, as_picture = predictor.predict([photos / "temple" / "rotated.jpg"]), predictor.predict(turned)
    np.testing.assert_allclose(as_picture.probabilities, as_file.probabilities, atol=0.02)
    frame = predictor.predict([path, photos / "temple" / "00.jpg"]).to_pandas()
    assert list(frame.columns) == ["prediction", *CLASSES]
    assert list(frame.index) == [str(path), str(photos / "temple" / "00.jpg")]


@pytest.mark.parametrize("square", ["crop", "letterbox"])
def test_a_photo_becomes_a_square_as_in_the_run_in_every_form(trained, photos, call, tmp_path, monkeypatch, square):
    run = with_square(trained, tmp_path / "run", square)
    predictor = recipes.load(run)
    wide = tmp_path / "wide.png"
    Image.open(photos / "temple" / "wide.jpg").save(wide)
    pixels = decode(wide.read_bytes(), (80, 80), 3, square)
    wanted = predictor.probabilities(pixels[np.newaxis])
    assert np.abs(wanted - recipes.load(trained).predict(wide).probabilities).max() > 1e-3
    with Image.open(wide) as picture:
        for form in (wide, wide.read_bytes(), picture, np.asarray(picture), np.asarray(picture)[np.newaxis]):
            found = predictor.predict(form).probabilities
            np.testing.assert_allclose(found, wanted, atol=1e-6, err_msg=str(type(form)))
    (tmp_path / "table.csv").write_text(f"path\n{wide}\n")
    with zipfile.ZipFile(tmp_path / "album.zip", "w") as archive:
        archive.write(wide, "wide.png")
    for form in (wide, tmp_path / "table.csv", tmp_path / "album.zip"):
        assert call(predict, run, form, "--csv", tmp_path / "said.csv")[0] == 0
        (row,) = csv.DictReader((tmp_path / "said.csv").open(encoding="utf-8"))
        np.testing.assert_allclose([float(row[f"probability {name}"]) for name in CLASSES], wanted[0], atol=1e-5)
    served = ClassifyPage(predictor).classify(wide.read_bytes())["classes"]
    np.testing.assert_allclose([one["probability"] for one in served], np.sort(wanted[0])[::-1], atol=1e-6)
    shown = []
    monkeypatch.setattr("recipes.report.figures.explanations.gradcam_figure", lambda image, *_: shown.append(image))
    assert len(list(explanations.explained(predictor, [wide], None, []))) == 1
    np.testing.assert_array_equal(shown[0], pixels)


def with_square(run, folder, square):
    """A finished run with what its manifest says of squares changed."""
    shutil.copytree(run, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert "square" not in manifest["settings"]
    manifest["settings"]["square"] = square
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_a_square_that_is_not_known_is_refused(trained, tmp_path):
    with pytest.raises(CorruptFault, match=r"settings.square must be one of squash, crop, letterbox. Got 'round'"):
        recipes.load(with_square(trained, tmp_path / "run", "round"))


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (np.full((8, 8, 3), 0.5), r"Pixels must be raw, 0-255. Got 0.5 to 0.5. Those of 0 to 1: image \* 255"),
        (np.full((8, 8, 3), np.nan), "Pixels must be raw, 0-255. Got nan to nan"),
        (np.full((8, 8, 3), 300.0), "Got 300 to 300"),
        (np.full((8, 8, 3), 40_000, "uint16"), "Got 40000 to 40000. Those of 16 bits: image / 257"),
        (np.ones((8, 8, 3), bool), "Pixels must be numbers, raw, 0-255. Got bool"),
        (np.zeros((0, 8, 3), "uint8"), r"Got an array of shape \(0, 8, 3\)"),
        (np.zeros(4), "height, width"),
        (
            np.zeros((8, 8, 4), "uint8"),
            r"Got an array of shape \(8, 8, 4\). Without its transparency: image\[..., :3\]",
        ),
        (np.zeros((3, 8, 8), "uint8"), r"Channels come last: image.transpose\(1, 2, 0\)"),
        (np.array(["a.jpg"]), r"Paths go in as a list: list\(paths\)"),
        (["no", "photo"], "height, width|numbers"),
        (Image.new("F", (8, 8)), "This Image is no photo that can be read: its pixels are floating-point numbers"),
        (io.StringIO("text"), r"open as text is no photo. Open it by open\(path, 'rb'\)"),
        (None, r"Got object|shape \(\)|numbers"),
    ],
)
def test_what_is_no_photo_is_refused_in_words(trained, pixels, words):
    with pytest.raises(UsageFault, match=words):
        recipes.load(trained).predict([pixels])


@pytest.mark.parametrize("shape", [(8, 8, 4), (8, 8, 2), (3, 8, 8)])
def test_an_array_of_another_layout_is_not_taken_for_many_photos(trained, shape):
    with pytest.raises(UsageFault, match="Got an array of shape"):
        recipes.load(trained).predict(np.zeros(shape, "uint8"))


@needs_posix
def test_a_pipe_that_is_called_like_a_photo_is_named_and_does_not_hang(trained, call, tmp_path):
    from recipes.inference import pictures

    os.mkfifo(tmp_path / "x.jpg")
    with (tmp_path / "large.jpg").open("wb") as file:
        file.truncate(201_000_000)
    assert pictures.pixels(tmp_path / "large.jpg", (8, 8, 3)) == "oversized: 201 MB, more than 200"
    code, _, err = call(predict, trained, tmp_path / "x.jpg", tmp_path / "large.jpg", "--copy-to", tmp_path / "out")
    assert (code, "x.jpg: not a file" in err, "large.jpg: oversized: 201 MB" in err) == (3, True, True), err
    assert "1 gone" in err
    assert pictures.pixels(tmp_path / "x.jpg", (8, 8, 3)) == "not a file"
    assert pictures.pixels(tmp_path, (8, 8, 3)) == "not a file"
    assert pictures.pixels(tmp_path / "gone.jpg", (8, 8, 3)) == "cannot be read: No such file or directory"


@pytest.fixture
def standard_input(monkeypatch):
    """Put text or bytes there."""

    def put(content):
        content = content.encode() if isinstance(content, str) else content
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content), encoding="utf-8"))

    return put


def test_a_photo_itself_may_come_from_standard_input(trained, photos, call, standard_input, tmp_path):
    photo = photos / "temple" / "wide.jpg"
    wanted = call(predict, trained, photo)[1]
    standard_input(photo.read_bytes())
    assert call(predict, trained, "-")[:2] == (0, wanted.replace(str(photo), "standard input"))
    standard_input(b"\0\0 no photo")
    code, out, err = call(predict, trained, "-")
    assert (code, out) == (3, "")
    assert "standard input: not an image" in err


def test_names_come_from_standard_input_archives_and_tables(trained, photos, call, tmp_path, standard_input):
    paths = [photos / "flower" / "00.jpg", photos / "temple" / "01.jpg"]
    code, wanted, err = call(predict, trained, *paths)
    assert code == 0, err
    assert [line.split("  ")[0] for line in wanted.splitlines()] == [str(path) for path in paths]
    standard_input("\n".join(map(str, paths)) + "\n")
    assert call(predict, trained, "-")[1] == wanted
    table = tmp_path / "table.csv"
    table.write_text("path,note\n" + "".join(f"{path},x\n" for path in paths), encoding="utf-8")
    assert call(predict, trained, table)[1] == wanted
    with zipfile.ZipFile(tmp_path / "album.zip", "w") as archive:
        for path in paths:
            archive.write(path, f"summer/{path.name}")
        archive.writestr("notes.txt", "no photo")
    said = call(predict, trained, tmp_path / "album.zip")[1]
    assert said == wanted.replace(f"{photos}/flower", f"{tmp_path}/album.zip/summer").replace(
        f"{photos}/temple", f"{tmp_path}/album.zip/summer"
    )
    (tmp_path / "album.zip").write_bytes(b"PK\x03\x04 and nothing else")
    code, out, err = call(predict, trained, tmp_path / "album.zip")
    assert (code, out) == (3, "")
    assert "album.zip cannot be read" in err
    table.write_text("file\na.jpg\n")
    assert "lacks the column path; it has: file" in call(predict, trained, table)[2]


def test_a_saved_network_names_its_classes_to_keras_and_needs_no_run(trained, photos, call, tmp_path):
    path, photo = tmp_path / "mine.keras", photos / "temple" / "wide.jpg"
    shutil.copyfile(trained / "model.keras", path)
    assert keras.saving.load_model(path, safe_mode=True).output_shape == (None, 3)
    code, said, err = call(predict, path, photo)
    assert code == 0, err
    assert said == call(predict, trained, photo)[1]
    metadata = keras.saving.KerasFileEditor(str(path)).metadata
    assert metadata["class_names"] == list(CLASSES)
    assert (metadata["square"], metadata["keras_version"]) == ("squash", keras.__version__)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert len(set(archive.namelist())) == len(archive.namelist()) == 3
    model_notes.add(path, Notes(class_names=list(CLASSES), square="crop"))
    wanted = recipes.load(with_square(trained, tmp_path / "run", "crop")).predict(photo).probabilities
    np.testing.assert_array_equal(recipes.load(path).predict(photo).probabilities, wanted)
    ((_, figure),) = explanations.explained(explanations.subject(str(path), (0.0, 255.0)), [photo], None, [])
    assert any(name in figure._suptitle.get_text() for name in CLASSES)


def test_a_saved_network_without_names_or_with_others_is_refused(trained, photos, call, tmp_path):
    path, photo = tmp_path / "mine.keras", photos / "temple" / "00.jpg"
    keras.saving.load_model(trained / "model.keras").save(path)  # Keras writes metadata anew.
    assert model_notes.read(path) is None
    code, _, err = call(predict, path, photo)
    assert (code, "mine.keras does not name its classes. Give the folder of its run" in err) == (2, True)
    assert explanations.subject(str(path), (0.0, 255.0)).class_names == ("class 0", "class 1", "class 2")
    for notes, words in (
        (Notes(class_names=["a", "b"]), "names 2 classes and tells 3"),
        (Notes(class_names=list("abc"), square="round"), "its square must be one of squash, crop, letterbox"),
    ):
        model_notes.add(path, notes)
        code, _, err = call(predict, path, photo)
        assert (code, words in err) == (9, True)
    for number, content in enumerate((b"", b"no archive", path.read_bytes()[:-30])):
        damaged = tmp_path / f"{number}.keras"
        damaged.write_bytes(content)
        assert model_notes.read(damaged) is None
        code, _, err = call(predict, damaged, photo)
        assert (code, f"{number}.keras is corrupt, or no saved network: {len(content):,} bytes" in err) == (9, True)


@pytest.mark.parametrize(
    "damage", [lambda path: path.write_bytes(path.read_bytes()[:1000]), lambda path: path.unlink()]
)
def test_a_model_that_is_not_what_the_run_wrote_is_refused(trained, tmp_path, damage):
    folder = tmp_path / "run"
    shutil.copytree(trained, folder)
    damage(folder / "model.keras")
    with pytest.raises(CorruptFault, match="model.keras"):
        recipes.load(folder)


def test_a_network_that_comes_trained_names_what_is_on_a_photo(lite0_weights, call, tmp_path):
    from sklearn.datasets import load_sample_images

    folder = tmp_path / "china"  # Not a class of the network: nothing is scored by it.
    folder.mkdir()
    for name, pixels in zip(("palace.png", "flower.png"), load_sample_images().images, strict=True):
        Image.fromarray(pixels).save(folder / name)
    code, out, err = call(predict, "efficientnet_lite0", folder, "--json", "--top", 2)
    assert code == 0, err
    said = {image["path"].rsplit("/", 1)[1]: image["top"] for image in json.loads(out)["images"]}
    assert [one["class"] for one in said["palace.png"]] == ["bell cote", "monastery"]
    assert [one["class"] for one in said["flower.png"]] == ["daisy", "bee"]
    code, _, err = call(explain, "efficientnet_lite0", folder / "flower.png", "--out", tmp_path / "explained")
    assert code == 0, err
    assert (tmp_path / "explained" / "flower-gradcam.png").is_file()


def test_what_is_neither_a_run_nor_comes_trained_is_refused(photos, call, monkeypatch):
    photo = photos / "temple" / "00.jpg"
    for name in ("fashion_cnn", "vgg16_finetune", "no_such_thing"):
        code, _, err = call(predict, name, photo)
        assert code == 2
        assert "efficientnet_lite0" in err
    monkeypatch.setattr("zoo.weights._kept", lambda base: photo.with_name("nowhere.npz"))
    code, _, err = call(predict, "efficientnet_lite0", photo)
    assert (code, "ImageNet weights of efficientnet_lite0 are not on this machine" in err) == (4, True)


def test_a_bundled_picture_is_a_file_that_every_verb_reads(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_ZOO_CACHE", str(tmp_path))
    path, what = picture("fashion_mnist", 3)
    assert what.endswith(", of the 7,000-image Fashion-MNIST sample")
    (_, test, class_names) = SAMPLES["fashion_mnist"].read()
    assert what.startswith(class_names[test.labels[3]])
    with Image.open(path) as stored:
        np.testing.assert_array_equal(np.asarray(stored), test.pixels[3, ..., 0])
    with pytest.raises(UsageFault, match="0 to 999"):
        picture("fashion_mnist", 1000)


def test_a_sample_is_asked_of_a_run_of_a_public_data_set(trained, call, monkeypatch, tmp_path):
    code, _, err = call(predict, trained, "--sample", "0")
    assert code == 2
    assert "learned photos of your own" in err
    assert call(predict, "efficientnet_lite0", "--sample", "0")[0] == 2
    assert call(predict, trained)[0] == call(explain, trained)[0] == call(explain, trained, "--sobel")[0] == 2
    run = shutil.copytree(trained, tmp_path / "run")
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    manifest["data"] |= {"kind": "sample", "dataset": "cats_vs_dogs"}
    (run / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    code, out, err = call(predict, run, "--sample", "1")
    assert code == 0
    assert "cats_vs_dogs-00001.png  " in out
    assert "sample 1 is flower, of the 140 crops" in err
    code, _, _ = call(explain, run, "--sobel", "--sample", "1", "--out", tmp_path / "out")
    assert code == 0
    assert (tmp_path / "out" / "cats_vs_dogs-00001-sobel.png").exists()
