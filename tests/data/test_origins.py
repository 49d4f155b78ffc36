"""Where images come from, and how they are divided."""

import functools
import io
import json
import shutil
import time
import tracemalloc

import numpy as np
import pytest
from conftest import FULL_DATA, needs_full_data
from PIL import Image

from recipes import Choice, Shares, Split, data
from recipes.data import samples, tfds
from recipes.data.decode import decode
from recipes.data.splits import choose, divide
from recipes.errors import DataFault, EnvironmentFault, UsageFault
from zoo.pretrained import reachability


def stored(root, name, image_shape, label, **splits):
    """A data set as TFDS keeps it: a list of examples for each split."""
    import tensorflow_datasets as tfds

    features = {"image": tfds.features.Image(shape=image_shape), "label": label}
    if "image/filename" in next(iter(splits.values()))[0]:
        features["image/filename"] = tfds.features.Text()
    numbered = {split: list(enumerate(examples)) for split, examples in splits.items()}
    tfds.dataset_builders.store_as_tfds_dataset(
        name, "1.0.0", tfds.features.FeaturesDict(features), numbered, data_dir=root
    )


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A small labelled set prepared by TFDS itself: 60 training and 20 test images in three classes."""
    import tensorflow_datasets as tfds

    root = tmp_path_factory.mktemp("tfds")
    examples = [{"image": np.full((8, 8, 1), index, "uint8"), "label": index % 3} for index in range(60)]
    label = tfds.features.ClassLabel(names=["ant", "bee", "cow"])
    stored(root, "tiny_images", (8, 8, 1), label, train=examples, test=examples[:20])
    return root


def test_full_data_is_read_from_disk(prepared):
    origin = data.find("tiny_images", "auto", prepared)
    assert (origin.kind, origin.notice) == ("tfds", "")
    splits = data.read(origin, Split(method="last", validation=0.25))
    assert (len(splits.train), len(splits.validation), len(splits.test)) == (45, 15, 20)
    assert splits.class_names == ("ant", "bee", "cow")
    assert splits.image_shape == (8, 8, 1)
    # Pixels, labels and names stay together.
    for images in (splits.train, splits.validation, splits.test):
        np.testing.assert_array_equal(images.pixels[:, 0, 0, 0] % 3, images.labels)
    assert len(set(splits.train.ids) | set(splits.validation.ids)) == 60
    assert splits.counts()["train"].keys() == {"ant", "bee", "cow"}
    assert splits.fingerprint == data.read(origin, Split(method="last", validation=0.25)).fingerprint


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """48 photos of different sizes, in one split and no order, half of them ants: prepared by TFDS itself."""
    import tensorflow_datasets as tfds

    root, examples = tmp_path_factory.mktemp("photos"), []
    for index in range(48):
        name, number = ("Ant", "Bee")[index % 2], index // 2
        pixels = np.full((10 + index, 20, 3), number * 10, "uint8")
        examples.append({"image": pixels, "image/filename": f"{name}/{number}.jpg", "label": index % 2})
    stored(root, "tiny_photos", (None, None, 3), tfds.features.ClassLabel(names=["ant", "bee"]), train=examples)
    return root


def test_labels_that_are_no_classes_are_told(tmp_path):
    import tensorflow_datasets as tfds

    examples = [{"image": np.zeros((8, 8, 1), "uint8"), "label": 0.5}] * 4
    stored(tmp_path, "ages", (8, 8, 1), tfds.features.Scalar(np.float32), train=examples, test=examples)
    origin = data.find("ages", "full", tmp_path)
    for ask in (lambda: data.read(origin, Split()), lambda: data.describe(origin, None, (8, 8, 1))):
        with pytest.raises(DataFault, match="The labels of .*ages.* are no classes with names"):
            ask()


def test_a_choice_takes_photos_by_the_numbers_in_their_names(photos):
    splits = data.read(data.find("tiny_photos", "full", photos), Choice(train=20, validation=12, test=100), 16)
    assert splits.counts() == {
        "train": {"ant": 10, "bee": 10}, "validation": {"ant": 6, "bee": 6}, "test": {"ant": 8, "bee": 8},
    }  # fmt: skip
    assert splits.train.ids[:10].tolist() == [f"Ant/{number}.jpg" for number in range(10)]
    assert splits.test.ids[8:].tolist() == [f"Bee/{number}.jpg" for number in range(16, 24)]
    for images in (splits.train, splits.validation, splits.test):
        assert images.pixels.shape == (len(images), 16, 16, 3)
        numbers = [int(name.split("/")[1].removesuffix(".jpg")) for name in images.ids]
        np.testing.assert_array_equal(images.pixels[:][:, 3, 3, 0] // 10, numbers)
        np.testing.assert_array_equal(images.labels, [name.startswith("Bee") for name in images.ids])


def test_photos_are_decoded_once_and_again_for_another_size_or_decoder(photos, monkeypatch):
    origin, choice = data.find("tiny_photos", "full", photos), Choice(20, 12, 16)
    first = data.read(origin, choice, 17)
    with monkeypatch.context() as patch:
        patch.setattr("recipes.data.decoded.decode", lambda *_: pytest.fail("decoded again"))
        assert data.read(origin, choice, 17).fingerprint == first.fingerprint
        with pytest.raises(pytest.fail.Exception):
            data.read(origin, choice, 18)
        patch.setattr("recipes.data.decoded.DECODER", "another")
        with pytest.raises(pytest.fail.Exception):
            data.read(origin, choice, 17)


@pytest.mark.parametrize("square", ["crop", "letterbox"])
def test_photos_of_a_data_set_become_squares_as_asked_for(photos, square):
    origin, choice = data.find("tiny_photos", "full", photos), Choice(20, 12, 16)
    squashed, other = data.read(origin, choice, 19), data.read(origin, choice, 19, square=square)
    assert other.train.pixels.key != squashed.train.pixels.key
    files = data.stored(origin, other.train.ids)
    for name, pixels in zip(other.train.ids, other.train.pixels[:], strict=True):
        np.testing.assert_array_equal(pixels, decode(files[name], (19, 19), 3, square))


def test_too_few_photos_are_named(photos):
    origin = data.find("tiny_photos", "full", photos)
    with pytest.raises(DataFault, match=r"Class 0 has 24 images, and 20 \+ 10 \+ 5 are wanted.*--set split.train="):
        data.read(origin, Choice(train=40, validation=20, test=10), 16)
    with pytest.raises(DataFault, match="too few images to divide: none is left for test"):
        data.read(origin, Shares(test=0.0), 16)


def test_a_set_without_test_images_gives_some_of_its_own(photos):
    origin = data.find("tiny_photos", "full", photos)
    splits = data.read(origin, Shares(validation=0.25, test=0.25), 16)
    parts = [set(images.ids) for images in (splits.train, splits.validation, splits.test)]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 48
    assert set(data.read(origin, Split(validation=0.25), 16).test.ids) < set.union(*parts)
    assert data.read(origin, Shares(seed=1), 16).fingerprint != splits.fingerprint


def test_a_choice_does_not_depend_on_the_order_of_the_files():
    names = np.array([f"cat.{number}.jpg" for number in (9, 10, 2, 100, 1, 0)])
    train, test = choose(np.zeros(6, int), names, (3, 9))
    assert names[train].tolist() == ["cat.0.jpg", "cat.1.jpg", "cat.2.jpg"]
    assert names[test].tolist() == ["cat.9.jpg", "cat.10.jpg", "cat.100.jpg"]


@needs_full_data
def test_cats_and_dogs_are_the_ones_that_were_chosen():
    splits = data.read(data.find("cats_vs_dogs", "full", FULL_DATA), Choice(2000, 1000, 2000), 32)
    assert splits.counts() == {
        "train": {"cat": 1000, "dog": 1000},
        "validation": {"cat": 500, "dog": 500},
        "test": {"cat": 500, "dog": 500},
    }
    assert splits.train.ids[[0, 999, 1000, 1999]].tolist() == [
        "PetImages/Cat/0.jpg", "PetImages/Cat/999.jpg", "PetImages/Dog/0.jpg", "PetImages/Dog/999.jpg",
    ]  # fmt: skip
    ids = [set(images.ids) for images in (splits.train, splits.validation, splits.test)]
    assert len(set.union(*ids)) == sum(map(len, ids)) == 4000


def test_tfds_data_dir_is_honoured(prepared, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(prepared))
    assert data.find("tiny_images").kind == "tfds"


@pytest.mark.parametrize("keep", [0.5, 0.0])
def test_truncated_tfrecord_is_named(prepared, tmp_path, keep):
    root = tmp_path / "a 데이터 folder"
    shutil.copytree(prepared, root)
    shard = next(root.glob("tiny_images/*/*train.tfrecord*"))
    content = shard.read_bytes()
    shard.write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(DataFault, match=rf"{shard.name} .*Delete {root}/tiny_images.* and prepare"):
        data.read(data.find("tiny_images", "full", root), Split())


def test_truncated_at_a_record_border_is_named_too(prepared, tmp_path):
    import tensorflow as tf

    root = tmp_path / "tfds"
    shutil.copytree(prepared, root)
    shard = next(root.glob("tiny_images/*/*test.tfrecord*"))
    records = [record.numpy() for record in tf.data.TFRecordDataset(str(shard))]
    with tf.io.TFRecordWriter(str(shard)) as writer:
        for record in records[:-3]:
            writer.write(record)
    with pytest.raises(DataFault, match=f"{shard.name} holds 17 of 20 examples"):
        data.read(data.find("tiny_images", "full", root), Split())


def test_without_network_auto_takes_the_sample_and_says_so():
    origin = data.find("fashion_mnist")
    assert origin.kind == "sample"
    assert origin.notice.startswith("7,000-image Fashion-MNIST sample: not comparable with published results")


def test_without_network_full_says_what_is_missing_and_where_to_put_it(tmp_path):
    with pytest.raises(EnvironmentFault, match=f"'mnist' is not prepared under {tmp_path}.*TFDS_DATA_DIR"):
        data.find("mnist", "full", tmp_path)
    with pytest.raises(EnvironmentFault, match="'svhn_cropped' is not prepared"):
        data.find("svhn_cropped", "auto", tmp_path)


def test_bad_requests_are_refused(tmp_path):
    with pytest.raises(
        UsageFault, match="--data must be one of auto, full, sample, tfds:<name>, or a folder .*Got 'some'"
    ):
        data.find("mnist", "some")
    with pytest.raises(UsageFault, match="--data-dir must be a folder"):
        data.find("mnist", "auto", tmp_path / "nothing")


def test_the_network_is_given_up_in_time():
    # A reserved name that no resolver knows, and a port where nothing listens.
    began = time.monotonic()
    assert not reachability.reachable("http://nothing.invalid", seconds=5)
    assert not reachability.reachable("http://127.0.0.1:9", seconds=5)
    assert time.monotonic() - began < 11


@pytest.mark.parametrize(
    ("dataset", "train", "test", "shape", "classes"),
    [
        ("fashion_mnist", 6000, 1000, (28, 28, 1), 10),
        ("mnist", 4000, 1000, (28, 28, 1), 10),
        ("cats_vs_dogs", 100, 40, (180, 180, 3), 2),
    ],
)
def test_samples_are_balanced_and_disjoint(dataset, train, test, shape, classes):
    pool, held, names = samples.SAMPLES[dataset].read()
    assert (len(pool), len(held), len(names)) == (train, test, classes)
    assert pool.pixels.shape[1:] == shape
    assert pool.pixels.dtype == np.uint8
    assert pool.pixels.max() > 200
    for images in (pool, held):
        counts = np.bincount(images.labels, minlength=classes)
        assert counts.min() == counts.max()
    seen = {image.tobytes() for image in pool.pixels}
    assert sum(image.tobytes() in seen for image in held.pixels) == 0


def test_the_digit_sample_stands_in_for_cifar10():
    origin = data.find("cifar10", "sample")
    assert (origin.kind, origin.dataset) == ("sample", "mnist")


@pytest.mark.parametrize(
    ("dataset", "channels"), [("mnist", 1), ("mnist", 3), ("cats_vs_dogs", 1), ("cats_vs_dogs", 3)]
)
def test_images_brought_to_a_size_have_the_channels_of_the_architecture(prepared, dataset, channels):
    """The sample as the full data: --set image_size=32 must not change what a network sees but its size."""
    own = (28, 28, channels)
    sample = data.read(data.find(dataset, "sample"), Split(), 12, shape=own)
    full = data.read(data.find("tiny_images", "full", prepared), Split(), 12, shape=own)
    assert sample.image_shape == full.image_shape == (12, 12, channels)
    assert sample.test.pixels.shape[1:] == (12, 12, channels)


def test_the_bundled_sample_is_small_and_licensed():
    from pathlib import Path

    folder = Path(samples.__file__).parent
    assert (folder / "fashion_mnist_7k.npz").stat().st_size < 4_000_000
    assert "MIT License" in (folder / "LICENSE-fashion-mnist.txt").read_text()


@pytest.fixture(scope="module")
def full_sets_read_once():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tfds, "read_folder", functools.cache(tfds.read_folder))
        yield


@needs_full_data
def test_the_full_data_set_is_used_when_it_is_there(full_sets_read_once, few_images, one_layer, tmp_path, run_cli):
    code, out, _ = run_cli("one_layer:MINE", "--smoke", "--data", "full", "--data-dir", FULL_DATA, "--out", tmp_path)
    assert code == 0
    assert "NOTICE" not in out
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert (manifest["data"]["kind"], manifest["data"]["notice"]) == ("tfds", "")


@needs_full_data
def test_the_bundled_sample_is_part_of_the_full_set(full_sets_read_once):
    full = data.read(data.find("fashion_mnist", "full", FULL_DATA), Split())
    sample_pool, sample_test, names = samples.SAMPLES["fashion_mnist"].read()
    assert tuple(names) == full.class_names
    known = {
        image.tobytes(): label
        for images in (full.train, full.validation, full.test)
        for image, label in zip(images.pixels, images.labels, strict=True)
    }
    for images in (sample_pool, sample_test):
        for image, label in zip(images.pixels, images.labels, strict=True):
            assert known[image.tobytes()] == label


@needs_full_data
def test_per_pixel_scaling_of_the_cifar10_source_is_division_by_255():
    """keras_mat_lenet divides by 255 where its source fits a min-max scaler on the 40,000 training images."""
    train = data.read(data.find("cifar10", "full", FULL_DATA), Split(method="shuffled", seed=0)).train
    assert len(train) == 40_000
    assert (train.pixels.min(axis=0) == 0).all()
    assert (train.pixels.max(axis=0) == 255).all()


def test_divide_follows_scikit_learn_and_keras():
    from sklearn.model_selection import train_test_split

    labels = np.arange(103) % 4
    train, validation = divide(labels, Split(method="shuffled", validation=0.2, seed=42))
    expected, held = train_test_split(np.arange(103), test_size=0.2, random_state=42)
    np.testing.assert_array_equal(train, expected)
    np.testing.assert_array_equal(validation, held)

    train, validation = divide(labels, Split(method="last", validation=0.2))
    np.testing.assert_array_equal(train, np.arange(82))
    np.testing.assert_array_equal(validation, np.arange(82, 103))

    _, validation = divide(labels, Split(method="stratified", validation=0.2))
    counts = np.bincount(labels[validation])
    assert counts.max() - counts.min() <= 1


def test_divide_refuses_too_few():
    with pytest.raises(DataFault, match="cannot be split|too few"):
        divide(np.zeros(1, int), Split())
    with pytest.raises(DataFault, match="too few"):
        divide(np.zeros(3, int), Split(method="last", validation=0.999))


def test_memory_does_not_grow_with_the_number_of_photos_decoded(tmp_path, monkeypatch):
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (256, 256, 3), "uint8")).save(buffer, "PNG")
    number, size = 100, len(buffer.getvalue())
    examples = ({"image": buffer.getvalue()[:-1] + b"\x82", "label": 0} for _ in range(number))  # Copies.
    monkeypatch.setattr(tfds, "encoded_examples", lambda *_, **__: examples)
    monkeypatch.setattr("recipes.files.sharded_array.SHARD_BYTES", 32 * 8 * 8 * 3)
    stored = tfds._Encoded(None, "train", tmp_path, np.zeros(number, "int64"), np.arange(number), ["0"] * number)
    tracemalloc.start()
    try:
        images = tfds._decoded(stored, np.arange(number)[::-1], (8, 8, 3))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert images.pixels.shape == (number, 8, 8, 3)
    assert peak < 0.5 * number * size
