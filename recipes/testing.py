"""What every recipe promises, as one check that a package of your own can call in its tests.

from recipes.testing import check_recipe

def test_my_recipe():
    check_recipe("my_package.my_recipes:RECIPE")    # a name, or a Recipe
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import recipes
import zoo
from recipes.recipe import Recipe, page_source, search_space, values
from zoo.testing import small_shape

if TYPE_CHECKING:
    from recipes.data import Splits

IMAGES = {"train": 4, "validation": 3, "test": 2}
# The step of a larger network is not traced: that would take far longer than the step.
TRACED = 60


def check_recipe(
    recipe: str | Recipe, variant: str = "tuned", *, input_shape: tuple[int, int, int] | None = None
) -> None:
    """Check that a recipe keeps what every recipe of the book promises.

    It is data: it can be written as JSON and as the Python of a page, and read again. Its architecture is known and
    builds, the names in its phases and rates are layers of it, and each phase trains a step on a few made images: the
    losses are numbers, what is frozen stays byte for byte, and what is thawed moves. Each other data set it knows can
    be asked for.

    Args:
        recipe: A name, `"package.module:RECIPE"`, or a `Recipe`.
        variant: `"tuned"` or `"published"`, for a name.
        input_shape: (height, width, channels) of the made images. Default: small, as the architecture takes them.

    Raises:
        AssertionError: With every promise that is broken.
    """
    checked = recipe if isinstance(recipe, Recipe) else recipes.get(recipe, variant)
    shape = input_shape or small_shape(checked.architecture)
    broken: list[str] = []
    checks: tuple[Callable[[], Iterator[str]], ...] = (
        lambda: _is_data(checked),
        lambda: _knows_its_data_sets(checked),
        lambda: _trains(checked, shape),
    )
    for check in checks:
        try:
            broken += check()
        except Exception as error:  # A network of anybody's may raise anything: it is told as what it is.
            broken.append(f"{type(error).__name__}: {error}")
    if broken:
        raise AssertionError(f"The recipe {checked.name!r} breaks {len(broken)} promises:\n- " + "\n- ".join(broken))


def _is_data(recipe: Recipe) -> Iterator[str]:
    json.dumps(recipe.as_dict())
    names = {**vars(values), **vars(search_space)}
    exec(page_source.source(recipe), names)  # noqa: S102 (Python that was just written from values)
    if names["TUNED"] != recipe:
        yield "the Python of its page makes another recipe"


def _knows_its_data_sets(recipe: Recipe) -> Iterator[str]:
    for name in recipe.on_data:
        if recipe.override("data", name).data != name:
            yield f"asked for {name!r} it is about {recipe.override('data', name).data!r}"


def _trains(recipe: Recipe, shape: tuple[int, int, int]) -> Iterator[str]:
    import tensorflow as tf

    from recipes.train import engine, network

    short = dataclasses.replace(
        recipe,
        phases=tuple(dataclasses.replace(phase, epochs=1) for phase in recipe.phases),
        batch_size=IMAGES["train"],
        views=0,  # Keeps nothing on disk.
    )
    splits = _made_images(shape, 2 if zoo.info(recipe.architecture).classes == 2 else 3)
    model = network.build(short, shape, len(splits.class_names), 0, None)
    tf.config.run_functions_eagerly(len(model.layers) > TRACED)
    try:
        outcome = engine.train(short, splits, model, seed=0)
    finally:
        tf.config.run_functions_eagerly(False)
    if not all(math.isfinite(row["loss"]) and math.isfinite(row["val_loss"]) for row in outcome.history):
        yield "a loss is not a finite number after a step"


def _made_images(shape: tuple[int, int, int], classes: int) -> Splits:
    """Random pixels with labels in turn."""
    import numpy as np

    from recipes.data import Images, Origin, Splits

    draw = np.random.default_rng(0)
    parts = {
        name: Images(
            draw.integers(0, 256, (number, *shape)).astype("uint8"),
            np.arange(number) % classes,
            np.array([f"{name}-{index}" for index in range(number)]),
        )
        for name, number in IMAGES.items()
    }
    names = tuple(f"class {index}" for index in range(classes))
    return Splits(**parts, class_names=names, origin=Origin("sample", "made", Path()))
