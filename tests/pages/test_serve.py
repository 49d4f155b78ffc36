"""The page that classifies a photo, and where the network looked."""

import http.client
import json
import threading
import time

import keras
import numpy as np
import pytest
from photo_files import CLASSES, claiming

import recipes
from recipes import serve
from recipes.pages.classify import ClassifyPage
from recipes.pages.server import server
from recipes.report.pictures import overlay


@pytest.fixture
def page(trained):
    """A running server's address."""
    with server(ClassifyPage(recipes.load(trained))) as running:
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
    from recipes.inference import gradcam

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
        heat = gradcam.heatmaps(model, flag[np.newaxis], [index])[0]
        assert heat[:, columns].mean() > 0.9
        assert heat.mean() < 0.6
    assert gradcam.last_convolution(model) == "red"
    assert overlay(flag, heat).size == (32, 32)
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


def test_the_page_lists_the_labels_that_the_run_contradicts(trained):
    from recipes.report.doubted import Doubted

    predictor = recipes.load(trained)
    assert b"Labels worth a look" not in ClassifyPage(predictor).html
    html = ClassifyPage(predictor, [Doubted("temple/<b>.jpg", "temple", "flower", 0.973, "test")]).html.decode()
    assert "1 validation and test photo of the run" in html
    assert "temple/&lt;b&gt;.jpg" in html
    assert "97.3%" in html
    assert "--labels --decide" in html


def test_a_port_that_is_taken_is_said(page, trained, call):
    began = time.monotonic()
    code, _, err = call(serve, trained, "--port", page[1])
    assert code == 5
    assert "Choose another: --port 0" in err
    assert time.monotonic() - began < 30
