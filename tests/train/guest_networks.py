"""Ways in which people bring a network: each builder is one, and says which. docs/en/own-networks.md lists them."""

import keras
from keras import layers, ops


def _scaled(input_shape):
    image = keras.Input(input_shape)
    return image, layers.Rescaling(1 / 255)(image)


def _head(x, classes):
    return layers.Dense(classes, activation="softmax")(layers.GlobalAveragePooling2D()(x))


# What trains as it is, or is made flat.


def unnamed_layers(*, input_shape, classes, weights=None):
    """Layers and a `keras.Input` without names."""
    image, x = _scaled(input_shape)
    for filters in (4, 8):
        x = layers.MaxPooling2D()(layers.Conv2D(filters, 3, activation="relu")(x))
    return keras.Model(image, _head(x, classes))


def batch_normalization(*, input_shape, classes):
    """BatchNormalization that trains, also without scale and centre."""
    image, x = _scaled(input_shape)
    x = layers.BatchNormalization()(layers.Conv2D(4, 3, strides=2, use_bias=False)(x))
    x = layers.BatchNormalization(center=False, scale=False)(layers.Conv2D(4, 3, strides=2)(layers.ReLU()(x)))
    return keras.Model(image, _head(x, classes))


def sequential_with_input(*, input_shape, classes):
    """`keras.Sequential` with an `Input`."""
    return keras.Sequential(
        [keras.Input(input_shape), layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(8, activation="relu"),
         layers.BatchNormalization(), layers.Dropout(0.2), layers.Dense(classes, activation="softmax")]
    )  # fmt: skip


def sequential_without_input(input_shape, classes):
    """`keras.Sequential` without an `Input`, and a parameter list without a star."""
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
    """A base as the guides write it: `base.trainable = False; base(x, training=False)`."""
    base = _base(input_shape)
    base.trainable = False
    inputs = keras.Input(input_shape)
    x = base(layers.Rescaling(1 / 255)(inputs), training=False)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(classes, activation="softmax", name="classifier")(x))


def base_in_sequential(*, input_shape, classes):
    """A functional base inside `keras.Sequential`."""
    return keras.Sequential([keras.Input(input_shape), layers.Rescaling(1 / 255), _base(input_shape),
                             layers.GlobalAveragePooling2D(), layers.Dense(classes, activation="softmax")])  # fmt: skip


def augmentation_inside(*, input_shape, classes):
    """Augmentation layers in a `Sequential` of their own, before everything."""
    augment = keras.Sequential([layers.RandomFlip("horizontal"), layers.RandomRotation(0.1)], name="augment")
    image = keras.Input(input_shape)
    x = layers.Conv2D(4, 3, strides=3)(layers.Rescaling(1 / 255)(augment(image)))
    return keras.Model(image, _head(x, classes))


def networks_three_deep(*, input_shape, classes):
    """A network in a network in a network."""
    inner = keras.Sequential([layers.Conv2D(4, 3, strides=2), layers.BatchNormalization()], name="inner")
    middle_in = keras.Input(input_shape)
    middle = keras.Model(middle_in, layers.ReLU()(inner(middle_in)), name="middle")
    image, x = _scaled(input_shape)
    return keras.Model(image, _head(middle(x), classes))


def two_branches_of_equal_names(*, input_shape, classes):
    """Two branches whose layers have the same names."""
    image, x = _scaled(input_shape)
    branches = [
        keras.Sequential([layers.Conv2D(4, 3, strides=2, name="conv"), layers.BatchNormalization(name="bn")], name=name)
        for name in ("left", "right")
    ]
    return keras.Model(image, _head(layers.Concatenate()([branch(x) for branch in branches]), classes))


def base_called_twice(*, input_shape, classes):
    """A base that is called twice."""
    base, (image, x) = _base(input_shape), _scaled(input_shape)
    return keras.Model(image, _head(layers.Subtract()([base(x), base(ops.flip(x, axis=2))]), classes))


def layer_called_twice(*, input_shape, classes):
    """A layer that is called twice."""
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
    """A subclass of `keras.Model`, with blocks that are subclasses too."""
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
    """A layer class of one's own, registered, with statistics that move."""
    image, x = _scaled(input_shape)
    return keras.Model(image, _head(SqueezeExcite()(layers.Conv2D(4, 3, strides=2)(x)), classes))


def functions_only(*, input_shape, classes):
    """Functions of `keras.ops` and operators between layers, a softmax by `ops.softmax`."""
    image = keras.Input(input_shape)
    x = layers.Conv2D(4, 3, strides=2)(ops.cast(image, "float32") / 255.0)
    return keras.Model(image, ops.softmax(layers.Dense(classes)(ops.mean(ops.relu(x) - 0.5, axis=(1, 2)))))


def one_sigmoid_unit(*, input_shape, classes):
    """One sigmoid unit where there are two classes."""
    image, x = _scaled(input_shape)
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, strides=2)(x))
    units, activation = (1, "sigmoid") if classes == 2 else (classes, "softmax")
    return keras.Model(image, layers.Dense(units, activation=activation)(x))


def mixed_precision_output(*, input_shape, classes):
    """A last `Activation("softmax", dtype="float32")`, as the guide to mixed precision has it."""
    image, x = _scaled(input_shape)
    x = layers.Dense(classes)(layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, strides=2)(x)))
    return keras.Model(image, layers.Activation("softmax", dtype="float32")(x))


def any_size(*, input_shape, classes):
    """An input of any height and width."""
    image = keras.Input((None, None, input_shape[-1]))
    return keras.Model(image, _head(layers.Conv2D(4, 3, strides=2)(layers.Rescaling(1 / 255)(image)), classes))


def fixed_batch_of_bytes(*, input_shape, classes):
    """An input with a fixed batch, in bytes."""
    image = keras.Input(batch_shape=(32, *input_shape), dtype="uint8")
    return keras.Model(image, _head(layers.Conv2D(4, 3, strides=2)(layers.Rescaling(1 / 255)(image)), classes))


def dictionary_of_one(*, input_shape, classes):
    """Inputs and outputs in dictionaries, one of each."""
    image = keras.Input(input_shape, name="pixels")
    x = layers.Conv2D(4, 3, strides=2)(layers.Rescaling(1 / 255)(image))
    return keras.Model({"pixels": image}, {"label": _head(x, classes)})


def compiled(*, input_shape, classes):
    """A model that is compiled already."""
    model = unnamed_layers(input_shape=input_shape, classes=classes)
    model.compile("sgd", "mse")
    return model


def attention_over_rows(*, input_shape, classes):
    """Attention, masking, one-dimensional convolutions and `TimeDistributed` over the rows of the image."""
    image, x = _scaled(input_shape)
    rows = layers.Reshape((input_shape[0], -1))(x)
    rows = layers.Dense(8)(layers.Masking()(rows))
    rows = layers.LayerNormalization()(layers.MultiHeadAttention(2, 4)(rows, rows) + rows)
    rows = layers.TimeDistributed(layers.Dense(4))(layers.Conv1D(4, 3)(rows))
    return keras.Model(image, layers.Dense(classes, activation="softmax")(layers.GlobalAveragePooling1D()(rows)))


def adapted_normalization(*, input_shape, classes):
    """A `Normalization` with its mean and variance, a separable convolution."""
    image = keras.Input(input_shape)
    x = layers.Normalization(mean=[72.0] * input_shape[-1], variance=[8000.0] * input_shape[-1])(image)
    return keras.Model(image, _head(layers.SeparableConv2D(4, 3, strides=2)(x), classes))


def regularized(*, input_shape, classes):
    """Regularizers of weights and of activities, a constraint, an exact GELU."""
    image, x = _scaled(input_shape)
    settings = {"kernel_constraint": keras.constraints.MaxNorm(2), "activation": "gelu"}
    x = layers.Conv2D(4, 3, strides=2, activity_regularizer=keras.regularizers.L1(1e-4), **settings)(x)
    x = layers.GlobalAveragePooling2D()(layers.ActivityRegularization(l2=1e-4)(x))
    return keras.Model(image, layers.Dense(classes, activation="softmax", kernel_regularizer="l2")(x))


def singular_values(*, input_shape, classes):
    """An operation that bfloat16 does not have, `ops.svd`, and a blur between layers."""
    image, x = _scaled(input_shape)
    x = ops.image.gaussian_blur(layers.Conv2D(4, 3, strides=2)(x), (3, 3), (1.0, 1.0))
    values = ops.svd(layers.Permute((3, 1, 2))(x), compute_uv=False)
    return keras.Model(image, _head(ops.expand_dims(values, -1), classes))


def auxiliary_network_beside(*, input_shape, classes):
    """Layers that also serve a second network, which is not returned."""
    image, x = _scaled(input_shape)
    conv = layers.Conv2D(4, 3, strides=2)
    keras.Model(other := keras.Input((32, 32, input_shape[-1])), conv(other))
    return keras.Model(image, _head(conv(x), classes))


_augment = keras.Sequential([layers.RandomFlip("horizontal")])


def made_when_the_module_is_read(*, input_shape, classes):
    """A `keras.Sequential` made when the module is read, and another in the builder."""
    image = keras.Input(input_shape)
    x = keras.Sequential([layers.Rescaling(1 / 255), layers.Conv2D(4, 3, strides=3)])(_augment(image))
    return keras.Model(image, _head(x, classes))


def any_keywords(**keywords):
    """A builder that takes `**keywords`."""
    return unnamed_layers(input_shape=keywords["input_shape"], classes=keywords["classes"])


# What trains: as it is, or made one flat graph first.
TRAIN = {
    unnamed_layers: "as it is",
    batch_normalization: "as it is",
    sequential_with_input: "made flat",
    sequential_without_input: "made flat",
    frozen_base: "made flat",
    base_in_sequential: "made flat",
    augmentation_inside: "made flat",
    networks_three_deep: "made flat",
    two_branches_of_equal_names: "made flat",
    base_called_twice: "made flat",
    layer_called_twice: "as it is",
    subclassed: "made flat",
    registered_layer: "as it is",
    functions_only: "as it is",
    one_sigmoid_unit: "as it is",
    mixed_precision_output: "as it is",
    any_size: "made flat",
    fixed_batch_of_bytes: "made flat",
    dictionary_of_one: "made flat",
    compiled: "as it is",
    attention_over_rows: "as it is",
    adapted_normalization: "as it is",
    regularized: "as it is",
    singular_values: "as it is",
    auxiliary_network_beside: "as it is",
    made_when_the_module_is_read: "made flat",
    any_keywords: "as it is",
}


# What is refused, with what the words must hold.


def logits(*, input_shape, classes):
    """Logits."""
    image, x = _scaled(input_shape)
    return keras.Model(image, layers.Dense(classes, name="scores")(layers.Flatten()(x)))


def sigmoids(*, input_shape, classes):
    """A sigmoid for each of several classes."""
    image, x = _scaled(input_shape)
    return keras.Model(image, layers.Dense(classes, activation="sigmoid", name="out")(layers.Flatten()(x)))


def one_unit(*, input_shape, classes):
    """One unit for ten classes."""
    image, x = _scaled(input_shape)
    return keras.Model(image, layers.Dense(1, activation="sigmoid", name="out")(layers.Flatten()(x)))


def another_number_of_classes(*, input_shape, classes):
    """A fixed number of classes that is another."""
    image, x = _scaled(input_shape)
    return keras.Model(image, layers.Dense(1000, activation="softmax", name="predictions")(layers.Flatten()(x)))


def feature_maps(*, input_shape, classes):
    """Feature maps in place of probabilities."""
    image, x = _scaled(input_shape)
    return keras.Model(image, layers.Conv2D(classes, 3, activation="softmax", name="maps")(x))


def normalized_by_hand(*, input_shape, classes):
    """Numbers that are no probabilities, by functions alone."""
    image, x = _scaled(input_shape)
    return keras.Model(image, ops.exp(layers.Dense(classes)(layers.Flatten()(x))))


def not_finite(*, input_shape, classes):
    """Numbers that are not finite."""
    image = keras.Input(input_shape)
    return keras.Model(image, _head(ops.log(layers.Conv2D(4, 3)(image) - 1e9), classes))


def two_outputs(*, input_shape, classes):
    """Two outputs."""
    image, x = _scaled(input_shape)
    return keras.Model(image, {"label": _head(x, classes), "box": layers.Dense(4)(layers.Flatten()(x))})


def two_inputs(*, input_shape, classes):
    """Two inputs."""
    image, x = _scaled(input_shape)
    age = keras.Input((1,), name="age")
    x = layers.Concatenate()([layers.Flatten()(x), age])
    return keras.Model([image, age], layers.Dense(classes, activation="softmax")(x))


def flat_vectors(*, input_shape, classes):
    """An input of flat vectors, the images flattened outside."""
    size = input_shape[0] * input_shape[1] * input_shape[2]
    return keras.Sequential([keras.Input((size,)), layers.Dense(classes, activation="softmax")])


def channels_first(*, input_shape, classes):
    """Channels first."""
    image = keras.Input((input_shape[2], *input_shape[:2]))
    return keras.Model(image, layers.Dense(classes, activation="softmax")(layers.Flatten()(image)))


def colour_only(*, input_shape, classes):
    """Three channels, whatever the images have."""
    image = keras.Input((28, 28, 3))
    return keras.Model(image, _head(image, classes))


def lambda_layer(*, input_shape, classes):
    """A `Lambda`."""
    image = keras.Input(input_shape)
    return keras.Model(image, _head(layers.Lambda(lambda x: x / 255, name="scaled")(image), classes))


class Shift(keras.layers.Layer):
    """Not registered, found by its module's name; it has one weight."""

    def build(self, shape):
        self.shift = self.add_weight(name="shift", shape=(shape[-1],))

    def call(self, x):
        return x + self.shift


def unregistered_layer(*, input_shape, classes):
    """A layer class that is not registered."""
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
    """A layer whose settings are not in `get_config`."""
    image, x = _scaled(input_shape)
    return keras.Model(image, _head(layers.Conv2D(4, 3)(Power(2, name="power")(x)), classes))


def local_layer(*, input_shape, classes):
    """A layer class inside the builder."""

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


@keras.saving.register_keras_serializable("guests")
class Nameless(keras.layers.Layer):
    """It hands its name on, and Keras leaves the name out of its settings: that wants **kwargs, so called."""

    def __init__(self, **options):
        super().__init__(**options)

    def call(self, x):
        return 2 * x


def name_that_gets_lost(*, input_shape, classes):
    """A layer class whose `__init__` calls its `**kwargs` otherwise."""
    image, x = _scaled(input_shape)
    return keras.Model(image, _head(layers.Conv2D(4, 3)(Nameless(name="twice")(x)), classes))


def korean_names(*, input_shape, classes):
    """Layer names in Korean, or with a space."""
    image, x = _scaled(input_shape)
    return keras.Model(image, _head(layers.Conv2D(4, 3, name="합성곱 1")(x), classes))


def network_in_a_wrapper(*, input_shape, classes):
    """A network inside `TimeDistributed`, or another wrapper."""
    image, x = _scaled(input_shape)
    rows = keras.Sequential([layers.Conv1D(4, 3), layers.BatchNormalization(), layers.Flatten()], name="row")
    x = layers.GlobalAveragePooling1D()(layers.TimeDistributed(rows, name="rows")(x))
    return keras.Model(image, layers.Dense(classes, activation="softmax")(x))


def lambda_as_activation(*, input_shape, classes):
    """A `lambda` as an activation."""
    image, x = _scaled(input_shape)
    return keras.Model(image, _head(layers.Conv2D(4, 3, activation=lambda x: 2 * x, name="conv")(x), classes))


def quantized(*, input_shape, classes):
    """A network that is quantized already."""
    image, x = _scaled(input_shape)
    model = keras.Model(image, _head(layers.Conv2D(4, 3)(x), classes))
    model.quantize("int8")
    return model


def low_rank(*, input_shape, classes):
    """A layer with LoRA."""
    image, x = _scaled(input_shape)
    dense = layers.Dense(8, name="dense")
    model = keras.Model(image, _head(dense(x), classes))
    dense.enable_lora(2)
    return model


@keras.saving.register_keras_serializable("guests")
class OnlyEager(keras.layers.Layer):
    """It asks a tensor for its numbers, which there are not in a graph."""

    def call(self, x):
        return ops.convert_to_tensor(2 * x.numpy())

    def compute_output_shape(self, shape):
        return shape


def numbers_in_call(*, input_shape, classes):
    """A layer that computes with NumPy in `call`."""
    image, x = _scaled(input_shape)
    return keras.Model(image, _head(layers.Conv2D(4, 3)(OnlyEager(name="eager")(x)), classes))


@keras.saving.register_keras_serializable("guests")
class Noise(keras.layers.Layer):
    """Draws random numbers, training or not."""

    def call(self, x):
        return x + keras.random.normal(ops.shape(x))


def random_at_prediction(*, input_shape, classes):
    """A layer that draws random numbers at prediction too."""
    image, x = _scaled(input_shape)
    return keras.Model(image, _head(layers.Conv2D(4, 3)(Noise()(x)), classes))


@keras.saving.register_keras_serializable("guests")
class Counter(keras.layers.Layer):
    """Counts batches in training, frozen or not."""

    def build(self, shape):
        self.seen = self.add_weight(name="seen", shape=(), initializer="zeros", trainable=False)

    def call(self, x, training=None):
        if training:
            self.seen.assign_add(1.0)
        return x


def statistics_that_move_when_frozen(*, input_shape, classes):
    """A layer class of one's own whose statistics move although a phase freezes it."""
    image, x = _scaled(input_shape)
    x = layers.Conv2D(4, 3, name="conv")(Counter(name="counter")(x))
    return keras.Model(image, _head(x, classes))


def spectral_normalization(*, input_shape, classes):
    """A frozen `SpectralNormalization`, which moves all the same."""
    image, x = _scaled(input_shape)
    x = layers.SpectralNormalization(layers.Conv2D(4, 3), name="normalized")(x)
    return keras.Model(image, _head(layers.Conv2D(4, 3, name="conv")(x), classes))


@keras.saving.register_keras_serializable("guests")
class Transposed(keras.layers.Layer):
    """Multiplies by the kernel of another layer."""

    def __init__(self, dense, **keywords):
        super().__init__(**keywords)
        self.dense = dense

    def call(self, x):
        return ops.matmul(x, ops.transpose(self.dense.kernel))

    def get_config(self):
        return super().get_config() | {"dense": keras.saving.serialize_keras_object(self.dense)}

    @classmethod
    def from_config(cls, config):
        return cls(**config | {"dense": keras.saving.deserialize_keras_object(config["dense"])})


def tied_weights(*, input_shape, classes):
    """A layer that uses the weights of another."""
    image, x = _scaled(input_shape)
    dense = layers.Dense(8, name="there")
    return keras.Model(image, _head(Transposed(dense, name="back")(dense(x)), classes))


def weights_made_in_call(*, input_shape, classes):
    """A layer that makes its weights in `call`."""
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
    """A subclass of `keras.Model` that calls TensorFlow's functions."""
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
    """A subclass of `keras.Model` with weights outside layers."""
    return OwnWeight(classes)


class Noisy(Net):
    """Does something else in training than at prediction."""

    def call(self, inputs, training=False):
        return super().call(inputs * 1.5 if training else inputs, training=training)


def subclassed_that_trains_otherwise(*, input_shape, classes):
    """A subclass of `keras.Model` that does something else in training."""
    return Noisy(classes)


class OwnStep(keras.Model):
    """A training loop of its own."""

    def train_step(self, data):
        return {}


def own_training_step(*, input_shape, classes):
    """A `train_step` of one's own."""
    image, x = _scaled(input_shape)
    return OwnStep(image, _head(x, classes))


def half_precision(*, input_shape, classes):
    """Weights in float16."""
    image, x = _scaled(input_shape)
    return keras.Model(image, _head(layers.Conv2D(4, 3, dtype="float16", name="half")(x), classes))


def nothing_to_train(*, input_shape, classes):
    """A network without weights."""
    image, x = _scaled(input_shape)
    return keras.Model(image, ops.softmax(layers.Flatten()(layers.AveragePooling2D(7)(x))[:, :classes]))


def returns_nothing(*, input_shape, classes):
    """A builder without `return`."""
    _scaled(input_shape)


def returns_the_class(*, input_shape, classes):
    """A builder that returns the class, not a model."""
    return Net


def returns_a_layer(*, input_shape, classes):
    """A builder that returns a layer."""
    return layers.Dense(classes)


def raises(*, input_shape, classes):
    """A builder that raises."""
    return layers.Conv2D(4, 3, stride=2)


def needs_a_keyword(*, input_shape, classes, width):
    """A builder that needs more keywords."""
    raise AssertionError("never called")


def positional_only(input_shape, classes, /):
    """A builder whose parameters are positional only."""
    raise AssertionError("never called")


def other_keywords(shape, n):
    """A builder whose parameters are called otherwise."""
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
    name_that_gets_lost: "The layer 'twice' of 'name_that_gets_lost' (Nameless) leaves its name out of get_config()",
    korean_names: "TensorFlow does not take '합성곱 1', the name of a layer of 'korean_names'",
    network_in_a_wrapper: "The layer 'rows' of 'network_in_a_wrapper' (TimeDistributed) wraps a network, 'row'",
    lambda_as_activation: "A function in it needs a name, and @keras.saving.register_keras_serializable()",
    quantized: "of 'quantized' is quantized (int8_from_float32), and does not train. Leave quantize() out",
    low_rank: "The layer 'dense' of 'low_rank' (Dense) loses weights when it is saved and loaded",
    numbers_in_call: "The network 'numbers_in_call' cannot train: a step on two pictures fails",
    random_at_prediction: "gives two answers for one picture",
    statistics_that_move_when_frozen: "The layer 'counter' of 'statistics_that_move_when_frozen' (Counter) changes",
    spectral_normalization: "The layer 'normalized' of 'spectral_normalization' (SpectralNormalization) changes",
    tied_weights: "The layer 'back' of 'tied_weights' (Transposed) shares there/kernel with another",
    weights_made_in_call: "The builder of 'weights_made_in_call' failed at",
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
    raises: "The builder of 'raises' failed at",
    needs_a_keyword: "missing a required argument: 'width'",
    positional_only: "positional only",
    other_keywords: "has no keyword 'classes', 'input_shape'. It takes: shape, n.",
}
