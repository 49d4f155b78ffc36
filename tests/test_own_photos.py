"""From a folder of photos to a prediction, a bundle and a page, with small networks."""

import csv
import http.client
import json
import shutil
import threading
import time

import keras
import numpy as np
import pytest
from photo_files import CLASSES, add_bad_files, add_odd_photos, claiming, crops, encoded, write_photos
from PIL import Image

import recipes
from recipes import export, predict, rundir, serve, verify
from recipes.bundle import FORMATS
from recipes.errors import CorruptFault, UsageFault

SMALL = ("--set", "image_size=80", "--set", "phases.train.epochs=2", "--set", "phases.train.average_epochs=0")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """60 sound photos of 3 classes, with every odd and bad file among them."""
    root = tmp_path_factory.mktemp("own") / "내 사진"
    write_photos(root)
    add_odd_photos(root)
    add_bad_files(root)
    return root


@pytest.fixture(scope="module")
def trained(photos, tmp_path_factory):
    """A run of dogs_vs_cats_aug on them."""
    from recipes.run import main

    folder = tmp_path_factory.mktemp("runs") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_ZOO_CACHE", str(tmp_path_factory.mktemp("cache")))
        assert main(["dogs_vs_cats_aug", "--data", str(photos), "--out", str(folder), *SMALL]) == 0
    return folder


@pytest.fixture
def call(capsys):
    """Call a verb in this process; gives (exit code, stdout, stderr)."""

    def run(verb, *arguments):
        code = verb.main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_a_run_on_own_photos_says_what_it_found_and_learned(trained, photos):
    manifest = json.loads((trained / "manifest.json").read_text())
    assert manifest["data"]["kind"] == "photos"
    assert manifest["data"]["class_names"] == list(CLASSES)
    assert manifest["result"]["published_accuracy"] is None
    assert manifest["model"]["input_shape"] == [80, 80, 3]
    assert manifest["doctor"]["bad"]["temple/empty.jpg"] == "empty file"
    assert {"doctor.html", "bad_files.csv", "golden/00.png"} <= manifest["files"].keys()
    counts = manifest["data"]["counts"]
    assert sum(sum(row.values()) for row in counts.values()) == manifest["doctor"]["used"]
    page = (trained / "report.html").read_text()
    assert "cannot be used" in page
    assert "none printed" not in page
    ids = {row["id"] for row in csv.DictReader((trained / "predictions.csv").open(encoding="utf-8"))}
    assert all((photos / name).is_file() for name in ids)


def test_the_same_photos_and_seed_give_the_same_network(trained, photos, run_cli, tmp_path):
    assert run_cli("dogs_vs_cats_aug", "--data", photos, "--out", tmp_path / "run", *SMALL)[0] == 0
    assert (tmp_path / "run" / "predictions.csv").read_bytes() == (trained / "predictions.csv").read_bytes()


def test_grey_small_photos_train_fashion_cnn_which_goes_into_every_format(tmp_path, run_cli, call):
    for index, (label, picture) in enumerate(crops(20)):
        (tmp_path / "photos" / label).mkdir(parents=True, exist_ok=True)
        picture.convert("L").resize((24, 24)).save(tmp_path / "photos" / label / f"{index}.png")
    code, out, err = run_cli(
        "fashion_cnn", "--data", tmp_path / "photos", "--out", tmp_path / "run", "--smoke", "--set", "split.seed=3",
        "--json",
    )  # fmt: skip
    assert code == 0, err
    assert json.loads(out)["model"]["input_shape"] == [24, 24, 1]
    for kind in FORMATS:
        assert call(export, tmp_path / "run", "--to", kind)[0] == 0
        assert call(verify, tmp_path / "run" / "export" / kind)[0] == 0


def test_few_photos_train_as_many_steps_as_the_recipe_was_tuned_with():
    from recipes.request import Request

    request = Request("vgg16_feature_extract", data="/photos")
    asked = request.recipe("photos")
    few = request.for_images(asked, 200)
    assert asked.phases[0].epochs == 12
    assert few.phases[0].epochs == 120
    assert (asked.views, few.views) == (4, 16)
    assert request.for_images(asked, 3).phases[0].epochs == 240
    assert request.for_images(asked, 5000) is asked
    fixed = Request("vgg16_feature_extract", data="/photos", overrides=(("phases.head.epochs", "3"),))
    assert fixed.for_images(fixed.recipe("photos"), 200).phases[0].epochs == 3


def test_a_killed_run_on_few_photos_can_be_resumed(photos, run_cli, tmp_path, monkeypatch):
    from recipes import outputs

    with monkeypatch.context() as patch:
        patch.setattr(outputs, "write_results", lambda *_: (_ for _ in ()).throw(RuntimeError("killed")))
        code, _, _ = run_cli("dogs_vs_cats_aug", "--data", photos, "--out", tmp_path / "run", *SMALL)
    assert code == 1
    assert run_cli("--resume", tmp_path / "run")[0] == 0
    assert rundir.is_finished(tmp_path / "run")


def test_a_plan_examines_and_times_and_writes_nothing(photos, run_cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = run_cli("dogs_vs_cats_aug", "--data", photos, "--plan", "--set", "image_size=80", "--json")
    assert code == 0, err
    found = json.loads(out)
    assert found["data"]["kind"] == "photos"
    assert found["minutes"] > 0
    assert not list(tmp_path.iterdir())


def test_a_run_below_the_required_accuracy_ends_with_7_and_exports_nothing(photos, run_cli, tmp_path):
    arguments = ("dogs_vs_cats_aug", "--data", photos, "--out", tmp_path / "run", *SMALL)
    code, _, err = run_cli(*arguments, "--require-accuracy", "1", "--export", "keras", "--seed", "5")
    accuracy = json.loads((tmp_path / "run" / "manifest.json").read_text())["result"]["test_accuracy"]
    assert accuracy < 1
    assert code == 7
    assert f"Test accuracy {accuracy:.4f} is below the required 1, and nothing was exported." in err
    assert not (tmp_path / "run" / "export").exists()
    assert run_cli("--resume", tmp_path / "run")[0] == 7
    code, _, err = run_cli(*arguments, "--require-accuracy", "0", "--export", "keras", "--overwrite", "--seed", "5")
    assert code == 0, err
    assert (tmp_path / "run" / "export" / "keras" / "bundle.json").is_file()


def test_bad_arguments_are_refused(photos, run_cli, tmp_path):
    assert run_cli("fashion_cnn", "--require-accuracy", "90")[0] == 2
    assert run_cli("fashion_cnn", "--data", tmp_path / "nothing")[0] == 2
    code, _, err = run_cli("dogs_vs_cats_aug", "--data", photos, "--out", photos / "run")
    assert code == 2
    assert "among the photos" in err


def test_another_tfds_set_is_named_when_it_is_missing(run_cli):
    code, _, err = run_cli("vgg16_feature_extract", "--data", "tfds:horses_or_humans", "--weights", "none")
    assert code == 4
    assert "'horses_or_humans' is not prepared" in err


def test_labels_that_mean_harm_stay_text(tmp_path, run_cli, call):
    labels = ("<script>alert(1)</script>", "$\\frac{$", "../x", "=cmd()", "한국어")
    rows = []
    for index, (_, picture) in enumerate(crops(25)):
        (tmp_path / f"{index}.png").write_bytes(encoded(picture.convert("RGB").resize((20, 20)), "PNG"))
        split = ("train", "train", "validation", "test", "train")[index // 5 % 5]
        rows.append(f'{index}.png,"{labels[index % 5]}",{split}')
    (tmp_path / "photos.csv").write_text("path,label,split\n" + "\n".join(rows) + "\n", encoding="utf-8")
    code, _, err = run_cli("fashion_cnn", "--data", tmp_path / "photos.csv", "--out", tmp_path / "run", "--smoke")
    assert code == 0, err
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    text = (tmp_path / "run" / "predictions.csv").read_text(encoding="utf-8")
    assert ",=cmd()" not in text
    assert "'=cmd()" in text
    assert call(export, tmp_path / "run", "--out", tmp_path / "bundle")[0] == 0
    assert "<script>" not in (tmp_path / "bundle" / "README.md").read_text(encoding="utf-8")
    assert not (tmp_path / "x").exists()


def test_a_class_that_is_not_in_test_still_gets_a_report(tmp_path, run_cli):
    rows = []
    for index, (label, picture) in enumerate(crops(30)):
        (tmp_path / f"{index}.png").write_bytes(encoded(picture.convert("RGB").resize((20, 20)), "PNG"))
        split = ("train", "train", "validation", "test", "train")[index // 3 % 5]
        rows.append(f"{index}.png,{label},{'train' if label == 'flower' and split == 'test' else split}")
    (tmp_path / "photos.csv").write_text("path,label,split\n" + "\n".join(rows) + "\n", encoding="utf-8")
    code, out, err = run_cli("fashion_cnn", "--data", tmp_path / "photos.csv", "--out", tmp_path / "run", "--smoke")
    assert code == 0, err
    assert "No photo of class 'flower' in test" in out
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())["test"]
    assert metrics["per_class"]["flower"]["images"] == 0


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


def test_predict_says_what_the_run_said(trained, photos, call, tmp_path):
    rows = list(csv.DictReader((trained / "predictions.csv").open(encoding="utf-8")))
    paths = [photos / row["id"] for row in rows]
    code, out, _ = call(predict, trained, *paths, "--csv", tmp_path / "table.csv", "--top", 2)
    assert code == 0
    assert f"{len(paths)} rows in" in out
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
    with pytest.raises(UsageFault, match="Pixels must be raw, 0-255"):
        predictor.predict([arrays[0] / 255.0])
    with pytest.raises(UsageFault, match="height, width"):
        predictor.predict([np.zeros(4)])


@pytest.mark.parametrize(
    "damage", [lambda path: path.write_bytes(path.read_bytes()[:1000]), lambda path: path.unlink()]
)
def test_a_model_that_is_not_what_the_run_wrote_is_refused(trained, tmp_path, damage):
    folder = tmp_path / "run"
    shutil.copytree(trained, folder)
    damage(folder / "model.keras")
    with pytest.raises(CorruptFault, match="model.keras"):
        recipes.load(folder)


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


@pytest.fixture
def page(trained):
    """A running server's address."""
    with serve.server(recipes.load(trained)) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running.server_address
        running.shutdown()


def ask(address, method, path, body=None, **headers):
    connection = http.client.HTTPConnection(*address, timeout=60)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    return answer, answer.read()


def test_the_page_classifies_a_photo_and_shows_where_it_looked(page, photos):
    answer, body = ask(page, "GET", "/")
    assert answer.status == 200
    assert "옷" in body.decode()
    assert "default-src 'none'" in answer.getheader("Content-Security-Policy")
    answer, body = ask(page, "POST", "/classify", (photos / "temple" / "rotated.jpg").read_bytes())
    assert answer.status == 200
    found = json.loads(body)
    assert [one["name"] for one in found["classes"]] == sorted(
        CLASSES, key=lambda name: -next(one["probability"] for one in found["classes"] if one["name"] == name)
    )
    assert found["overlay"].startswith("data:image/png;base64,")


def test_the_heatmap_is_where_the_class_is():
    """A network that only counts red: it looks at the red half, and elsewhere for the other class."""
    from recipes import gradcam

    image = keras.Input((32, 32, 3))
    red = keras.layers.Conv2D(2, 3, padding="same", use_bias=False, name="red")
    model = keras.Model(
        image, keras.layers.Dense(2, activation="softmax")(keras.layers.GlobalAveragePooling2D()(red(image)))
    )
    kernel = np.zeros((3, 3, 3, 2), "float32")
    kernel[1, 1, 0, 0] = kernel[1, 1, 2, 1] = 1
    model.set_weights([kernel, np.eye(2, dtype="float32"), np.zeros(2, "float32")])
    flag = np.zeros((32, 32, 3), "uint8")
    flag[:, :16, 0] = flag[:, 16:, 2] = 200
    for index, columns in ((0, slice(0, 14)), (1, slice(18, 32))):
        heat = gradcam.heatmap(model, flag, index)
        assert heat[:, columns].mean() > 0.9
        assert heat.mean() < 0.6
    assert gradcam.last_convolution(model) == "red"
    assert gradcam.overlay(flag, heat).size == (32, 32)
    with pytest.raises(ValueError, match="no convolution"):
        gradcam.last_convolution(keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]))


def test_the_page_refuses_what_is_no_photo_too_large_or_from_elsewhere(page, photos):
    for content in (b"", b"<html>", claiming(10_000, 10_000)):
        answer, body = ask(page, "POST", "/classify", content)
        assert answer.status == 422
        assert "cannot be read" in json.loads(body)["error"]
    assert ask(page, "POST", "/classify", **{"Content-Length": str(10**9)})[0].status == 413
    assert ask(page, "POST", "/elsewhere", b"x")[0].status == 404
    assert ask(page, "GET", "/../manifest.json")[0].status == 404
    assert ask(page, "GET", "/", Host="evil.example")[0].status == 403
    assert ask(page, "POST", "/classify", b"x", Origin="http://evil.example")[0].status == 403


def test_a_port_that_is_taken_is_said(page, trained, call):
    began = time.monotonic()
    code, _, err = call(serve, trained, "--port", page[1])
    assert code == 5
    assert "Choose another: --port 0" in err
    assert time.monotonic() - began < 30
