"""The one decoder: pixels that are known beforehand."""

import io
import itertools
import subprocess
import threading
import time

import numpy as np
import pytest
from conftest import PYTHON, subprocess_environment
from photo_files import claiming, png_of_16_bits, swapped_profile
from PIL import Image, ImageCms, PngImagePlugin
from sklearn.datasets import load_sample_images

from recipes.data.decode import FILL, decode, fit, resize
from recipes.data.decoded import decoded
from recipes.data.splits import Images
from recipes.recipe import SQUARES

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


@pytest.mark.parametrize("file_format", ["AVIF", "HEIF"])
def test_the_photos_of_phones_are_read(file_format):
    if file_format == "HEIF":
        pytest.importorskip("pillow_heif", reason="skipped: the extra 'heic' is not installed")
    photo = load_sample_images().images[0]
    read = decode(encoded(Image.fromarray(photo), file_format, quality=95), photo.shape[:2])
    assert np.abs(read.astype(int) - photo).mean() < 4


def test_heic_without_its_reader_is_named(monkeypatch):
    monkeypatch.setattr("recipes.data.decode.FORMATS", ("JPEG", "PNG"))
    with pytest.raises(ValueError, match=r"a HEIC photo: pip install 'keras-zoo-recipes\[heic\]' reads them"):
        decode(b"\0\0\0\x18ftypheic" + bytes(100), (8, 8))


def test_pixels_of_more_than_eight_bits_are_scaled_or_refused():
    ramp = np.linspace(0, 65535, 64).astype("uint16").reshape(8, 8)
    as_bytes = decode(encoded(Image.fromarray(ramp), "TIFF"), (8, 8))
    np.testing.assert_array_equal(as_bytes[..., 0], (ramp / 257).round().astype("uint8"))
    for kind, words in (("int32", "numbers of 32 bits"), ("float32", "floating-point numbers")):
        with pytest.raises(ValueError, match=f"its pixels are {words}.*save it with 8 or 16 bits"):
            decode(encoded(Image.fromarray(ramp.astype(kind)), "TIFF"), (8, 8))


def test_12_bits_in_16_are_scaled_as_12_and_a_transparent_value_is_white():
    for highest, kind in itertools.product((255, 4095), ("PNG", "TIFF")):
        ramp = np.linspace(0, highest, 64).astype("uint16").reshape(8, 8)
        read = decode(encoded(Image.fromarray(ramp), kind), (8, 8))
        np.testing.assert_array_equal(read[..., 0], (ramp * (255 / highest)).round().astype("uint8"))
    deep = np.full((8, 8), 30_000, "uint16")
    deep[:4] = 10_000
    read = decode(encoded(Image.fromarray(deep), transparency=10_000), (8, 8))
    assert (read[:4] == 255).all()
    assert (read[4:] == round(30_000 / 257)).all()


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


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty file"),
        (b"<html></html>", "a page of HTML or XML"),
        (b"hello", "not an image, no JPEG, PNG"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "a pointer of Git LFS: git lfs pull fetches the photo"),
        (b"%PDF-1.4", "a PDF document, no JPEG"),
        (b"\0\0\0\x20ftypisom" + bytes(99), "a video, no JPEG"),
        (bytes(999), "empty: nothing but zeros"),
        (PNG[:9] + b"?" + PNG[10:], "damaged: "),
        (b"\x89PNG" + bytes(99), "damaged: it begins as PNG, and cannot be read as that"),
        (PNG[:100], "damaged: "),
        (PNG[: len(PNG) // 2], "damaged: image file is truncated"),
    ],
    ids=["empty", "html", "text", "LFS", "PDF", "video", "zeros", "another beginning", "PNG", "header only", "half"],
)
def test_what_is_not_an_image_is_said(content, reason):
    with pytest.raises(ValueError, match=reason):
        decode(content, (8, 8))


def test_long_notes_in_a_png_do_not_matter():
    """Programs that make pictures write megabytes of their settings into them."""
    notes = PngImagePlugin.PngInfo()
    notes.add_text("workflow", "x" * 3_000_000, zip=True)
    noted = encoded(Image.fromarray(FLAG), pnginfo=notes)
    np.testing.assert_array_equal(decode(noted, (8, 8)), FLAG)
    with pytest.raises(ValueError, match="damaged: "):
        decode(noted[: noted.find(b"IDAT") + 6], (8, 8))


def test_an_orientation_that_no_camera_knows_is_passed_over():
    exif = Image.Exif()
    exif[0x0112] = 9
    content = encoded(photo(), "JPEG", exif=exif)
    np.testing.assert_array_equal(decode(content, (90, 90)), decode(encoded(photo(), "JPEG"), (90, 90)))


def test_a_small_file_that_claims_a_huge_picture_is_refused_by_its_header():
    with pytest.raises(ValueError, match="oversized: 10,000 x 10,000 pixels, more than 50 million"):
        decode(claiming(10_000, 10_000), (8, 8))
    assert decode(claiming(40, 30), (8, 8)).shape == (8, 8, 3)


def test_16_bit_colour_is_scaled_and_grey_is_one_channel():
    deep = png_of_16_bits(np.full((4, 4, 3), 257 * 100, ">u2"))
    np.testing.assert_array_equal(decode(deep, (4, 4)), np.full((4, 4, 3), 100))
    grey = decode(encoded(Image.fromarray(FLAG)), (8, 8), channels=1)
    assert grey.shape == (8, 8, 1)
    assert grey[0, 0, 0] == pytest.approx(76, abs=1)


def test_images_in_memory_are_brought_to_a_size_in_colour():
    grey = Images(np.full((2, 8, 8, 1), 9, "uint8"), np.array([0, 1]), np.array(["a", "b"]))
    assert resize(grey, 16, 3).pixels.shape == (2, 16, 16, 3)
    assert resize(grey, 16, 3).pixels.max() == 9
    colour = Images(np.stack([FLAG]), np.array([0]), np.array(["a"]))
    assert resize(colour, 8, 3) is colour


def photo(size=(640, 427)):
    return Image.fromarray(load_sample_images().images[0]).resize(size)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_a_jpeg_that_was_cut_is_refused(share):
    content = encoded(photo(), "JPEG", quality=90)
    with pytest.raises(ValueError, match="damaged"):
        decode(content[: int(share * len(content))], (100, 100))


@pytest.mark.parametrize("size", [(100, 100), (40, 40)])
@pytest.mark.parametrize("share", [0.3, 0.5, 0.9])
def test_a_jpeg_that_lost_data_and_ends_as_one_does_is_refused(share, size):
    content = encoded(photo(), "JPEG", quality=90)
    lost = int((1 - share) * len(content))
    middle = len(content) - lost - 1000
    turned = Image.Exif()
    turned[0x0112] = 6
    rotated = encoded(photo(), "JPEG", quality=90, exif=turned)
    for bad in (
        content[:-lost] + b"\xff\xd9",
        content[:middle] + content[middle + lost :],
        rotated[: int(share * len(rotated))] + b"\xff\xd9",
    ):
        with pytest.raises(ValueError, match="a part of the picture is missing, and shows grey"):
            decode(bad, size)


def in_zeros(content, start, stop):
    start, stop = (int(share * len(content)) for share in (start, stop))
    return content[:start] + bytes(stop - start) + content[stop:]


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.8])
def test_a_jpeg_that_lost_data_in_any_other_way_is_refused(share, capfd):
    whole, end = encoded(photo(), "JPEG", quality=90), b"\xff\xd9"
    with_restarts = encoded(photo(), "JPEG", quality=90, restart_marker_rows=1)
    scans = encoded(photo(), "JPEG", quality=90, progressive=True)
    place = int(share * len(with_restarts))
    for bad, shows in (
        (in_zeros(whole, share, share + 0.1), "(noise|grey)"),  # A failing disk, or one that was copied in part.
        (in_zeros(whole, share, 1), "(noise|grey)|truncated"),
        (with_restarts[:place] + with_restarts[place + 6000 :], "noise"),
        (scans[: int(share / 2 * len(scans))] + end, "blurred"),
    ):
        with pytest.raises(ValueError, match=f"damaged: .*{shows}"):
            decode(bad, (100, 100))
    assert capfd.readouterr().err == ""  # Lines of libjpeg would not name the file.


def test_pillow_warns_of_no_file_without_its_name(tmp_path):
    (tmp_path / "cut.tif").write_bytes(encoded(photo((64, 64)), "TIFF", compression="tiff_deflate")[:-60])
    code = "import pathlib, recipes.data.decode as d; d.decode(pathlib.Path('cut.tif').read_bytes(), (8, 8))"
    command = [PYTHON, "-c", code]
    ended = subprocess.run(command, cwd=tmp_path, env=subprocess_environment(), capture_output=True, text=True)
    assert ended.stderr.splitlines()[-1].startswith("ValueError: damaged: it begins as TIFF")
    assert "Warning" not in ended.stderr


def test_a_whole_jpeg_with_zeros_in_it_is_read():
    """Plain areas are zeros where the table of codes is the picture's own, and some encoders fill up with them."""
    plain = Image.new("RGB", (4000, 3000), "white")
    plain.paste(photo(), (1000, 1000))
    for content in (encoded(plain, "JPEG", optimize=True), encoded(plain, "JPEG", progressive=True)):
        assert bytes(512) in content
        assert decode(content, (64, 64))[0, 0].min() == 255
    content = encoded(photo(), "JPEG", restart_marker_rows=2)
    for after in (bytes(9000) + content[-2:], content[-2:] + bytes(9000), b"\x55" * 99 + content[-2:]):
        np.testing.assert_array_equal(decode(content[:-2] + after, (64, 64)), decode(content, (64, 64)))


def test_a_whole_jpeg_with_a_grey_end_is_read():
    framed = Image.new("RGB", (640, 640), (128, 128, 128))
    framed.paste(photo(), (0, 100))
    for progressive in (False, True):
        content = encoded(framed, "JPEG", quality=90, progressive=progressive)
        assert (decode(content, (64, 64))[-1, -1] == 128).all()
        assert decode(content + b"a trailer", (64, 64)).shape == (64, 64, 3)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "palette", "transparent"])
def test_a_colour_profile_is_brought_to_srgb(kind):
    large, options = Image.fromarray(np.kron(FLAG, np.ones((20, 20, 1), "uint8"))), {}
    if kind == "palette":
        large, kind = large.convert("P"), "PNG"
    elif kind == "transparent":
        large, kind = large.convert("RGBA"), "PNG"
    elif kind == "JPEG":
        options = {"quality": 100, "subsampling": 0}
    elif kind == "WEBP":
        options = {"lossless": True}
    turned = decode(encoded(large, kind, icc_profile=swapped_profile(), **options), (8, 8)).astype(int)
    np.testing.assert_allclose(turned[:, :3], np.broadcast_to((0, 0, 255), (8, 3, 3)), atol=4)
    np.testing.assert_allclose(turned[:, 5:], np.broadcast_to((255, 0, 0), (8, 3, 3)), atol=4)


@pytest.mark.parametrize("profile", [b"no profile", b"\0" * 200, None], ids=["text", "zeros", "sRGB"])
def test_a_profile_that_says_nothing_changes_nothing(profile):
    given = profile or ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    np.testing.assert_array_equal(decode(encoded(Image.fromarray(FLAG), icc_profile=given), (8, 8)), FLAG)
    grey = encoded(Image.new("L", (8, 8), 77), icc_profile=swapped_profile())  # A profile of colours, for grey.
    assert (decode(grey, (8, 8)) == 77).all()


def test_a_photo_is_judged_by_what_must_be_decoded():
    wide = Image.new("L", (16000, 12000), 200)  # More than Pillow opens, 192 million pixels.
    content = encoded(wide, "JPEG", quality=30)
    assert np.ptp(decode(content, (64, 64))) == 0
    with pytest.raises(ValueError, match="oversized: 16,000 x 12,000 pixels"):
        decode(content, (8000, 8000))


def test_a_progressive_jpeg_is_held_as_a_whole(monkeypatch):
    monkeypatch.setattr("recipes.data.decode.MOST_PIXELS", 200_000)
    assert decode(encoded(photo(), "JPEG"), (64, 64)).shape == (64, 64, 3)
    with pytest.raises(ValueError, match="oversized: 640 x 427"):
        decode(encoded(photo(), "JPEG", progressive=True), (64, 64))


def test_every_pixel_counts_whatever_the_sides_shrink_to():
    for place in range(200):
        strip = np.zeros((50, 200, 3), "uint8")
        strip[:, place] = 255
        for width in (20, 60, 99, 110, 150):
            assert fit(strip, (100, width)).max() > 0, (place, width)


def test_a_photo_as_a_file_and_as_an_array_comes_to_the_same_pixels():
    image = np.asarray(photo((320, 240)))
    np.testing.assert_array_equal(decode(encoded(photo((320, 240))), (180, 180)), fit(image, (180, 180)))


def three_parts(height, width):
    """A picture whose longer side is red, green and blue, a third each."""
    long = np.repeat(np.eye(3, dtype="uint8") * 255, max(height, width) // 3, axis=0)
    across = np.broadcast_to(long, (min(height, width), *long.shape))
    return np.ascontiguousarray(across if width > height else across.transpose(1, 0, 2))


@pytest.mark.parametrize(("height", "width"), [(30, 90), (90, 30), (300, 900), (31, 93)])
def test_a_crop_is_the_middle_and_a_letterbox_the_whole_on_grey(height, width):
    pixels = three_parts(height, width)
    np.testing.assert_array_equal(fit(pixels, (16, 16), square="crop"), np.full((16, 16, 3), (0, 255, 0)))
    boxed = fit(pixels, (24, 24), square="letterbox")
    boxed = boxed if width > height else boxed.transpose(1, 0, 2)
    assert (boxed[:8] == FILL).all()
    assert (boxed[16:] == FILL).all()
    np.testing.assert_array_equal(boxed[8:16], fit(three_parts(30, 90), (8, 24)))
    squashed = fit(pixels, (24, 24), square="squash")
    assert {tuple(colour) for colour in squashed[[0, 0, -1, -1], [0, -1, 0, -1]].tolist()} >= {(255, 0, 0), (0, 0, 255)}
    assert fit(pixels[..., :1], (9, 9), square="letterbox").shape == (9, 9, 3)
    assert fit(pixels, (9, 9), 1, "letterbox").shape == (9, 9, 1)


@pytest.mark.parametrize("square", SQUARES)
def test_a_square_photo_is_the_same_however_it_would_become_one(square):
    image = np.asarray(photo((90, 90)))
    np.testing.assert_array_equal(fit(image, (32, 32), square=square), fit(image, (32, 32)))


@pytest.mark.parametrize("square", SQUARES)
@pytest.mark.parametrize("size", [(1, 400), (400, 1), (3, 2), (16, 16)])
def test_no_shape_is_too_narrow(size, square):
    assert fit(np.full((*size, 3), 9, "uint8"), (16, 16), square=square).shape == (16, 16, 3)


@pytest.mark.parametrize("square", SQUARES)
def test_a_large_file_and_its_array_are_the_same_square(square):
    large = Image.fromarray(three_parts(1200, 2400))
    from_file = decode(encoded(large, "JPEG", quality=95), (100, 100), 3, square)
    from_array = fit(np.asarray(large), (100, 100), 3, square)
    assert np.abs(from_file.astype(int) - from_array).mean() < 3


def test_decoded_photos_are_kept_apart_by_their_square_and_as_before_where_they_are_squashed():
    content = encoded(Image.fromarray(three_parts(30, 90)))
    kept = [decoded(lambda _: content, ["0"], ["photo"], (16, 16, 3), *square) for square in [(), *zip(SQUARES)]]
    assert [len({rows.key for rows in kept}), kept[0].key] == [3, kept[1].key]
    assert set(kept[0].facts) >= {"images", "decoder"}
    assert "square" not in kept[0].facts
    for rows, square in zip(kept[1:], SQUARES, strict=True):
        np.testing.assert_array_equal(rows[:][0], decode(content, (16, 16), 3, square))


def test_threads_share_a_budget_of_pixels(monkeypatch):
    from concurrent.futures import ThreadPoolExecutor

    from recipes.data import decode as decoding

    monkeypatch.setattr(decoding, "PIXELS_AT_ONCE", 250)
    content, most, lock = encoded(Image.new("RGB", (10, 10)), "PNG"), [0, 0], threading.Lock()

    def hold(place):
        with decoding.opened(content):
            with lock:
                most[0] += 1
                most[1] = max(most)
            time.sleep(0.01)
            with lock:
                most[0] -= 1

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(hold, range(24)))
    assert most == [0, 2]
    monkeypatch.setattr(decoding, "PIXELS_AT_ONCE", 50)  # One that is larger alone goes through by itself.
    with ThreadPoolExecutor(8) as threads:
        assert len(list(threads.map(lambda _: decode(content, (4, 4)), range(8)))) == 8
