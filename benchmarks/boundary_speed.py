"""What running the frozen part once is worth: plain Keras against the recipes' engine, on the same photos.

    python benchmarks/boundary_speed.py --data-dir DIR [--repeats 3] [--smoke]

Every measurement has a process of its own, so that peak memory (the largest resident set) is its own too:
- an epoch of training on 2,000 photos and validating on 1,000, VGG16 at 180x180: plain Keras (`fit` on decoded photos,
  everything left at Keras's defaults) and the engine, for the head alone and for block 5 with the head;
- one pass of the frozen base: plain `predict`, and the engine that runs the frozen part;
- pass, epoch of the head and memory for 500, 1,000, 2,000 and 4,000 photos.

Photos are the decoded ones of cats_vs_dogs, without augmentation, one view. Results go to results/bench/boundary.json
and, between the marks, into docs/*/results.md. `--smoke` takes a few crops at 32x32 and a network of two convolutions,
and writes nothing.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from zoo.text.markdown import table

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
SEED = 42
SIZES = (500, 1000, 2000, 4000)
PHASES = {"head": ("head_*",), "block5": ("block5_*", "head_*")}


def photos(data_dir: str | None):
    """2,000 photos to train, 1,000 to validate, 1,000 to test; for a smoke run a few crops."""
    from recipes import Choice, data

    if data_dir is None:
        splits = data.read(data.find("cats_vs_dogs", "sample"), Choice(2000, 1000, 1000), 32)
        return splits.take(train=40, validation=40, test=8)
    return data.read(data.find("cats_vs_dogs", "full", data_dir), Choice(2000, 1000, 1000), 180)


def network(splits, data_dir: str | None):
    """VGG16 with real weights under a new head; for a smoke run, a few layers called as VGG16's are."""
    import keras

    import zoo

    keras.utils.set_random_seed(SEED)
    if data_dir:
        return zoo.get("vgg16_finetune", input_shape=splits.image_shape, weights="imagenet")
    image = keras.Input(splits.image_shape)
    x = keras.layers.Conv2D(4, 3, strides=4, activation="relu", name="block4_conv")(image)
    x = keras.layers.Conv2D(4, 3, activation="relu", name="block5_conv")(x)
    x = keras.layers.Flatten(name="head_flatten")(keras.layers.MaxPooling2D(2, name="block5_pool")(x))
    return keras.Model(image, keras.layers.Dense(1, activation="sigmoid", name="head_probabilities")(x))


def plain(phase: str, data_dir: str | None) -> dict[str, Any]:
    """An epoch as a notebook runs it: freeze, compile, fit."""
    import numpy as np
    import tensorflow as tf

    from recipes.freeze import thaw

    splits = photos(data_dir)
    model = network(splits, data_dir)
    thaw(model, PHASES[phase])
    model.compile("rmsprop", "binary_crossentropy", metrics=["accuracy"])

    def batches(images, number=None):
        pixels, labels = np.asarray(images.pixels[:number]), images.labels[:number].astype("float32")
        return tf.data.Dataset.from_tensor_slices((pixels, labels[:, None])).batch(32).prefetch(2)

    # Traces, for whole batches and for the smaller last ones.
    few = [32 + len(images) % 32 for images in (splits.train, splits.validation)]
    model.fit(batches(splits.train, few[0]), validation_data=batches(splits.validation, few[1]), verbose=0)
    train, validation = batches(splits.train), batches(splits.validation)
    began = time.perf_counter()
    model.fit(train, validation_data=validation, verbose=0)
    return {"seconds": time.perf_counter() - began}


def ours(phase: str, precision: str, data_dir: str | None, images: int | None = None) -> dict[str, Any]:
    """The pass of the frozen part, and the median epoch after the first, by the engine of the recipes.

    `precision` is that of the layers that train; the frozen part runs as fast as it can here for both.
    """
    import recipes
    from recipes import Phase
    from recipes import precision as precisions
    from recipes.freeze import frozen_runner
    from recipes.train import engine

    splits = photos(data_dir)
    if images is not None:
        splits = repeated(splits, images)
    recipe = dataclasses.replace(
        recipes.get("vgg16_finetune", "published"),
        augment=recipes.Augment(),
        views=1,
        phases=(
            Phase(phase, epochs=4 if data_dir else 2, train=PHASES[phase], optimizer="rmsprop", learning_rate=1e-5),
        ),
        engine=frozen_runner.choose("auto", precisions.choose("auto")).split()[0],
    )
    ends: list[float] = []
    hooks = engine.Hooks(on_epoch=lambda *_: ends.append(time.perf_counter()))
    outcome = engine.train(recipe, splits, network(splits, data_dir), seed=SEED, precision=precision, hooks=hooks)
    (passed,) = outcome.boundary.values()
    return {
        "seconds": statistics.median(after - before for before, after in zip(ends, ends[1:], strict=False)),
        "pass": passed,
    }


def repeated(splits, images: int):
    """A training set of so many photos, on disk, and a tenth as many to validate."""
    import numpy as np

    from recipes.data import Images
    from recipes.files.sharded_array import Rows
    from zoo.cache import cache_folder

    parts = [splits.train, splits.validation, splits.test]
    labels = np.resize(np.concatenate([part.labels for part in parts]), images)
    ends = np.cumsum([len(part) for part in parts])

    def photo(index: int) -> np.ndarray:
        index %= ends[-1]
        part = int(np.searchsorted(ends, index, side="right"))
        place = index - (ends[part - 1] if part else 0)
        return parts[part].pixels[place : place + 1][0]

    pixels = Rows(cache_folder() / "images", {"benchmark": splits.fingerprint}, images, splits.image_shape, "uint8")
    pixels.fill(lambda start, stop: np.stack([photo(index) for index in range(start, stop)]))
    train = Images(pixels, labels, np.array([f"photo-{index}" for index in range(images)]))
    return dataclasses.replace(splits, train=train, validation=splits.validation.select(np.arange(images // 10)))


def base(engine: str, data_dir: str | None) -> dict[str, Any]:
    """Seconds for one pass of the base over the validation photos: plain `predict`, or an engine of the recipes."""
    import numpy as np

    from recipes import precision
    from recipes.freeze import frozen_runner, split_at

    splits = photos(data_dir)
    pixels = np.asarray(splits.validation.pixels[:], "float32")
    model, _ = split_at(network(splits, data_dir), "block5_pool")
    if engine == "predict":
        model.predict(pixels[:64], verbose=0)
        began = time.perf_counter()
        model.predict(pixels, verbose=0)
        return {"seconds": time.perf_counter() - began, "engine": "keras predict", "images": len(pixels)}
    chosen = frozen_runner.build(
        model, frozen_runner.choose("auto", precision.choose("auto")), pixels[: frozen_runner.BATCH]
    )
    chosen.run(pixels[: frozen_runner.BATCH])
    began = time.perf_counter()
    for start in range(0, len(pixels), frozen_runner.BATCH):
        chosen.run(pixels[start : start + frozen_runner.BATCH])
    return {"seconds": time.perf_counter() - began, "engine": chosen.name, "images": len(pixels)}


COMPARED = {
    "predict": lambda data_dir: base("predict", data_dir),
    "frozen pass": lambda data_dir: base("ours", data_dir),
    "head, plain": lambda data_dir: plain("head", data_dir),
    "head, float32": lambda data_dir: ours("head", "float32", data_dir),
    "head, bfloat16": lambda data_dir: ours("head", "bfloat16", data_dir),
    "block5, plain": lambda data_dir: plain("block5", data_dir),
    "block5, float32": lambda data_dir: ours("block5", "float32", data_dir),
    "block5, bfloat16": lambda data_dir: ours("block5", "bfloat16", data_dir),
}
GROWTH = {
    f"{size} photos": (lambda data_dir, size=size: ours("head", "bfloat16", data_dir, size if data_dir else size // 25))
    for size in SIZES
}
JOBS = COMPARED | GROWTH


def measure(job: str, data_dir: str | None) -> dict[str, Any]:
    """Do one job; with the largest resident set of this process so far."""
    found = JOBS[job](data_dir)
    return found | {"peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000)}


def in_process(job: str, data_dir: str, cache: str) -> dict[str, Any]:
    """Measure one job in a fresh process, with its own peak memory."""
    command = [sys.executable, __file__, "--job", job, "--data-dir", data_dir]
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_ZOO_CACHE": cache}
    result = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(result.stdout.splitlines()[-1])


def summary(rounds: list[dict[str, dict[str, Any]]], growth: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The measurements with the ratios within each round that follow from them."""
    from recipes.execution import environment

    def ratios(slow: str, fast: str) -> list[float]:
        return [one[slow]["seconds"] / one[fast]["seconds"] for one in rounds]

    against_plain = {
        f"{phase}, {precision}": ratios(f"{phase}, plain", f"{phase}, {precision}")
        for phase in PHASES
        for precision in ("float32", "bfloat16")
    }
    return {
        "rounds": rounds,
        "growth": growth,
        "ratios": against_plain | {"frozen pass": ratios("predict", "frozen pass")},
        "command": f"python benchmarks/boundary_speed.py --data-dir DIR --repeats {len(rounds)}",
        "versions": environment.versions(),
        "hardware": environment.hardware(),
    }


def markdown(found: dict[str, Any]) -> str:
    """The summary as tables and a sentence on its conditions."""
    rounds, ratios = found["rounds"], found["ratios"]

    def row(title: str, job: str) -> tuple[str, ...]:
        seconds = statistics.median(one[job]["seconds"] for one in rounds)
        peak = max(one[job]["peak_mb"] for one in rounds) / 1000
        faster = "1"
        if job in ratios:
            faster = f"{statistics.median(ratios[job]):.1f} ({min(ratios[job]):.1f} to {max(ratios[job]):.1f})"
        return title, f"{seconds:.2f} s", faster, f"{peak:.2f} GB"

    def growth(size: int) -> tuple[str, ...]:
        one = found["growth"][f"{size} photos"]
        seconds = f"{one['pass']['seconds']:.1f} s", f"{one['seconds']:.2f} s"
        return f"{size:,}", *seconds, f"{one['peak_mb'] / 1000:.2f} GB"

    epochs = [
        row("head alone, plain Keras", "head, plain"),
        row("head alone, float32", "head, float32"),
        row("head alone, bfloat16", "head, bfloat16"),
        row("block 5 and head, plain Keras", "block5, plain"),
        row("block 5 and head, float32", "block5, float32"),
        row("block 5 and head, bfloat16", "block5, bfloat16"),
        row(f"frozen base once, {rounds[0]['predict']['images']:,} photos, plain predict", "predict"),
        row(f"the same, {rounds[0]['frozen pass']['engine']}", "frozen pass"),
    ]
    head = ("VGG16, 180x180, an epoch of 2,000 + 1,000 photos", "seconds", "times faster", "peak memory")
    growing = ("photos", "frozen pass, once", "an epoch of the head", "peak memory")
    hardware, versions = found["hardware"], found["versions"]
    return "\n".join(
        [
            table(head, epochs),
            "An epoch above the frontier comes after one pass of the frozen part; another phase or run with the same "
            "views finds its activations on disk:",
            "",
            table(growing, map(growth, SIZES)),
            f"Medians of {len(rounds)} rounds (ratios within a round: median, least to most), seed {SEED}, each the "
            f"median of three epochs after the first (plain Keras: one epoch after a short one that traces); "
            f"{hardware['processor']}, {hardware['cores']} cores, Keras {versions['keras']}, "
            f"TensorFlow {versions['tensorflow']}; `{found['command']}`.",
            "",
        ]
    )


def main() -> None:
    """Run the jobs in turn, print, and store."""
    parse = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parse.add_argument("--data-dir", help="where TFDS keeps cats_vs_dogs")
    parse.add_argument("--repeats", type=int, default=3, help="rounds of the comparison")
    parse.add_argument("--smoke", action="store_true", help="a few crops, a small network, nothing stored")
    parse.add_argument("--job", choices=JOBS, help=argparse.SUPPRESS)
    options = parse.parse_args()
    data_dir = None if options.smoke else options.data_dir
    if options.job:
        print(json.dumps(measure(options.job, data_dir)))
        return
    if not options.smoke and not data_dir:
        parse.error("--data-dir or --smoke is needed")

    def run(jobs: dict[str, Any], cache: str) -> dict[str, dict[str, Any]]:
        found = {}
        for job in jobs:
            found[job] = measure(job, None) if options.smoke else in_process(job, data_dir, cache)
            print(f"{job}: {json.dumps(found[job])}", flush=True)
        return found

    with tempfile.TemporaryDirectory() as cache:
        rounds = [run(COMPARED, cache) for _ in range(1 if options.smoke else options.repeats)]
        found = summary(rounds, run(GROWTH, cache))
    print(markdown(found))
    if not options.smoke:
        from recipes.files.atomic import write_json
        from recipes.study.results_table import put_in_docs

        folder = ROOT / "results" / "bench"
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / "boundary.json", found)
        put_in_docs(ROOT / "docs", "results.md", "boundary", markdown(found))


if __name__ == "__main__":
    main()
