"""Random changes to training images: what there is, how far each may go, and what the changes of colour do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from recipes.recipe import stored
from recipes.recipe.checks import is_number, must, number

if TYPE_CHECKING:
    import tensorflow as tf

Change = Callable[["tf.Tensor", "tf.Tensor"], "tf.Tensor"]


def _contrast(images: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    """Spread values around the mean of each channel, or draw them together, by a share of -1 to 1."""
    import tensorflow as tf

    mean = tf.reduce_mean(images, axis=(1, 2), keepdims=True)
    return mean + (images - mean) * (1 + factor)


def _brightness(images: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    """Make images lighter or darker by a share of 255."""
    return images + 255 * factor


def colour(change: Change) -> Any:
    """A field of `Augment` that changes colours, none by default.

    Args:
        change: From (batch, height, width, channels) float32 pixels in 0-255 and a (batch, 1, 1, 1) factor, drawn
            between minus and plus the field's value, to the pixels; what leaves 0-255 is clipped.
    """
    return field(default=0.0, metadata={"change": change})


@dataclass(frozen=True)
class Augment:
    """Random changes to training images, drawn anew for every image and epoch. All zero: none.

    Attributes:
        flip: Mirror half of the images left to right.
        shift: Move by up to this share of height and width, in whole pixels; the gap is filled by reflection.
        rotation: Turn by up to this share of a full circle, as `keras.layers.RandomRotation`.
        zoom: Enlarge or shrink by up to this share, as `keras.layers.RandomZoom`.
        erase: Side of a grey square put at a random place, as a share of the image's side (cutout).
        strength: Multiplies all of them but flip.
        contrast: Spread an image's values, or draw them together, around its mean in each channel by up to this share,
            as `keras.layers.RandomContrast`.
        brightness: Make an image lighter or darker by up to this share of 255, as `keras.layers.RandomBrightness`.
    """

    flip: bool = False
    shift: float = 0.0
    rotation: float = 0.0
    zoom: float = 0.0
    erase: float = 0.0
    strength: float = 1.0
    contrast: float = colour(_contrast)
    brightness: float = colour(_brightness)

    def faults(self) -> Iterator[str]:
        """Say what is wrong with the values, a sentence each."""
        if not isinstance(self.flip, bool):
            yield must(self, "flip", "true or false")
        for part in fields(self):
            if part.name not in ("flip", "strength"):
                yield from number(self, part.name, at_least=0, below=1)
        yield from number(self, "strength", at_least=0)
        if is_number(self.strength) and is_number(self.contrast) and self.strength * self.contrast > 1:
            yield must(self, "contrast", f"at most 1 when multiplied by the strength, {self.strength:g}: more inverts")

    def colours(self) -> Iterator[tuple[str, float, Change]]:
        """The changes of colour that are used: name, largest factor, and what it does."""
        for part in fields(self):
            change, amount = part.metadata.get("change"), getattr(self, part.name) * self.strength
            if change and amount:
                yield part.name, amount, change

    def key_facts(self) -> dict[str, Any]:
        """What the key of augmented activations names: the first six fields always, later ones where they are used.

        A field that comes later must leave the keys of all that is on disk as they are.
        """
        first = ("flip", "shift", "rotation", "zoom", "erase", "strength")
        return {name: getattr(self, name) for name in first} | stored.sparse(self)
