"""What a run writes down is typed: damage is said with file and field, and older files are read."""

import copy
import json

import pytest
from run_files import STARTED, manifest_of, write_manifest

from recipes.errors import CorruptFault, UsageFault
from recipes.execution import record
from recipes.files import manifest


def test_a_manifest_is_read_back_as_it_was_written(tmp_path):
    written = manifest_of(
        weights={"kind": "file", "path": "a.keras", "sha256": "0" * 64},
        boundary={
            "head": {
                "layer": "pool", "views": 2, "engine": "keras", "dtype": "float16", "bytes": 9, "images_passed": 3,
                "seconds": 1.5,
            }
        },
        doctor={"photos": 9, "used": 8, "bad": {}, "left_out": [], "warnings": [], "of a later version": 1},
        overrides=[["batch_size", "32"]],
    )  # fmt: skip
    write_manifest(tmp_path, **written)
    read = manifest.read(tmp_path)
    assert json.loads(json.dumps(read.as_dict())) == written | {
        "format": 1, "modules": [], "network": None, "none_of_these": None, "operating_point": None,
        "schedule_changes": [], "after": None, "chosen": [], "version": 1, "why": "",
        "backend": "tensorflow",
    }  # fmt: skip
    assert read.data.images("train") == 10
    assert read.frozen_share == pytest.approx(1.5 / 90)
    assert read.doctor["of a later version"] == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format": 2}, "format: Input should be less than or equal to 1. Got 2"),
        ({"seed": "42"}, "seed: Input should be a valid integer. Got '42'"),
        ({"seed": True}, "seed: Input should be a valid integer. Got True"),
        ({"overrides": [["batch_size"]]}, "overrides.0"),
        ({"result": None}, "result"),
        ({"result__test_accuracy": 1.5}, "result.test_accuracy: Input should be less than or equal to 1. Got 1.5"),
        (
            {"result__test_accuracy": float("nan")},
            "result.test_accuracy: This value cannot be. Got nan",
        ),
        ({"result__test_accuracy": "0.9"}, "result.test_accuracy: Input should be a valid number"),
        ({"result__kept_epoch": [3]}, "result.kept_epoch"),
        ({"data__kind": "guessed"}, "data.kind: Input should be 'tfds', 'download', 'sample' or 'photos'"),
        ({"data__class_names": "ab"}, "data.class_names"),
        ({"data__class_names": []}, "data.class_names"),
        ({"data__counts": {"train": {"a": -1}}}, "data.counts.train.a"),
        ({"model__input_shape": [28, 28]}, "model.input_shape"),
        ({"weights": {"kind": "file", "path": "a", "sha256": "../x"}}, "weights.sha256"),
        ({"boundary": {"head": {}}}, "boundary.head"),
        ({"doctor": {"photos": 3}}, "doctor.used: Field required"),
        ({"settings": {"phases": 5}}, "settings: This value cannot be. Got {"),
        ({"settings": {"phases": [{"name": "a"}]}}, "settings: This value cannot be. Got {"),
        ({"seconds": {"train": -1}}, "seconds.train"),
        ({"hardware__cores": 2.5}, "hardware.cores"),
        ({"files": {"model.keras": "0"}}, "files.model.keras"),
    ],
)
def test_a_manifest_with_a_damaged_field_is_named(tmp_path, changes, words):
    write_manifest(tmp_path, **changes)
    with pytest.raises(CorruptFault) as fault:
        manifest.read(tmp_path)
    assert f"{tmp_path / 'manifest.json'} is missing or damaged: " in str(fault.value)
    assert words in str(fault.value)


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"{", b"\xff\xfe", b"[" * 100_000])
def test_a_manifest_that_is_no_object_is_corrupt(tmp_path, content):
    (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(CorruptFault, match=r"manifest\.json is missing or damaged"):
        manifest.read(tmp_path)


def test_a_folder_without_a_manifest_is_no_finished_run(tmp_path):
    with pytest.raises(UsageFault, match=r"is not the folder of a finished run: it has no manifest\.json"):
        manifest.read(tmp_path)


def test_a_run_whose_schedule_was_drawn_anew_says_that_its_command_does_not_repeat_it(tmp_path):
    change = {"phase": "train", "from_epoch": 3, "epochs_before": 4, "epochs": 6}
    read = manifest.read(write_manifest(tmp_path, schedule_changes=[change]))
    assert read.not_repeated == (
        "The command has another learning-rate schedule than this run: from epoch 3 of phase 'train' on it was drawn "
        "for 6 epochs in place of 4."
    )
    assert manifest.read(write_manifest(tmp_path)).not_repeated == ""


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("request", None), ("request.name", 3), ("request.overrides", [["a", "b", "c"]]), ("request.overrides", "ab"),
        ("request.seed", "3"), ("request.seed", -1), ("request.seed", 2**32), ("request.smoke", "yes"),
        ("request.data", None), ("request.precision", "float8"), ("request.variant", "best"),
        ("request.require_accuracy", 2), ("recipe", []), ("recipe.phases", None), ("recipe.phases", [{"name": "a"}]),
        ("origin", {}), ("origin.kind", "moon"), ("weights", 5), ("weights", "f"), ("fingerprint", 5), ("network", 5),
        ("format", 0),
    ],
)  # fmt: skip
def test_a_started_run_with_a_damaged_field_is_named(tmp_path, path, value):
    started = copy.deepcopy(STARTED)
    *parts, last = path.split(".")
    place = started
    for part in parts:
        place = place[part]
    place[last] = value
    (tmp_path / "run.json").write_text(json.dumps(started))
    with pytest.raises(CorruptFault) as fault:
        record.read_started(tmp_path)
    assert f"{tmp_path / 'run.json'} is missing or damaged: {path.replace('.phases', '')}" in str(fault.value)


def test_a_started_run_of_an_earlier_version_is_read(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps(STARTED))
    started = record.read_started(tmp_path)
    assert started.request.overrides == (("batch_size", "32"),)
    assert (started.format, started.network) == (1, None)
    older = STARTED | {"request": {**STARTED["request"]}}
    del older["request"]["tensorboard"]
    (tmp_path / "run.json").write_text(json.dumps(older))
    assert record.read_started(tmp_path).request.tensorboard is False
