"""Searches: the same table after every interruption, failures told, validation alone."""

import dataclasses
import json
import os
import runpy
import shutil
import signal

import keras_tuner
import pytest
from conftest import tiny_recipe
from filelock import FileLock

from recipes import Augment, Choice, Phase, Recipe, Shares, Split, book, tune
from recipes.console.signals import Signals
from recipes.errors import CorruptFault, Interrupted, UsageFault
from recipes.execution.request import Request
from recipes.files import run_folder
from recipes.recipe import page_source
from recipes.recipe.search_space import Float, Int, LogFloat, OneOf
from recipes.study.searches import search, trial, tuning
from recipes.train import checkpoint, engine

pytestmark = pytest.mark.usefixtures("one_layer")
RANGES = {
    "phases.train.learning_rate": LogFloat(1e-4, 1e-2),
    "batch_size": OneOf((64, 128)),
    "model.dropout": Float(0.1, 0.5),
}
# One layer, and few images train and many validate: that is what a search costs least with.
RECIPE = tiny_recipe(
    name="tuned", architecture="one_layer", augment=Augment(flip=True), tune=RANGES, split=Split(validation=0.9)
)
TWO_PHASES = tiny_recipe(phases=(Phase("head", epochs=1, train=("dense*",)), Phase("train", epochs=2)), tune=RANGES)
EXPLODING = RECIPE.override("phases.train.optimizer", "sgd").override("augment.flip", False)
EXPLODING = dataclasses.replace(EXPLODING, tune={"phases.train.learning_rate": LogFloat(1e35, 1e37)})


@pytest.fixture
def hunt(fashion, tmp_path):
    """A search in a folder; what it found comes without the seconds."""

    def make(folder="search", recipe=RECIPE, signals=None, **settings):
        trainer = trial.Trainer(fashion, None, "float32", signals or Signals())
        (tmp_path / folder).mkdir(exist_ok=True)
        return search.Search(recipe, trainer, tmp_path / folder, **({"trials": 4} | settings))

    return make


def timeless(trials):
    return [dataclasses.replace(trial, seconds=0.0) for trial in trials]


PLAIN = dataclasses.replace(RECIPE, augment=Augment(), phases=(Phase("train", epochs=3),))
ONE_RANGE = dataclasses.replace(
    PLAIN.override("phases.train.epochs", 2), tune={"phases.train.learning_rate": LogFloat(1e-4, 1e-2)}
)
QUICK = PLAIN.override("phases.train.epochs", 1)


@pytest.mark.parametrize(
    # Of one range, the fourth trial is the first that the Gaussian process proposes; Hyperband's goes on with another.
    ("tuner", "recipe", "sitting_before", "saves", "epochs"),
    [("bayesian", ONE_RANGE, 2, 3, 1), ("hyperband", PLAIN, 0, 4, 2)],
)
def test_an_interrupted_search_ends_with_the_table_of_an_uninterrupted_one(
    hunt, monkeypatch, tmp_path, tuner, recipe, sitting_before, saves, epochs
):
    """Interrupted within its fourth trial, of which an epoch is saved, in the first sitting or a later one."""
    settings = {"recipe": recipe, "tuner": tuner, "trials": 5}
    train, save, trained = engine.train, checkpoint.save, []

    def count(*arguments, **keywords):
        trained.append(len(keywords["state"].history) if keywords["state"] else 0)
        return train(*arguments, **keywords)

    monkeypatch.setattr(engine, "train", count)
    whole = hunt("whole", **settings).run()
    assert len(whole) == len(trained) == 5, "each trial trains once"
    assert len({json.dumps(trial.values) for trial in whole}) == len([one for one in whole if one.goes_on is None])
    if tuner == "hyperband":
        assert whole[3].epochs > whole[whole[3].goes_on].epochs

    signals, done = Signals(), []
    stopped = hunt("stopped", signals=signals, **settings)
    for number in range(sitting_before):
        (stopped.folder / "trials").mkdir(exist_ok=True)
        shutil.copy(tmp_path / "whole" / "trials" / f"{number:04d}.json", stopped.folder / "trials")

    def save_and_stop(folder, current):
        save(folder, current)
        done.append(current.epoch)
        if len(done) == saves:
            signals.received = signal.SIGTERM

    monkeypatch.setattr(checkpoint, "save", save_and_stop)
    with pytest.raises(Interrupted, match="The same command goes on"):
        stopped.run()
    assert len(stopped.found) == 3
    monkeypatch.setattr(checkpoint, "save", save)
    trained.clear()
    assert timeless(hunt("stopped", **settings).run()) == timeless(whole)
    assert len(trained) == 5 - 3
    assert trained[0] == epochs, "the trial that was stopped began anew"


def test_a_signal_within_keras_tuners_own_code_stops_the_search_before_the_next_trial(hunt, monkeypatch):
    """It comes while the tuner holds its lock and notes a trial's figures: nothing there may be cut short."""
    signals = Signals()
    update, handler = keras_tuner.Oracle.update_trial, signal.getsignal(signal.SIGTERM)

    def interrupted(*arguments, **keywords):
        signal.signal(signal.SIGTERM, signals._on_signal)
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            signal.signal(signal.SIGTERM, handler)
        return update(*arguments, **keywords)

    monkeypatch.setattr(search.Search, "train", lambda self, proposed: {"val_accuracy": 0.5, "val_loss": 1.0})
    with monkeypatch.context() as patch:
        patch.setattr(keras_tuner.Oracle, "update_trial", interrupted)
        stopped = hunt(recipe=QUICK, tuner="random", trials=3, signals=signals)
        with pytest.raises(Interrupted, match="The same command goes on"):
            stopped.run()
    assert [trial.val_accuracy for trial in stopped.found] == [0.5]
    assert len(hunt(recipe=QUICK, tuner="random", trials=3).run()) == 3


def test_a_second_search_in_a_folder_is_told_who_owns_it(call, tmp_path):
    (tmp_path / "out").mkdir()
    with run_folder.owned(tmp_path / "out"):
        code, _, err = call("RECIPE", "--trials", 1)
    assert code == 5, err
    assert f"Another run (process {os.getpid()}) owns" in err


def test_finished_trials_are_never_run_again_and_more_may_follow(hunt, monkeypatch, caplog):
    train, trained, build, built = engine.train, [], search.prepare.build, []
    monkeypatch.setattr(search.prepare, "build", lambda *arguments: built.append(1) or build(*arguments))
    first = hunt(recipe=QUICK, tuner="random", trials=2).run()
    assert len(built) == 2, "each trial builds its network, and nothing else does"

    def count(*arguments, **keywords):
        trained.append(1)
        return train(*arguments, **keywords)

    monkeypatch.setattr(engine, "train", count)
    assert hunt(recipe=QUICK, tuner="random", trials=2).run() == first
    assert not trained
    more = hunt(recipe=QUICK, tuner="random", trials=3)
    assert more.run()[:2] == first
    assert len(trained) == 1

    # A record that was cut short costs its own trial.
    record = more.folder / "trials" / "0001.json"
    record.write_text(record.read_text()[:40])
    assert timeless(hunt(recipe=QUICK, tuner="random", trials=3).run()) == timeless(more.found)
    assert len(trained) == 2

    record.write_text(json.dumps(json.loads(record.read_text()) | {"values": {"batch_size": 1}}))
    with pytest.raises(CorruptFault, match="another trial than keras-tuner proposes"):
        hunt(recipe=QUICK, tuner="random", trials=3).run()


def test_hours_end_a_search_after_a_trial(hunt):
    assert len(hunt(recipe=QUICK, hours=1e-9).run()) == 1
    assert len(hunt(recipe=QUICK, hours=1e-9).run()) == 1


def test_a_trial_that_diverges_is_remembered_with_its_reason(hunt):
    mixed = dataclasses.replace(EXPLODING, tune={"phases.train.learning_rate": OneOf((1e-2, 1e36))})
    search_of_both = hunt(recipe=mixed, tuner="random", trials=2, seed=1)
    found = search_of_both.run()
    assert sorted(trial.failed for trial in found) == [False, True]
    assert "The loss became" in next(trial.reason for trial in found if trial.failed)
    assert search_of_both.best().values == {"phases.train.learning_rate": 1e-2}


@pytest.fixture
def call(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("recipes.console.signals.Signals.listen", lambda self: None)
    monkeypatch.setattr(tuning, "SEEDS", 2)

    def tuned(recipe, *arguments):
        words = [f"test_tune:{recipe}", "--data", "sample", "--precision", "float32", "--out", str(tmp_path / "out")]
        code = tune.main(words + [str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return tuned


def test_the_command_ends_with_table_picture_retrained_seeds_and_a_changed_page(call, tmp_path, monkeypatch):
    arguments = ("--trials", 2, "--tuner", "random", "--set", "phases.train.epochs=1")
    with monkeypatch.context() as patch:
        patch.setattr(tuning, "_begin", lambda *_: (_ for _ in ()).throw(RuntimeError("killed")))
        assert call("RECIPE", *arguments)[0] == 1
    code, out, err = call("RECIPE", *arguments)  # A search that was killed before it was noted is in nobody's way.
    assert code == 0, err
    assert "0 test" in out
    found = json.loads((tmp_path / "out" / "search.json").read_text())
    best = found["trials"][found["best"]]
    assert best["val_accuracy"] == max(trial["val_accuracy"] for trial in found["trials"])
    for kind in ("page", "winner"):
        assert [run["seed"] for run in found["retrained"][kind]] == [43, 44]
    assert "as the page has it  val_accuracy 0." in out
    assert (tmp_path / "out" / "slices.png").read_bytes()[:4] == b"\x89PNG"
    verdict, *diff = (tmp_path / "out" / "TUNED.diff").read_text().splitlines()
    assert verdict in out.splitlines()
    assert f'+    model={{"dropout": {best["values"]["model.dropout"]}}},' in diff
    assert not any("epochs=1" in line for line in diff)

    # What won goes on, as it was searched; what lost is not recommended.
    for gain, said in ((0.01, "is better than the page"), (-0.01, "the page's settings stay, trial")):
        for retrained in (tmp_path / "out" / "retrained").glob("trial-*.json"):
            retrained.with_suffix("").mkdir()  # Of a process that was killed before it took its states away.
            figures = json.loads(retrained.read_text())
            page = json.loads((retrained.parent / f"page-seed{figures['seed']}.json").read_text())
            retrained.write_text(json.dumps(figures | {"val_accuracy": page["val_accuracy"] + gain}))
        code, out, err = call("RECIPE", *arguments)
        assert code == 0, err
        assert not [path for path in (tmp_path / "out" / "retrained").iterdir() if path.is_dir()]
        assert f"{said}" in (tmp_path / "out" / "TUNED.diff").read_text().splitlines()[0]
        last = out.splitlines()[-1]
        if gain > 0:
            assert last.startswith("next   python -m recipes.run test_tune:RECIPE --data sample")
            assert "--set phases.train.epochs=1" in last
            assert f"--set batch_size={best['values']['batch_size']}" in last
            assert "--variant" not in last
        else:
            assert not [line for line in out.splitlines() if line.startswith("next")]

    code, _, err = call("RECIPE", *arguments, "--seed", 7)
    assert (code, "holds another search (seed: 42 -> 7)" in err) == (2, True)
    with monkeypatch.context() as patch:
        patch.setattr("recipes.study.searches.tuning.chosen", lambda: "jax")
        code, _, err = call("RECIPE", *arguments)
    assert (code, "holds another search (backend: 'tensorflow' -> 'jax')" in err) == (2, True)
    with FileLock(tmp_path / "out" / ".lock"):
        code, _, err = call("RECIPE", *arguments)
    assert (code, "Another run" in err) == (5, True)


def test_the_next_command_names_the_variant_of_a_pair_of_ones_own():
    told = tuning._command(Request("my_module:PAIR", "published"), {"batch_size": 64})
    assert told == "python -m recipes.run my_module:PAIR --variant published --set batch_size=64 --seed 42"


def test_the_verdict_goes_by_the_objective_over_the_seeds_that_both_trained():
    def runs(*figures):
        return [{"seed": 1, "reason": "diverged"} if one is None else {"val_loss": one} for one in figures]

    better = tuning.verdict(runs(0.5, 0.6, 0.7), runs(0.4, 0.4, 0.6), "val_loss")
    assert better["won"]
    assert better["difference"] == pytest.approx(0.4 / 3)
    # Student's t of two degrees of freedom at 0.975 is 4.3027.
    assert better["interval"] == pytest.approx([0.4 / 3 - 4.3027 / 30, 0.4 / 3 + 4.3027 / 30], abs=1e-4)
    equal = tuning.verdict(runs(0.5, 0.5), runs(0.5, 0.5), "val_loss")
    assert (equal["won"], equal["difference"]) == (False, 0)
    assert not tuning.verdict(runs(0.5, 0.5), runs(0.4, None), "val_loss")["won"]
    assert tuning.verdict(runs(None), runs(0.4), "val_loss") == {"won": True, "difference": None, "interval": None}


def test_without_a_winner_each_reason_is_told(call, tmp_path):
    code, _, err = call("EXPLODING", "--trials", 2, "--set", "phases.train.epochs=1")
    assert code == 7
    assert "no winner" in err
    assert "Trial 0: The loss became" in err
    assert "Trial 1: The loss became" in err
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "out" / "search.json").exists()


def test_bad_input_is_refused_before_anything_is_written(call, tmp_path):
    for arguments, expected in (
        (("--trials", 0), "1 or more"),
        (("--hours", -1), "above 0"),
        (("--seed", -1), "from 0 to"),
        (("--set", "batchsize=3"), "batch_size"),
    ):
        code, _, err = call("RECIPE", *arguments)
        assert (code, expected in err) == (2, True), err
    assert not (tmp_path / "out").exists()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    code, _, err = call("RECIPE")
    assert (code, "holds other files" in err) == (2, True)
    assert (tmp_path / "out" / "thesis.txt").read_text() == "mine"


def test_each_trial_has_the_weights_of_the_base_that_it_chooses(hunt, monkeypatch):
    monkeypatch.setattr(search.prepare, "find_weights", lambda recipe: f"weights of {recipe.model['backbone']}")
    monkeypatch.setattr(search.prepare, "build", lambda recipe, splits, seed, weights: weights)
    bases = tiny_recipe(
        architecture="transfer", weights="imagenet", tune={"model.backbone": OneOf(("mobilenet", "xception"))}
    )
    found = hunt(recipe=bases)
    for name in ("mobilenet", "xception"):
        assert found.build(found.applied({"model.backbone": name}), 1) == f"weights of {name}"


def test_the_temperature_of_a_head_that_is_solved_for_can_be_tuned():
    solved = Phase("head", epochs=1, train=("dense",), optimizer="lda")
    assert tiny_recipe(phases=(solved,), tune={"phases.head.temperature": Float(0.5, 2.0)}).tune


@pytest.mark.parametrize(
    ("ranges", "expected"),
    [
        ({"batchsize": Int(1, 2)}, "It cannot be tuned at 'batchsize'"),
        ({"label_smoothing": Float(0.0, 1.5)}, "It cannot be tuned at 'label_smoothing'"),
        ({"batch_size": Int(5, 5)}, "low below"),
        ({"label_smoothing": LogFloat(0.0, 0.1)}, "begin above 0"),
        ({"batch_size": OneOf((32, "64"))}, "of one type"),
        ({"phases.train.temperature": Float(0.5, 2.0)}, "validated before the temperature divides it. Leave it out of"),
    ],
)
def test_a_range_the_recipe_cannot_take_is_refused_at_construction(ranges, expected):
    with pytest.raises(UsageFault, match=expected):
        tiny_recipe(tune=ranges)


@pytest.mark.parametrize(
    ("path", "space"),
    [
        ("data", OneOf(("mnist", "fashion_mnist"))),
        ("split.validation", Float(0.1, 0.3)),
        ("split.method", OneOf(("last", "shuffled"))),
        ("image_size", OneOf((28, 32))),
        ("square", OneOf(("squash", "crop"))),
        ("weights", OneOf(("imagenet", "other.h5"))),
        ("published_accuracy", Float(0.1, 0.2)),
        ("phases.train.epochs", Int(1, 9)),
        ("phases.train.save_every_epoch", OneOf((True, False))),
        ("then", OneOf(("head", "finetune"))),
    ],
)
def test_a_range_that_no_trial_could_vary_is_refused_at_construction(path, space):
    with pytest.raises(
        UsageFault, match=f"cannot be tuned at '{path}', which every trial has in common. A sea"
    ) as caught:
        tiny_recipe(tune={path: space})
    for varied in ("batch_size, ", "model.<keyword>", "augment.strength", "phases.<phase>.learning_rate"):
        assert varied in str(caught.value)
    for fixed in ("image_size", "square", "split", ".epochs", "then", "tune,", "name,"):
        assert fixed not in str(caught.value).partition("can vary")[2]


@pytest.mark.parametrize("name", book.names())
@pytest.mark.parametrize("variant", book.VARIANTS)
def test_the_source_of_a_recipe_makes_it_again(name, variant, tmp_path):
    recipe = book.get(name, variant)
    kinds = (Augment, Choice, Float, Int, LogFloat, OneOf, Phase, Recipe, Shares, Split)
    page = tmp_path / "page.py"
    page.write_text(page_source.source(recipe))
    assert runpy.run_path(str(page), {kind.__name__: kind for kind in kinds})["TUNED"] == recipe
    assert page_source.diff(recipe, recipe) == ""
    # What folds choose on each set of photos anew has no search, nor has a recipe whose protocol is all there is.
    has_own_settings = recipe != book.get(name, "published")
    assert (has_own_settings and not recipe.audition) == bool(recipe.tune)


def test_hyperband_is_refused_where_first_epochs_say_nothing(call, tmp_path):
    code, _, err = call("TWO_PHASES", "--tuner", "hyperband")
    assert (code, "Hyperband judges a training by its first epochs" in err) == (2, True)
    assert not list(tmp_path.iterdir())


def test_overwrite_takes_no_search_away_where_the_request_is_refused(call, tmp_path):
    (tmp_path / "out" / "trials").mkdir(parents=True)
    for name in ("run.json", "trials/0000.json"):
        (tmp_path / "out" / name).write_text("{}")
    for recipe, *more in (("TWO_PHASES", "--tuner", "hyperband"), ("RECIPE", "--set", "phases.train.train=nothing")):
        assert call(recipe, "--overwrite", *more)[0] == 2
        assert (tmp_path / "out" / "trials" / "0000.json").read_text() == "{}"


def test_a_network_edited_within_a_search_is_refused_by_name(call, monkeypatch, tmp_path):
    arguments = ("--trials", 1, "--tuner", "random", "--set", "phases.train.epochs=1")
    monkeypatch.setattr(search.Search, "run", lambda self: (_ for _ in ()).throw(KeyboardInterrupt))
    assert call("RECIPE", *arguments)[0] == 130
    started = tmp_path / "out" / "run.json"
    before = json.loads(started.read_text())
    before["network"]["layers"]["dense"]["units"] = 7
    started.write_text(json.dumps(before))
    code, _, err = call("RECIPE", *arguments)
    assert (code, "The network changed since the search in" in err) == (2, True)
    assert "units of the layer 'dense' was 7 and is " in err
    del before["network"]  # A search of an earlier version has none.
    started.write_text(json.dumps(before))
    assert call("RECIPE", *arguments)[0] == 130
