"""Training mistakes that raise no error: found in a compiled model and one batch, before an hour is spent on them.

    for finding in lint.check(model, batch):
        print(finding)

Each rule is one function, and each has a section in docs/en/lint.md. The rules read Keras's public API only, and of the
weights only biases and the moving means of batch normalisation. They follow the graph of functional and sequential
models, nested ones included; of a subclassed model, whose graph cannot be seen, only `trainable-changed` is checked.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import keras

from recipes.errors import UsageFault
from recipes.lint.compiled import base_range, input_range, loss_output, trainable_changed
from recipes.lint.finding import Finding
from recipes.lint.transfer import (
    active_dropout,
    anatomy,
    high_rate,
    lora_without_layers,
    nothing_thawed,
    random_head,
    thawed_batchnorm,
)

__all__ = ["Finding", "check", "inspect"]


def check(model: keras.Model, x: Any = None, *, rates: Mapping[str, float] | None = None) -> list[Finding]:
    """Look for training mistakes in a compiled model. Nothing is changed, and the model is not called.

    Args:
        model: A compiled model, fresh or in the middle of its training.
        x: A batch as the model would get it, array or tensor; `input-range` looks at images, (batch, height, width,
            channels) with 1, 3 or 4 channels, and is skipped without them.
        rates: Factors on the learning rate by glob over layer names, such as `{"block5_*": 0.1}`; the first glob that
            matches a layer counts, and without one the factor is 1.

    Returns:
        What was found, in the order of the rules; empty when all is well.

    Raises:
        UsageFault: When the model is not compiled.
    """
    if not model.compiled:
        raise UsageFault(
            f"The model {model.name!r} is not compiled, so its loss and learning rate are unknown. "
            "Call model.compile(...) before lint.check(model)."
        )
    return [*trainable_changed(model), *inspect(model, model.optimizer, model.loss, x, rates=rates or {})]


def inspect(
    model: keras.Model,
    optimizer: keras.Optimizer,
    loss: Any,
    x: Any,
    *,
    rates: Mapping[str, float],
    moved: Collection[keras.Variable] = (),
) -> list[Finding]:
    """Look for training mistakes in a model that is to be trained with this optimizer and loss, compiled or not.

    Args:
        model: Any model, its layers thawed and frozen.
        optimizer: Trains it, or a part of it.
        loss: As given to `compile`.
        x: As for `check`.
        rates: As for `check`.
        moved: What this very training has moved so far, under an earlier optimizer or before it was stopped.

    Returns:
        What was found, in the order of the rules.
    """
    parts, pixels = anatomy(model), list(input_range(model, x))
    if not any(finding.stops for finding in pixels):
        pixels = list(base_range(model, x)) or pixels  # It knows better what is wanted.
    return [
        *pixels,
        *loss_output(model, loss),
        *random_head(optimizer, parts, rates),
        *thawed_batchnorm(optimizer, parts, moved),
        *high_rate(optimizer, parts, rates),
        *nothing_thawed(optimizer, parts, rates),
        *active_dropout(model, parts),
        *lora_without_layers(model),
    ]
