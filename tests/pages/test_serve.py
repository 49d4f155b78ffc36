"""The page that classifies a photo, and where the network looked."""

import _thread
import http.client
import json
import re
import signal
import socket
import threading
import time
from types import SimpleNamespace

import keras
import numpy as np
import psutil
import pytest
from photo_files import CLASSES, claiming, encoded
from PIL import Image

import recipes
from recipes import doctor, serve, sort
from recipes.pages import server as servers
from recipes.pages.classify import ClassifyPage
from recipes.pages.server import server
from recipes.pages.words import CLASSIFY, LANGUAGES
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


def facts_of(html):
    return json.loads(html.partition("const facts = ")[2].partition(";\n")[0])


def test_the_page_classifies_a_photo_and_shows_where_it_looked(page, photos):
    answer, body = ask(page, "GET", "/")
    assert answer.status == 200
    assert facts_of(body.decode())["names"] == list(CLASSES)
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
    with pytest.raises(ValueError, match="no two-dimensional convolution"):
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
    assert b'data-word="doubted"' not in ClassifyPage(predictor).html
    html = ClassifyPage(predictor, [Doubted("temple/<b>.jpg", "temple", "flower", 0.973, "test")]).html.decode()
    assert 'data-word="doubted"' in html
    assert facts_of(html)["doubted"] == "1"
    assert "temple/&lt;b&gt;.jpg" in html
    assert "97.3%" in html
    assert f"recipes.doctor &#39;{predictor.manifest.data.path}&#39; --labels --decide" in html


def test_the_page_says_the_same_in_every_language(trained):
    assert CLASSIFY.keys() == set(LANGUAGES)
    gaps = [{word: re.findall(r"{(\w+)}", text) for word, text in words.items()} for words in CLASSIFY.values()]
    for one in gaps:
        assert {word: sorted(names) for word, names in one.items()} == {
            word: sorted(names) for word, names in gaps[0].items()
        }
    html = ClassifyPage(recipes.load(trained), language="ko").html.decode()
    assert '<h1 data-word="title">무슨 사진일까요?</h1>' in html
    assert facts_of(html)["language"] == "ko"


def test_a_port_that_is_taken_is_said(page, trained, call):
    began = time.monotonic()
    code, _, err = call(serve, trained, "--port", page[1])
    assert code == 5
    assert "Choose another: --port 0" in err
    assert time.monotonic() - began < 30


def test_ctrl_c_ends_the_page_in_silence(trained, call, monkeypatch):
    waits = servers.ThreadingHTTPServer.serve_forever

    def interrupted(running):
        threading.Timer(0.2, _thread.interrupt_main).start()
        waits(running)

    monkeypatch.setattr(servers.ThreadingHTTPServer, "serve_forever", interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # Runs in this process leave their own.
    try:
        code, out, err = call(serve, trained, "--port", 0)
    finally:
        signal.signal(signal.SIGINT, before)
    assert (code, err) == (130, "")
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+  \(Ctrl-C ends\)\n", out)
    port = int(out.split(":")[2].split()[0])
    with server(Echo(), port):
        """The port is free again."""


class Echo:
    """A page that says how many bytes it was sent, and waits where it is told to."""

    html = b"<p>page"

    def __init__(self):
        self.may_go = threading.Event()
        self.may_go.set()
        self.received = []

    def shown(self, path):
        self.may_go.wait(30)

    def answered(self, path, content):
        self.received.append(content)
        return {"bytes": len(content)}


@pytest.fixture
def echo():
    """A page that needs no network, and its server's address."""
    page = Echo()
    with server(page) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield page, running.server_address
        page.may_go.set()
        running.shutdown()


def test_a_form_is_read_as_browsers_and_curl_send_it(echo):
    page, address = echo
    photo = bytes(range(256)) * 40 + b"\r\n--none\r\n\r\n\r"
    body = (
        b'--xx\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n'
        b'--xx\r\nContent-Disposition: form-data; name="photo"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
        + photo
        + b"\r\n--xx--\r\n"
    )
    assert ask(address, "POST", "/a", body, **{"Content-Type": "multipart/form-data; boundary=xx"})[0].status == 200
    assert page.received == [photo]
    answer, _ = ask(address, "POST", "/a", b"no part", **{"Content-Type": "multipart/form-data; boundary=xx"})
    assert answer.status == 422


def test_every_client_hears_that_a_file_is_too_large(echo):
    answer, body = ask(echo[1], "POST", "/a", bytes(servers.MOST_BYTES + 5_000_000))
    assert answer.status == 413
    assert "larger than 20 MB" in json.loads(body)["error"]
    with socket.create_connection(echo[1]) as client:
        client.sendall(b"POST /a HTTP/1.0\r\nHost: localhost\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n")
        client.shutdown(socket.SHUT_WR)
        assert b" 413 " in client.recv(100)


def test_a_page_is_found_with_a_query_and_by_its_head(echo):
    assert ask(echo[1], "GET", "/?x=1")[1] == Echo.html
    answer, body = ask(echo[1], "HEAD", "/")
    assert (answer.status, answer.getheader("Content-Length"), body) == (200, str(len(Echo.html)), b"")


def test_requests_beyond_a_number_are_told_to_come_again(echo, monkeypatch):
    page, address = echo
    page.may_go.clear()
    waiting = []
    for _ in range(servers.MOST_REQUESTS):
        waiting.append(socket.create_connection(address))
        waiting[-1].sendall(b"GET /slow HTTP/1.0\r\nHost: localhost\r\n\r\n")
    deadline = time.monotonic() + 20
    while ask(address, "GET", "/")[0].status != 503:
        assert time.monotonic() < deadline
    page.may_go.set()
    for one in waiting:
        assert b"404" in one.recv(100)
        one.close()
    while ask(address, "GET", "/")[0].status != 200:
        assert time.monotonic() < deadline


@pytest.mark.parametrize("port", ["99999", "-1", "x"])
def test_a_port_that_cannot_be_is_2(call, tmp_path, port):
    arguments = {
        serve: [tmp_path],
        sort: [tmp_path, "--classes", "a,b", "--out", tmp_path / "out"],
        doctor: [tmp_path],
    }
    for verb, given in arguments.items():
        code, _, err = call(verb, *given, "--port", port)
        assert code == 2, err
        assert f"from 0 to 65535. Got {port!r}" in err


def test_the_page_is_on_this_machine_only(echo, call, tmp_path):
    assert echo[1][0] == "127.0.0.1"
    assert call(serve, tmp_path, "--host", "0.0.0.0")[0] == 2  # noqa: S104
    for host in ("10.0.0.1", "localhost.evil.example", ""):
        assert ask(echo[1], "GET", "/", Host=host)[0].status == 403
    assert ask(echo[1], "POST", "/a", b"x", Origin="null")[0].status == 403


def test_memory_stays_flat_over_many_requests(monkeypatch):
    monkeypatch.setattr(
        "recipes.inference.gradcam.heatmaps", lambda model, pixels, index: np.zeros((1, 32, 32), "float32")
    )
    monkeypatch.setattr("recipes.report.render", lambda *_, **__: "")
    predictor = SimpleNamespace(
        known=None, class_names=["a", "b"], image_shape=(32, 32, 3), square="squash", kind="probability", model=None,
        manifest=SimpleNamespace(
            recipe="x", result=SimpleNamespace(test_accuracy=1), operating_point=None,
            data=SimpleNamespace(path="", dataset="", notice="", decisions=None, group_by=None),
        ),
        answers=lambda pixels: [None], ranked=lambda said: [("a", 0.9), ("b", 0.1)], refuses=lambda said, rate: None,
    )  # fmt: skip
    noise = np.random.default_rng(0).integers(0, 255, (400, 400, 3), "uint8")
    photo, process, after = encoded(Image.fromarray(noise)), psutil.Process(), []
    with server(ClassifyPage(predictor)) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        for _ in range(2):
            for _ in range(1000):
                assert ask(running.server_address, "POST", "/classify", photo)[0].status == 200
            after.append(process.memory_info().rss)
        running.shutdown()
    assert after[1] - after[0] < 20e6
