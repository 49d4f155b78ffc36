"""The plain script that recipes are measured against does what a recipe says, or refuses it."""

import keras
import pytest
from conftest import tiny_recipe

from recipes import Augment, Phase, book
from recipes.errors import UsageFault
from recipes.study.bench import baseline

PLAIN = tiny_recipe(augment=Augment(), phases=(Phase("train", 1, optimizer="sgd", learning_rate=0.01),))


@pytest.mark.parametrize("name", book.names())
def test_published_protocols_are_plain(name):
    published = book.get(name, "published")
    if published.audition:
        assert "audition" in baseline.beyond_plain(published)[0], "no source has this protocol"
        return
    for dataset in (published.data, *published.on_data):
        assert baseline.beyond_plain(published.override("data", dataset)) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("phases.train.weight_decay", 0.1),
        ("phases.train.rates.dense", 0.5),
        ("phases.train.schedule", "cosine"),
        ("phases.train.average_epochs", 0.5),
        ("augment.shift", 0.1),
        ("augment.erase", 0.1),
        ("augment.contrast", 0.1),
        ("augment.brightness", 0.1),
        ("label_smoothing", 0.1),
        ("class_weights", "balanced"),
    ],
)
def test_a_plain_script_refuses_what_it_does_not_do(path, value):
    recipe = PLAIN.override(path, value)
    shown = "phases.train.rates={'dense': 0.5}" if "rates" in path else f"{path}={value!r}"
    with pytest.raises(UsageFault, match="'tiny' is no plain protocol.* does not do .*at their defaults") as caught:
        baseline.train(recipe, None, None, clock=None, epochs=None)
    assert f"does not do {shown}. Leave" in str(caught.value)


def test_a_plain_script_refuses_a_head_that_is_solved_for():
    solved = tiny_recipe(augment=Augment(), phases=(Phase("head", 1, train=("dense",), optimizer="lda"),))
    assert baseline.beyond_plain(solved) == ["phases.head.optimizer='lda'"]


class Clock:
    """Has all the time in the world."""

    def epoch_ended(self, phase, model):
        pass

    def is_over(self):
        return False


def test_a_plain_script_trains_with_the_optimizer_that_the_phase_says(fashion, monkeypatch):
    compiled = []
    compile_model = keras.Model.compile

    def watch(model, optimizer, *arguments, **keywords):
        compiled.append(optimizer.get_config())
        return compile_model(model, optimizer, *arguments, **keywords)

    monkeypatch.setattr(keras.Model, "compile", watch)
    image = keras.Input(fashion.image_shape)
    model = keras.Model(image, keras.layers.Dense(10, "softmax")(keras.layers.Flatten()(image)))
    baseline.train(PLAIN, fashion.take(64, 32, 1), model, clock=Clock(), epochs=1)
    assert (compiled[0]["momentum"], compiled[0]["nesterov"]) == (0.9, True)
    assert compiled[0]["learning_rate"] == pytest.approx(0.01)
