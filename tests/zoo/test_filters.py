"""Filters by hand, against Keras's convolution and the source's figures."""

import keras
import numpy as np
import pytest

import zoo
from zoo import filters


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize(("size", "window"), [((27, 27), (3, 3)), ((9, 14), (2, 5)), ((7, 8), (1, 4))])
def test_it_is_what_a_convolution_layer_does(padding, stride, size, window):
    random = np.random.default_rng(0)
    image, kernel = random.uniform(0, 255, size), random.normal(size=window)
    ours = filters.convolve2d(image, kernel, stride, padding)
    theirs = keras.ops.conv(
        image[np.newaxis, ..., np.newaxis].astype("float32"), kernel[..., np.newaxis, np.newaxis].astype("float32"),
        strides=stride, padding=padding,
    )  # fmt: skip
    np.testing.assert_allclose(ours, keras.ops.convert_to_numpy(theirs)[0, ..., 0], rtol=1e-4, atol=1e-2)


def test_sobel_finds_edges_and_which_way_they_run():
    image = np.zeros((27, 27))
    image[:, 14:] = 200
    edges = zoo.filters.sobel(image)
    assert edges.horizontal.shape == (25, 25)  # (27 - 3) / 1 + 1
    assert not edges.horizontal.any()
    assert (edges.vertical[:, 12:14] == -800).all()
    assert np.count_nonzero(edges.magnitude) == 2 * 25
    turned = filters.sobel(image.T)
    np.testing.assert_array_equal(turned.horizontal, edges.vertical.T)
    np.testing.assert_array_equal(turned.magnitude, edges.magnitude.T)


def test_the_source_cuts_what_is_too_bright_and_leaves_what_is_dark():
    image = np.zeros((5, 5))
    image[:, 2:] = 200
    assert filters.sobel(image[:, ::-1], clip=True).vertical.max() == 255
    assert filters.sobel(image, clip=True).vertical.min() == -800


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((np.zeros((5, 5, 1)), np.ones((3, 3))), "two dimensions"),
        ((np.zeros((5, 5)), np.ones((3, 3)), 0), "stride"),
        ((np.zeros((5, 5)), np.ones((3, 3)), 1, "full"), "padding"),
        ((np.zeros((2, 5)), np.ones((3, 3))), "does not fit"),
    ],
)
def test_bad_input_says_what_is_wrong(arguments, expected):
    with pytest.raises(ValueError, match=expected):
        filters.convolve2d(*arguments)
