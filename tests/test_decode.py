"""The one decoder: pixels that are known beforehand."""

import io

import numpy as np
import pytest
from PIL import Image

from recipes.data.decode import decode, resize
from recipes.data.splits import Images

# Left half red, right half blue.
FLAG = np.zeros((8, 8, 3), "uint8")
FLAG[:, :4, 0] = 255
FLAG[:, 4:, 2] = 255


def encoded(image, file_format="PNG", **options):
    out = io.BytesIO()
    image.save(out, file_format, **options)
    return out.getvalue()


def test_pixels_of_the_right_size_are_left_alone():
    np.testing.assert_array_equal(decode(encoded(Image.fromarray(FLAG)), (8, 8)), FLAG)


def test_shrinking_averages():
    checks = np.kron(np.indices((8, 8)).sum(axis=0) % 2 * 255, np.ones((2, 2))).astype("uint8")
    small = decode(encoded(Image.fromarray(checks)), (4, 4))
    assert small.shape == (4, 4, 3)
    assert abs(small.astype(int) - 127).max() < 20


def test_the_cameras_orientation_is_applied():
    exif = Image.Exif()
    exif[0x0112] = 6  # Turn by 90 degrees clockwise to see it upright: what was left is up.
    upright = decode(encoded(Image.fromarray(FLAG), "JPEG", quality=100, subsampling=0, exif=exif), (8, 8))
    assert upright[1, 4, 0] > 200
    assert upright[1, 4, 2] < 60
    assert upright[6, 4, 2] > 200


def test_a_large_jpeg_keeps_its_place_when_decoded_at_a_fraction():
    large = np.kron(FLAG, np.ones((100, 100, 1), "uint8"))
    small = decode(encoded(Image.fromarray(large), "JPEG", quality=95), (20, 20))
    assert small[:, :9, 0].min() > 240
    assert small[:, 11:, 2].min() > 240


@pytest.mark.parametrize(
    ("image", "pixel"),
    [
        (Image.new("L", (4, 4), 77), (77, 77, 77)),
        (Image.new("1", (4, 4), 1), (255, 255, 255)),
        (Image.new("RGBA", (4, 4), (255, 0, 0, 0)), (255, 255, 255)),
        (Image.new("RGBA", (4, 4), (0, 0, 0, 128)), (127, 127, 127)),
        (Image.new("LA", (4, 4), (0, 0)), (255, 255, 255)),
        (Image.fromarray(np.full((4, 4), 65535, "uint16")), (255, 255, 255)),
        (Image.fromarray(np.full((4, 4), 257 * 100, "uint16")), (100, 100, 100)),
        (Image.new("P", (4, 4), 0), (0, 0, 0)),
    ],
    ids=["grey", "1 bit", "transparent", "half transparent", "grey transparent", "16 bit", "16 bit grey", "palette"],
)
def test_every_mode_becomes_rgb(image, pixel):
    np.testing.assert_allclose(decode(encoded(image), (4, 4)), np.full((4, 4, 3), pixel), atol=1)


def test_cmyk_becomes_rgb():
    content = encoded(Image.new("CMYK", (8, 8), (0, 0, 0, 0)), "JPEG", quality=100)
    assert decode(content, (8, 8)).min() > 250


def test_of_an_animation_the_first_frame_is_taken():
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    content = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    np.testing.assert_array_equal(decode(content, (4, 4)), np.full((4, 4, 3), (255, 0, 0)))


PNG = encoded(Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype="uint8")))


@pytest.mark.parametrize("content", [b"", b"<html></html>", PNG[:100], PNG[: len(PNG) // 2]])
def test_what_is_not_an_image_is_said(content):
    with pytest.raises(ValueError, match="not an image that can be decoded"):
        decode(content, (8, 8))


def test_images_in_memory_are_brought_to_a_size_in_colour():
    grey = Images(np.full((2, 8, 8, 1), 9, "uint8"), np.array([0, 1]), np.array(["a", "b"]))
    assert resize(grey, 16).pixels.shape == (2, 16, 16, 3)
    assert resize(grey, 16).pixels.max() == 9
    colour = Images(np.stack([FLAG]), np.array([0]), np.array(["a"]))
    assert resize(colour, 8) is colour
