"""Photo files for tests: real crops, and every way in which a file can be bad."""

import io
import os
import struct
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms
from sklearn.datasets import load_sample_images

OBJECTS, FRAMES = 20, 15
CLASSES = ("flower", "temple", "옷")


def crops(number, side=96, seed=0):
    """So many real pictures of each class: pieces of two photographs, and clothes from the bundled sample."""
    from recipes.data import samples

    temple, flower = load_sample_images().images
    clothes = samples.SAMPLES["fashion_mnist"].read()[0].pixels[seed::13, :, :, 0]
    random = np.random.default_rng(seed)

    def piece(photo):
        top, left = (random.integers(0, length - side) for length in photo.shape[:2])
        return Image.fromarray(photo[top : top + side, left : left + side])

    for index in range(number):
        yield "temple", piece(temple[100:400])
        yield "flower", piece(flower[100:400, 150:500])
        yield "옷", Image.fromarray(clothes[index]).resize((side, side))


def write_photos(root, number=20, seed=3):
    """`root/<class>/<nn>.jpg`, so many of each class."""
    for index, (label, picture) in enumerate(crops(number, seed=seed)):
        folder = root / label
        folder.mkdir(parents=True, exist_ok=True)
        picture.convert("RGB").save(folder / f"{index // 3:02d}.jpg", quality=92)


def write_clothes(root, number=10):
    """`root/<class>/<n>.png`, so many pictures of each class of the bundled Fashion-MNIST sample, as they are there."""
    from recipes.data import samples

    images, _, names = samples.SAMPLES["fashion_mnist"].read()
    for label, name in enumerate(names):
        folder = root / name.replace("/", " ")
        folder.mkdir(parents=True)
        for place in np.flatnonzero(images.labels == label)[:number]:
            Image.fromarray(images.pixels[place, :, :, 0]).save(folder / f"{place}.png")


def encoded(picture, kind="JPEG", **options):
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def png_chunks(width, height, bits, colour, pixels):
    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    data = zlib.compress(pixels, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def claiming(width, height):
    """A small PNG whose header claims a size; complete only when that is small."""
    rows = height if width * height < 10**6 else 1
    return png_chunks(width, height, 8, 0, (b"\0" + bytes(width)) * rows)


def png_of_16_bits(pixels):
    """(height, width, 3) big-endian 16-bit pixels as PNG."""
    height, width, _ = pixels.shape
    return png_chunks(width, height, 16, 2, b"".join(b"\0" + row.tobytes() for row in pixels))


def swapped_profile():
    """The colour profile of a screen whose red and blue are swapped."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    profile = profile.replace("sRGB".encode("utf-16-be"), "xRGB".encode("utf-16-be"))
    return profile.replace(b"rXYZ", b"----").replace(b"bXYZ", b"rXYZ").replace(b"----", b"bXYZ")


def add_odd_photos(root):
    """Photos that are unusual and can be used, one of each kind, among those of `write_photos`."""
    temple, flower, cloth = (picture.convert("RGB") for _, picture in crops(1, seed=5))
    upright = Image.Exif()
    upright[0x0112] = 6
    deep = (np.asarray(cloth).astype("uint32") * 257).astype(">u2")
    files = {
        "temple/rotated.jpg": encoded(temple, exif=upright),
        "temple/cmyk.jpg": encoded(temple.transpose(Image.Transpose.FLIP_LEFT_RIGHT).convert("CMYK")),
        "flower/alpha.png": encoded(flower.convert("RGBA"), "PNG"),
        "flower/palette.gif": encoded(flower.transpose(Image.Transpose.FLIP_LEFT_RIGHT).convert("P"), "GIF"),
        "flower/a png.jpg": encoded(flower.transpose(Image.Transpose.FLIP_TOP_BOTTOM), "PNG"),
        "flower/animated.webp": encoded(
            flower.transpose(Image.Transpose.ROTATE_90), "WEBP", save_all=True, append_images=[temple]
        ),
        "옷/deep.png": png_of_16_bits(deep),
        "temple/wide.jpg": encoded(temple.crop((0, 0, 96, 20))),
    }
    for name, content in files.items():
        (root / name).write_bytes(content)
    return files


def add_bad_files(root):
    """Files that cannot be used, or are no photos."""
    good = (root / "temple" / "00.jpg").read_bytes()
    bad = {
        "temple/truncated.jpg": good[: len(good) // 2],
        "temple/empty.jpg": b"",
        "flower/page.jpg": b"<!DOCTYPE html><title>404</title>",
        "flower/bomb.png": claiming(10_000, 10_000),
    }
    for name, content in bad.items():
        (root / name).write_bytes(content)
    with suppress(OSError, UnicodeError):  # Windows and macOS take no such name.
        Path(os.fsdecode(os.fsencode(root / "temple") + b"/caf\xe9.jpg")).write_bytes(good)
    passed_over = {"temple/._00.jpg": good, "temple/.hidden.jpg": good, "flower/notes.txt": b"hello", "loose.jpg": good}
    for name, content in passed_over.items():
        (root / name).write_bytes(content)
    (root / "temple" / "loop").symlink_to(root)
    return bad


def colours(album, *_, **__):
    """Features of the photos of an album without a network: small pictures."""
    pictures = [Image.open(path).convert("RGB").resize((8, 8)) for path in album.paths.values()]
    return np.stack([np.asarray(picture, "float32").ravel() for picture in pictures])


def write_objects(root, objects=OBJECTS, frames=FRAMES):
    """Frames of objects, each of a colour of its own and of one of two classes: colour tells the class by accident."""
    random = np.random.default_rng(0)
    colours = random.permutation(
        [(red, green, blue) for red in (20, 90, 160, 230) for green in (20, 120, 220) for blue in (40, 200)]
    )
    for number in range(objects):
        folder = root / ("cup" if number % 2 else "bowl")
        folder.mkdir(parents=True, exist_ok=True)
        for frame in range(frames):
            grain = np.asarray(Image.fromarray(random.integers(0, 60, (5, 5), dtype="uint8")).resize((40, 40)), "int16")
            pixels = (colours[number] + grain[..., np.newaxis] - 30).clip(0, 255).astype("uint8")
            Image.fromarray(pixels).save(folder / f"object{number}_{frame:02d}.png")
