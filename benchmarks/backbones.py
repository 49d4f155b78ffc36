"""Which bases does `transfer` work with? One network of every family of keras.applications, the own ones, KerasHub.

    python benchmarks/backbones.py [--exports] [--only NAME ...] [--smoke]

Each base is put under a head for three classes at a small input size, with its pretrained weights where they can be
had here, else with random ones. Then: does the frontier lie at the head when the head alone trains; do kept
activations give what the whole network gives; does a training step leave every frozen weight as it was, with the head
and with the last stage thawed; does the arithmetic count its parameters; does Grad-CAM find a picture; does a fresh
process load it and answer alike. With `--exports`, for the bases whose weights can be had from the package index: which
formats answer alike. What fails is told in its own words. Rows go to results/bench/backbones.json, beside those that
are there, and between the marks into docs/en/backbones.md. `--smoke` takes one small network and writes nothing.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from zoo.text.markdown import table

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
PRETRAINED = ("vgg16", "xception", "efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2")
FAMILIES = (
    *("VGG19", "ResNet50", "ResNet50V2", "InceptionV3", "InceptionResNetV2", "Xception", "MobileNet", "MobileNetV2"),
    *("MobileNetV3Small", "DenseNet121", "NASNetMobile", "EfficientNetB0", "EfficientNetV2B0", "ConvNeXtTiny"),
)
# The backbones of KerasHub, at the size of a published preset, and one that is made of layers of its own.
HUB = {
    "ResNetBackbone": {
        "input_conv_filters": [64], "input_conv_kernel_sizes": [7], "stackwise_num_filters": [64, 128, 256, 512],
        "stackwise_num_blocks": [2, 2, 2, 2], "stackwise_num_strides": [1, 2, 2, 2], "block_type": "basic_block",
    },
    "DenseNetBackbone": {"stackwise_num_repeats": [6, 12, 24, 16], "compression_ratio": 0.5, "growth_rate": 32},
    "ViTBackbone": {
        "image_shape": (96, 96, 3), "patch_size": 16, "num_layers": 12, "num_heads": 3, "hidden_dim": 192,
        "mlp_dim": 768,
    },
}  # fmt: skip
CHECKS = ("frontier at the head", "kept = whole", "frozen stays", "last stage", "arithmetic", "Grad-CAM")
LOADS = "fresh process"
CLASSES, PHOTOS = 3, 4
_LOAD = """
import pathlib, sys
import keras, numpy as np
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.keras")):
    model = keras.models.load_model(path, compile=False, safe_mode=True)
    found = np.asarray(model(np.load(path.with_suffix(".photos.npy"))))
    print(path.stem, float(np.abs(found - np.load(path.with_suffix(".answers.npy"))).max()))
"""


def side(base: Any) -> int:
    """A small square that the base takes, in pixels."""
    return max(96 if "hub:" in base.name else 64, base.smallest)


def checks(model: Any, photos: Any) -> Iterator[tuple[str, Callable[[], str]]]:
    """What is looked at, each a function that gives a few words, or raises."""
    import keras
    import numpy as np

    import zoo
    from recipes.freeze.feature_cache import cache
    from recipes.freeze.layers import digests, frontier, prove_frozen, split_at, thaw
    from recipes.inference.gradcam import heatmaps
    from zoo.structure.stages import stages

    def at_the_head() -> str:
        thaw(model, ("head_*",))
        layer = frontier(model)
        if not str(layer).startswith("head_"):
            raise ValueError(f"it is at {layer}")
        return "yes"

    def kept() -> str:
        thaw(model, ("head_*",))
        prefix, suffix = split_at(model, str(frontier(model)))
        with tempfile.TemporaryDirectory() as folder:
            rows = cache(prefix, photos, dtype="float32", engine="keras", folder=Path(folder))[:]
        difference = float(np.abs(np.asarray(suffix(rows)) - np.asarray(model(photos))).max())
        if difference > 1e-5:
            raise ValueError(f"they differ by {difference:.2g}")
        return "yes"

    def step(*patterns: str) -> None:
        thaw(model, patterns)
        before = digests(model)
        model.compile(keras.optimizers.SGD(1e-3), "sparse_categorical_crossentropy")
        model.train_on_batch(photos, np.arange(PHOTOS) % CLASSES)
        prove_frozen(model, before)

    def frozen() -> str:
        step("head_*")
        return "yes"

    def last_stage() -> str:
        step("stage:-1", "head_*")
        found = stages(model)
        return f"{len(found[-1])} layers from {found[-1][0]}, of {len(found)} stages"

    def counts() -> str:
        counted = zoo.arithmetic(model)
        if counted.parameters != model.count_params() or not counted.macs:
            raise ValueError(f"{counted.parameters} parameters of {model.count_params()}")
        return "yes"

    def looked() -> str:
        maps = heatmaps(model, photos, [0] * PHOTOS)
        if not np.isfinite(maps).all():
            raise ValueError("it is not finite")
        return "yes"

    yield from zip(CHECKS, (at_the_head, kept, frozen, last_stage, counts, looked), strict=True)


def exported(model: Any, photos: Any) -> Iterator[tuple[str, Callable[[], str]]]:
    """Each format, and whether it answers alike there."""
    import numpy as np

    from recipes.inference.bundle.check import TOLERANCE
    from recipes.inference.bundle.formats import RUNTIMES

    wanted = np.asarray(model(photos))

    def answers(kind: str) -> str:
        runtime = RUNTIMES[kind]
        with tempfile.TemporaryDirectory() as folder:
            runtime.write(model, Path(folder) / runtime.file)
            found = np.asarray(runtime.load(Path(folder) / runtime.file, ())(photos))
        if (difference := float(np.abs(found - wanted).max())) > TOLERANCE:
            raise ValueError(f"it differs by {difference:.2g}")
        return "yes"

    for kind in RUNTIMES:
        yield kind, lambda kind=kind: answers(kind)


def looked_at(name: str, folder: Path, *, exports: bool) -> dict[str, Any]:
    """What a row of the table says; the network is saved in `folder`, with photos and what it answers."""
    import keras
    import numpy as np

    import zoo
    from zoo.pretrained.bases import find
    from zoo.weights import WeightsMissing

    keras.utils.clear_session()
    try:
        size = side(find(name))
        shape = (size, size, 3)
        weights = "imagenet" if name in PRETRAINED else None
        try:
            model = zoo.get("transfer", backbone=name, input_shape=shape, classes=CLASSES, weights=weights)
        except WeightsMissing:
            weights = None
            model = zoo.get("transfer", backbone=name, input_shape=shape, classes=CLASSES, weights=weights)
    except ValueError as error:
        return {"refused": str(error).replace(name, Path(name).name)}
    photos = np.random.default_rng(0).integers(0, 256, (PHOTOS, *shape)).astype("float32")
    if exports:
        return {"exports": {kind: _words(do) for kind, do in exported(model, photos)}}
    row: dict[str, Any] = {"size": size, "weights": weights or "random", "parameters": model.count_params()}
    row |= {check: _words(do) for check, do in checks(model, photos)}
    saved = folder / f"{Path(name).name}.keras"
    model.save(saved)
    np.save(saved.with_suffix(".photos.npy"), photos)
    np.save(saved.with_suffix(".answers.npy"), np.asarray(model(photos)))
    return row


def _words(do: Callable[[], str]) -> str:
    try:
        return do()
    except Exception as error:  # Whatever fails is what the table is to say.
        lines = str(error).strip().splitlines() or [type(error).__name__]
        return f"no: {lines[0]}"


def load_again(folder: Path) -> dict[str, str]:
    """How each saved network answers in a process of Keras alone."""
    done = subprocess.run([sys.executable, "-I", "-c", _LOAD, folder], capture_output=True, text=True, check=False)
    found = {name: float(difference) for name, difference in map(str.split, done.stdout.splitlines())}
    last = (done.stderr.strip().splitlines() or ["it ended early"])[-1]
    saved = [path.stem for path in folder.glob("*.keras")]
    return {name: "yes" if found.get(name, 1.0) < 1e-5 else f"no: {found.get(name, last)}" for name in saved}


def presets(folder: Path) -> dict[str, str]:
    """KerasHub's backbones with random weights, as presets on disk: `hub:PATH` by name; none where it is missing."""
    try:
        import keras_hub
    except ImportError:
        return {}
    for name, settings in HUB.items():
        getattr(keras_hub.models, name)(**settings).save_to_preset(str(folder / name))
        keras_hub.layers.ImageConverter(scale=1 / 127.5, offset=-1.0).save_to_preset(str(folder / name))
    return {name: f"hub:{folder / name}" for name in HUB}


def markdown(found: dict[str, Any]) -> str:
    """The table, what was refused, and a sentence on its conditions."""
    head = ("base", "pixels", "weights", "parameters", *CHECKS, LOADS, "exports")
    rows = []
    for name, row in found["rows"].items():
        if "refused" not in row:
            exports = row.get("exports", {})
            works = [kind for kind, words in exports.items() if words == "yes"]
            fails = [f"{kind} {words}" for kind, words in exports.items() if words != "yes"]
            cells = ("; ".join([", ".join(works), *fails]),)
            facts = (str(row["size"]), row["weights"], f"{row['parameters']:,}")
            rows.append((f"`{name}`", *facts, *(row.get(check, "") for check in (*CHECKS, LOADS)), *cells))
    refused = [f"- `{name}`: {row['refused']}" for name, row in found["rows"].items() if "refused" in row]
    hardware, versions = found["hardware"], found["versions"]
    conditions = (
        f"{hardware['processor']}, {hardware['cores']} cores, Keras {versions['keras']}; "
        "`python benchmarks/backbones.py` and the same with `--exports`."
    )
    return "\n".join([table(head, rows), *(["Refused:", "", *refused, ""] if refused else []), conditions, ""])


def store(rows: dict[str, dict[str, Any]]) -> None:
    """Put rows beside those that are stored, and all of them onto the page."""
    from recipes.execution import environment
    from recipes.files.atomic import read_json, write_json
    from recipes.study.results_table import put_between_marks

    path = ROOT / "results" / "bench" / "backbones.json"
    stored = read_json(path)["rows"] if path.is_file() else {}
    order = (*PRETRAINED, *FAMILIES, *HUB)
    merged = {name: stored.get(name, {}) | rows.get(name, {}) for name in order if name in stored or name in rows}
    found = {"rows": merged, "versions": environment.versions(), "hardware": environment.hardware()}
    write_json(path, found)
    put_between_marks(ROOT / "docs" / "en" / "backbones.md", "backbones", markdown(found))


def main() -> None:
    """Look at every base, print, and store."""
    parse = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parse.add_argument("--exports", action="store_true", help="write and run every format, of the pretrained bases")
    parse.add_argument("--only", nargs="+", help="these rows alone")
    parse.add_argument("--smoke", action="store_true", help="one small network, nothing stored")
    options = parse.parse_args()

    with tempfile.TemporaryDirectory() as given:
        folder = Path(given)
        names = {name: name for name in PRETRAINED + (() if options.exports else FAMILIES)}
        if not options.exports and not options.smoke:
            names |= presets(folder)
        if options.smoke:
            names = {"VGG19": "VGG19"}
        for name, base in names.items():
            if options.only and name not in options.only:
                continue
            row = looked_at(base, folder, exports=options.exports)
            print(name, row, flush=True)
            if not options.smoke:
                store({name: row})
        loads = {name: {LOADS: words} for name, words in load_again(folder).items()}
        print(loads)
        if not options.smoke:
            store(loads)


if __name__ == "__main__":
    main()
