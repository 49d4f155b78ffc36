"""The page on which an album is sorted: a key is on disk before it answers, and nothing else is shown."""

import http.client
import io
import json
import shutil
import signal
import subprocess
import threading

import pytest
from conftest import PYTHON, ROOT, needs_posix, subprocess_environment
from photo_files import encoded
from PIL import Image

from recipes.console.screen import Screen
from recipes.pages.server import server
from recipes.pages.sort import SortPage
from recipes.pages.words import LANGUAGES, SORT
from recipes.study.sorting import session
from recipes.study.sorting.request import Request


@pytest.fixture
def serving(pile, tmp_path, by_colours):
    """The address of a page, its session, and the photos."""
    request = Request(pile, ("flower", "temple", "none"), tmp_path / "out")
    with session.opened(request, Screen(quiet=True)) as sat:
        page = SortPage(sat.sorting, sat.album.paths, {}, sat.write, what=sat.what, command=sat.follows)
        with server(page) as running:
            threading.Thread(target=running.serve_forever, daemon=True).start()
            yield running.server_address, sat
            running.shutdown()


def rows(folder):
    return (folder / "sorted.csv").read_text(encoding="utf-8").splitlines()[1:]


def ask(address, method, path, body=None, **headers):
    connection = http.client.HTTPConnection(*address, timeout=60)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    return answer, answer.read()


def press(address, key, turn):
    answer, body = ask(address, "POST", "/key", json.dumps({"key": key, "turn": turn}))
    return answer.status, json.loads(body)


def test_the_page_passes_keys_on_and_writes_folders(serving, tmp_path):
    address, sat = serving
    state = json.loads(ask(address, "GET", "/state")[1])
    assert (state["turn"], state["all"], state["counts"]) == (0, len(sat.sorting.photos), [0, 0, 0])
    first = [photo["name"] for photo in state["shown"]]
    status, state = press(address, "1", 0)
    assert (status, state["counts"][0], state["said"]["word"]) == (200, len(first), "named")
    assert rows(tmp_path / "out") == [f"{name},flower,1" for name in first]
    # A key of a window that shows something else does nothing.
    status, stale = press(address, "2", 0)
    assert (status, stale["said"]["word"], stale["counts"]) == (200, "stale", state["counts"])
    assert len(rows(tmp_path / "out")) == len(first)
    while state["shown"]:
        _, state = press(address, "3", state["turn"])
    answer, body = ask(address, "POST", "/write", b"{}")
    wrote = json.loads(body)["wrote"]
    assert wrote == [{"word": "put", "added": state["all"], "there": 0, "folder": str(tmp_path / "out")}]
    assert json.loads(ask(address, "GET", "/progress")[1]) == {"done": state["all"], "all": state["all"]}
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {"flower", "_none", "sorted.csv"}
    assert sat.follows == f"python -m recipes.run --data {tmp_path / 'out'}"


def test_small_pictures_are_made_of_the_originals_and_turned(serving, pile):
    address, sat = serving
    Image.effect_noise((900, 600), 50).convert("RGB").save(pile / "temple" / "wide.jpg")
    for name, sides in (("temple/wide.jpg", (480, 320)), ("temple/rotated.jpg", (96, 96))):
        answer, body = ask(address, "GET", f"/photo/{sat.sorting.photos.index(name)}")
        assert answer.getheader("Content-Type") == "image/jpeg"
        with Image.open(io.BytesIO(body)) as picture:
            assert picture.size == sides
    turned = Image.Exif()
    turned[0x0112] = 6
    picture = Image.new("RGB", (90, 60))
    (pile / "temple" / "rotated.jpg").write_bytes(encoded(picture, exif=turned))
    _, body = ask(address, "GET", f"/large/{sat.sorting.photos.index('temple/rotated.jpg')}")
    assert Image.open(io.BytesIO(body)).size == (60, 90)


def test_nothing_else_is_shown_or_taken_and_a_photo_that_went_is_no_end(serving, pile):
    address, sat = serving
    number = len(sat.sorting.photos)
    for path in (f"/photo/{number}", "/photo/-1", "/photo/../sorted.csv", "/photo/%2e%2e", "/temple/00.jpg", "/key"):
        assert ask(address, "GET", path)[0].status == 404
    for body in (b"", b"{", b"[]", b'{"key": 1, "turn": 0}', b'{"key": "q", "turn": 0}', b'{"key": "", "turn": 0}'):
        assert ask(address, "POST", "/key", body)[0].status == 422
    assert ask(address, "GET", "/state", Host="evil.example")[0].status == 403
    assert ask(address, "POST", "/key", b"{}", Origin="http://evil.example")[0].status == 403
    shutil.rmtree(pile / "temple")
    place = next(place for place, name in enumerate(sat.sorting.photos) if name.startswith("temple"))
    assert ask(address, "GET", f"/photo/{place}")[0].status == 404
    state = json.loads(ask(address, "GET", "/state")[1])
    while state["shown"]:
        _, state = press(address, "2", state["turn"])
    wrote = {one["word"]: one for one in json.loads(ask(address, "POST", "/write", b"{}")[1])["wrote"]}
    assert wrote["missing"]["count"] == sum(name.startswith("temple") for name in sat.sorting.photos)
    assert "temple/00.jpg (No such file or directory)" in wrote["missing"]["names"]


def test_the_page_says_when_it_cannot_be_saved(serving, tmp_path):
    address, _ = serving
    shutil.rmtree(tmp_path / "out")
    status, answer = press(address, "1", 0)
    assert (status, "was deleted" in answer["error"]) == (409, True)
    assert json.loads(ask(address, "GET", "/state")[1])["counts"] == [0, 0, 0]


def test_the_page_says_the_same_in_every_language(serving):
    assert SORT.keys() == set(LANGUAGES)
    gaps = {language: {word: sorted(_gaps(text)) for word, text in words.items()} for language, words in SORT.items()}
    assert gaps["en"] == gaps["ko"]
    page = ask(serving[0], "GET", "/")[1]
    assert b'<h1 data-word="title">Sort an album</h1>' in page
    assert page.count(b"<script>") == 1


def _gaps(text):
    return {part.partition("}")[0] for part in text.split("{")[1:]}


PROGRAM = """
import sys
sys.path.insert(0, {tests!r})
from photo_files import colours
from recipes import sort
from recipes.study.sorting import album, session
session.load_backend, album.features = lambda: None, colours
sys.exit(sort.main(sys.argv[1:]))
"""


@needs_posix
def test_a_kill_loses_no_key_and_the_same_command_goes_on(pile, tmp_path):
    out = tmp_path / "out"
    program = [PYTHON, "-c", PROGRAM.format(tests=str(ROOT / "tests"))]
    command = [*program, str(pile), "--classes", "a,b", "--out", str(out), "--port", "0"]
    environment = subprocess_environment(KERAS_ZOO_CACHE=str(tmp_path / "cache"))

    def started():
        process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for line in process.stdout:
            if "http://" in line:
                return process, ("127.0.0.1", int(line.partition("127.0.0.1:")[2].split()[0]))
        raise AssertionError("no address")

    process, address = started()
    _, state = press(address, "1", 0)
    named = state["counts"]
    process.send_signal(signal.SIGKILL)
    process.wait()
    process, address = started()
    state = json.loads(ask(address, "GET", "/state")[1])
    assert state["counts"] == named
    assert press(address, "u", 0)[1]["counts"] == [0, 0]
    second = subprocess.run([*command], env=environment, cwd=ROOT, capture_output=True, text=True)
    assert (second.returncode, "Another command sorts into" in second.stderr) == (5, True)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[0]
    assert (process.returncode, "0 of 20 photos are named" in said) == (0, True)
