"""Write what the interactive figures show: networks' weights, small pictures, a photograph, and the freeze ladder.

    python docs/builder/widget_data.py [--run FOLDER ...]

Everything lands in docs/assets/widgets/data. Weights come from finished runs on the full data sets, one for each
network, and stay as they are without `--run`:

    python -m recipes.run fashion_cnn --seed 42
    python -m recipes.run mnist_functional --seed 42

The rest comes from the bundled samples, from docs/learn/data/features.npz, from the built VGG16 and from results/.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

import recipes  # noqa: E402
import zoo  # noqa: E402
from recipes.data.samples import SAMPLES  # noqa: E402

if TYPE_CHECKING:
    import keras

FOLDER = ROOT / "docs" / "assets" / "widgets" / "data"
FEATURES = ROOT / "docs" / "learn" / "data" / "features.npz"
NETWORKS = {"fashion_cnn": "fashion_mnist", "mnist_functional": "mnist"}
PICTURES = 20
RATES = ("0.001", "0.00001")
STAGES = ("head", "block5", "block4", "block3", "block2", "block1")


def network(run: Path) -> tuple[str, dict[str, Any], bytes]:
    """A run's network as the figures read it.

    Args:
        run: A finished run of one of `NETWORKS`.

    Returns:
        Its name; its layers, test accuracy and origin; its weights as little-endian float16, layer after layer.
    """
    predictor = recipes.load(run)
    model, manifest = predictor.model, predictor.manifest
    scores = json.loads((run / "metrics.json").read_text())["test"]
    height, width, _ = model.input_shape[1:]
    layers = [layer for layer in model.layers if layer.__class__.__name__ != "InputLayer"]
    facts = {
        "name": model.name,
        "height": height,
        "width": width,
        "classes": list(predictor.class_names),
        "parameters": model.count_params(),
        "test_accuracy": scores["accuracy"],
        "test_images": scores["images"],
        "command": manifest.command,
        "versions": {name: manifest.versions[name] for name in ("keras", "tensorflow")},
        "layers": [_layer(layer) for layer in layers],
    }
    weights = b"".join(np.asarray(weight, "<f2").tobytes() for layer in layers for weight in layer.get_weights())
    return model.name, facts, weights


def _layer(layer: keras.Layer) -> dict[str, Any]:
    """What the forward pass needs to know of a layer."""
    settings, kind = layer.get_config(), layer.__class__.__name__
    facts = {"name": layer.name, "type": kind, "weights": [{"shape": list(one.shape)} for one in layer.weights]}
    if kind == "Rescaling":
        facts["scale"] = settings["scale"]
    if kind == "Conv2D":
        facts |= {"side": settings["kernel_size"][0], "stride": settings["strides"][0], "padding": settings["padding"]}
    if kind == "MaxPooling2D":
        facts |= {"side": settings["pool_size"][0], "stride": settings["strides"][0], "padding": settings["padding"]}
    if "activation" in settings:
        facts["activation"] = settings["activation"]
    return facts


def pictures(dataset: str) -> tuple[dict[str, Any], bytes]:
    """The first test pictures of a sample, as many of each class: side, class names and labels; their raw pixels."""
    _, test, class_names = SAMPLES[dataset].read()
    of_each = PICTURES // len(class_names)
    places = np.array([np.flatnonzero(test.labels == label)[:of_each] for label in range(len(class_names))])
    chosen = places.T.ravel()  # One of each class, then the next.
    facts = {"side": test.pixels.shape[1], "classes": class_names, "labels": test.labels[chosen].tolist()}
    return facts | {"from": SAMPLES[dataset].title}, test.pixels[chosen].tobytes()


def features(file: Path) -> tuple[dict[str, Any], bytes, np.ndarray]:
    """Every second crop of the lesson on features, and what the network finds in it.

    Args:
        file: What docs/learn/data/make_features.py writes.

    Returns:
        Class names, labels and scale; a byte a number, in steps of a 255th of the largest; (side, crops x side, 3) RGB,
        the crops side by side.
    """
    with np.load(file) as kept:
        numbers, labels = kept["features"][::2].astype("float32"), kept["labels"][::2]
        crops, names = kept["palette"][kept["thumbnails"][::2]], kept["names"].tolist()
    facts = {"network": "efficientnet_lite0", "length": numbers.shape[1], "largest": float(numbers.max())}
    facts |= {"tile": crops.shape[1], "classes": names, "labels": labels.tolist()}
    return facts, np.round(255 * numbers / numbers.max()).astype("uint8").tobytes(), np.concatenate(crops, axis=1)


def write_features(file: Path) -> None:
    """The files of the figure on features."""
    from PIL import Image

    facts, numbers, strip = features(file)
    _write_json(FOLDER / "features.json", facts)
    (FOLDER / "features.bin").write_bytes(numbers)
    Image.fromarray(strip).save(FOLDER / "tiles.png", optimize=True)


def write_photograph(file: Path) -> None:
    """Part of the photograph of a palace that scikit-learn brings (danielbuechele, CC BY 2.0), 160 x 120 pixels."""
    from PIL import Image
    from sklearn.datasets import load_sample_images

    photograph = Image.fromarray(load_sample_images().images[0])
    photograph.crop((80, 60, 560, 420)).resize((160, 120), Image.Resampling.LANCZOS).save(file, quality=88)


def freeze_ladder() -> dict[str, Any]:
    """VGG16 under a new head, opened stage by stage: parameters, minutes an epoch, and what the linter finds."""
    model = zoo.get("vgg16_finetune", weights=None)
    rows = zoo.arithmetic(model).rows
    of_stage = {stage: sum(row.parameters for row in rows if row.layer.startswith(f"{stage}_")) for stage in STAGES}
    measured = json.loads((ROOT / "results" / "bench" / "boundary.json").read_text())
    minutes = {
        stage: {
            way: statistics.mean(round_[f"{stage}, {way}"]["seconds"] for round_ in measured["rounds"]) / 60
            for way in ("plain", "bfloat16")
        }
        for stage in ("head", "block5")
    }
    return {
        "network": model.name,
        "parameters": model.count_params(),
        "stages": [{"name": stage, "parameters": of_stage[stage]} for stage in STAGES],
        "minutes": minutes,
        "minutes_from": "results/bench/boundary.json",
        "cores": measured["hardware"]["cores"],
        "findings": dict(_findings()),
    }


def _findings() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """What the linter says in each situation, under "stage head rate compiled" such as "block5 trained 0.001 again"."""
    import keras

    from recipes import lint
    from recipes.freeze import thaw

    model = zoo.get("vgg16_finetune", input_shape=(32, 32, 3), weights=None)
    for place, stage in enumerate(STAGES):
        opened = [f"{one}_*" for one in STAGES[: place + 1]]
        for head in ("new", "trained"):
            for layer in model.layers:
                if layer.weights:  # The linter takes a layer for trained when its bias is not zero.
                    is_trained = head == "trained" or not layer.name.startswith("head_")
                    layer.bias.assign(keras.ops.full(layer.bias.shape, 0.1 * is_trained))
            for rate in RATES:
                for compiled in ("again", "before"):
                    thaw(model, opened if compiled == "again" else ["head_*"])
                    model.compile(keras.optimizers.Adam(float(rate)), "binary_crossentropy")
                    model.optimizer.build(model.trainable_variables)
                    thaw(model, opened)
                    found = [
                        {"code": finding.code, "stops": finding.stops, "message": finding.message}
                        for finding in lint.check(model)
                    ]
                    yield f"{stage} {head} {rate} {compiled}", found


def _write_json(file: Path, value: dict[str, Any]) -> None:
    file.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main() -> None:
    """Write the files."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--run", type=Path, action="append", default=[], help="a finished run of a network shown")
    FOLDER.mkdir(parents=True, exist_ok=True)
    for run in parser.parse_args().run:
        name, facts, weights = network(run)
        (FOLDER / f"{name}.bin").write_bytes(weights)
        _write_json(FOLDER / f"{name}.json", facts)
    for dataset in NETWORKS.values():
        facts, pixels = pictures(dataset)
        (FOLDER / f"{dataset}_pictures.bin").write_bytes(pixels)
        _write_json(FOLDER / f"{dataset}_pictures.json", facts)
    write_features(FEATURES)
    write_photograph(FOLDER / "photograph.jpg")
    _write_json(FOLDER / "freeze.json", freeze_ladder())


if __name__ == "__main__":
    main()
