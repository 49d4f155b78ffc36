"""Training: the same seed gives the same numbers, a resumed run equals an uninterrupted one, freezing holds."""

import copy
import dataclasses

import keras
import numpy as np
import pytest
from conftest import tiny_recipe

import zoo
from recipes import Augment, Phase, data
from recipes.errors import CorruptFault, DivergedFault, MemoryFault, UsageFault
from recipes.train import engine, memory, phase
from recipes.train.engine import Hooks, StopRequested

# Layers that the recipes' phases thaw by name, and as few variables to trace as can be.
HEAD = ("dense", "probabilities")
TWO_PHASES = (
    Phase("head", epochs=2, train=HEAD, optimizer="rmsprop", learning_rate=0.01, patience=1),
    Phase(
        "all", epochs=3, schedule="one_cycle", average_epochs=0.5, optimizer="adamw", learning_rate=0.01,
        weight_decay=1e-3,
    ),
)  # fmt: skip


def network(splits, seed=7):
    """Two layers below and two above, the last with a dropout before it."""
    keras.utils.set_random_seed(seed)
    image = keras.Input(splits.image_shape, name="image")
    x = keras.layers.Flatten(name="flatten")(keras.layers.Rescaling(1 / 255, name="scale")(image))
    for name in ("low1", "low2", "dense"):
        x = keras.layers.Dense(64, activation="relu", use_bias=False, name=name)(x)
    x = keras.layers.Dropout(0.2, name="dropout")(x)
    classes = len(splits.class_names)
    return keras.Model(image, keras.layers.Dense(classes, activation="softmax", name="probabilities")(x), name="own")


def plain(*phases, **changes):
    """A recipe without augmentation."""
    return tiny_recipe(**({"phases": phases, "augment": Augment()} | changes))


def train(recipe, splits, *, seed=7, **keywords):
    return engine.train(recipe, splits, network(splits, seed), seed=seed, **keywords)


def stop_after(steps):
    """Hooks that ask for a stop after so many steps, and keep a copy of the last state."""
    seen = {"steps": 0, "state": None}

    def on_step(*_):
        seen["steps"] += 1

    hooks = Hooks(
        on_step=on_step,
        on_save=lambda state: seen.update(state=copy.deepcopy(state)),
        stop_requested=lambda: seen["steps"] >= steps,
    )
    return hooks, seen


@pytest.fixture
def step_by_step(monkeypatch):
    """One step a call, so that a stop can fall between any two."""
    monkeypatch.setattr(phase, "steps_per_call", lambda *_: 1)


@pytest.fixture(scope="module")
def uninterrupted(fashion):
    """A training that has no test images to look at."""
    return train(tiny_recipe(phases=TWO_PHASES), dataclasses.replace(fashion, test=None))


@pytest.fixture(scope="module")
def short(fashion):
    """Two epochs of which the last is kept: the outcome, the state saved after each, the weights validated in each."""
    states, weights = [], []
    hooks = Hooks(
        on_save=lambda state: states.append(copy.deepcopy(state)),
        on_epoch=lambda phase, row, model, is_best: weights.append(model.get_weights()),
    )
    return train(plain(Phase("train", epochs=2, keep="last")), fashion, hooks=hooks), states, weights


def assert_same(one, other, tolerance=0.0):
    assert len(one.history) == len(other.history)
    for row, expected in zip(one.history, other.history, strict=True):
        assert row["phase"] == expected["phase"]
        for name in ("epoch", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"):
            assert row[name] == pytest.approx(expected[name], abs=tolerance, rel=tolerance)
    for weights, expected in zip(one.model.get_weights(), other.model.get_weights(), strict=True):
        np.testing.assert_allclose(weights, expected, atol=tolerance, rtol=tolerance)
    assert one.kept == other.kept


def test_same_seed_gives_the_same_numbers_and_training_never_looks_at_the_test_images(fashion, uninterrupted):
    again = train(tiny_recipe(phases=TWO_PHASES), fashion)
    assert again.history == uninterrupted.history
    assert_same(again, uninterrupted)


def test_another_seed_gives_other_numbers(fashion, uninterrupted):
    other = train(tiny_recipe(phases=TWO_PHASES), fashion, seed=8, phases=1).history
    assert all(row != expected for row, expected in zip(other, uninterrupted.history, strict=False))


def test_it_learns(uninterrupted, fashion):
    losses = [row["loss"] for row in uninterrupted.history]
    assert losses[-1] < losses[0]
    assert uninterrupted.history[-1]["val_accuracy"] > 0.4


# Ten steps an epoch: within one, at its end, between the phases, within the second, before and after its last step.
STOPS = (3, 10, 20, 27, 49, 50)


def test_resumed_training_equals_the_uninterrupted_one(fashion, uninterrupted, step_by_step):
    """One training, stopped and resumed at every point, and its end is the uninterrupted one's."""
    recipe = tiny_recipe(phases=TWO_PHASES)
    state, done = None, 0
    for steps in STOPS:
        hooks, seen = stop_after(steps - done)
        with pytest.raises(StopRequested):
            train(recipe, fashion, state=state, hooks=hooks)
        state, done = seen["state"], steps
        assert state.phase * 20 + state.epoch * 10 + state.step == steps
    assert_same(train(recipe, fashion, state=state), uninterrupted, tolerance=1e-6)


def test_early_stopping_counters_come_back(fashion):
    """A rate so small that the loss never improves enough: patience must not start anew after a resume."""
    recipe, states = plain(Phase("train", epochs=9, learning_rate=1e-12, monitor="val_accuracy", patience=3)), []
    whole = train(recipe, fashion, hooks=Hooks(on_save=lambda state: states.append(copy.deepcopy(state))))
    assert len(whole.history) == 4
    assert states[1].waited == 1
    assert_same(train(recipe, fashion, state=states[1]), whole)


def test_best_weights_are_kept(fashion):
    saved = []
    hooks = Hooks(on_epoch=lambda phase, row, model, is_best: saved.append((is_best, model.get_weights())))
    phase = Phase("train", epochs=4, learning_rate=0.1, monitor="val_accuracy", keep="best")
    outcome = train(plain(phase), fashion, hooks=hooks)
    best = [weights for is_best, weights in saved if is_best][-1]
    np.testing.assert_array_equal(outcome.model.get_weights()[0], best[0])
    accuracies = [row["val_accuracy"] for row in outcome.history]
    assert outcome.kept["train"] == 1 + int(np.argmax(accuracies)) < 4


def test_last_weights_are_kept_when_asked(short):
    outcome, _, weights = short
    np.testing.assert_array_equal(outcome.model.get_weights()[0], weights[-1][0])
    assert outcome.kept["train"] == 2


def test_temperature_divides_what_the_last_layer_says_and_nothing_below(fashion, short):
    outcome = train(plain(Phase("train", epochs=2, keep="last", temperature=4.0)), fashion)
    assert outcome.history == short[0].history, "it is divided when all is trained"
    *below, kernel, bias = (weights.numpy() for weights in outcome.model.weights)
    *same, sharp, shift = (weights.numpy() for weights in short[0].model.weights)
    for one, other in zip(below, same, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_allclose(kernel * 4, sharp, rtol=1e-6)
    np.testing.assert_allclose(bias * 4, shift, rtol=1e-6)


def test_a_temperature_that_cannot_divide_is_refused_before_a_step(fashion):
    image = keras.Input((*fashion.image_shape[:2], 1))
    scores = keras.layers.Dense(10)(keras.layers.Flatten()(image))
    model = keras.Model(image, keras.layers.Activation("softmax", name="probabilities")(scores))
    steps = []
    hooks = Hooks(on_step=lambda *step: steps.append(step))
    with pytest.raises(UsageFault, match=r"ends in probabilities\. .*--set phases\.train\.temperature=1\."):
        engine.train(plain(Phase("train", 1, temperature=2.0)), fashion, model, seed=1, hooks=hooks)
    assert steps == []


def test_validated_weights_are_the_averaged_ones(fashion):
    """What the last epoch validated, with averaging, is what the model returned gives."""
    outcome = train(plain(Phase("train", epochs=2, average_epochs=1.0, keep="last")), fashion)
    probabilities, labels = np.array(outcome.model(fashion.validation.pixels)), fashion.validation.labels
    loss = -np.log(probabilities[np.arange(len(labels)), labels]).mean()
    assert loss == pytest.approx(outcome.history[-1]["val_loss"], rel=1e-4)
    accuracy = np.mean(probabilities.argmax(axis=1) == labels)
    assert accuracy == pytest.approx(outcome.history[-1]["val_accuracy"], abs=1e-6)


def test_each_phase_moves_what_it_thaws_and_frozen_weights_are_byte_identical(fashion):
    phases = (
        Phase("head", epochs=1, train=("dense", "prob*"), weight_decay=0.01),
        Phase("below", epochs=1, train=("low*",), optimizer="sgd"),
    )
    after, trained = {}, {}

    def on_epoch(phase, row, model, best):
        after[phase.name] = weights_by_layer(model)
        trained[phase.name] = [layer.name for layer in model.layers if layer.trainable_weights]

    model = network(fashion)
    start = weights_by_layer(model)
    outcome = engine.train(plain(*phases), fashion, model, seed=1, hooks=Hooks(on_epoch=on_epoch))
    assert trained == {"head": ["dense", "probabilities"], "below": ["low1", "low2"]}
    assert [layer.name for layer in outcome.model.layers if layer.trainable_weights] == ["low1", "low2"]
    for before, now, moved in (
        (start, after["head"], {"dense", "probabilities"}),
        (after["head"], after["below"], {"low1", "low2"}),
        (after["below"], weights_by_layer(outcome.model), set()),
    ):
        for layer, arrays in before.items():
            same = [one == other for one, other in zip(arrays, now[layer], strict=True)]
            assert same == [layer not in moved] * len(arrays), layer


def weights_by_layer(model):
    return {layer.name: [array.tobytes() for array in layer.get_weights()] for layer in model.layers if layer.weights}


def test_a_glob_that_matches_nothing_lists_the_layers(fashion):
    recipe = tiny_recipe(phases=(Phase("head", epochs=1, train=("head_*",)),))
    with pytest.raises(UsageFault, match="'head_.' matches no layer with weights in own.* low1, low2, dense"):
        train(recipe, fashion)


def test_a_loss_that_is_not_a_number_stops_the_run(fashion):
    recipe = plain(Phase("train", epochs=2, learning_rate=1e6, optimizer="sgd"))
    words = r"in phase 'train', epoch 1, by step \d+, at a learning rate of 1e\+06.*phases.train.learning_rate=1e\+05"
    with pytest.raises(DivergedFault, match=words):
        train(recipe, fashion)


def test_bfloat16_trains_and_gives_a_float32_model(fashion):
    recipe = plain(Phase("train", epochs=3, schedule="cosine", average_epochs=0.5, learning_rate=3e-3), batch_size=16)
    splits = fashion.take(train=200, validation=50, test=1)
    outcome = train(recipe, splits, precision="bfloat16")
    assert outcome.model.dtype_policy.name == "float32"
    assert {layer.compute_dtype for layer in outcome.model.layers} == {"float32"}
    assert all(weight.dtype == "float32" for weight in outcome.model.weights)
    assert outcome.history[-1]["val_accuracy"] > 0.4
    again = train(recipe, splits, precision="bfloat16")
    assert again.history == outcome.history


def test_two_classes_train_one_sigmoid_unit(fashion):
    shape = (*fashion.image_shape[:2], 1)
    assert zoo.get("dogs_vs_cats_aug", input_shape=(80, 80, 3), classes=2).output_shape == (None, 1)
    image = keras.Input(shape)
    flat = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(image))
    model = keras.Model(image, keras.layers.Dense(1, activation="sigmoid")(flat))
    outcome = engine.train(plain(Phase("a", 1), batch_size=4), two_classes(fashion, 0, 1), model, seed=1)
    assert outcome.model.output_shape == (None, 1)
    assert np.isfinite(outcome.history[0]["loss"])
    assert outcome.history[0]["val_accuracy"] > 0.7


def two_classes(splits, one, other, train=None, validation=None):
    """The images of two classes; of the other one, only so many."""

    def pair(images, few):
        first, second = np.flatnonzero(images.labels == one), np.flatnonzero(images.labels == other)[:few]
        chosen = images.select(np.concatenate([first, second]))
        return dataclasses.replace(chosen, labels=(chosen.labels == other).astype("int64"))

    pairs = {"train": pair(splits.train, train), "validation": pair(splits.validation, validation)}
    return dataclasses.replace(splits, **pairs, class_names=("one", "other"))


def test_a_batch_that_cannot_fit_is_refused_with_one_that_can(fashion, monkeypatch):
    class Memory:
        available = 3 * 2**20

    monkeypatch.setattr(memory.psutil, "virtual_memory", lambda: Memory)
    with pytest.raises(MemoryFault, match=r"A batch of 320 images needs about .* Try --set batch_size=\d+"):
        train(tiny_recipe(batch_size=100_000), fashion)


def test_steps_per_call_is_one_for_a_large_network_or_a_short_phase():
    assert phase.steps_per_call(zoo.get("vgg16_finetune", weights=None), 32, 63, 30) == 1
    small = zoo.get("fashion_cnn")
    assert phase.steps_per_call(small, 32, 1500, 9) == 64
    assert phase.steps_per_call(small, 32, 5, 100) == 5
    assert phase.steps_per_call(small, 32, 5, 25) == 1


def test_many_steps_in_one_call_give_the_numbers_of_one_by_one(fashion, monkeypatch):
    histories = []
    for few in (0, 10_000):
        monkeypatch.setattr(phase, "FEW_STEPS", few)
        histories.append(train(tiny_recipe(phases=(Phase("train", epochs=2),)), fashion).history)
    for one, many in zip(*histories, strict=True):
        assert all(one[name] == many[name] for name in ("loss", "accuracy", "val_loss", "val_accuracy"))


def test_balanced_classes_weigh_the_same_where_the_epoch_to_keep_is_chosen():
    """A few dresses among T-shirts, and a network that begins by calling everything the big class."""
    sample = data.read(data.find("fashion_mnist", "sample"), tiny_recipe().split).take(600, 200, 1)
    splits = two_classes(sample, 0, 3, train=12, validation=3)
    model = network(splits)
    model.get_layer("probabilities").bias.assign([2.0, -2.0])
    recipe = plain(Phase("train", epochs=2, learning_rate=2e-3), batch_size=16, class_weights="balanced")
    outcome = engine.train(recipe, splits, model, seed=1)

    labels, history = splits.validation.labels, outcome.history
    probabilities = np.array(outcome.model(splits.validation.pixels))
    right = probabilities.argmax(axis=1) == labels
    recalls = [right[labels == label].mean() for label in (0, 1)]
    assert np.mean(recalls) > 0.7  # Unweighted, the epoch with 0.5 would have the lowest loss.
    kept = history[outcome.kept["train"] - 1]
    assert kept["val_accuracy"] == pytest.approx(np.mean(recalls), abs=1e-5)
    losses = -np.log(probabilities[np.arange(len(labels)), labels])
    assert kept["val_loss"] == pytest.approx(np.mean([losses[labels == label].mean() for label in (0, 1)]), rel=1e-4)
    assert {row["class_weights"] for row in history} == {"balanced"}


@pytest.mark.parametrize(
    ("schedule", "changes"),
    [("constant", []), ("cosine", [{"phase": "train", "from_epoch": 2, "epochs_before": 2, "epochs": 3}])],
)
def test_more_epochs_on_resume_say_from_where_the_schedule_is_another(fashion, short, caplog, schedule, changes):
    _, states, _ = short
    phase = Phase("train", epochs=2, schedule=schedule, keep="last")
    if schedule != "constant":
        hooks, seen = stop_after(10)  # The steps of an epoch.
        with pytest.raises(StopRequested):
            train(plain(phase), fashion, hooks=hooks)
        states = [seen["state"]]
    assert (states[0].epoch, states[0].step) == (1, 0)
    outcome = train(plain(dataclasses.replace(phase, epochs=3)), fashion, state=copy.deepcopy(states[0]))
    assert len(outcome.history) == 3
    assert outcome.schedule_changes == changes
    said = "from epoch 2 on the cosine schedule is drawn for 3 epochs; before, it was drawn for 2" in caplog.text
    assert said == bool(changes)


def test_a_last_batch_of_one_image_does_not_ruin_batch_normalization(fashion):
    """Of one vector the variance is 0: in company, what prediction normalises by is what training did."""
    images = dataclasses.replace(fashion, train=fashion.train.select(np.arange(33)))
    image = keras.Input((28, 28, 1))
    x = keras.layers.BatchNormalization(momentum=0.0, name="norm")(keras.layers.Flatten()(image))
    model = keras.Model(image, keras.layers.Dense(10, activation="softmax")(x))
    recipe = tiny_recipe(phases=(Phase("train", epochs=1, keep="last"),), augment=Augment(), batch_size=32)
    outcome = engine.train(recipe, images, model, seed=1)
    assert outcome.model.get_layer("norm").moving_variance.numpy().mean() > 100


def test_statistics_that_the_training_itself_moved_raise_no_alarm_when_it_goes_on(fashion, caplog):
    """Neither in a second phase nor after a stop within one; those that came with the network do."""
    image = keras.Input((28, 28, 1), name="image")
    x = keras.layers.BatchNormalization(name="norm")(keras.layers.Flatten(name="flatten")(image))
    model = keras.Model(image, keras.layers.Dense(10, activation="softmax", name="out")(x))
    built = model.get_weights()
    recipe = plain(Phase("warm", epochs=2, keep="last"), Phase("cool", epochs=1, learning_rate=1e-4, keep="last"))
    hooks, seen = stop_after(10)  # The steps of an epoch.
    with pytest.raises(StopRequested):
        engine.train(recipe, fashion, model, seed=1, hooks=hooks)
    model.set_weights(built)
    trained = engine.train(recipe, fashion, model, seed=1, state=seen["state"]).model
    assert [row for row in caplog.messages if "moving statistics" in row] == []

    engine.train(recipe, fashion, trained, seed=1, phases=1)
    (said,) = (row for row in caplog.messages if "moving statistics" in row)
    assert said.startswith("warning: phase 'warm': The batch normalisation of 'norm' is trainable")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (
            lambda arrays: arrays["model"].__setitem__(0, np.ones((2, 2), "float32")),
            r"shape \(2, 2\) for .*kernel, whic",
        ),
        (lambda arrays: arrays["optimizer"].pop(), "arrays for"),
        (lambda arrays: arrays["best"].pop(0), "holds "),
    ],
)
def test_a_state_that_does_not_fit_the_network_is_damaged_not_our_bug(fashion, short, damage, words):
    _, states, _ = short
    state = copy.deepcopy(states[-1])
    damage(state.arrays)
    recipe = plain(Phase("train", epochs=2))
    with pytest.raises(CorruptFault, match=f"The saved state of the training is damaged: .*{words}.*--overwrite"):
        train(recipe, fashion, state=state)
