"""How a recipe is searched."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """What is asked of keras-tuner.

    Attributes:
        tuner: `"bayesian"`, `"random"` or `"hyperband"`.
        objective: `"val_accuracy"` or `"val_loss"`.
        trials: So many, at most.
        hours: After so many no trial begins; `None` for as long as it takes.
    """

    tuner: str = "bayesian"
    objective: str = "val_accuracy"
    trials: int = 20
    hours: float | None = None
