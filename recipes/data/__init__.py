"""Where a recipe's images come from: the prepared full data set, a download, or a bundled sample.

`find` decides and says so, and `describe` says what they will look like, without decoding an image; `read` loads the
images and splits them, and `read_again` gives some of them at another size. `stored` gives some as they lie on disk.
"""

from recipes.data.description import Description, describe
from recipes.data.origins import TFDS, find, is_own, read, read_again, stored
from recipes.data.splits import Images, Origin, Splits

__all__ = [
    "TFDS",
    "Description",
    "Images",
    "Origin",
    "Splits",
    "describe",
    "find",
    "is_own",
    "read",
    "read_again",
    "stored",
]
