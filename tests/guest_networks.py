"""Ways in which people bring a network: each builder is one, as it is written in guides, books and reports."""

import keras
from keras import layers, ops


def _scaled(input_shape):
    image = keras.Input(input_shape)
    return image, layers.Rescaling(1 / 255)(image)


def _head(x, classes):
    return layers.Dense(classes, activation="softmax")(layers.GlobalAveragePooling2D()(x))


# What trains as it is, or is made flat.


def unnamed_layers(*, input_shape, classes, weights=None):
    image, x = _scaled(input_shape)
    for filters in (4, 8):
        x = layers.MaxPooling2D()(layers.Conv2D(filters, 3, activation="relu")(x))
    return keras.Model(image, _head(x, classes))


def batch_normalization(*, input_shape, classes):
    image, x = _scaled(input_shape)
    x = layers.BatchNormalization()(layers.Conv2D(4, 3, strides=2, use_bias=False)(x))
    x = layers.BatchNormalization(center=False, scale=False)(layers.Conv2D(4, 3, strides=2)(layers.ReLU()(x)))
    return keras.Model(image, _head(x, classes))


def sequential_with_input(*, input_shape, classes):
    return keras.Sequential(
        [keras.Input(input_shape), layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(8, activation="relu"),
         layers.BatchNormalization(), layers.Dropout(0.2), layers.Dense(classes, activation="softmax")]
    )  # fmt: skip


def sequential_without_input(input_shape, classes):
    return keras.Sequential(
        [layers.Rescaling(1 / 255), layers.Conv2D(4, 3, strides=3), layers.Flatten(), layers.Dense(classes),
         layers.Softmax()]
    )  # fmt: skip


def _base(input_shape):
    """A small base as those of keras.applications: BatchNormalization, a way around, dropout of a branch."""
    image = keras.Input(input_shape)
    x = layers.Conv2D(4, 3, strides=2, name="stem")(image)
    y = layers.BatchNormalization(name="bn")(layers.Conv2D(4, 3, padding="same", name="conv")(x))
    y = layers.Dropout(0.5, noise_shape=(None, 1, 1, 1), name="drop")(y)
    return keras.Model(image, layers.Add(name="add")([x, y]), name="base")


def frozen_base(*, input_shape, classes, weights=None):
    base = _base(input_shape)
    base.trainable = False
    inputs = keras.Input(input_shape)
    x = base(layers.Rescaling(1 / 255)(inputs), training=False)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(classes, activation="softmax", name="classifier")(x))


def base_in_sequential(*, input_shape, classes):
    return keras.Sequential([keras.Input(input_shape), layers.Rescaling(1 / 255), _base(input_shape),
                             layers.GlobalAveragePooling2D(), layers.Dense(classes, activation="softmax")])  # fmt: skip


def augmentation_inside(*, input_shape, classes):
    augment = keras.Sequential([layers.RandomFlip("horizontal"), layers.RandomRotation(0.1)], name="augment")
    image = keras.Input(input_shape)
    x = layers.Conv2D(4, 3, strides=3)(layers.Rescaling(1 / 255)(augment(image)))
    return keras.Model(image, _head(x, classes))


def networks_three_deep(*, input_shape, classes):
    inner = keras.Sequential([layers.Conv2D(4, 3, strides=2), layers.BatchNormalization()], name="inner")
    middle_in = keras.Input(input_shape)
    middle = keras.Model(middle_in, layers.ReLU()(inner(middle_in)), name="middle")
    image, x = _scaled(input_shape)
    return keras.Model(image, _head(middle(x), classes))


def two_branches_of_equal_names(*, input_shape, classes):
    image, x = _scaled(input_shape)
    branches = [
        keras.Sequential([layers.Conv2D(4, 3, strides=2, name="conv"), layers.BatchNormalization(name="bn")], name=name)
        for name in ("left", "right")
    ]
    return keras.Model(image, _head(layers.Concatenate()([branch(x) for branch in branches]), classes))


def base_called_twice(*, input_shape, classes):
    base, (image, x) = _base(input_shape), _scaled(input_shape)
    return keras.Model(image, _head(layers.Subtract()([base(x), base(ops.flip(x, axis=2))]), classes))


def layer_called_twice(*, input_shape, classes):
    image, x = _scaled(input_shape)
    x = layers.Conv2D(4, 3, strides=2)(x)
    again = layers.Conv2D(4, 3, padding="same", name="again")
    return keras.Model(image, _head(again(again(x)), classes))


class Block(keras.Model):
    """As the guides write a block of a residual network."""

    def __init__(self, filters):
        super().__init__()
        self.conv, self.norm = layers.Conv2D(filters, 3, padding="same"), layers.BatchNormalization()

    def call(self, x, training=False):
        return ops.relu(self.norm(self.conv(x), training=training) + x)


class Net(keras.Model):
    """A subclassed model: layers in __init__, the way through them in call, dropout in training alone."""

    def __init__(self, classes):
        super().__init__()
        self.scale, self.conv = layers.Rescaling(1 / 255), layers.Conv2D(4, 3, strides=2, activation="relu")
        self.block = Block(4)
        self.pool, self.dropout = layers.GlobalAveragePooling2D(), layers.Dropout(0.2)
        self.out = layers.Dense(classes, activation="softmax")

    def call(self, inputs, training=False):
        x = self.pool(self.block(self.conv(self.scale(inputs))))
        if training:
            x = self.dropout(x, training=training)
        return self.out(x)


def subclassed(*, input_shape, classes):
    return Net(classes)


@keras.saving.register_keras_serializable("guests")
class SqueezeExcite(keras.layers.Layer):
    """A registered layer of one's own with layers inside and statistics that move."""

    def __init__(self, ratio=2, **kwargs):
        super().__init__(**kwargs)
        self.ratio = ratio

    def build(self, shape):
        self.squeeze = layers.Dense(max(1, shape[-1] // self.ratio), activation="relu")
        self.excite = layers.Dense(shape[-1], activation="sigmoid")
        self.squeeze.build((shape[0], shape[-1]))
        self.excite.build((shape[0], max(1, shape[-1] // self.ratio)))
        self.seen = self.add_weight(name="seen", shape=(), initializer="zeros", trainable=False)

    def call(self, x, training=None):
        if training:
            self.seen.assign_add(1.0)
        return x * self.excite(self.squeeze(ops.mean(x, axis=(1, 2))))[:, None, None]

    def get_config(self):
        return super().get_config() | {"ratio": self.ratio}


def registered_layer(*, input_shape, classes):
    image, x = _scaled(input_shape)
    return keras.Model(image, _head(SqueezeExcite()(layers.Conv2D(4, 3, strides=2)(x)), classes))


def functions_only(*, input_shape, classes):
    image = keras.Input(input_shape)
    x = layers.Conv2D(4, 3, strides=2)(ops.cast(image, "float32") / 255.0)
    return keras.Model(image, ops.softmax(layers.Dense(classes)(ops.mean(ops.relu(x) - 0.5, axis=(1, 2)))))


def one_sigmoid_unit(*, input_shape, classes):
    image, x = _scaled(input_shape)
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, strides=2)(x))
    units, activation = (1, "sigmoid") if classes == 2 else (classes, "softmax")
    return keras.Model(image, layers.Dense(units, activation=activation)(x))


def mixed_precision_output(*, input_shape, classes):
    image, x = _scaled(input_shape)
    x = layers.Dense(classes)(layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, strides=2)(x)))
    return keras.Model(image, layers.Activation("softmax", dtype="float32")(x))


def any_size(*, input_shape, classes):
    image = keras.Input((None, None, input_shape[-1]))
    return keras.Model(image, _head(layers.Conv2D(4, 3, strides=2)(layers.Rescaling(1 / 255)(image)), classes))


def fixed_batch_of_bytes(*, input_shape, classes):
    image = keras.Input(batch_shape=(32, *input_shape), dtype="uint8")
    return keras.Model(image, _head(layers.Conv2D(4, 3, strides=2)(layers.Rescaling(1 / 255)(image)), classes))


def dictionary_of_one(*, input_shape, classes):
    image = keras.Input(input_shape, name="pixels")
    x = layers.Conv2D(4, 3, strides=2)(layers.Rescaling(1 / 255)(image))
    return keras.Model({"pixels": image}, {"label": _head(x, classes)})


def compiled(*, input_shape, classes):
    model = unnamed_layers(input_shape=input_shape, classes=classes)
    model.compile("sgd", "mse")
    return model


def attention_over_rows(*, input_shape, classes):
    image, x = _scaled(input_shape)
    rows = layers.Reshape((input_shape[0], -1))(x)
    rows = layers.Dense(8)(layers.Masking()(rows))
    rows = layers.LayerNormalization()(layers.MultiHeadAttention(2, 4)(rows, rows) + rows)
    rows = layers.TimeDistributed(layers.Dense(4))(layers.Conv1D(4, 3)(rows))
    return keras.Model(image, layers.Dense(classes, activation="softmax")(layers.GlobalAveragePooling1D()(rows)))


def adapted_normalization(*, input_shape, classes):
    image = keras.Input(input_shape)
    x = layers.Normalization(mean=[72.0] * input_shape[-1], variance=[8000.0] * input_shape[-1])(image)
    return keras.Model(image, _head(layers.SeparableConv2D(4, 3, strides=2)(x), classes))


def auxiliary_network_beside(*, input_shape, classes):
    """The layers are called on other inputs too, in a second network that is not returned."""
    image, x = _scaled(input_shape)
    conv = layers.Conv2D(4, 3, strides=2)
    keras.Model(other := keras.Input((32, 32, input_shape[-1])), conv(other))
    return keras.Model(image, _head(conv(x), classes))


def any_keywords(**keywords):
    return unnamed_layers(input_shape=keywords["input_shape"], classes=keywords["classes"])


TRAIN = [
    unnamed_layers, batch_normalization, sequential_with_input, sequential_without_input, frozen_base,
    base_in_sequential, augmentation_inside, networks_three_deep, two_branches_of_equal_names, base_called_twice,
    layer_called_twice, subclassed, registered_layer, functions_only, one_sigmoid_unit,
    mixed_precision_output, any_size, fixed_batch_of_bytes, dictionary_of_one, compiled, attention_over_rows,
    adapted_normalization, auxiliary_network_beside, any_keywords,
]  # fmt: skip


# What is refused, with what the words must hold.


def logits(*, input_shape, classes):
    image, x = _scaled(input_shape)
    return keras.Model(image, layers.Dense(classes, name="scores")(layers.Flatten()(x)))


def sigmoids(*, input_shape, classes):
    image, x = _scaled(input_shape)
    return keras.Model(image, layers.Dense(classes, activation="sigmoid", name="out")(layers.Flatten()(x)))


def one_unit(*, input_shape, classes):
    image, x = _scaled(input_shape)
    return keras.Model(image, layers.Dense(1, activation="sigmoid", name="out")(layers.Flatten()(x)))


def another_number_of_classes(*, input_shape, classes):
    image, x = _scaled(input_shape)
    return keras.Model(image, layers.Dense(1000, activation="softmax", name="predictions")(layers.Flatten()(x)))


def feature_maps(*, input_shape, classes):
    image, x = _scaled(input_shape)
    return keras.Model(image, layers.Conv2D(classes, 3, activation="softmax", name="maps")(x))


def normalized_by_hand(*, input_shape, classes):
    image, x = _scaled(input_shape)
    return keras.Model(image, ops.exp(layers.Dense(classes)(layers.Flatten()(x))))


def not_finite(*, input_shape, classes):
    image = keras.Input(input_shape)
    return keras.Model(image, _head(ops.log(layers.Conv2D(4, 3)(image) - 1e9), classes))


def two_outputs(*, input_shape, classes):
    image, x = _scaled(input_shape)
    return keras.Model(image, {"label": _head(x, classes), "box": layers.Dense(4)(layers.Flatten()(x))})


def two_inputs(*, input_shape, classes):
    image, x = _scaled(input_shape)
    age = keras.Input((1,), name="age")
    x = layers.Concatenate()([layers.Flatten()(x), age])
    return keras.Model([image, age], layers.Dense(classes, activation="softmax")(x))


def flat_vectors(*, input_shape, classes):
    size = input_shape[0] * input_shape[1] * input_shape[2]
    return keras.Sequential([keras.Input((size,)), layers.Dense(classes, activation="softmax")])


def channels_first(*, input_shape, classes):
    image = keras.Input((input_shape[2], *input_shape[:2]))
    return keras.Model(image, layers.Dense(classes, activation="softmax")(layers.Flatten()(image)))


def colour_only(*, input_shape, classes):
    image = keras.Input((28, 28, 3))
    return keras.Model(image, _head(image, classes))


def lambda_layer(*, input_shape, classes):
    image = keras.Input(input_shape)
    return keras.Model(image, _head(layers.Lambda(lambda x: x / 255, name="scaled")(image), classes))


class Shift(keras.layers.Layer):
    """Not registered, found by its module's name; it has one weight."""

    def build(self, shape):
        self.shift = self.add_weight(name="shift", shape=(shape[-1],))

    def call(self, x):
        return x + self.shift


def unregistered_layer(*, input_shape, classes):
    image, x = _scaled(input_shape)
    return keras.Model(image, _head(Shift()(layers.Conv2D(4, 3, strides=2)(x)), classes))


class Power(keras.layers.Layer):
    """A layer whose setting is not in its configuration."""

    def __init__(self, power, **kwargs):
        super().__init__(**kwargs)
        self.power = power

    def call(self, x):
        return x**self.power


def layer_without_config(*, input_shape, classes):
    image, x = _scaled(input_shape)
    return keras.Model(image, _head(layers.Conv2D(4, 3)(Power(2, name="power")(x)), classes))


def local_layer(*, input_shape, classes):
    class Half(keras.layers.Layer):
        def call(self, x):
            return x / 2

    image, x = _scaled(input_shape)
    return keras.Model(image, _head(layers.Conv2D(4, 3)(Half(name="half")(x)), classes))


class Forgetful(keras.layers.Layer):
    """Its weights are made in call, too late to be saved."""

    def __init__(self, units=3, **kwargs):
        super().__init__(**kwargs)
        self.units, self.dense = units, None

    def call(self, x):
        if self.dense is None:
            self.dense = layers.Dense(self.units)
        return self.dense(x)


def weights_made_in_call(*, input_shape, classes):
    image, x = _scaled(input_shape)
    return keras.Model(image, _head(Forgetful(name="late")(x), classes))


class WithTensorFlow(keras.Model):
    """TensorFlow's own functions know no symbolic tensors."""

    def __init__(self, classes):
        super().__init__()
        self.flatten, self.out = layers.Flatten(), layers.Dense(classes, activation="softmax")

    def call(self, x):
        import tensorflow as tf

        return self.out(self.flatten(tf.image.flip_left_right(x) / 255.0))


def subclassed_with_tensorflow(*, input_shape, classes):
    return WithTensorFlow(classes)


class OwnWeight(keras.Model):
    """A model with a weight that is in no layer."""

    def __init__(self, classes):
        super().__init__()
        self.flatten, self.out = layers.Flatten(), layers.Dense(classes, activation="softmax")
        self.factor = self.add_weight(name="factor", shape=())

    def call(self, x):
        return self.out(self.flatten(x) * self.factor)


def subclassed_with_a_weight(*, input_shape, classes):
    return OwnWeight(classes)


class Noisy(Net):
    """Does something else in training than at prediction."""

    def call(self, inputs, training=False):
        return super().call(inputs * 1.5 if training else inputs, training=training)


def subclassed_that_trains_otherwise(*, input_shape, classes):
    return Noisy(classes)


class OwnStep(keras.Model):
    """A training loop of its own."""

    def train_step(self, data):
        return {}


def own_training_step(*, input_shape, classes):
    image, x = _scaled(input_shape)
    return OwnStep(image, _head(x, classes))


def half_precision(*, input_shape, classes):
    image, x = _scaled(input_shape)
    return keras.Model(image, _head(layers.Conv2D(4, 3, dtype="float16", name="half")(x), classes))


def nothing_to_train(*, input_shape, classes):
    image, x = _scaled(input_shape)
    return keras.Model(image, ops.softmax(layers.Flatten()(layers.AveragePooling2D(7)(x))[:, :classes]))


def returns_nothing(*, input_shape, classes):
    _scaled(input_shape)


def returns_the_class(*, input_shape, classes):
    return Net


def returns_a_layer(*, input_shape, classes):
    return layers.Dense(classes)


def raises(*, input_shape, classes):
    return layers.Conv2D(4, 3, stride=2)


def needs_a_keyword(*, input_shape, classes, width):
    raise AssertionError("never called")


def positional_only(input_shape, classes, /):
    raise AssertionError("never called")


def other_keywords(shape, n):
    raise AssertionError("never called")


REFUSED = {
    logits: "gives logits: its last layer 'scores', has no activation. Give it activation=\"softmax\"",
    sigmoids: "ends in sigmoid over 10 units, its last layer 'out': one class excludes the others",
    one_unit: "ends in 1 unit, its last layer 'out', and there are 10 classes: one unit tells two classes apart",
    another_number_of_classes: "ends in 1000 units, its last layer 'predictions', and there are 10 classes",
    feature_maps: "gives 26 x 26 x 10 for a picture, its last layer 'maps'",
    normalized_by_hand: "gives no probabilities: its last layer",
    not_finite: "numbers that are not finite",
    two_outputs: "must have one output. It has 2",
    two_inputs: "must have one input. It has 2",
    flat_vectors: "takes 784, and the images are 28 x 28 x 1. Begin with keras.Input(input_shape)",
    channels_first: "Channels come last",
    colour_only: "takes 28 x 28 x 3, and the images are 28 x 28 x 1",
    lambda_layer: "The layer 'scaled' of 'lambda_layer' (Lambda) cannot be saved and loaded",
    layer_without_config: "The layer 'power' of 'layer_without_config' (Power) cannot be saved and loaded",
    local_layer: "The layer 'half' of 'local_layer' (Half) cannot be saved and loaded",
    weights_made_in_call: "guest_networks.py:",
    unregistered_layer: "(Shift) cannot be saved and loaded: Could not locate class 'Shift'. Give its class",
    subclassed_with_tensorflow: "The class WithTensorFlow",
    subclassed_with_a_weight: "keeps weights outside its layers",
    subclassed_that_trains_otherwise: "in training and prediction",
    own_training_step: "The class OwnStep of 'own_training_step' has a train_step of its own",
    half_precision: "The layer 'half' of 'half_precision' keeps its weights in float16",
    nothing_to_train: "has no weights, so there is nothing to train",
    returns_nothing: "must return a keras.Model. It returned a NoneType",
    returns_the_class: "must return a keras.Model. It returned the class Net",
    returns_a_layer: "must return a keras.Model. It returned a Dense",
    raises: "guest_networks.py:",
    needs_a_keyword: "missing a required argument: 'width'",
    positional_only: "positional only",
    other_keywords: "has no keyword 'classes', 'input_shape'. It takes: shape, n.",
}
