"""How fast fashion_cnn trains, against its source's plain Keras script, each in a process of its own, side by side.

    python benchmarks/fashion_cnn_speed.py --data-dir DIR [--repeats 3] [--smoke]

Measures, on the same images and machine:
- seconds an epoch (training and validation, without the first, which compiles): the plain script, the published recipe
  (same batch, optimizer and split) and the tuned one;
- training seconds until the test accuracy first reaches the published 0.9094, scored after every epoch off the clock.

Results go to results/bench/fashion_cnn.json and, between the marks, into README.md. `--smoke` takes the bundled sample,
two epochs and writes nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
PUBLISHED = 0.9094
SEED = 42


class Clock:
    """Seconds that run only while training does, and the test accuracy at the end of each epoch."""

    def __init__(self) -> None:
        self.epochs: list[float] = []
        self.accuracies: list[float] = []
        self.began = time.perf_counter()

    def epoch_ended(self, score) -> None:
        """Stop the clock, score the test images, start it again."""
        self.epochs.append(time.perf_counter() - self.began)
        self.accuracies.append(score())
        self.began = time.perf_counter()

    def report(self) -> dict[str, Any]:
        """Seconds an epoch after the first, and until the published accuracy (`None` if never)."""
        reached = next((index for index, value in enumerate(self.accuracies) if value >= PUBLISHED), None)
        return {
            "seconds_per_epoch": statistics.median(self.epochs[1:]),
            "seconds_to_published": sum(self.epochs[: reached + 1]) if reached is not None else None,
            "seconds": sum(self.epochs),
            "epochs": len(self.epochs),
            "best_test_accuracy": max(self.accuracies),
        }


def read(data_dir: str | None):
    """The images in the published split, the same for all."""
    import recipes
    from recipes import data

    recipe = recipes.get("fashion_cnn", "published")
    return data.read(data.find("fashion_mnist", "full" if data_dir else "sample", data_dir), recipe.split)


def accuracy(model, images) -> float:
    """Share of images that a model gets right."""
    from recipes import evaluate

    return evaluate.scores(evaluate.predict(model, images, tuple("0123456789")))["accuracy"]


def plain_script(data_dir: str | None, epochs: int) -> dict[str, Any]:
    """The source's program: arrays scaled to 0..1, Keras's defaults for everything it leaves open."""
    import keras

    keras.utils.set_random_seed(SEED)
    splits = read(data_dir)
    train, validation = splits.train.pixels / 255.0, splits.validation.pixels / 255.0

    model = keras.Sequential()
    model.add(keras.Input((28, 28, 1)))
    model.add(keras.layers.Conv2D(32, kernel_size=3, activation="relu", padding="same"))
    model.add(keras.layers.MaxPooling2D(2))
    model.add(keras.layers.Conv2D(64, kernel_size=3, activation="relu", padding="same"))
    model.add(keras.layers.MaxPooling2D(2))
    model.add(keras.layers.Flatten())
    model.add(keras.layers.Dense(100, activation="relu"))
    model.add(keras.layers.Dropout(0.4))
    model.add(keras.layers.Dense(10, activation="softmax"))
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])

    test, clock = splits.test.pixels / 255.0, Clock()

    def score() -> float:
        return float((model.predict(test, verbose=0).argmax(axis=1) == splits.test.labels).mean())

    model.fit(
        train, splits.train.labels, epochs=epochs, validation_data=(validation, splits.validation.labels), verbose=0,
        callbacks=[
            keras.callbacks.EarlyStopping(patience=2, restore_best_weights=True),
            keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: clock.epoch_ended(score)),
        ],
    )  # fmt: skip
    return clock.report()


def recipe(variant: str, data_dir: str | None, epochs: int | None) -> dict[str, Any]:
    """The same network by the engine of the recipes."""
    import keras

    import recipes
    import zoo
    from recipes import engine, precision

    settings = recipes.get("fashion_cnn", variant)
    if epochs is not None:
        settings = settings.override("phases.train.epochs", epochs)
    splits = read(data_dir)
    keras.utils.set_random_seed(SEED)
    model = zoo.get("fashion_cnn", **settings.model)
    clock = Clock()
    hooks = engine.Hooks(
        on_epoch=lambda phase, row, worker, best: clock.epoch_ended(lambda: accuracy(worker, splits.test)),
        stop_requested=lambda: bool(clock.accuracies) and clock.accuracies[-1] >= PUBLISHED and len(clock.epochs) > 1,
    )
    with contextlib.suppress(engine.StopRequested):
        engine.train(settings, splits, model, seed=SEED, precision=precision.choose("auto"), hooks=hooks)
    return clock.report()


def in_process(role: str, data_dir: str | None, smoke: bool) -> dict[str, Any]:
    """Measure one role in a fresh process."""
    command = [sys.executable, __file__, "--role", role, *(["--data-dir", data_dir] if data_dir else [])]
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    result = subprocess.run(
        command + (["--smoke"] if smoke else []), env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    return json.loads(result.stdout.splitlines()[-1])


def summary(rounds: list[dict[str, dict[str, Any]]]) -> dict[str, Any]:
    """Medians over the rounds, and ratios within each."""

    def ratios(role: str, figure: str) -> list[float] | None:
        pairs = [(one[role][figure], one["plain"][figure]) for one in rounds]
        if any(ours is None for ours, _ in pairs):
            return None
        # A script that never reached the published accuracy: its whole training is a lower bound of its time.
        return [ours / (plain or one["plain"]["seconds"]) for (ours, plain), one in zip(pairs, rounds, strict=True)]

    from recipes import conditions

    return {
        "rounds": rounds,
        "epoch_ratio_published": ratios("published", "seconds_per_epoch"),
        "epoch_ratio_tuned": ratios("tuned", "seconds_per_epoch"),
        "time_ratio_tuned": ratios("tuned", "seconds_to_published"),
        "command": "python benchmarks/fashion_cnn_speed.py --data-dir DIR --repeats " + str(len(rounds)),
        "versions": conditions.versions(),
        "hardware": conditions.hardware(),
    }


def markdown(found: dict[str, Any]) -> str:
    """The summary as a table and a sentence on its conditions."""
    rounds = found["rounds"]

    def median(role: str, figure: str) -> str:
        values = [one[role][figure] for one in rounds]
        return "not reached" if None in values else f"{statistics.median(values):.1f} s"

    def spread(values: list[float] | None) -> str:
        if values is None:
            return "-"
        return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"

    hardware, versions = found["hardware"], found["versions"]
    timed = {role: measured["epochs"] - 1 for role, measured in rounds[0].items()}
    return "\n".join(
        [
            "| fashion_cnn | an epoch | ratio | training until test accuracy 0.9094 | ratio |",
            "|---|---|---|---|---|",
            f"| plain Keras script | {median('plain', 'seconds_per_epoch')} | 1 "
            f"| {median('plain', 'seconds_to_published')} | 1 |",
            f"| recipe, published | {median('published', 'seconds_per_epoch')} "
            f"| {spread(found['epoch_ratio_published'])} | - | - |",
            f"| recipe, tuned | {median('tuned', 'seconds_per_epoch')} | {spread(found['epoch_ratio_tuned'])} "
            f"| {median('tuned', 'seconds_to_published')} | {spread(found['time_ratio_tuned'])} |",
            "",
            f"Medians of {len(rounds)} rounds (ratios within a round: median, least to most), seed {SEED}; epochs "
            f"timed a round, after the first: {', '.join(f'{role} {timed[role]}' for role in timed)}; "
            f"{hardware['processor']}, {hardware['cores']} cores, Keras {versions['keras']}, TensorFlow "
            f"{versions['tensorflow']}; `{found['command']}`.",
            "",
        ]
    )


def main() -> None:
    """Run the roles in turn, print, and store."""
    parse = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parse.add_argument("--data-dir", help="where TFDS keeps fashion_mnist")
    parse.add_argument("--repeats", type=int, default=3)
    parse.add_argument("--smoke", action="store_true", help="the bundled sample, two epochs, nothing stored")
    parse.add_argument("--role", choices=("plain", "published", "tuned"), help=argparse.SUPPRESS)
    options = parse.parse_args()
    data_dir = None if options.smoke else options.data_dir
    if options.role == "plain":
        print(json.dumps(plain_script(data_dir, 2 if options.smoke else 20)))
        return
    if options.role:
        epochs = 2 if options.smoke else 3 if options.role == "published" else None
        print(json.dumps(recipe(options.role, data_dir, epochs)))
        return
    if not options.smoke and not data_dir:
        parse.error("--data-dir or --smoke is needed")

    rounds = []
    for number in range(1 if options.smoke else options.repeats):
        rounds.append({role: in_process(role, data_dir, options.smoke) for role in ("plain", "published", "tuned")})
        print(f"round {number + 1}: {json.dumps(rounds[-1])}", flush=True)
    found = summary(rounds)
    print(markdown(found))
    if not options.smoke:
        from recipes.results import put_between_marks
        from recipes.rundir import write_json

        folder = ROOT / "results" / "bench"
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / "fashion_cnn.json", found)
        put_between_marks(ROOT / "README.md", "speed", markdown(found))


if __name__ == "__main__":
    main()
