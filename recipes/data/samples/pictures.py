"""A picture of a bundled sample as a file: something to ask a network about before there is a photo at hand."""

from __future__ import annotations

from pathlib import Path

from recipes.data.samples import SAMPLES
from recipes.errors import UsageFault
from recipes.files import atomic
from zoo.cache import cache_folder


def picture(dataset: str, number: int) -> tuple[Path, str]:
    """A test picture of the sample that stands for a data set, as a PNG file in the cache folder.

    Args:
        dataset: The data set's TFDS name, such as `"fashion_mnist"`.
        number: Which of the sample's test pictures, from 0.

    Returns:
        The file, and what the picture is: its class and the sample's title.

    Raises:
        UsageFault: When no sample stands for the data set, or it has no picture of that number.
        DiskFault: When the file cannot be written.
    """
    from PIL import Image

    sample = SAMPLES.get(dataset)
    if sample is None:
        raise UsageFault(
            f"--sample: no pictures of {dataset!r} are bundled, only of {', '.join(SAMPLES)}. Give a photo."
        )
    _, test, class_names = sample.read()
    if not 0 <= number < len(test.ids):
        raise UsageFault(f"--sample must be 0 to {len(test.ids) - 1} for the {sample.title}. Got {number}.")
    (pixels,) = test.pixels[number : number + 1]
    path = cache_folder() / "samples" / f"{sample.dataset}-{number:05d}.png"
    with atomic.disk_faults(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic.atomic_path(path) as temporary:
            Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(temporary, "PNG")
    return path, f"{class_names[test.labels[number]]}, of the {sample.title}"
