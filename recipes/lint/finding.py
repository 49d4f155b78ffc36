"""What the linter finds."""

from __future__ import annotations

from dataclasses import dataclass

DOCS = "https://keras-zoo-recipes.readthedocs.io/lint/"


@dataclass(frozen=True)
class Finding:
    """One mistake.

    Attributes:
        code: Name of the rule, and anchor of its section in the documentation.
        stops: Whether training would be worthless; otherwise it is a warning.
        message: What is wrong, where, and the fix.
    """

    code: str
    stops: bool
    message: str

    @property
    def link(self) -> str:
        """Address of the section that explains the rule."""
        return f"{DOCS}#{self.code}"

    def __str__(self) -> str:
        return f"{self.message} See {self.link}"
