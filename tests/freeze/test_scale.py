"""What a million photos would take: arithmetic on the shape of what is kept."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from recipes.files.sharded_array import Rows
from recipes.freeze.scale import Scale, scales


@pytest.mark.parametrize(
    ("scale", "words"),
    [
        (
            Scale("block4_pool", 11 * 11 * 512 * 2, 512 * 2, views=1, each=0.036),
            "a million photos: 123.9 GB behind block4_pool (123.9 KB a view, 1 view) and 10.0 hours here; a head on "
            "averages, as in the recipe transfer, would keep 1.0 GB",
        ),
        (
            Scale("head_average", 1280 * 2, 1280 * 2, views=4),
            "a million photos: 10.2 GB behind head_average (2.6 KB a view, 4 views)",
        ),
    ],
    ids=["places", "averages"],
)
def test_a_million_photos_are_counted_in_bytes_and_hours(scale, words):
    assert scale.words() == words


@pytest.mark.parametrize(
    ("last", "bytes_kept"),
    [(keras.layers.Flatten(name="last"), 4 * 4 * 8 * 2), (keras.layers.GlobalAveragePooling2D(name="last"), 8 * 2)],
    ids=["flattened", "averaged"],
)
def test_averages_are_of_the_features_behind_the_last_places(tmp_path, last, bytes_kept):
    image = keras.Input((8, 8, 3))
    network = keras.Model(image, last(keras.layers.Conv2D(8, 1, strides=2)(image)))
    rows = Rows(tmp_path, {}, 3, network.output_shape[1:], "float16")
    prefix = SimpleNamespace(network=network)
    (found,) = scales([(prefix, rows), (prefix, rows)], 2, {id(prefix): 0.5})
    assert found == Scale("last", bytes_kept, 8 * np.dtype("float16").itemsize, 2, 0.5)
