"""Names, facts, registration."""

import functools

import pytest
from conftest import ROOT

import zoo
from zoo import registry


@pytest.fixture
def scratch_registry(monkeypatch):
    monkeypatch.setattr(registry, "_registered", {})


def test_names_lists_all_and_matches_patterns():
    pages = (ROOT / "zoo" / "architectures").glob("[!_]*.py")
    assert zoo.names() == sorted(page.stem for page in pages)
    assert {"fashion_cnn", "mnist_wide"} <= set(zoo.names())
    assert zoo.names("vgg16_*") == ["vgg16_feature_extract", "vgg16_finetune"]
    assert zoo.names("nothing*") == []


def test_get_unknown_name_suggests():
    with pytest.raises(ValueError, match="No architecture named 'vgg16_finetun'. Did you mean 'vgg16_finetune'"):
        zoo.get("vgg16_finetun")
    with pytest.raises(ValueError, match="zoo.names"):
        zoo.get("resnet")
    with pytest.raises(ValueError, match="must be a string. Got 3 instead"):
        zoo.get(3)


def test_get_unknown_keyword_lists_the_keywords():
    with pytest.raises(ValueError, match="no keyword 'droput'. It takes: input_shape, classes, weights, dropout"):
        zoo.get("fashion_cnn", droput=0.1)


def test_get_passes_the_builders_own_keywords():
    assert zoo.get("fashion_cnn", dropout=0.1).get_layer("dropout").rate == 0.1


def test_info_gives_facts_without_building():
    facts = zoo.info("keras_mat_lenet")
    assert (facts.parameters, facts.input_shape, facts.dataset) == (1_626_442, (32, 32, 3), "cifar10")
    assert zoo.info("vgg16_finetune").weights_licence.startswith("CC BY 4.0")


def test_register_adds_and_refuses_duplicates(scratch_registry):
    @zoo.register("my_net", parameters=7)
    def build(*, input_shape=(8, 8, 1), classes=2, weights=None):
        """A net of mine."""
        import keras

        image = keras.Input(input_shape)
        return keras.Model(image, keras.layers.Dense(classes)(keras.layers.Flatten()(image)))

    assert "my_net" in zoo.names()
    assert zoo.info("my_net").use == "A net of mine."
    assert zoo.info("my_net").parameters == 7
    assert zoo.get("my_net", classes=3).output_shape == (None, 3)
    with pytest.raises(ValueError, match="'my_net' is registered already"):
        zoo.register("my_net")(build)
    with pytest.raises(ValueError, match="'fashion_cnn' is registered already"):
        zoo.register("fashion_cnn")(build)


def test_a_partial_and_an_object_that_can_be_called_are_builders():
    def build(width, *, input_shape, classes):
        """A wide one."""
        return width, input_shape, classes

    class Made:
        """Made of one."""

        def __call__(self, *, input_shape, classes):
            return 1, input_shape, classes

    for name, builder, use in (
        ("partial", functools.partial(build, 3), "A wide one."),
        ("made", Made(), "Made of one."),
    ):
        zoo.register(name)(builder)
        assert zoo.info(name).use == use
        assert zoo.info(name).source.startswith(f"{__name__}.test_a_partial")
        assert zoo.registry.module_of(builder) == __name__
        assert zoo.get(name, input_shape=(8, 8, 1), classes=2, weights=None)[1:] == ((8, 8, 1), 2)


def test_a_keyword_of_another_type_is_a_value_error():
    with pytest.raises(ValueError, match="'fashion_cnn' cannot be built with dropout='half'"):
        zoo.get("fashion_cnn", dropout="half")
