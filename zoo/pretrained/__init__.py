"""Pretrained bases as values, and where their weights come from."""

from functools import cache
from importlib.resources import files


@cache
def imagenet_classes() -> tuple[str, ...]:
    """The 1,000 classes of ImageNet in English, in the order in which networks give their probabilities."""
    lines = (files(__name__) / "imagenet_classes.txt").read_text("utf-8").splitlines()
    return tuple(line for line in lines if not line.startswith("#"))
