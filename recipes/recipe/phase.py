"""A phase: which layers train, for how long, with which optimizer and schedule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from recipes.recipe.checks import integer, is_number, must, number, one_of

# Keras's names, each with the settings in which it is not to be Keras's default.
OPTIMIZERS: dict[str, dict[str, Any]] = {
    "adadelta": {},
    "adam": {},
    "adamw": {"weight_decay": 0.0},
    "lion": {},
    "rmsprop": {},
    "sgd": {"momentum": 0.9, "nesterov": True},
}
# They take no steps: the last layer is solved for, by scikit-learn.
SOLVERS = ("logistic_regression", "lda")
SCHEDULES = ("constant", "cosine", "one_cycle")


@dataclass(frozen=True)
class Phase:
    """One stretch of training, compiled afresh with a fresh optimizer.

    Attributes:
        name: Used in override paths and in the history.
        epochs: Passes over the training images, at most.
        train: Globs over layer names; `"stage:-1"` is the last stage of a base, from one halving of the image to the
            next (`zoo.structure.stages`). What none of them matches is frozen.
        rates: Discriminative rates: for a glob over layer names or a stage, as in `train`, the factor on every update
            of those layers. Of several that match, the first counts.
        optimizer: One of `OPTIMIZERS`. `sgd` has Nesterov momentum of 0.9; the rest is as in Keras: `adam` and `adamw`
            have betas of 0.9 and 0.999, `lion` of 0.9 and 0.99, `adadelta` rho of 0.95, `rmsprop` rho of 0.9 and no
            momentum; epsilon is 1e-7; gradients are not clipped. Or one of
            `SOLVERS`, in one epoch, for a last dense layer on frozen features: `logistic_regression`, or `lda`, linear
            discriminant analysis with shrinkage.
        learning_rate: The rate, or the peak of the schedule.
        schedule: `"constant"`; `"cosine"`, from the rate to zero; `"one_cycle"`, up from a 25th over the
            first 30%, then cosine to zero.
        weight_decay: Decoupled decay of kernels, each step: their share that is taken off, times the rate. 0 is none,
            with every optimizer. Of `logistic_regression`, on features of mean 0 and standard deviation 1, it is
            scikit-learn's 1/C and above 0.
        temperature: At the end the scores of the last layer, a dense one, are divided by it, so that its probabilities
            are as often right as they say. 1 leaves them.
        average_epochs: Length, in epochs, of an exponential moving average of the weights, which is then what
            is validated and kept; 0 for none.
        monitor: The figure of the history that chooses the best epoch.
        patience: Epochs without a better one before the phase stops; `None` never stops early.
        keep: `"best"` or `"last"` epoch's weights.
        save_every_epoch: Also keep each epoch's weights, named by epoch and validation accuracy.
    """

    name: str
    epochs: int
    train: tuple[str, ...] = ("*",)
    rates: Mapping[str, float] = field(default_factory=dict)
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    schedule: str = "constant"
    weight_decay: float = 0.0
    temperature: float = 1.0
    average_epochs: float = 0.0
    monitor: str = "val_loss"
    patience: int | None = None
    keep: str = "best"
    save_every_epoch: bool = False

    def faults(self) -> Iterator[str]:
        """Say what is wrong with the values, a sentence each."""
        yield from integer(self, "epochs", at_least=1, at_most=1_000_000)
        if not isinstance(self.train, tuple) or not all(isinstance(glob, str) for glob in self.train) or not self.train:
            yield must(self, "train", "a tuple of globs over layer names")
        if not all(is_number(factor) and 0 < factor <= 1 for factor in self.rates.values()):
            yield must(self, "rates", "factors above 0, at most 1, by glob over layer names")
        yield from one_of(self, "optimizer", (*OPTIMIZERS, *SOLVERS))
        yield from number(self, "learning_rate", above=0)
        yield from one_of(self, "schedule", SCHEDULES)
        yield from number(self, "weight_decay", at_least=0)
        yield from number(self, "temperature", above=0)
        yield from number(self, "average_epochs", at_least=0)
        yield from one_of(self, "monitor", ("val_loss", "val_accuracy"))
        if self.patience is not None:
            yield from integer(self, "patience", at_least=1)
        yield from one_of(self, "keep", ("best", "last"))
        if not isinstance(self.save_every_epoch, bool):
            yield must(self, "save_every_epoch", "true or false")
        if self.is_solved:
            plain = Phase(self.name, epochs=1)
            for name in ("epochs", "rates", "learning_rate", "schedule", "average_epochs", "patience"):
                if getattr(self, name) != getattr(plain, name):
                    yield (
                        f"{self.optimizer} takes no steps: {name} of phase {self.name!r} must be "
                        f"{getattr(plain, name)!r}. Got {getattr(self, name)!r} instead."
                    )
            if self.optimizer == "logistic_regression" and is_number(self.weight_decay) and not self.weight_decay > 0:
                yield must(self, "weight_decay", "above 0 for logistic_regression")

    @property
    def is_solved(self) -> bool:
        """Whether the last layer is solved for in place of training."""
        return self.optimizer in SOLVERS
