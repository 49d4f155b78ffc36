"""Random changes to training images, in TensorFlow and never inside a model.

Every draw is a pure function of a seed, so a resumed run sees the images the uninterrupted one would have seen.
"""

from __future__ import annotations

import math
import zlib

import tensorflow as tf

from recipes.recipe import Augment

GREY = 127.0


def augment(images: tf.Tensor, seed: tf.Tensor, settings: Augment) -> tf.Tensor:
    """Change each image of a batch in its own way.

    Mirroring, moving, turning and zooming are one resampling (bilinear; the outside is filled by reflection), so
    pixels are blurred once at most. Moves are by whole pixels. Each kind draws the same numbers whichever others are
    used.

    Args:
        images: (batch, height, width, channels), raw 0-255.
        seed: (2,), int32; the same seed gives the same changes.
        settings: What to change, and how much.

    Returns:
        A float32 batch of the same shape, still in 0-255.
    """
    images = tf.cast(images, tf.float32)
    # One draw for the kinds of the first version, whose results are stored; what comes later draws by its own name.
    draws = tf.random.stateless_uniform([tf.shape(images)[0], 7], seed, minval=-1.0, maxval=1.0)
    mirror, move_x, move_y, turn, enlarge, erase_x, erase_y = tf.unstack(draws, axis=1)
    if settings.flip or settings.shift or settings.rotation or settings.zoom:
        images = _resample(images, settings, mirror, move_x, move_y, turn, enlarge)
    for name, amount, change in settings.colours():
        images = tf.clip_by_value(change(images, amount * _drawn(name, seed, images)), 0.0, 255.0)
    if settings.erase:
        images = _erase(images, settings, erase_x, erase_y)
    return images


def _resample(
    images: tf.Tensor,
    settings: Augment,
    mirror: tf.Tensor,
    move_x: tf.Tensor,
    move_y: tf.Tensor,
    turn: tf.Tensor,
    enlarge: tf.Tensor,
) -> tf.Tensor:
    """Apply one affine map per image, from output to input coordinates, around the image's centre."""
    height, width = (tf.cast(size, tf.float32) for size in (tf.shape(images)[1], tf.shape(images)[2]))
    flip = tf.where(mirror < 0, -1.0, 1.0) if settings.flip else tf.ones_like(mirror)
    angle = turn * (settings.rotation * settings.strength * 2 * math.pi)
    scale = 1.0 + enlarge * (settings.zoom * settings.strength)
    shift_x = tf.round(move_x * (settings.shift * settings.strength) * width)
    shift_y = tf.round(move_y * (settings.shift * settings.strength) * height)

    xx, xy = scale * tf.cos(angle) * flip, -scale * tf.sin(angle)
    yx, yy = scale * tf.sin(angle) * flip, scale * tf.cos(angle)
    centre_x, centre_y = (width - 1) / 2, (height - 1) / 2
    x0 = centre_x - xx * centre_x - xy * centre_y + shift_x
    y0 = centre_y - yx * centre_x - yy * centre_y + shift_y
    zero = tf.zeros_like(xx)
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack([xx, xy, x0, yx, yy, y0, zero, zero], axis=1),
        output_shape=tf.shape(images)[1:3],
        fill_value=0.0,
        interpolation="BILINEAR" if settings.rotation or settings.zoom else "NEAREST",
        fill_mode="REFLECT",
    )


def _drawn(name: str, seed: tf.Tensor, images: tf.Tensor) -> tf.Tensor:
    """(batch, 1, 1, 1), between -1 and 1, from a seed of the name's own."""
    own = tf.random.fold_in(seed, zlib.crc32(name.encode()))
    return tf.random.stateless_uniform([tf.shape(images)[0], 1, 1, 1], own, minval=-1.0, maxval=1.0)


def _erase(images: tf.Tensor, settings: Augment, erase_x: tf.Tensor, erase_y: tf.Tensor) -> tf.Tensor:
    """Cover a square of each image, centred anywhere in it, with grey."""
    height, width = tf.shape(images)[1], tf.shape(images)[2]

    def inside(centre: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
        """(batch, size): whether each row or column lies within the square."""
        size_float = tf.cast(size, tf.float32)
        half = settings.erase * settings.strength * size_float / 2
        middle = (centre + 1) / 2 * size_float
        return tf.abs(tf.range(size_float)[tf.newaxis, :] + 0.5 - middle[:, tf.newaxis]) <= half

    covered = inside(erase_y, height)[:, :, tf.newaxis] & inside(erase_x, width)[:, tf.newaxis, :]
    return tf.where(covered[..., tf.newaxis], GREY, images)
