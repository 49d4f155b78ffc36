"""Make fashion_mnist_7k.npz: the first 600 training and 100 test images of each class of Fashion-MNIST.

    python recipes/data/samples/make_fashion_mnist_7k.py [FOLDER]

FOLDER holds the four idx files; Debian's package dataset-fashion-mnist puts them where the default looks.
"""

import gzip
import sys
from pathlib import Path

import numpy as np

FOLDER = Path("/usr/share/datasets/fashion-mnist")


def read_idx(path: Path) -> np.ndarray:
    """Read one idx file: a big-endian header (type, dimensions, sizes), then bytes."""
    content = gzip.decompress(path.read_bytes())
    dimensions = content[3]
    sizes = np.frombuffer(content, ">i4", count=dimensions, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(sizes)


def first_of_each_class(labels: np.ndarray, number: int) -> np.ndarray:
    """Places of the first `number` images of each class, in the data set's order."""
    return np.sort(np.concatenate([np.flatnonzero(labels == label)[:number] for label in range(10)]))


def main(folder: Path) -> None:
    """Read the idx files and write the sample beside this script."""
    arrays = {}
    for split, prefix, number in (("train", "train", 600), ("test", "t10k", 100)):
        images = read_idx(folder / f"{prefix}-images-idx3-ubyte.gz")
        labels = read_idx(folder / f"{prefix}-labels-idx1-ubyte.gz")
        chosen = first_of_each_class(labels, number)
        arrays[f"{split}_images"] = images[chosen][..., np.newaxis]
        arrays[f"{split}_labels"] = labels[chosen]
    np.savez_compressed(Path(__file__).with_name("fashion_mnist_7k.npz"), **arrays)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
