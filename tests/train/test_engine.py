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

TWO_PHASES = (
    Phase("head", epochs=2, train=("dense", "probabilities"), optimizer="rmsprop", patience=1),
    Phase("all", epochs=3, schedule="one_cycle", average_epochs=0.5, optimizer="adamw", weight_decay=1e-3),
)


def network(splits, seed=7, **keywords):
    keras.utils.set_random_seed(seed)
    return zoo.get(
        "fashion_cnn", input_shape=splits.image_shape, classes=len(splits.class_names), weights=None, **keywords
    )


def train(recipe, splits, *, state=None, hooks=None, seed=7, precision="float32"):
    return engine.train(recipe, splits, network(splits, seed), seed=seed, precision=precision, state=state, hooks=hooks)


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
    return train(tiny_recipe(phases=TWO_PHASES), fashion)


def assert_same(one, other, tolerance=0.0):
    assert len(one.history) == len(other.history)
    for row, expected in zip(one.history, other.history, strict=True):
        assert row["phase"] == expected["phase"]
        for name in ("epoch", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"):
            assert row[name] == pytest.approx(expected[name], abs=tolerance, rel=tolerance)
    for weights, expected in zip(one.model.get_weights(), other.model.get_weights(), strict=True):
        np.testing.assert_allclose(weights, expected, atol=tolerance, rtol=tolerance)
    assert one.kept == other.kept


def test_same_seed_gives_the_same_numbers(fashion, uninterrupted):
    again = train(tiny_recipe(phases=TWO_PHASES), fashion)
    assert again.history == uninterrupted.history
    assert_same(again, uninterrupted)


def test_another_seed_gives_other_numbers(fashion, uninterrupted):
    assert train(tiny_recipe(phases=TWO_PHASES), fashion, seed=8).history != uninterrupted.history


def test_training_never_looks_at_the_test_images(fashion, uninterrupted):
    blind = dataclasses.replace(fashion, test=None)
    assert train(tiny_recipe(phases=TWO_PHASES), blind).history == uninterrupted.history


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


def test_early_stopping_counters_come_back(fashion, step_by_step):
    """A rate so small that the loss never improves enough: patience must not start anew after a resume."""
    phase = Phase("train", epochs=9, learning_rate=1e-12, monitor="val_accuracy", patience=3)
    recipe = tiny_recipe(phases=(phase,))
    whole = train(recipe, fashion)
    assert len(whole.history) == 4
    hooks, seen = stop_after(25)
    with pytest.raises(StopRequested):
        train(recipe, fashion, hooks=hooks)
    assert seen["state"].waited == 1
    assert_same(train(recipe, fashion, state=seen["state"]), whole)


def test_best_weights_are_kept_and_last_ones_when_asked(fashion):
    saved = []
    hooks = Hooks(on_epoch=lambda phase, row, model, is_best: saved.append((is_best, model.get_weights())))
    phase = Phase("train", epochs=4, learning_rate=0.03, monitor="val_accuracy", keep="best")
    outcome = train(tiny_recipe(phases=(phase,)), fashion, hooks=hooks)
    best = [weights for is_best, weights in saved if is_best][-1]
    np.testing.assert_array_equal(outcome.model.get_weights()[0], best[0])
    accuracies = [row["val_accuracy"] for row in outcome.history]
    assert outcome.kept["train"] == 1 + int(np.argmax(accuracies))

    saved.clear()
    outcome = train(tiny_recipe(phases=(Phase("train", epochs=2, keep="last"),)), fashion, hooks=hooks)
    np.testing.assert_array_equal(outcome.model.get_weights()[0], saved[-1][1][0])
    assert outcome.kept["train"] == 2


def test_validated_weights_are_the_averaged_ones(fashion):
    """What the last epoch validated, with averaging, is what the model returned gives."""
    phase = Phase("train", epochs=2, average_epochs=1.0, keep="last")
    outcome = train(tiny_recipe(phases=(phase,)), fashion)
    outcome.model.compile("adam", "categorical_crossentropy", metrics=["accuracy"], jit_compile=False)
    labels = np.eye(10)[fashion.validation.labels]
    loss, accuracy = outcome.model.evaluate(fashion.validation.pixels, labels, verbose=0)
    assert loss == pytest.approx(outcome.history[-1]["val_loss"], rel=1e-4)
    assert accuracy == pytest.approx(outcome.history[-1]["val_accuracy"], abs=1e-6)


def test_frozen_weights_are_byte_identical_and_thawed_ones_move(fashion):
    model = network(fashion)
    before = {weight.path: weight.numpy() for weight in model.weights}
    phase = Phase("head", epochs=1, train=("dense", "prob*"), weight_decay=0.01)
    outcome = engine.train(tiny_recipe(phases=(phase,)), fashion, model, seed=1)
    for weight in outcome.model.weights:
        same = weight.numpy().tobytes() == before[weight.path].tobytes()
        assert same == weight.path.startswith("conv"), weight.path
    assert [layer.name for layer in outcome.model.layers if layer.trainable_weights] == ["dense", "probabilities"]


def test_each_phase_moves_what_it_thaws(fashion):
    phases = (
        Phase("dense only", epochs=1, train=("dense",)),
        Phase("convolutions only", epochs=1, train=("conv*",), optimizer="sgd"),
    )
    after = {}
    hooks = Hooks(on_epoch=lambda phase, row, model, best: after.update({phase.name: weights_by_layer(model)}))
    model = network(fashion)
    start = weights_by_layer(model)
    train(tiny_recipe(phases=phases), fashion, hooks=hooks)
    assert changed_layers(start, after["dense only"]) == {"dense"}
    assert changed_layers(after["dense only"], after["convolutions only"]) == {"conv1", "conv2"}


def weights_by_layer(model):
    return {layer.name: [array.tobytes() for array in layer.get_weights()] for layer in model.layers if layer.weights}


def changed_layers(before, after):
    return {name for name in before if before[name] != after[name]}


def test_a_glob_that_matches_nothing_lists_the_layers(fashion):
    recipe = tiny_recipe(phases=(Phase("head", epochs=1, train=("head_*",)),))
    with pytest.raises(UsageFault, match="'head_.' matches no layer with weights in fashion_cnn.* conv1, conv2, dense"):
        train(recipe, fashion)


def test_a_loss_that_is_not_a_number_stops_the_run(fashion):
    recipe = tiny_recipe(phases=(Phase("train", epochs=2, learning_rate=1e6, optimizer="sgd"),))
    words = r"in phase 'train', epoch 1, by step \d+, at a learning rate of 1e\+06.*phases.train.learning_rate=1e\+05"
    with pytest.raises(DivergedFault, match=words):
        train(recipe, fashion)


def test_bfloat16_trains_and_gives_a_float32_model(fashion):
    recipe, splits = tiny_recipe(batch_size=16, augment=Augment()), fashion.take(train=200, validation=50, test=1)
    outcome = train(recipe, splits, precision="bfloat16")
    assert outcome.model.dtype_policy.name == "float32"
    assert {layer.compute_dtype for layer in outcome.model.layers} == {"float32"}
    assert all(weight.dtype == "float32" for weight in outcome.model.weights)
    assert outcome.history[-1]["val_accuracy"] > 0.4
    again = train(recipe, splits, precision="bfloat16")
    assert again.history == outcome.history


def test_two_classes_train_one_sigmoid_unit():
    recipe = tiny_recipe(architecture="dogs_vs_cats_aug", data="cats_vs_dogs", batch_size=20, phases=(Phase("a", 1),))
    splits = data.read(data.find("cats_vs_dogs", "sample"), recipe.split)
    model = zoo.get("dogs_vs_cats_aug", input_shape=splits.image_shape, classes=2)
    outcome = engine.train(recipe, splits, model, seed=1)
    assert outcome.model.output_shape == (None, 1)
    assert np.isfinite(outcome.history[0]["loss"])


def test_a_batch_that_cannot_fit_is_refused_with_one_that_can(fashion, monkeypatch):
    class Memory:
        available = 3 * 2**20

    monkeypatch.setattr(memory.psutil, "virtual_memory", lambda: Memory)
    with pytest.raises(MemoryFault, match=r"A batch of 320 images needs about .* Try --set batch_size=\d+"):
        train(tiny_recipe(batch_size=100_000), fashion)


def test_steps_per_call_is_one_for_a_large_network():
    assert phase.steps_per_call(zoo.get("vgg16_finetune", weights=None), 32, 63) == 1
    assert phase.steps_per_call(zoo.get("fashion_cnn"), 32, 1500) == 64
    assert phase.steps_per_call(zoo.get("fashion_cnn"), 32, 5) == 5


def test_balanced_classes_weigh_the_same_where_the_epoch_to_keep_is_chosen():
    """A few dresses among T-shirts, and a network that begins by calling everything the big class."""

    def pair(images, few):
        big, small = np.flatnonzero(images.labels == 0), np.flatnonzero(images.labels == 3)[:few]
        chosen = images.select(np.concatenate([big, small]))
        return dataclasses.replace(chosen, labels=(chosen.labels == 3).astype("int64"))

    sample = data.read(data.find("fashion_mnist", "sample"), tiny_recipe().split).take(600, 200, 1)
    splits = dataclasses.replace(
        sample, train=pair(sample.train, 12), validation=pair(sample.validation, 3), class_names=("T-shirt", "Dress")
    )
    model = network(splits)
    model.get_layer("probabilities").bias.assign([2.0, -2.0])
    phase = Phase("train", epochs=5, learning_rate=3e-4, keep="best")
    recipe = tiny_recipe(phases=(phase,), augment=Augment(), batch_size=16, class_weights="balanced")
    outcome = engine.train(recipe, splits, model, seed=1)

    labels, history = splits.validation.labels, outcome.history
    probabilities = outcome.model.predict(splits.validation.pixels, verbose=0)
    right = probabilities.argmax(axis=1) == labels
    recalls = [right[labels == label].mean() for label in (0, 1)]
    assert np.mean(recalls) > 0.7  # Unweighted, the epoch with 0.5 would have the lowest loss.
    kept = history[outcome.kept["train"] - 1]
    assert kept["val_accuracy"] == pytest.approx(np.mean(recalls), abs=1e-5)
    losses = -np.log(probabilities[np.arange(len(labels)), labels])
    assert kept["val_loss"] == pytest.approx(np.mean([losses[labels == label].mean() for label in (0, 1)]), rel=1e-4)
    assert {row["class_weights"] for row in history} == {"balanced"}


def test_more_epochs_on_resume_say_from_where_the_schedule_is_another(fashion, caplog, monkeypatch):
    monkeypatch.setattr(engine.log, "propagate", True)

    def recipe(schedule, epochs):
        return tiny_recipe(phases=(Phase("train", epochs=epochs, schedule=schedule),), augment=Augment())

    for schedule, changes in (
        ("constant", []),
        ("cosine", [{"phase": "train", "from_epoch": 2, "epochs_before": 2, "epochs": 3}]),
    ):
        hooks, seen = stop_after(1)
        with pytest.raises(StopRequested):
            train(recipe(schedule, 2), fashion, hooks=hooks)
        while seen["state"].step:  # Calls of several steps: go on to the epoch's end.
            hooks, seen_next = stop_after(1)
            with pytest.raises(StopRequested):
                train(recipe(schedule, 2), fashion, state=seen["state"], hooks=hooks)
            seen = seen_next
        caplog.clear()
        outcome = train(recipe(schedule, 3), fashion, state=seen["state"])
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
def test_a_state_that_does_not_fit_the_network_is_damaged_not_our_bug(fashion, damage, words):
    saved = {}
    recipe = tiny_recipe(phases=(Phase("train", epochs=1),))
    train(recipe, fashion, hooks=Hooks(on_save=lambda state: saved.update(state=copy.deepcopy(state))))
    damage(saved["state"].arrays)
    with pytest.raises(CorruptFault, match=f"The saved state of the training is damaged: .*{words}.*--overwrite"):
        train(recipe, fashion, state=saved["state"])
