"""Entry points of other packages: found by name, loaded when asked for, and never in place of another's."""

import sys

import pytest

import recipes
import zoo
from recipes import book, run
from recipes.errors import UsageFault
from zoo import registry

MODULE = """
from recipes import Phase, Recipe
from zoo import Info

def build(*, input_shape=(8, 8, 1), classes=2, weights=None):
    "A net of theirs."
    import keras

    image = keras.Input(input_shape)
    return keras.Model(image, keras.layers.Dense(classes)(keras.layers.Flatten()(image)))

INFO = Info(name="anything", source="theirs", use="A test", input_shape=(8, 8, 1), parameters=130)
RECIPE = Recipe(name="theirs", architecture="fashion_cnn", data="mnist", phases=(Phase("a", epochs=1),))
TUNED, PUBLISHED = RECIPE.override("batch_size", 16), RECIPE.override("batch_size", 8)
NOTHING = 3
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Put a distribution with entry points where Python finds it."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "theirs_for_test.py").write_text(MODULE)
    (tmp_path / "broken_for_test.py").write_text("import no_such_module_for_test")

    def make(distribution, group, **points):
        folder = tmp_path / f"{distribution}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        lines = [f"{name} = {target}" for name, target in points.items()]
        (folder / "entry_points.txt").write_text("\n".join([f"[{group}]", *lines]))

    return make


def test_an_architecture_of_another_package_is_a_builder_or_has_build_and_info(install):
    install("theirs", "zoo.architectures", bare="theirs_for_test:build", whole="theirs_for_test")
    assert {"bare", "whole"} <= set(zoo.names())
    assert zoo.get("bare", classes=3).output_shape == (None, 3)
    assert zoo.get("whole", classes=3).output_shape == (None, 3)
    assert zoo.info("bare") == zoo.Info(name="bare", source="theirs_for_test.build", use="A net of theirs.")
    assert (zoo.info("whole").name, zoo.info("whole").parameters) == ("whole", 130)


def test_an_architecture_that_two_packages_bring_is_neithers(install):
    install("one", "zoo.architectures", same="theirs_for_test:build", fine="theirs_for_test:build")
    install("two", "zoo.architectures", same="theirs_for_test", fashion_cnn="theirs_for_test")
    for call in (zoo.get, zoo.info):
        with pytest.raises(ValueError, match="'same' is taken more than once in zoo.architectures: by ") as caught:
            call("same")
        for owner in ("theirs_for_test:build of the distribution one", "theirs_for_test of the distribution two"):
            assert owner in str(caught.value)
        with pytest.raises(
            ValueError, match="'fashion_cnn' is .*by the zoo itself, and by theirs_.*distribution two. Un"
        ):
            call("fashion_cnn")
    assert zoo.info("fine").use == "A net of theirs."
    assert zoo.info("mnist_wide").parameters == 10_259_274


def test_a_registered_architecture_that_a_package_brings_too_is_neithers(install, monkeypatch):
    monkeypatch.setattr(registry, "_registered", {})
    zoo.register("mine", source="here")(lambda: None)
    install("two", "zoo.architectures", mine="theirs_for_test")
    with pytest.raises(ValueError, match="'mine' is taken .*by here, and by theirs_for_test of the distribution two"):
        zoo.get("mine")


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("broken_for_test:build", "): ModuleNotFoundError: No module named 'no_such_module_for_test'"),
        ("theirs_for_test:missing", "cannot be loaded: AttributeError"),
        ("theirs_for_test:NOTHING", "must be a builder, or an object with build and INFO, a zoo.Info. Got 3 instead."),
    ],
)
def test_an_architecture_that_cannot_be_loaded_names_its_distribution(install, target, words):
    install("theirs", "zoo.architectures", bad=target)
    for call in (zoo.get, zoo.info):
        with pytest.raises(ValueError, match=f"'bad' of zoo.architectures, {target} of the distribution th") as caught:
            call("bad")
        assert words in str(caught.value)


def test_a_package_that_finds_entry_points_in_pythons_place_is_not_blamed(install, monkeypatch):
    found_by = pytest.importorskip("importlib_metadata", reason="skipped: importlib_metadata is not installed")
    monkeypatch.setattr(sys, "meta_path", [found_by.MetadataPathFinder(), *sys.meta_path])
    install("theirs", "zoo.architectures", bad="theirs_for_test:missing")
    with pytest.raises(ValueError, match="cannot be loaded: AttributeError"):
        zoo.get("bad")


def test_a_recipe_of_another_package_has_the_variants_of_its_module(install):
    install("theirs", "recipes.book", alone="theirs_for_test:RECIPE", both="theirs_for_test")
    assert {"alone", "both"} <= set(recipes.names())
    assert [recipes.get("both", variant).batch_size for variant in book.VARIANTS] == [16, 8]
    assert recipes.get("alone").batch_size == 32
    with pytest.raises(
        UsageFault, match="RECIPE of the distribution theirs is one recipe, without variants: there is no published one"
    ):
        recipes.get("alone", "published")


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("broken_for_test:RECIPE", "): ModuleNotFoundError: No module named 'no_such_module_for_test'"),
        ("theirs_for_test:NOTHING", "is a int, not a recipes.Recipe, and has no recipe TUNED"),
    ],
)
def test_a_recipe_that_cannot_be_loaded_names_its_distribution(install, target, words):
    install("theirs", "recipes.book", bad=target)
    with pytest.raises(UsageFault, match=f"{target} of the distribution theirs") as caught:
        recipes.get("bad")
    assert words in str(caught.value)


def test_the_list_says_what_is_taken_twice_and_loads_no_plug_in(install, capsys):
    install("one", "recipes.book", same="broken_for_test:RECIPE", other="broken_for_test:RECIPE")
    install("two", "recipes.book", same="broken_for_test", mnist_wide="broken_for_test")
    with pytest.raises(
        UsageFault, match="'mnist_wide' is taken more than once in recipes.book: by this book, and by bro"
    ):
        recipes.get("mnist_wide")
    assert run.main(["--list"]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert "fashion_mnist" in lines["fashion_cnn"]
    assert "from broken_for_test:RECIPE of the distribution one" in lines["other"]
    assert "'same' is taken more than once" in lines["same"]
    assert "by this book, and by broken_for_test of the distribution two" in lines["mnist_wide"]
    assert recipes.get("fashion_cnn").name == "fashion_cnn"
