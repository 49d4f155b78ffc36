"""Which epoch a phase keeps, and what is said of it."""

import pytest

from recipes import Phase
from recipes.train import history


def rows(*accuracies):
    losses = [1 - accuracy for accuracy in accuracies]
    return [
        {"phase": "head", "epoch": epoch, "val_accuracy": accuracy, "val_loss": loss}
        for epoch, (accuracy, loss) in enumerate(zip(accuracies, losses, strict=True), start=1)
    ]


@pytest.mark.parametrize(
    ("keep", "accuracies", "images", "warned"),
    [
        ("last", (0.70, 0.84, 0.78), 341, True),  # Clothes of ten classes: epoch 2 was the best, and epoch 12 was kept.
        ("best", (0.70, 0.84, 0.78), 341, False),
        ("last", (0.70, 0.84, 0.83), 341, False),
        ("last", (0.70, 1.0, 0.95), 20, False),  # One photo.
        ("last", (0.70, 1.0, 0.90), 20, True),
    ],
)
def test_a_kept_epoch_that_is_clearly_worse_than_the_best_is_a_warning(keep, accuracies, images, warned, caplog):
    with caplog.at_level("INFO", logger="recipes"):
        history.say_what_is_kept(Phase("head", epochs=3, keep=keep), rows(*accuracies), images)
    kept = 2 if keep == "best" else 3
    assert f"head keeps epoch {kept} of 3: val_loss" in caplog.text
    advice = "phase 'head' keeps its last epoch, and epoch 2 had"
    assert (advice in caplog.text, "--set phases.head.keep=best" in caplog.text) == (warned, warned)
