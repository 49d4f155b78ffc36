"""Make features.npz: what EfficientNet-Lite0 finds in crops of two photographs, for the lesson on features.

    python docs/learn/data/make_features.py

The crops are disjoint squares of 40x40 pixels of scikit-learn's photographs: a tower and trees of china.jpg by
danielbuechele, a flower of flower.jpg by vultilion; both are licensed CC BY 2.0. The weights of EfficientNet-Lite0
(Apache-2.0) are fetched once. The file holds:

- `features` (n, 1280) float16: the last feature maps for each crop, enlarged to 224x224, averaged over their places
- `labels` (n,) uint8: places in `names`
- `names` (3,): tower, trees, flower
- `thumbnails` (n, 32, 32) uint8 and `palette` (256, 3) uint8: `palette[thumbnails]` are the crops in RGB
"""

from pathlib import Path

import keras
import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_images

import zoo

FILE = Path(__file__).with_name("features.npz")
CROP, EACH, NETWORK_SIZE, THUMBNAIL = 40, 34, 224, 32
# Rectangles of one photograph that show nothing but the class: left, top, right, bottom.
PLACES = {
    "tower": (0, [(85, 130, 345, 330), (130, 60, 300, 100)]),
    "trees": (0, [(335, 300, 570, 427), (0, 345, 200, 427), (560, 150, 640, 427)]),
    "flower": (1, [(180, 95, 435, 345)]),
}


def crops_of(photograph: np.ndarray, rectangles: list[tuple[int, int, int, int]]) -> list[Image.Image]:
    """Disjoint squares of these rectangles of a photograph (height, width, 3), row by row."""
    return [
        Image.fromarray(photograph[y : y + CROP, x : x + CROP])
        for left, top, right, bottom in rectangles
        for y in range(top, bottom - CROP + 1, CROP)
        for x in range(left, right - CROP + 1, CROP)
    ]


def resized(crops: list[Image.Image], size: int) -> np.ndarray:
    """The crops as (n, size, size, 3) uint8."""
    return np.stack([np.asarray(crop.resize((size, size), Image.Resampling.BICUBIC)) for crop in crops])


def make() -> None:
    """Compute the features and write the file."""
    photographs = load_sample_images().images
    crops = [
        crop for photograph, places in PLACES.values() for crop in crops_of(photographs[photograph], places)[:EACH]
    ]
    network = zoo.get("efficientnet_lite0")
    averages = keras.Model(network.input, network.get_layer("head_average").output)
    features = averages.predict(resized(crops, NETWORK_SIZE), batch_size=17)

    small = resized(crops, THUMBNAIL)
    sheet = Image.fromarray(small.reshape(-1, THUMBNAIL, 3)).quantize(256)
    np.savez_compressed(
        FILE,
        features=features.astype("float16"),
        labels=np.repeat(np.arange(len(PLACES), dtype="uint8"), EACH),
        names=np.array(list(PLACES)),
        thumbnails=np.asarray(sheet).reshape(-1, THUMBNAIL, THUMBNAIL),
        palette=np.array(sheet.getpalette(), "uint8").reshape(-1, 3),
    )


if __name__ == "__main__":
    make()
