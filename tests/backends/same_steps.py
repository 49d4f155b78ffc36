"""Run by the tests in a process for each backend: weights made by NumPy, twenty steps, what they gave as JSON."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from pathlib import Path

from recipes.console.backend import load_backend

load_backend()

import keras  # noqa: E402
import numpy as np  # noqa: E402

import zoo  # noqa: E402
from recipes.freeze import frozen_runner, layers  # noqa: E402
from recipes.inference import activation_maximization, gradcam  # noqa: E402
from recipes.recipe import Phase  # noqa: E402
from recipes.train.optimizers import optimizer_for  # noqa: E402
from zoo.testing import SIDES  # noqa: E402

STEPS, IMAGES = 20, 8
# JAX compiles what is deeper for up to half a minute. By hand they answered alike too, resnet50 to 3e-6.
DEEP = ("densenet121", "efficientnet_b0", "mobilenet", "resnet50", "xception_feature_extract", "xception_finetune")
# The same networks as others, under another head or frozen otherwise.
ANOTHERS = ("alexnet", "efficientnet_lite0", "vgg16", "vgg16_finetune")


def network() -> keras.Model:
    """A small network with weights that every backend has alike."""
    image = keras.Input((12, 12, 3), name="image")
    tensor = keras.layers.Rescaling(1 / 255, name="scale")(image)
    for name in ("conv1", "conv2"):
        tensor = keras.layers.Conv2D(6, 3, activation="relu", name=name)(tensor)
    tensor = keras.layers.Flatten(name="flatten")(tensor)
    model = keras.Model(image, keras.layers.Dense(3, activation="softmax", name="head_classes")(tensor))
    draw = np.random.default_rng(0)
    model.set_weights([draw.normal(0, 0.15, weight.shape).astype("float32") for weight in model.weights])
    return model


def trained(rates: dict[str, float], *, boundary: bool) -> list[list[float]]:
    """The weights after the steps, layer by layer; what is frozen is proven to be as it was."""
    model = network()
    layers.thaw(model, ("conv2", "head_*"))
    before = layers.digests(model)
    draw = np.random.default_rng(1)
    images = draw.integers(0, 256, (STEPS * IMAGES, 12, 12, 3)).astype("float32")
    targets = np.eye(3, dtype="float32")[draw.integers(0, 3, STEPS * IMAGES)]
    trains = model
    if boundary:
        prefix, trains = layers.split_at(model, "conv1")
        images = prefix.predict(images, verbose=0)
    phase = Phase(name="all", train=("conv2", "head_*"), epochs=1, learning_rate=1e-3, optimizer="adam", rates=rates)
    trains.compile(optimizer_for(phase, STEPS, model), "categorical_crossentropy")
    trains.fit(images, targets, batch_size=IMAGES, shuffle=False, verbose=0)
    assert not layers.prove_frozen(model, before)  # noqa: S101 (a process of the tests)
    return [
        np.concatenate([array.ravel() for array in layer.get_weights()]).tolist()
        for layer in model.layers
        if layer.weights
    ]


def page(name: str) -> keras.Model:
    """An architecture at the smallest size that it takes, with random weights."""
    for side in SIDES:
        with suppress(ValueError):
            return zoo.get(name, weights=None, input_shape=(side, side, zoo.info(name).input_shape[2]))
    raise AssertionError(name)


def answers(kept: Path) -> dict[str, list]:
    """What the pages answer; the files are made where there are none."""
    found = {}
    for name in (name for name in zoo.names() if name not in (*DEEP, *ANOTHERS)):
        file = kept / f"{name}.keras"
        if not file.exists():
            page(name).save(file)
        loaded = keras.models.load_model(file)
        images = np.random.default_rng(2).integers(0, 256, (2, *loaded.input_shape[1:])).astype("float32")
        found[name] = keras.ops.convert_to_numpy(loaded(images, training=False)).tolist()
    return found


def main(kept: Path) -> None:
    """Print what this backend gives."""
    images = np.random.default_rng(2).integers(0, 256, (4, 12, 12, 3)).astype("float32")
    found = {
        "backend": keras.config.backend(),
        "answers": answers(kept),
        "whole": trained({}, boundary=False),
        "above": trained({}, boundary=True),
        "rates": trained({"conv2": 0.1}, boundary=False),
        "heatmaps": gradcam.heatmaps(network(), images, [0, 1, 2, 0], "conv2").tolist(),
        "engine": frozen_runner.build(network(), "openvino float32", images).name,
        "excited": activation_maximization.excite(network(), "conv2", filters=2, steps=3).tolist(),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
