"""Recipes: construction, overrides, the book."""

import dataclasses
import functools
import json
import math

import pytest
from conftest import ROOT, tiny_recipe

import recipes
import zoo
from recipes import Choice, Phase, Recipe, Shares, Split
from recipes.book import VARIANTS
from recipes.errors import UsageFault
from recipes.recipe import with_defaults
from recipes.recipe.diff import refuse_changes
from recipes.recipe.overrides import parse_assignment
from recipes.testing import check_recipe
from zoo.testing import small_shape

# Of Deep Learning with Python, on 2,000 photos of cats and dogs; transfer is the third's protocol on another base.
SECOND_EDITION = ("dogs_vs_cats_aug", "vgg16_feature_extract", "vgg16_finetune")
THIRD_EDITION = ("dogs_vs_cats_gap", "xception_feature_extract", "xception_finetune", "transfer")


def test_names_lists_the_book():
    pages = (ROOT / "recipes" / "book").glob("[!_]*.py")
    assert recipes.names() == sorted(page.stem for page in pages)


shape_of = functools.cache(small_shape)
checked: list[Recipe] = []


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", recipes.names())
def test_every_recipe_keeps_the_contract(name, variant):
    recipe = recipes.get(name, variant)
    assert (recipe.name, recipe.data) == (name, zoo.info(recipe.architecture).dataset)
    if recipe not in checked:  # Some are the same in both variants.
        check_recipe(recipe, input_shape=shape_of(recipe.architecture))
        checked.append(recipe)


def test_published_protocols_are_the_sources():
    """The protocols in one place: split, batch, optimizer, rate, epochs, callbacks."""
    fashion = recipes.get("fashion_cnn", "published")
    assert (fashion.split.method, fashion.split.seed, fashion.batch_size) == ("shuffled", 42, 32)
    phase = fashion.phases[0]
    assert (phase.optimizer, phase.learning_rate, phase.epochs, phase.patience) == ("adam", 1e-3, 20, 2)
    assert (phase.monitor, phase.keep, fashion.published_accuracy) == ("val_loss", "best", 0.9094)

    functional = recipes.get("mnist_functional", "published")
    assert (functional.split.method, functional.batch_size, functional.phases[0].epochs) == ("last", 256, 15)
    assert functional.phases[0].save_every_epoch

    wide = recipes.get("mnist_wide", "published")
    assert (wide.split.method, wide.batch_size, wide.phases[0].epochs) == ("last", 32, 19)

    lenet = recipes.get("keras_mat_lenet", "published")
    phase = lenet.phases[0]
    assert (lenet.split.seed, lenet.batch_size, phase.epochs) == (0, 128, 10)
    assert (phase.optimizer, phase.learning_rate) == ("adadelta", 1.0)
    section_4_2 = lenet.override("data", "mnist")
    assert (section_4_2.split.method, section_4_2.phases[0].optimizer) == ("last", "rmsprop")
    assert section_4_2.phases[0].learning_rate == 1e-3

    for edition, batch_size, optimizer in ((SECOND_EDITION, 32, "rmsprop"), (THIRD_EDITION, 64, "adam")):
        for name in edition:
            published = recipes.get(name, "published")
            assert published.split == recipes.Choice(train=2000, validation=1000, test=2000)
            assert (published.image_size, published.batch_size) == (180, batch_size)
            assert published.augment == recipes.Augment(flip=True, rotation=0.1, zoom=0.2)
            assert all(phase.optimizer == optimizer for phase in published.phases)
    scratch, head = (recipes.get(name, "published").phases[0] for name in SECOND_EDITION[:2])
    assert (scratch.epochs, scratch.learning_rate, scratch.monitor, scratch.keep) == (100, 1e-3, "val_loss", "best")
    assert (head.epochs, head.train) == (50, ("head_*",))
    first, second = recipes.get("vgg16_finetune", "published").phases
    assert first == head
    assert (second.train, second.learning_rate, second.epochs) == (("block5_*", "head_*"), 1e-5, 30)

    gap, features = (recipes.get(name, "published").phases[0] for name in THIRD_EDITION[:2])
    assert (gap.epochs, gap.learning_rate, gap.monitor, gap.keep) == (100, 1e-3, "val_loss", "best")
    assert (features.epochs, features.train, features.learning_rate) == (30, ("head_*",), 1e-3)
    first, second = recipes.get("xception_finetune", "published").phases
    assert first == features
    assert (second.train, second.learning_rate, second.epochs) == (("*",), 1e-5, 30)

    for name in recipes.names():
        published = recipes.get(name, "published")
        assert published.augment == recipes.Augment() or name in SECOND_EDITION + THIRD_EDITION
        assert published.label_smoothing == 0
        assert all(phase.average_epochs == 0 and phase.schedule == "constant" for phase in published.phases)


def test_get_unknown_recipe_suggests():
    with pytest.raises(UsageFault, match="No recipe named 'fashion_cn'. Did you mean 'fashion_cnn'.*--list"):
        recipes.get("fashion_cn")
    with pytest.raises(UsageFault, match="variant must be one of tuned, published"):
        recipes.get("fashion_cnn", "best")


def test_get_reads_a_recipe_of_a_module(tmp_path, monkeypatch):
    (tmp_path / "mine_for_test.py").write_text(
        "from recipes import Phase, Recipe\n"
        "RECIPE = Recipe(name='mine', architecture='fashion_cnn', data='mnist', phases=(Phase('a', epochs=1),))\n"
        "OTHER = 3\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert recipes.get("mine_for_test:RECIPE").name == "mine"
    for bad in ("mine_for_test:NOTHING", "no_such_module:RECIPE", "mine_for_test:OTHER"):
        with pytest.raises(UsageFault):
            recipes.get(bad)
    with pytest.raises(
        UsageFault, match="'mine_for_test:RECIPE' is one recipe, without variants: there is no published one"
    ):
        recipes.get("mine_for_test:RECIPE", "published")


STORED = {
    "name": "tiny", "architecture": "fashion_cnn", "data": "fashion_mnist",
    "phases": [{
        "name": "train", "epochs": 3, "train": ["*"], "rates": {}, "optimizer": "adam", "learning_rate": 1e-3,
        "schedule": "cosine", "weight_decay": 0.0, "average_epochs": 0.5, "monitor": "val_loss", "patience": None,
        "keep": "best", "save_every_epoch": False,
    }],
    "split": {"method": "shuffled", "validation": 0.2, "seed": 42},
    "image_size": None, "batch_size": 64,
    "augment": {"flip": True, "shift": 0.1, "rotation": 0.05, "zoom": 0.0, "erase": 0.0, "strength": 1.0},
    "label_smoothing": 0.0, "class_weights": None, "model": {}, "weights": None, "views": 0,
    "cache_dtype": "float16", "engine": "auto", "published_accuracy": None,
}  # fmt: skip


def test_a_stored_recipe_leaves_out_defaults_and_is_read_with_them():
    recipe = tiny_recipe(batch_size=64)
    assert json.loads(json.dumps(recipe.as_dict())) == {
        "name": "tiny",
        "architecture": "fashion_cnn",
        "data": "fashion_mnist",
        "phases": [{"name": "train", "epochs": 3, "schedule": "cosine", "average_epochs": 0.5}],
        "batch_size": 64,
        "augment": {"flip": True, "shift": 0.1, "rotation": 0.05},
    }
    assert with_defaults(recipe.as_dict()) == with_defaults(STORED)
    assert with_defaults(STORED)["augment"]["contrast"] == 0.0


@pytest.mark.parametrize("split", [Choice(20, 10, 10), Shares(), Shares(seed=3), Split(method="last"), Split()])
def test_a_stored_recipe_tells_how_it_was_divided(split):
    stored = json.loads(json.dumps(tiny_recipe(split=split).as_dict()))
    assert with_defaults(stored)["split"] == dataclasses.asdict(split)


def test_a_run_started_before_a_field_came_is_resumed():
    recipe = tiny_recipe(batch_size=64)
    refuse_changes(STORED, recipe)
    refuse_changes(recipe.as_dict(), recipe)
    with pytest.raises(UsageFault, match="augment.contrast: 0.0 -> 0.1$"):
        refuse_changes(STORED, recipe.override("augment.contrast", 0.1))


def test_a_recipe_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        recipes.get("fashion_cnn").batch_size = 3


def test_construction_reports_all_faults_together():
    with pytest.raises(UsageFault) as caught:
        Recipe(
            name="bad",
            architecture="fashion_cnn",
            data="mnist",
            batch_size=0,
            phases=(Phase("a", epochs=-1, learning_rate=math.nan, optimizer="sdg"), Phase("a", epochs=1)),
        )
    message = str(caught.value)
    for part in (
        "The recipe 'bad' cannot work.",
        "The 'batch_size' of the recipe must be an integer of 1 or more. Got 0 instead.",
        "The 'epochs' of the phase 'a' must be an integer of 1 or more. Got -1 instead.",
        "The 'learning_rate' of the phase 'a' must be a number above 0. Got nan instead.",
        "must be one of adadelta, adam, adamw, lion, rmsprop, sgd, logistic_regression, lda. Got 'sdg' instead.",
        "phases with different names",
    ):
        assert part in message


def test_a_bad_value_is_told_once_and_not_again_for_each_range_of_a_search():
    with pytest.raises(UsageFault, match=r"must be an integer of 1 or more\. Got -1 instead\.$"):
        recipes.get("fashion_cnn").override("batch_size", -1)


def test_a_square_that_nobody_knows_is_refused_with_those_there_are():
    with pytest.raises(UsageFault, match=r"'square' of the recipe must be one of squash, crop, letterbox. Got 'pad'"):
        tiny_recipe().override("square", "pad")


def test_a_file_is_noted_with_its_whole_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "내 망.keras").write_bytes(b"")
    assert parse_assignment("model.backbone=내 망.keras") == ("model.backbone", str(tmp_path / "내 망.keras"))
    assert parse_assignment("weights=base:내 망.keras")[1] == f"base:{tmp_path / '내 망.keras'}"
    for text in ("model.backbone=xception", "weights=gone.keras", "data=내 망.keras"):
        assert "=".join(parse_assignment(text)) == text


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        ("batch_size", "64", 64),
        ("label_smoothing", "1e-1", 0.1),
        ("augment.flip", "true", True),
        ("split.method", "last", "last"),
        ("phases.train.learning_rate", "1e-5", 1e-5),
        ("phases.train.patience", "none", None),
        ("phases.train.train", "block5_*, head_*", ("block5_*", "head_*")),
        ("model.dropout", "0.3", 0.3),
        ("weights", "none", None),
        ("square", "letterbox", "letterbox"),
    ],
)
def test_override_reads_text_as_the_fields_type(path, text, value):
    recipe = tiny_recipe()
    for given in (text, value):
        found = recipe.override(path, given)
        for step in path.split("."):
            if isinstance(found, tuple):
                found = next(part for part in found if part.name == step)
            else:
                found = found[step] if isinstance(found, dict) else getattr(found, step)
        assert found == value
        assert type(found) is type(value)
    assert recipe == tiny_recipe()


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("batchsize", "3", "stops at 'batchsize'. Did you mean 'batch_size'.* There are: architecture"),
        ("phases.trian.epochs", "3", "stops at 'trian'. Did you mean 'train'"),
        ("phases.train.epoch", "3", "stops at 'epoch'. Did you mean 'epochs'"),
        ("phases", "3", "There are: phases.train"),
        ("augment", "3", "There are: augment.flip"),
        ("batch_size.x", "3", "stops at 'x'"),
        ("batch_size", "many", "must be an integer. Got 'many' instead"),
        ("batch_size", "0", "must be an integer of 1 or more"),
        ("augment.flip", "maybe", "must be true or false"),
        ("phases.train.learning_rate", "nan", "must be a number above 0"),
        ("phases.train.epochs", "-1", "must be an integer of 1 or more"),
        ("phases.train.epochs", 10**20, "must be an integer of 1,000,000 or less"),
        ("split.seed", 2**32, "must be an integer of 4,294,967,295 or less"),
        ("views", 10**8, "must be an integer of 1,000 or less"),
        ("then", "finetune", "'then' names parts of a recipe: its module gives them"),
        ("batch_size", "none", "cannot be none"),
    ],
)
def test_override_refuses_what_cannot_be(path, value, words):
    with pytest.raises(UsageFault, match=words):
        tiny_recipe().override(path, value)
