"""The files of a finished run, small and whole, for tests that only read them."""

import json

# What run.json says of a run that began.
STARTED = {
    "request": {
        "name": "fashion_cnn", "variant": "tuned", "overrides": [["batch_size", "32"]], "data": "auto",
        "data_dir": None, "seed": 3, "precision": "auto", "weights": None, "smoke": True, "require_accuracy": None,
        "export": None, "tensorboard": False,
    },
    "recipe": {"name": "fashion_cnn", "phases": [{"name": "train", "epochs": 1}]},
    "origin": {"kind": "sample", "dataset": "fashion_mnist"},
    "weights": None,
    "fingerprint": None,
}  # fmt: skip


def manifest_of(**changes):
    """A manifest as a run writes it; `changes` replace fields by name, those of a part by `part__field`."""
    settings = {"name": "tiny", "batch_size": 32, "phases": [{"name": "train", "epochs": 3}]}
    manifest = {
        "recipe": "tiny",
        "variant": "tuned",
        "overrides": [],
        "seed": 1,
        "smoke": False,
        "precision": "float32",
        "command": "python -m recipes.run tiny --seed 1",
        "result": {
            "test_accuracy": 0.9, "validation_accuracy": 0.9, "published_accuracy": 0.8, "epochs": 3,
            "kept_epoch": {"train": 3},
        },
        "data": {
            "kind": "tfds", "dataset": "mnist", "path": "/data/mnist", "notice": "", "decisions": None,
            "group_by": None, "fingerprint": "f",
            "class_names": ["a", "b"],
            "counts": {name: {"a": 5, "b": 5} for name in ("train", "validation", "test")},
        },
        "weights": None,
        "model": {
            "architecture": "fashion_cnn", "use": "A small one", "input_shape": [28, 28, 1], "parameters": 10,
            "macs": 20, "trained_layers": ["dense"],
        },
        "doctor": None,
        "boundary": {},
        "settings": settings,
        "seconds": {"train": 90},
        "versions": {"keras": "3", "tensorflow": "2"},
        "hardware": {"processor": "a", "cores": 2, "memory_gb": 8.0, "system": "Linux"},
        "files": {},
    }  # fmt: skip
    for name, value in changes.items():
        part, _, field = name.partition("__")
        manifest[part] = manifest[part] | {field: value} if field else value
    return manifest


def write_manifest(folder, **changes):
    """Make a folder with such a manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").write_text(json.dumps(manifest_of(**changes)))
    return folder
