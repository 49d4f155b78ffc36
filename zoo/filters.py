"""Image filters by hand: what a convolution layer does, before it learns which filters to use.

Source: lecture notes on convolutional networks (2022), "image filters". A 3x3 filter is laid over each place of an
image; the nine products are added up, and that is the new pixel. Of n pixels, a filter of f that moves s at a time
leaves (n - f) / s + 1. The Sobel filters answer to edges: one to horizontal ones, one to vertical ones.
A convolution layer does the same with filters it has learned.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

# Bright above dark, and bright to the left of dark.
SOBEL_HORIZONTAL = np.array([[1, 2, 1], [0, 0, 0], [-1, -2, -1]], "float64")
SOBEL_VERTICAL = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]], "float64")
BRIGHTEST = 255


class Edges(NamedTuple):
    """What the Sobel filters give; each (height, width), float64.

    Attributes:
        horizontal: Answers to horizontal edges; negative where it is bright below.
        vertical: Answers to vertical edges; negative where it is bright to the right.
        magnitude: sqrt(horizontal² + vertical²): how much of an edge there is, whichever way it runs.
    """

    horizontal: np.ndarray
    vertical: np.ndarray
    magnitude: np.ndarray


def convolve2d(
    image: np.ndarray, kernel: np.ndarray, stride: int = 1, padding: str = "valid", *, clip: bool = False
) -> np.ndarray:
    """Lay a filter over each place of an image and add up the products, as a convolution layer does.

    Args:
        image: (height, width), any numbers.
        kernel: (rows, columns), the filter.
        stride: How many pixels the filter moves at a time.
        padding: `"valid"`: the filter stays inside of the image. `"same"`: zeros are laid around it, so that with a
            stride of 1 the result is as large as the image.
        clip: Cut what is above 255 down to 255, as the source does.

    Returns:
        (new height, new width), float64; (n - f) / stride + 1 with `"valid"`, n / stride with `"same"`, rounded down
        and up.

    Raises:
        ValueError: For an image or a kernel that is not two-dimensional, a kernel larger than the image, another
            padding, or a stride below 1.
    """
    image, kernel = np.asarray(image, "float64"), np.asarray(kernel, "float64")
    if image.ndim != 2 or kernel.ndim != 2:
        raise ValueError(f"Image and kernel must have two dimensions. Got {image.shape} and {kernel.shape} instead.")
    if padding not in ("valid", "same"):
        raise ValueError(f"The padding must be 'valid' or 'same'. Got {padding!r} instead.")
    if stride < 1:
        raise ValueError(f"The stride must be 1 or more. Got {stride!r} instead.")
    if padding == "same":
        image = np.pad(image, [_around(n, f, stride) for n, f in zip(image.shape, kernel.shape, strict=True)])
    rows, columns = kernel.shape
    height, width = ((n - f) // stride + 1 for n, f in zip(image.shape, kernel.shape, strict=True))
    if height < 1 or width < 1:
        raise ValueError(f"A kernel of {kernel.shape} does not fit into an image of {image.shape}.")

    result = np.zeros((height, width))
    for i in range(height):
        for j in range(width):
            top, left = i * stride, j * stride
            window = image[top : top + rows, left : left + columns]
            result[i, j] = (window * kernel).sum()
    return np.minimum(result, BRIGHTEST) if clip else result


def sobel(image: np.ndarray, *, clip: bool = False) -> Edges:
    """Find the edges of an image.

    Args:
        image: (height, width), 0-255.
        clip: Cut what is above 255 in either direction down to 255, as the source does.

    Returns:
        Horizontal and vertical edges and their magnitude, two pixels smaller than the image each way.

    Raises:
        ValueError: For an image that is not two-dimensional, or smaller than 3x3.
    """
    horizontal = convolve2d(image, SOBEL_HORIZONTAL, clip=clip)
    vertical = convolve2d(image, SOBEL_VERTICAL, clip=clip)
    return Edges(horizontal, vertical, np.sqrt(horizontal**2 + vertical**2))


def _around(size: int, window: int, stride: int) -> tuple[int, int]:
    """Zeros before and after one dimension; where the number is odd, one more comes after."""
    missing = max((math.ceil(size / stride) - 1) * stride + window - size, 0)
    return missing // 2, missing - missing // 2
