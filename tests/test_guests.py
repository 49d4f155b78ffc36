"""Networks of one's own: each way in which people bring one trains and can be used, or is refused before data is read."""

import sys

import guest_networks
import pytest

from recipes import data
from recipes.run import main


@pytest.fixture(scope="module")
def registered():
    """The recipes of guest_recipes, and what they register for as long as these tests run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("zoo.registry._registered", {})
        patch.setattr("recipes.outputs.draw_architecture", lambda *_: None)
        yield
    sys.modules.pop("guest_recipes", None)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return tmp_path_factory.mktemp("guests")


@pytest.mark.parametrize("build", guest_networks.TRAIN, ids=lambda build: build.__name__)
def test_a_network_of_ones_own_trains(build, registered, runs, capsys):
    name = build.__name__
    code = main([f"guest_recipes:{name.upper()}", "--smoke", "--quiet", "--out", str(runs / name)])
    assert code == 0, capsys.readouterr().err
    history = (runs / name / "history.csv").read_text().splitlines()
    assert len(history) == 2


@pytest.mark.parametrize(
    ("build", "words"), guest_networks.REFUSED.items(), ids=lambda value: getattr(value, "__name__", "")
)
def test_a_network_that_cannot_work_is_refused_before_data_is_read(build, words, registered, runs, capsys, monkeypatch):
    monkeypatch.setattr(data, "read", lambda *_, **__: pytest.fail("data was read"))
    code = main([f"guest_recipes:{build.__name__.upper()}", "--smoke", "--out", str(runs / build.__name__)])
    told = capsys.readouterr().err
    assert code == 2
    assert words in told
    assert "bug" not in told
