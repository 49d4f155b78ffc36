"""A trained network in one folder that works elsewhere: model, class names, how to prepare a photo, and a proof.

Importing this package loads no Keras; checking a bundle loads the runtime of its own format alone.
"""

from __future__ import annotations

from recipes.inference.bundle.formats import RUNTIMES

FORMATS = RUNTIMES.keys()


def require(kind: str) -> None:
    """Make sure that a format can be written here.

    Raises:
        EnvironmentFault: With the command that installs what is missing.
    """
    RUNTIMES[kind].require(to_write=True)
