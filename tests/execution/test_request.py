"""A request, its command line, and what it is told to run next."""

import json
import sys

import pytest

from recipes.execution.request import Request


def test_request_of_the_other_variant_keeps_the_data():
    request = Request(
        "fashion_cnn", data="/photos/my cats", data_dir="/data", overrides=(("batch_size", "8"),), smoke=True,
        require_accuracy=0.5, export="onnx", seed=7,
    )  # fmt: skip
    command = request.other_variant().command()
    assert command == (
        "python -m recipes.run fashion_cnn --variant published --data '/photos/my cats' --data-dir /data --seed 7 "
        "--set batch_size=8"
    )


def test_request_names_no_variant_that_a_recipe_lacks(tmp_path, monkeypatch):
    (tmp_path / "recipes_without_variants.py").write_text(
        "from recipes import Phase, Recipe\n"
        "MINE = Recipe(name='mine', architecture='mnist_functional', data='mnist', phases=(Phase('a', epochs=1),))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert Request("recipes_without_variants:MINE").other_variant() is None
    # The published recipe has no phase of that name.
    assert Request("vgg16_finetune", overrides=(("phases.head.epochs", "3"),)).other_variant() is not None
    assert Request("vgg16_finetune", overrides=(("phases.nothing.epochs", "3"),)).other_variant() is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("RECIPE = (\n", ":1 (RECIPE = (): SyntaxError: '(' was never closed"),
        (
            "x = 1\nRECIPE = Recipe(name='a')\n",
            ":2 (RECIPE = Recipe(name='a')): NameError: name 'Recipe' is not defined",
        ),
        ("import no_such_package\n", ":1 (import no_such_package): ModuleNotFoundError: No module named 'no_such_pa"),
        ("from recipes import Resipe\n", ":1 (from recipes import Resipe): ImportError: cannot import name 'Resipe'"),
        (
            "import zoo\nzoo.register('fashion_cnn')(print)\n",
            ":2 (zoo.register('fashion_cnn')(print)): ValueError: An ar",
        ),
        ("from recipes import book\nRECIPES = book.get('mnist_wide')\n", "has no 'RECIPE'. Did you mean 'RECIPES'"),
    ],
)
def test_a_module_that_cannot_be_imported_is_refused_with_file_and_line(text, words, tmp_path, monkeypatch, run_cli):
    (tmp_path / "recipes_that_break.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "recipes_that_break", raising=False)
    code, _, err = run_cli("recipes_that_break:RECIPE")
    assert (code, words in err, str(tmp_path) in err) == (2, True, True), err
    code, _, err = run_cli("./recipes_that_break.py:RECIPE")
    assert (code, "The form is package.module:RECIPE" in err or "cannot be imported" in err) == (2, True), err


def test_a_run_knows_what_was_imported_for_it(tmp_path, monkeypatch, run_cli):
    (tmp_path / "networks_elsewhere.py").write_text(
        "import zoo\nfrom zoo.architectures.mnist_functional import build\nzoo.register('elsewhere')(build)\n"
    )
    (tmp_path / "recipe_alone.py").write_text(
        "from recipes import Phase, Recipe\n"
        "MINE = Recipe(name='mine', architecture='elsewhere', data='mnist', phases=(Phase('a', epochs=1),))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    words = ("recipe_alone:MINE", "--smoke", "--out", tmp_path / "run")
    code, _, err = run_cli(*words)
    assert (code, "No architecture named 'elsewhere'" in err) == (2, True)
    with monkeypatch.context() as patch:
        patch.setattr("recipes.train.engine.train", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        assert run_cli(*words, "--import", "networks_elsewhere")[0] == 130
    monkeypatch.setattr("zoo.registry._registered", {})
    monkeypatch.delitem(sys.modules, "networks_elsewhere")
    code, _, err = run_cli("--resume", tmp_path / "run")
    assert code == 0, err
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert manifest["command"].endswith("--import networks_elsewhere --seed 42")


def test_on_photos_nobody_tuned_for_the_best_epoch_is_kept_unless_it_is_asked_otherwise(tmp_path):
    def phases(*overrides, name="vgg16_finetune", data=str(tmp_path)):
        request = Request(name, data=data, overrides=overrides)
        return [(phase.keep, phase.monitor) for phase in request.recipe(request.dataset()).phases]

    assert phases() == [("best", "val_loss")] * 2
    assert phases(("phases.block5.keep", "last")) == [("best", "val_loss"), ("last", "val_loss")]
    assert phases(data="tfds:beans", name="transfer") == [("best", "val_loss")]
    assert phases(data="auto") == [("last", "val_accuracy")] * 2
