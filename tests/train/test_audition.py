"""Heads that are solved for, and the choice of base and head by folds."""

import json

import keras
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import zoo
from recipes import Phase, book
from recipes.errors import UsageFault
from recipes.train.heads import audition, solver
from recipes.train.heads.averages import Averages, beside
from zoo.weights import WeightsMissing


def clouds(classes, per_class=30, size=12, spread=1.0):
    """Rows of features around a centre for each class, and their labels."""
    draw = np.random.default_rng(0)
    labels = np.repeat(np.arange(classes), per_class)
    return draw.normal(size=(classes, size))[labels] + draw.normal(scale=spread, size=(len(labels), size)), labels


@pytest.mark.parametrize("optimizer", ["logistic_regression", "lda"])
@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("size", [12, 400])  # Fewer features than images, and more.
def test_dense_layer_answers_as_the_classifier_of_scikit_learn(optimizer, classes, size):
    features, labels = clouds(classes, size=size)
    kernel, bias = solver.solve(optimizer, 10.0, 1.0, features, labels, classes=classes, balanced=False)
    units = 1 if classes == 2 else classes
    layer = keras.layers.Dense(units, activation="sigmoid" if classes == 2 else "softmax")
    layer.build((None, size))
    layer.set_weights([kernel, bias])

    scale = solver.scaler(features)
    judge = solver.classifier(optimizer, 10.0, classes=classes, balanced=False)
    wanted = judge.fit(scale.transform(features), labels).predict_proba(scale.transform(features))
    found = np.asarray(layer(features.astype("float32")))
    np.testing.assert_allclose(found[:, -1], wanted[:, -1], atol=1e-4)


@pytest.mark.parametrize("size", [12, 400])
def test_features_near_the_smallest_half_precision_number_give_a_head_that_tells_classes_apart(size):
    features, labels = clouds(3, size=size)
    features[:, 0] = np.arange(len(features)) == 0  # Its standard deviation is no number of half precision.
    tiny = (1e-7 * features).astype("float16")  # As they are on disk.
    kernel, bias = solver.solve("logistic_regression", 10.0, 1.0, tiny, labels, classes=3, balanced=False)
    assert np.isfinite(kernel).all()
    assert np.isfinite(bias).all()
    assert np.mean((tiny.astype("float32") @ kernel + bias).argmax(axis=1) == labels) > 0.9


@pytest.mark.parametrize("size", [12, 400])
def test_a_feature_that_hardly_moved_in_training_does_not_outvote_all_others(size):
    features, labels = clouds(3, size=size)
    features[:, 0] = 1e-3 * (np.arange(len(features)) % 7 == labels)
    kernel, bias = solver.solve("logistic_regression", 10.0, 1.0, features, labels, classes=3, balanced=False)
    other = features + np.eye(size)[0]  # There it moves as much as the others do everywhere.
    before, after = ((rows @ kernel + bias).argmax(axis=1) for rows in (features, other))
    assert np.mean(before == labels) > 0.9
    assert np.mean(after == before) > 0.9


def test_weight_decay_is_one_over_c():
    features, labels = clouds(2)
    kernel, _ = solver.solve("logistic_regression", 4.0, 1.0, features, labels, classes=2, balanced=False)
    deviation = features.std(axis=0)
    wanted = LogisticRegression(C=1 / 4.0, max_iter=1000).fit((features - features.mean(axis=0)) / deviation, labels)
    np.testing.assert_allclose(kernel[:, 0] * deviation, wanted.coef_[0], atol=1e-3)


def test_temperature_divides_the_scores():
    features, labels = clouds(3)
    cold, hot = (
        solver.solve("lda", 0.0, temperature, features, labels, classes=3, balanced=True) for temperature in (1.0, 4.0)
    )
    np.testing.assert_allclose(cold[0], 4 * hot[0], rtol=1e-4)
    np.testing.assert_allclose(cold[1], 4 * hot[1], rtol=1e-4)


def test_class_without_an_image_is_never_the_answer():
    features, labels = clouds(3)
    seen = labels != 1
    kernel, bias = solver.solve("lda", 0.0, 1.0, features[seen], labels[seen], classes=3, balanced=False)
    assert set((features @ kernel + bias).argmax(axis=1)) == {0, 2}


def test_more_than_a_last_layer_is_not_solved_for():
    model = zoo.get("transfer", weights=None, input_shape=(32, 32, 3), hidden=8)
    for layer in model.layers:
        layer.trainable = layer.name.startswith("head_")
    with pytest.raises(UsageFault, match=r"head_dense, head_probabilities would train.*--set model.hidden=0"):
        solver.parts(model, Phase("head", epochs=1, optimizer="lda"))


@pytest.mark.parametrize(
    "field", [{"epochs": 3}, {"schedule": "cosine"}, {"learning_rate": 0.1}, {"average_epochs": 1.0}, {"patience": 2}]
)
def test_solver_refuses_what_it_would_pass_over(field):
    (fault,) = Phase(**({"name": "head", "epochs": 1, "optimizer": "lda"} | field)).faults()
    assert "lda takes no steps" in fault
    assert next(iter(field)) in fault


def two_bases(features, noise):
    """What a good and a bad base find: the features, and the features under noise."""
    draw = np.random.default_rng(1)
    bad = features + draw.normal(scale=noise, size=features.shape)
    return {"good": Averages(features, (4, 8)), "bad": Averages(bad, (4, 8))}


def held(found, labels, groups=None, **changes):
    recipe = book.get("own_photos").override("audition", "bad@32,good@64")
    for path, value in changes.items():
        recipe = recipe.override(path, value)

    def look(name, size):
        if isinstance(found[name], Exception):
            raise found[name]
        return found[name]

    return audition.hold(recipe, look, labels, np.arange(len(labels)) if groups is None else groups)


def test_base_that_tells_the_photos_apart_is_chosen():
    features, labels = clouds(3)
    chosen = held(two_bases(features, noise=4.0), labels)
    assert chosen.overrides()[0] == ("model.backbone", "good")
    assert ("image_size", "64") in chosen.overrides()
    recipe = book.get("own_photos")
    for path, value in chosen.overrides():
        recipe = recipe.override(path, value)
    assert recipe.phases[0].optimizer == chosen.best.optimizer
    assert json.loads(json.dumps(chosen.as_dict()))["chosen"] == chosen.heard.index(chosen.best)
    assert {one.stages for one in chosen.heard if one.backbone == "good"} == {1, 2}, "it has two stages, not four"


def test_where_classes_weigh_the_same_their_balanced_accuracy_is_told():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], [180, 20])
    features = rng.normal(size=(200, 24)).astype("float32")  # They tell nothing: to say 0 is right of 180.
    told = held(two_bases(features, noise=1.0), labels, class_weights="balanced").best
    assert told.accuracy > told.balanced_accuracy + 0.05
    assert f"balanced accuracy {told.balanced_accuracy:.4f}, loss" in told.figures()
    assert held(two_bases(features, noise=1.0), labels).best.balanced_accuracy is None


@pytest.mark.parametrize(
    ("of_each", "heads"), [((4, 2), {"logistic_regression", "lda"}), ((2, 2), {"logistic_regression"})]
)
def test_few_photos_are_heard_without_warnings_by_the_heads_that_can(of_each, heads, recwarn):
    features, labels = clouds(2, per_class=max(of_each))
    places = np.concatenate([np.flatnonzero(labels == label)[:number] for label, number in enumerate(of_each)])
    chosen = held(two_bases(features[places], noise=4.0), labels[places])
    assert {one.optimizer for one in chosen.heard} == heads
    assert [str(warning.message) for warning in recwarn if "one sample" in str(warning.message)] == []


def two_views(shared):
    """What two bases find: each half of what tells the photos apart, or both the same."""
    features, labels = clouds(4, per_class=60, size=24, spread=1.6)
    one, other = (features, features) if shared else (features[:, :12], features[:, 12:])
    return {"good": Averages(one, (one.shape[1],)), "bad": Averages(other, (other.shape[1],))}, labels


def test_two_bases_are_joined_where_each_knows_something():
    found, labels = two_views(shared=False)
    chosen = held(found, labels, audition="bad@64,good@64")
    assert chosen.best.backbone in ("good+bad", "bad+good")
    assert "is taken: its loss is lower by" in chosen.joined
    alone = min((one for one in chosen.heard if "+" not in one.backbone), key=lambda one: one.loss)
    assert chosen.best.right > alone.right
    assert chosen.overrides()[0] == ("model.backbone", chosen.best.backbone)


def test_two_bases_that_know_the_same_are_not_joined():
    found, labels = two_views(shared=True)
    chosen = held(found, labels, audition="bad@64,good@64")
    assert "+" not in chosen.best.backbone
    assert "is left out: its loss is" in chosen.joined
    sizes_differ = held(found, labels)
    assert sizes_differ.joined == ""
    assert all("+" not in one.backbone for one in sizes_differ.heard)


def test_what_two_bases_find_is_joined_stage_by_stage():
    first, other = (Averages(start + np.arange(12.0).reshape(2, 6), (2, 1, 3)) for start in (0, 100))
    both = beside(first, Averages(other.features[:, 2:], (1, 3)))
    assert both.widths == (2, 6)
    np.testing.assert_array_equal(both.of_last(1)[0], [3, 4, 5, 103, 104, 105])
    np.testing.assert_array_equal(both.of_last(2)[0, :2], [2, 102])


def test_base_without_weights_is_passed_over_and_named(caplog):
    features, labels = clouds(3)
    found = two_bases(features, noise=4.0) | {"good": WeightsMissing("nowhere")}
    chosen = held(found, labels)
    assert chosen.best.backbone == "bad"
    assert chosen.missing == {"good": "nowhere"}
    with pytest.raises(WeightsMissing, match="nowhere"):
        held(dict.fromkeys(("good", "bad"), WeightsMissing("nowhere")), labels)


def test_photos_that_look_alike_share_a_fold():
    """Ten copies of each photo with labels at random: who looks at copies in two folds calls them all right."""
    draw = np.random.default_rng(0)
    features, labels = np.repeat(draw.normal(size=(24, 40)), 10, axis=0), np.repeat(draw.permutation(24) % 2, 10)
    found = dict.fromkeys(("good", "bad"), Averages(features, (10, 30)))
    assert held(found, labels).best.accuracy > 0.95
    assert held(found, labels, groups=np.repeat(np.arange(24), 10)).best.accuracy < 0.8


def test_sample_takes_from_all_classes_alike():
    labels = np.repeat([0, 1, 2, 3], [3000, 400, 20, 1])
    places = audition.sample(labels, np.arange(len(labels)))
    assert np.bincount(labels[places]).tolist() == [240, 240, 20], "the class of one photo cannot be folded"
    assert len(np.unique(places)) == len(places)


def test_averages_of_earlier_stages_are_joined_before_the_last(lite0_weights):
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype("uint8")
    joined = zoo.get("transfer", weights="imagenet", input_shape=(32, 32, 3), stages=3, dropout=0.0)
    alone = zoo.get("transfer", weights="imagenet", input_shape=(32, 32, 3), stages=1, dropout=0.0)
    found = keras.Model(joined.inputs, joined.get_layer("head_joined").output).predict(images, verbose=0)
    last = keras.Model(alone.inputs, alone.get_layer("head_average").output).predict(images, verbose=0)
    np.testing.assert_allclose(found[:, -1280:], last, atol=1e-5)
    assert found.shape == (2, 240 + 672 + 1280)
    with pytest.raises(ValueError, match="The base has 5 stages"):
        zoo.get("transfer", weights=None, input_shape=(32, 32, 3), stages=9)
