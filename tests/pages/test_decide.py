"""The page of decisions: on disk before it answers, only listed photos are shown, nothing is lost."""

import http.client
import io
import json
import shutil
import threading

import pytest
from photo_files import CLASSES, add_odd_photos, write_photos
from PIL import Image

from recipes.data.photos import decisions
from recipes.data.photos.listing import list_photos
from recipes.pages.decide import DecidePage, command
from recipes.pages.server import server
from recipes.pages.words import LANGUAGES, WORDS
from recipes.study.doubtful_labels import Judged

DOUBTED = ("temple/rotated.jpg", "flower/alpha.png", "옷/00.jpg")


@pytest.fixture
def photos(tmp_path):
    write_photos(tmp_path / "photos", number=3)
    add_odd_photos(tmp_path / "photos")
    return tmp_path / "photos"


def page_of(photos, **settings):
    listing = list_photos(photos)
    doubted = [Judged(name, name.split("/")[0], "flower", 0.9, 0.1, 0.5) for name in DOUBTED]
    return DecidePage(doubted, listing, decisions.beside(photos), command(photos, decisions.beside(photos)), **settings)


@pytest.fixture
def address(photos):
    with server(page_of(photos)) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running.server_address
        running.shutdown()


def ask(address, method, path, body=None, **headers):
    connection = http.client.HTTPConnection(*address, timeout=60)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    return answer, answer.read()


def decide(address, photo, decision, label=""):
    answer, body = ask(address, "POST", "/decide", json.dumps({"photo": photo, "decision": decision, "label": label}))
    return answer.status, json.loads(body)


def rows(photos):
    return [(row.path, row.decision, row.label) for row in decisions.read(photos / "decisions.csv")]


def test_what_is_decided_is_on_disk_before_the_answer(address, photos):
    before = {path: path.read_bytes() for path in photos.rglob("*.*")}
    assert json.loads(ask(address, "GET", "/state")[1]) == {"decided": {}}
    assert decide(address, 0, "move", "옷") == (200, {"decided": {"0": {"decision": "move", "label": "옷"}}})
    assert rows(photos) == [("temple/rotated.jpg", "move", "옷")]
    decide(address, 1, "leave_out")
    decide(address, 2, "keep")
    assert rows(photos)[1:] == [("flower/alpha.png", "leave_out", ""), ("옷/00.jpg", "keep", "옷")]
    decide(address, 0, None)
    assert [row[0] for row in rows(photos)] == ["flower/alpha.png", "옷/00.jpg"]
    assert {path: path.read_bytes() for path in before} == before
    listing = list_photos(photos)
    assert str(listing.decided) == "0 moved, 1 left out, 1 kept"
    assert listing.ignored == {}


def test_photos_are_shown_upright_and_as_jpeg(address):
    for place in range(3):
        answer, body = ask(address, "GET", f"/photo/{place}")
        assert (answer.status, answer.getheader("Content-Type")) == (200, "image/jpeg")
        with Image.open(io.BytesIO(body)) as picture:
            assert (picture.format, picture.size) == ("JPEG", (96, 96))


def test_nothing_else_is_shown_or_taken(address, photos):
    for path in ("photo/3", "photo/-1", "photo/../decisions.csv", "photo/0/../../x", "photo/%2e%2e", "temple/00.jpg"):
        path = f"/{path}"
        assert ask(address, "GET", path)[0].status == 404
    (photos / "flower" / "alpha.png").write_bytes(b"<html>")
    (photos / "옷" / "00.jpg").unlink()
    assert [ask(address, "GET", f"/photo/{place}")[0].status for place in (1, 2)] == [404, 404]
    wrong = ({"photo": True}, {"photo": 9, "decision": "keep"}, {"photo": 0, "decision": "rm"}, [])
    for body in (b"", b"{", *(json.dumps(one) for one in wrong)):
        assert ask(address, "POST", "/decide", body)[0].status == 422
    assert decide(address, 0, "move", "../elsewhere")[0] == 422
    assert decide(address, 0, ["keep"])[0] == 422
    assert ask(address, "POST", "/photo/0", b"{}")[0].status == 404
    assert ask(address, "GET", "/", Host="evil.example")[0].status == 403
    assert ask(address, "GET", "/photo/0", Host="evil.example:80")[0].status == 403
    body = json.dumps({"photo": 0, "decision": "keep"})
    assert ask(address, "POST", "/decide", body, Origin="http://evil.example")[0].status == 403
    assert ask(address, "GET", "/photo/0")[0].getheader("Cross-Origin-Resource-Policy") == "same-origin"
    assert not (photos / "decisions.csv").exists()


def test_two_servers_and_a_spreadsheet_lose_nothing(address, photos):
    decide(address, 0, "keep")
    with (photos / "decisions.csv").open("a") as file:
        file.write("temple/02.jpg,leave_out,\n")
    with server(page_of(photos)) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        decide(other.server_address, 1, "keep")
        assert set(decide(address, 2, "keep")[1]["decided"]) == {"0", "1", "2"}
        other.shutdown()
    assert sorted(row[0] for row in rows(photos)) == sorted([*DOUBTED, "temple/02.jpg"])


def test_what_cannot_be_written_is_said_and_nothing_is_taken_for_decided(address, photos):
    (photos / "decisions.csv").write_text("another table\n")
    status, answer = decide(address, 0, "keep")
    assert status == 409
    assert "lacks the columns decision and path" in answer["error"]
    assert (photos / "decisions.csv").read_text() == "another table\n"
    (photos / "decisions.csv").unlink()
    shutil.move(photos, photos.with_name("moved"))
    status, answer = decide(address, 0, "keep")
    assert (status, "cannot be written" in answer["error"]) == (409, True)


def test_the_page_says_the_same_in_every_language(photos):
    assert WORDS.keys() == set(LANGUAGES)
    for words in WORDS.values():
        assert words.keys() == WORDS["en"].keys()
    html = page_of(photos, language="ko").html.decode()
    assert '<h1 data-word="title">다시 볼 레이블</h1>' in html
    facts = json.loads(html.partition("const facts = ")[2].partition(";\n")[0])
    assert (facts["classes"], facts["language"]) == (sorted(CLASSES), "ko")


def test_names_are_shown_as_text(tmp_path):
    hostile = "<script>alert(1)<"
    for label in (hostile, "b"):
        (tmp_path / label).mkdir()
        Image.new("RGB", (40, 40)).save(tmp_path / label / "<img src=x>.jpg")
    name = f"{hostile}/<img src=x>.jpg"
    page = DecidePage([Judged(name, hostile, "b", 0.9, 0.1, 0.5)], list_photos(tmp_path), tmp_path / "d.csv", "run")
    assert page.html.count(b"<script>") == 1
    assert b"<img src=x" not in page.html


def test_the_command_that_follows_names_decisions_and_groups(tmp_path):
    assert command(tmp_path, decisions.beside(tmp_path)) == f"python -m recipes.run --data {tmp_path}"
    grouped = command(tmp_path, tmp_path / "mine.csv", "([a-z]+)_")
    assert grouped == f"python -m recipes.run --data {tmp_path} --decisions {tmp_path}/mine.csv --group-by '([a-z]+)_'"
