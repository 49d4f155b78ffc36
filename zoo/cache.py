"""Where things are kept that can be made or fetched again."""

import os
from pathlib import Path

from platformdirs import user_cache_path


def cache_folder() -> Path:
    """The folder of decoded images, activations and fetched weights: `KERAS_ZOO_CACHE`, else the user's cache folder.

    Everything in it can be had again: it may be deleted whenever no run is under way.
    """
    return Path(os.environ.get("KERAS_ZOO_CACHE") or user_cache_path("keras-zoo-recipes")).expanduser()
