"""Each rule speaks about its mistake, says the fix, and keeps silent about sound models."""

import contextlib
import io
import re

import keras
import numpy as np
import pytest
from conftest import ROOT
from keras import layers

import zoo
from recipes import lint
from recipes.errors import UsageFault

RNG = np.random.default_rng(0)
RAW = RNG.integers(0, 256, (4, 8, 8, 3)).astype("uint8")
SCALED = RAW / np.float32(255)
CODES = (
    "trainable-changed", "input-range", "loss-output", "random-head", "thawed-batchnorm", "high-rate", "nothing-thawed",
    "active-dropout", "lora-without-layers",
)  # fmt: skip
SOFTMAX_LOSS = "sparse_categorical_crossentropy"


def network(*first, normalised=False, output="softmax", units=3):
    """Rescaling or what is asked for, two convolutions (with batch normalisation if wanted), one dense layer."""
    image = keras.Input((8, 8, 3), name="image")
    x = image
    for layer in first or (layers.Rescaling(1 / 255, name="scale"),):
        x = layer(x)
    for name in ("conv1", "conv2"):
        x = layers.Conv2D(2, 3, name=name)(x)
        x = layers.BatchNormalization(name=f"{name}_bn")(x) if normalised else x
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(image, layers.Dense(units, activation=output, name="top")(x), name="net")


def trained(model, *names):
    """The model, with what a training leaves behind in the layers named."""
    for name in names:
        layer = model.get_layer(name)
        value = layer.moving_mean if isinstance(layer, layers.BatchNormalization) else layer.bias
        value.assign(np.full(value.shape, 0.1))
    return model


def frozen(model, *names):
    for name in names:
        model.get_layer(name).trainable = False
    return model


def compiled(model, optimizer=1e-3, loss=SOFTMAX_LOSS, *, eager=False):
    """Compiled; eager where a step only has to have happened, which is not worth a trace."""
    if isinstance(optimizer, float | keras.optimizers.schedules.LearningRateSchedule):
        optimizer = keras.optimizers.Adam(optimizer)
    model.compile(optimizer, loss, run_eagerly=eager, jit_compile=False)
    return model


def one_step(model):
    model.train_on_batch(RAW, np.array([0, 1, 2, 0]))
    return model


def codes(model, x=None, **keywords):
    return [finding.code for finding in lint.check(model, x, **keywords)]


def the_only(code, model, x=None, **keywords):
    """The one finding of the model, which must be this one."""
    findings = lint.check(model, x, **keywords)
    assert [finding.code for finding in findings] == [code]
    return findings[0]


# The findings themselves


def test_uncompiled_model_is_refused():
    with pytest.raises(UsageFault, match=r"'net' is not compiled.*Call model.compile"):
        lint.check(network())


def test_finding_ends_with_its_link():
    finding = lint.Finding("input-range", True, "Too dark.")
    assert str(finding) == "Too dark. See https://keras-zoo-recipes.readthedocs.io/lint/#input-range"


def test_check_changes_nothing():
    model = one_step(compiled(network(normalised=True), eager=True))
    before = [variable.numpy() for variable in (*model.variables, *model.optimizer.variables)]
    lint.check(model, RAW)
    after = [variable.numpy() for variable in (*model.variables, *model.optimizer.variables)]
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))


# trainable-changed

OPTIMIZERS = {
    "adam": lambda: keras.optimizers.Adam(1e-5),
    "rmsprop": lambda: keras.optimizers.RMSprop(1e-5),
    "momentum": lambda: keras.optimizers.SGD(1e-5, momentum=0.9),
    "average": lambda: keras.optimizers.AdamW(1e-5, use_ema=True),
    "loss scale": lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(1e-5)),
}


@pytest.mark.parametrize("optimizer", sorted(OPTIMIZERS))
@pytest.mark.parametrize("trainable", [True, False])
def test_flags_changed_after_a_step_are_found(optimizer, trainable):
    model = network()
    model.get_layer("top").trainable = not trainable
    one_step(compiled(model, OPTIMIZERS[optimizer](), eager=True))
    assert codes(model) == []
    model.get_layer("top").trainable = trainable
    finding = the_only("trainable-changed", model)
    assert finding.stops
    assert finding.message.startswith("The trainable flags of 'top' were changed")
    assert "model.compile(...) again with a new optimizer" in finding.message


def test_a_layer_frozen_after_a_step_trains_on_as_the_rule_says():
    model = frozen(one_step(compiled(network())), "conv1", "conv2", "top")
    before = model.get_layer("conv2").kernel.numpy()
    one_step(model)
    assert not np.array_equal(model.get_layer("conv2").kernel.numpy(), before)
    assert "'conv1', 'conv2', 'top' were" in the_only("trainable-changed", model).message


def test_flags_changed_before_the_first_step_are_heeded_and_no_fault():
    model = frozen(compiled(network()), "conv2")
    assert codes(model) == []
    before = model.get_layer("conv2").kernel.numpy()
    one_step(model)
    assert np.array_equal(model.get_layer("conv2").kernel.numpy(), before)
    assert codes(model) == []


def test_compiling_again_settles_changed_flags():
    optimizer = keras.optimizers.Adam()
    model = frozen(one_step(compiled(network(), optimizer, eager=True)), "top")
    assert codes(compiled(model, optimizer)) == []
    assert codes(compiled(model, "adam")) == []


def test_thawing_under_an_old_optimizer_is_found_though_compiled_again():
    optimizer = keras.optimizers.Adam(1e-5)
    model = one_step(compiled(frozen(network(), "conv1"), optimizer))
    model.get_layer("conv1").trainable = True
    the_only("trainable-changed", compiled(model, optimizer))
    with pytest.raises(ValueError, match="Unknown variable"):
        one_step(model)


def test_plain_sgd_leaves_no_trace_and_no_alarm():
    assert codes(frozen(one_step(compiled(network(), "sgd", eager=True)), "top")) == []


# input-range

CAFFE = {"mean": (103.939, 116.779, 123.68), "variance": (1.0, 1.0, 1.0), "name": "mean"}


@pytest.mark.parametrize(
    ("first", "batch"),
    [
        ([layers.Rescaling(1 / 255, name="scale")], SCALED),
        ([layers.Rescaling(1 / 127.5, offset=-1, name="scale")], SCALED * 2 - 1),
        ([layers.RandomFlip(), layers.Rescaling(1 / 255, name="scale")], SCALED),
        ([lambda x: keras.ops.flip(x, axis=-1), layers.Normalization(**CAFFE)], SCALED),
        ([lambda x: keras.ops.flip(x, axis=-1), layers.Rescaling(1.0, [-104.0, -117.0, -124.0], name="mean")], SCALED),
    ],
)
def test_batch_scaled_twice_is_found(first, batch):
    finding = the_only("input-range", compiled(network(*first)), batch)
    assert finding.stops
    assert f"the layer {first[-1].name!r} expects raw pixels, 0-255" in finding.message
    assert codes(compiled(network(*first)), batch * 127 + 127) == []


def test_scaled_batch_is_found_as_tensor_and_channels_first():
    model = compiled(zoo.get("keras_mat_lenet", input_shape=(3, 8, 8), data_format="channels_first"))
    batch = keras.ops.transpose(keras.ops.convert_to_tensor(SCALED), (0, 3, 1, 2))
    assert codes(model, batch) == ["input-range"]
    assert codes(model, batch * 255) == []


def test_adapted_normalisation_wants_what_it_was_adapted_to():
    raw, scaled = layers.Normalization(name="raw"), layers.Normalization(name="scaled")
    raw.adapt(RAW.astype("float32"))
    scaled.adapt(SCALED)
    assert codes(compiled(network(raw)), SCALED) == ["input-range"]
    assert codes(compiled(network(scaled)), SCALED) == []


@pytest.mark.parametrize(
    "batch",
    [
        np.zeros((4, 8, 8, 3), "float32"),
        np.full((4, 8, 8, 3), 0.5, "float32"),
        np.minimum(RAW, 1),
        np.full((4, 8, 8, 3), np.nan, "float32"),
        RNG.random((4, 8, 8, 512), "float32"),
        RNG.random((4, 3, 3, 512), "float32"),
        RNG.random((4, 3), "float32"),
        np.zeros((0, 8, 8, 3), "float32"),
        [SCALED],
        None,
    ],
    ids=["black", "grey", "nearly black", "nan", "activation", "small activation", "rank 2", "empty", "list", "none"],
)
def test_batch_that_tells_nothing_raises_no_alarm(batch):
    assert codes(compiled(network()), batch) == []


def test_raw_batch_without_scaling_is_a_warning():
    finding = the_only("input-range", compiled(network(layers.RandomFlip())), RAW)
    assert not finding.stops
    assert "up to 255" in finding.message
    assert "no layer scales them before 'conv1'" in finding.message
    assert "keras.layers.Rescaling(1 / 255)" in finding.message


@pytest.mark.parametrize(
    "first",
    [
        lambda x: x / 255.0,
        layers.Lambda(lambda x: x / 255.0),
        layers.BatchNormalization(),
        layers.LayerNormalization(),
        keras.Sequential([layers.RandomFlip(), layers.Rescaling(1 / 255)]),
    ],
    ids=["arithmetic", "lambda", "batch normalisation", "layer normalisation", "nested"],
)
def test_raw_batch_is_fine_where_something_scales_it(first):
    assert codes(compiled(network(first)), RAW) == []


def test_unscaled_model_is_fine_with_scaled_or_standardised_batches():
    model = compiled(network(layers.RandomFlip()))
    for batch in (SCALED, SCALED * 2 - 1, (RAW - 120.0) / 64, RAW - 120.0, RAW // 16):
        assert codes(model, batch) == []


# loss-output

LOSSES = keras.losses


@pytest.mark.parametrize(
    ("output", "units", "loss", "words"),
    [
        ("softmax", 3, LOSSES.SparseCategoricalCrossentropy(from_logits=True), "Set from_logits=False"),
        ("sigmoid", 1, LOSSES.BinaryCrossentropy(from_logits=True), "Set from_logits=False"),
        ("linear", 3, "sparse_categorical_crossentropy", "Set from_logits=True, or give the layer"),
        ("linear", 3, LOSSES.categorical_crossentropy, "Set from_logits=True, or give the layer"),
        ("linear", 1, LOSSES.BinaryFocalCrossentropy(), "Set from_logits=True, or give the layer"),
        ("sigmoid", 1, "categorical_crossentropy", "Use binary_crossentropy"),
        ("sigmoid", 1, {"top": "sparse_categorical_crossentropy"}, "Use binary_crossentropy"),
        ("linear", 1, [LOSSES.CategoricalCrossentropy(from_logits=True)], "Use binary_crossentropy"),
    ],
)
def test_loss_that_does_not_fit_stops(output, units, loss, words):
    finding = the_only("loss-output", compiled(network(output=output, units=units), loss=loss))
    assert finding.stops
    assert f"The output 'top' is {output} over {units} unit(s)" in finding.message
    assert words in finding.message


def test_binary_loss_on_a_softmax_is_a_warning():
    finding = the_only("loss-output", compiled(network(), loss="binary_crossentropy"))
    assert not finding.stops
    assert "Use a categorical cross-entropy" in finding.message


@pytest.mark.parametrize(
    ("output", "units", "loss"),
    [
        ("softmax", 3, "sparse_categorical_crossentropy"),
        ("softmax", 3, LOSSES.CategoricalCrossentropy(label_smoothing=0.1)),
        ("linear", 3, LOSSES.SparseCategoricalCrossentropy(from_logits=True)),
        ("linear", 1, LOSSES.BinaryCrossentropy(from_logits=True)),
        ("linear", 1, "mse"),
        ("sigmoid", 1, LOSSES.binary_crossentropy),
        ("sigmoid", 3, "binary_crossentropy"),
        ("relu", 3, "categorical_crossentropy"),
        ("linear", 3, lambda y, p: p),
        ("linear", 3, None),
    ],
)
def test_loss_that_fits_or_cannot_be_judged_is_left_alone(output, units, loss):
    assert codes(compiled(network(output=output, units=units), loss=loss)) == []


@pytest.mark.parametrize("last", [layers.Softmax(), layers.Activation("softmax")])
def test_activation_in_a_layer_of_its_own_counts(last):
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3), last])
    assert codes(compiled(model)) == []
    assert codes(compiled(model, loss=LOSSES.SparseCategoricalCrossentropy(from_logits=True))) == ["loss-output"]


def test_cast_after_the_softmax_is_no_linear_output():
    cast = layers.Activation("linear", dtype="float32")
    assert codes(compiled(keras.Sequential([keras.Input((4,)), layers.Dense(3, activation="softmax"), cast]))) == []


def test_each_output_is_held_against_its_own_loss():
    x = keras.Input((4,))
    model = keras.Model(x, [layers.Dense(3, name="kind")(x), layers.Dense(1, name="size")(x)])
    assert codes(compiled(model, loss=["mse", "mse"])) == []
    assert codes(compiled(model, loss="binary_crossentropy")) == []
    assert "'kind'" in the_only("loss-output", compiled(model, loss=[SOFTMAX_LOSS, "mse"])).message
    assert "'size'" in the_only("loss-output", compiled(model, loss={"size": "binary_crossentropy"})).message


# random-head


def test_untouched_head_on_a_thawed_trained_base_is_found():
    model = frozen(trained(network(), "conv1", "conv2"), "conv1")
    findings = lint.check(compiled(model, 1e-3))
    assert [(finding.code, finding.stops) for finding in findings] == [("random-head", False), ("high-rate", False)]
    assert "untouched head 'top' trains together with the trained layers 'conv2'" in findings[0].message
    assert "up to 0.001" in findings[0].message
    assert "train the head alone" in findings[0].message


@pytest.mark.parametrize(
    ("touched", "held", "rate"),
    [
        ((), (), 1e-3),
        (("conv1", "conv2"), ("conv1", "conv2"), 1e-3),
        (("conv1", "conv2"), (), 1e-4),
        (("conv1", "conv2"), ("top",), 1e-3),
        (("conv1", "conv2", "top"), (), 1e-3),
        (("top",), ("conv1", "conv2"), 1e-3),
        (("top",), (), 1e-3),
    ],
    ids=["new", "base frozen", "low rate", "head frozen", "in its own training", "head only", "thawed after the head"],
)
def test_sound_stages_of_training_raise_no_alarm(touched, held, rate):
    assert codes(compiled(frozen(trained(network(), *touched), *held), rate)) == []


def test_bias_that_begins_above_zero_is_no_evidence_of_training():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(4, bias_initializer="ones"), layers.Dense(1)])
    assert codes(compiled(model, loss="mse")) == []


# thawed-batchnorm


def test_thawed_statistics_learned_before_are_found():
    model = trained(network(normalised=True), "conv1_bn", "conv2_bn", "top")
    finding = the_only("thawed-batchnorm", compiled(model))
    assert not finding.stops
    assert "batch normalisation of 'conv1_bn', 'conv2_bn' is trainable" in finding.message
    assert "Set its trainable to False" in finding.message
    assert codes(compiled(frozen(model, "conv1_bn", "conv2_bn"), 1e-5)) == []


def test_batch_normalisation_below_frozen_layers_is_found():
    model = frozen(network(normalised=True), "conv2")
    assert "'conv1_bn' is" in the_only("thawed-batchnorm", compiled(model)).message


def test_batch_normalisation_of_a_new_model_or_a_head_raises_no_alarm():
    model = compiled(network(normalised=True), eager=True)
    assert codes(model) == []
    assert codes(one_step(model)) == []
    assert model.get_layer("conv1_bn").moving_mean.numpy().any()
    x = layers.BatchNormalization(name="head_bn")(model.get_layer("pool").output)
    with_head = keras.Model(model.input, layers.Dense(3, activation="softmax", name="head_top")(x))
    frozen(with_head, "conv1", "conv1_bn", "conv2", "conv2_bn")
    assert codes(compiled(with_head)) == []
    assert codes(compiled(trained(with_head, "head_bn", "head_top"))) == []


# high-rate


def fine_tuned():
    """A trained network with its first convolution frozen."""
    return frozen(trained(network(), "conv1", "conv2", "top"), "conv1")


def test_high_rate_on_thawed_layers_is_found():
    finding = the_only("high-rate", compiled(fine_tuned(), 1e-3))
    assert not finding.stops
    assert "The thawed layers 'conv2' were trained before" in finding.message
    assert "up to 0.001" in finding.message
    assert codes(compiled(fine_tuned(), 1e-4)) == []


def test_dense_layers_in_the_middle_of_their_own_training_may_be_fast():
    assert codes(compiled(frozen(fine_tuned(), "conv2"), 1e-3)) == []


def test_frozen_layers_that_were_never_trained_are_no_transfer_learning():
    assert codes(compiled(frozen(trained(network(), "conv2", "top"), "conv1"), 1e-3)) == []


def test_rates_scale_the_learning_rate_of_the_layers_they_match():
    model = compiled(fine_tuned(), 1e-3)
    assert codes(model, rates={"conv*": 0.1}) == []
    assert codes(model, rates={"top": 0.01}) == ["high-rate"]
    assert codes(model, rates={"conv2": 1.0, "conv*": 0.01}) == ["high-rate"]
    assert "up to 0.005" in the_only("high-rate", model, rates={"conv*": 5.0}).message


SCHEDULES = keras.optimizers.schedules


class OwnSchedule(SCHEDULES.LearningRateSchedule):
    """One that cannot be copied."""

    def __call__(self, step):
        return 1e-3


@pytest.mark.parametrize(
    ("schedule", "peak"),
    [
        (SCHEDULES.CosineDecay(1e-3, 100), "0.001"),
        (SCHEDULES.CosineDecay(1e-6, 100, warmup_target=2e-3, warmup_steps=30), "0.002"),
        (SCHEDULES.PiecewiseConstantDecay([10, 20], [1e-6, 1e-6, 3e-3]), "0.003"),
        (OwnSchedule(), "0.001"),
        (SCHEDULES.CosineDecay(1e-6, 100, warmup_target=1e-4, warmup_steps=30), None),
    ],
)
def test_peak_of_a_schedule_counts(schedule, peak):
    model = compiled(fine_tuned(), schedule)
    if peak:
        assert f"up to {peak} " in the_only("high-rate", model).message
    else:
        assert codes(model) == []


@pytest.mark.parametrize(
    ("first", "batch", "found"),
    [
        (layers.Rescaling(1 / 255), RAW, "0 to 1, and the weights of MobileNetV2 were trained on -1 to 1"),
        (layers.Identity(), RAW, "0 to 255, and the weights of MobileNetV2 were trained on -1 to 1"),
        (layers.Rescaling(1 / 127.5, offset=-1), RAW, ""),
        (layers.Rescaling(2.0, offset=-1), SCALED, ""),
        (layers.Dense(3), RAW, ""),  # What it does to the pixels cannot be told.
    ],
)
def test_a_base_that_gets_other_pixels_than_it_was_trained_on_is_found(first, batch, found):
    inner = keras.Input((8, 8, 3))
    base = keras.Model(inner, layers.Conv2D(2, 3, name="Conv1")(inner), name="mobilenetv2_1.00_224")
    image = keras.Input((8, 8, 3))
    x = layers.GlobalAveragePooling2D()(base(first(image)))
    model = compiled(keras.Model(image, layers.Dense(3, activation="softmax", name="head_top")(x)))
    messages = [finding.message for finding in lint.check(model, batch) if "Pixels reach" in finding.message]
    assert bool(messages) == bool(found)
    assert found in "".join(messages)


# nothing-thawed


def test_a_fine_tuning_rate_with_all_frozen_below_a_trained_head_is_found():
    model = frozen(trained(network(), "conv1", "conv2", "top"), "conv1", "conv2")
    message = the_only("nothing-thawed", compiled(model, 1e-5)).message
    assert "1e-05 is one for fine-tuning, but of the head, trained before, only 'top' learns" in message
    assert "'conv1', 'conv2' below it are frozen" in message
    assert codes(compiled(model, 1e-3)) == []
    model.get_layer("conv2").trainable = True
    assert codes(compiled(model, 1e-5)) == []
    untouched = frozen(trained(network(), "conv1", "conv2"), "conv1", "conv2")
    assert codes(compiled(untouched, 1e-5)) == []  # A new head, carefully.


# active-dropout


def with_dropout(*, base_training, nested):
    """Two convolutions with dropout between them under a new head; the base trained and frozen."""
    image = keras.Input((8, 8, 3), name="image")
    inner = keras.Input((8, 8, 3), name="inner") if nested else layers.Rescaling(1 / 255, name="scale")(image)
    x = layers.Conv2D(2, 3, name="conv1")(inner)
    x = layers.SpatialDropout2D(0.2, name="depth")(x)
    x = layers.Conv2D(2, 3, name="conv2")(x)
    if nested:
        base = keras.Model(inner, x, name="base")
        base.trainable = False
        x = base(layers.Rescaling(1 / 255, name="scale")(image), training=base_training)
        found = (base.get_layer("conv1"), base.get_layer("conv2"))
    x = layers.Dropout(0.5, name="head_dropout")(layers.GlobalAveragePooling2D()(x))
    model = keras.Model(image, layers.Dense(3, activation="softmax", name="head_top")(x))
    if not nested:
        found = (model.get_layer("conv1"), model.get_layer("conv2"))
    for layer in found:
        layer.trainable = False
        layer.bias.assign(np.full(2, 0.1))
    return model


@pytest.mark.parametrize("nested", [False, True])
def test_dropout_inside_a_frozen_base_is_found_and_the_heads_is_none(nested):
    message = the_only("active-dropout", compiled(with_dropout(base_training=None, nested=nested))).message
    assert message.startswith("In training, 'depth' drop a part of what the frozen, trained layers")


def test_a_base_that_is_called_as_at_prediction_has_no_active_dropout():
    assert codes(compiled(with_dropout(base_training=False, nested=True))) == []


# lora-without-layers


def test_lora_that_finds_no_layer_stops():
    class Backbone(keras.Model):
        """What KerasHub's enable_lora leaves of a network without attention."""

        def enable_lora(self, rank):
            self.trainable = True
            for layer in self.layers:
                layer.trainable = False

    inner = keras.Input((8, 8, 3))
    backbone = Backbone(inner, layers.Conv2D(2, 3, name="conv1")(inner), name="resnet_backbone")
    image = keras.Input((8, 8, 3))
    x = layers.GlobalAveragePooling2D()(backbone(layers.Rescaling(1 / 255)(image)))
    model = keras.Model(image, layers.Dense(3, activation="softmax", name="head_top")(x))
    assert codes(compiled(model)) == []
    backbone.enable_lora(4)
    finding = the_only("lora-without-layers", compiled(model))
    assert finding.stops
    assert "The backbone 'resnet_backbone' is set to train, and none of its weights does" in finding.message


# Whole networks

SMALL = {
    "dogs_vs_cats_aug": (78, 78, 3),
    "fashion_cnn": (4, 4, 1),
    "keras_mat_lenet": (6, 6, 3),
    "mnist_functional": (18, 18, 1),
    "mnist_wide": (4, 4, 1),
    "vgg16_finetune": (32, 32, 3),
}


@pytest.mark.parametrize("name", sorted(SMALL))
def test_zoo_gets_no_finding_with_raw_pixels_and_one_with_scaled(name):
    model = zoo.get(name, input_shape=SMALL[name], weights=None)
    compiled(model, loss="binary_crossentropy" if model.output_shape[-1] == 1 else SOFTMAX_LOSS)
    batch = RNG.integers(0, 256, (2, *SMALL[name])).astype("uint8")
    assert codes(model, batch) == []
    assert codes(model, batch / np.float32(255)) == ["input-range"]


def test_every_plain_sequential_model_can_be_checked():
    built = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(1)])
    assert codes(compiled(built, loss="mse"), RAW) == ["input-range"]
    unbuilt = keras.Sequential([layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(1)])
    assert codes(compiled(unbuilt, loss="binary_crossentropy"), RAW) == []


def with_mobilenet(*, nested):
    """MobileNetV2 under its scaling and a new head, in one flat graph or as a layer."""
    image = keras.Input((32, 32, 3), name="image")
    x = layers.Rescaling(1 / 127.5, offset=-1, name="scale")(image)
    if nested:
        base = keras.applications.MobileNetV2(weights=None, alpha=0.35, input_shape=(32, 32, 3), include_top=False)
        x = base(x)
    else:
        base = keras.applications.MobileNetV2(weights=None, alpha=0.35, input_tensor=x, include_top=False)
        x = base.output
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(image, layers.Dense(3, activation="softmax", name="head_top")(x)), base


@pytest.mark.parametrize("nested", [False, True], ids=["flat", "nested"])
def test_mobilenet_is_followed_through_every_stage(nested):
    model, base = with_mobilenet(nested=nested)
    raw = RNG.integers(0, 256, (2, 32, 32, 3)).astype("uint8")
    assert codes(compiled(model), raw) == []
    assert codes(model, raw / np.float32(255)) == ["input-range"]
    trained(base, *(layer.name for layer in base.layers if isinstance(layer, layers.BatchNormalization)))
    assert codes(compiled(model)) == ["random-head", "thawed-batchnorm", "high-rate"]
    base.trainable = False
    assert codes(compiled(model)) == []
    base.get_layer("Conv_1").trainable = True
    assert codes(compiled(trained(model, "head_top"), 1e-5)) == []
    assert "'Conv_1' were trained" in the_only("high-rate", compiled(model)).message


def test_bare_mobilenet_takes_scaled_pixels():
    model = keras.applications.MobileNetV2(weights=None, alpha=0.35, input_shape=(32, 32, 3), classes=3)
    batch = RNG.integers(0, 256, (2, 32, 32, 3)).astype("float32")
    assert codes(compiled(model), batch / 127.5 - 1) == []
    assert codes(model, batch) == ["input-range"]


def test_part_of_a_network_whose_input_is_an_activation_raises_no_alarm():
    whole = network()
    x = keras.Input(whole.get_layer("conv1").output.shape[1:])
    part = keras.Model(x, whole.get_layer("top")(whole.get_layer("pool")(whole.get_layer("conv2")(x))))
    assert codes(compiled(part), 100 * RNG.random((2, *x.shape[1:]))) == []
    assert codes(compiled(part, loss="binary_crossentropy")) == ["loss-output"]


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(3)

    def call(self, images):
        return self.dense(layers.Flatten()(images))


def test_subclassed_model_is_only_asked_for_its_flags():
    model = compiled(Subclassed(), loss="mse", eager=True)
    assert codes(model, RAW) == []
    model.train_on_batch(SCALED, np.zeros((4, 3)))
    model.dense.trainable = False
    assert codes(model, RAW) == ["trainable-changed"]


# The page


def test_page_has_a_section_for_each_code_and_shows_what_is_printed():
    page = (ROOT / "docs" / "en" / "lint.md").read_text(encoding="utf-8")
    assert tuple(re.findall(r"^## .*\{#([\w-]+)\}$", page, re.MULTILINE)) == CODES
    rules = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "recipes" / "lint").glob("*.py"))
    written = re.findall(r'Finding\(\s*"([\w-]+)"', rules)
    assert set(written) == set(CODES)
    (block,) = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(block, "lint.md", "exec"), {})  # noqa: S102
    lines = printed.getvalue().splitlines()
    assert [line.rpartition("#")[2] for line in lines] == ["input-range", "loss-output"]
    shown = " ".join(page.split())
    assert all(line in shown for line in lines)
