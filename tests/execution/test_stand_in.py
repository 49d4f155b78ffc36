"""A recipe names a base that stands in where the weights of its own cannot be had."""

import json

import pytest

from recipes.errors import EnvironmentFault
from recipes.execution import prepare

SMALL = ("--data", "sample", "--smoke", "--set", "image_size=32")


@pytest.fixture
def _only_lite0(monkeypatch):
    """No weights of EfficientNetB0, and random ones of what stands in for it."""

    def find(recipe):
        if recipe.weights and recipe.model["backbone"] == "EfficientNetB0":
            raise EnvironmentFault("no weights of EfficientNetB0")

    monkeypatch.setattr(prepare, "find_weights", find)


@pytest.mark.drawn
@pytest.mark.usefixtures("_only_lite0", "few_images")
def test_a_base_stands_in_and_the_report_says_which(tmp_path, run_cli, monkeypatch):
    run = "efficientnet_transfer", *SMALL, "--out", tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr("recipes.train.engine.train", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        code, out, err = run_cli(*run)
    assert code == 130, err
    assert "NOTICE efficientnet_lite0 stands in: no weights of EfficientNetB0" in out + err
    code, _, err = run_cli("--resume", tmp_path / "run")
    assert code == 0, err
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert manifest["chosen"] == [["model.backbone", "efficientnet_lite0"]]
    assert manifest["settings"]["model"]["backbone"] == "efficientnet_lite0"
    report = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "base efficientnet_lite0, in place of the recipe" in report
    code, out, err = run_cli(*run)
    assert (code, "test accuracy" in out) == (0, True), err  # The same request: the run is told again.


@pytest.mark.usefixtures("_only_lite0")
def test_nothing_stands_in_for_a_base_that_was_asked_for(tmp_path, run_cli):
    asked = "--set", "model.backbone=EfficientNetB0"
    code, _, err = run_cli("efficientnet_transfer", *SMALL, *asked, "--out", tmp_path / "run")
    assert (code, "no weights of EfficientNetB0" in err) == (4, True), err
